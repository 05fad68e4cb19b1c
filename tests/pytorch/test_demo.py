"""LeNet-5 in PyTorch learns digits, is saved whole and loads again."""

import sys
from pathlib import Path

import numpy as np
import pytest

from homolog.demo import Digits, digits
from homolog.errors import MissingFramework, Unsafe
from homolog.pytorch import demo


@pytest.fixture(scope="module")
def data() -> Digits:
    return digits()


def ignore(label: str, done: int, total: int) -> None:
    pass


def test_two_epochs_teach_digits(data: Digits, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    trained = demo.train(data, tmp_path, epochs=2, seed=0, progress=lambda *news: heard.append(news))
    assert heard == [("PyTorch", done, 90) for done in range(1, 91)]
    assert trained.paths == (tmp_path / "lenet5.pt",)
    assert trained.accuracy > 0.5  # chance is 0.1

    probabilities = demo.outputs(trained.paths[0], data.test_images)
    assert (probabilities.shape, probabilities.dtype) == ((360, 10), np.float32)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert trained.accuracy == np.mean(probabilities.argmax(axis=1) == data.test_labels)


def test_the_seed_decides_and_nothing_else_does(data: Digits, tmp_path: Path) -> None:
    import torch

    few = Digits(data.train_images[:64], data.train_labels[:64], data.test_images, data.test_labels, data.origin)
    results = []
    for seed in (1, 1, 2):
        caller = torch.get_rng_state()
        path = demo.train(few, tmp_path, epochs=1, seed=seed, progress=ignore).paths[0]
        assert torch.equal(caller, torch.get_rng_state())
        torch.rand(1)
        results.append(demo.outputs(path, data.test_images))
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_the_network_is_the_one_asked_for() -> None:
    shapes = [tuple(parameter.shape) for parameter in demo.lenet5().parameters()]
    assert shapes == [
        (6, 1, 5, 5),
        (6,),
        (16, 6, 5, 5),
        (16,),
        (120, 16, 5, 5),
        (120,),
        (84, 120),
        (84,),
        (10, 84),
        (10,),
    ]


def test_a_pickle_of_other_code_is_not_run(tmp_path: Path) -> None:
    import torch

    torch.save(Path("anything"), tmp_path / "other.pt")
    with pytest.raises(Unsafe, match="not run"):
        demo.outputs(tmp_path / "other.pt", np.zeros((1, 28, 28), np.float32))


def test_missing_pytorch_names_the_extra(monkeypatch: pytest.MonkeyPatch, data: Digits, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingFramework, match="PyTorch"):
        demo.train(data, tmp_path, epochs=1, seed=0, progress=ignore)

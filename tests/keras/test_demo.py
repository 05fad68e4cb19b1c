"""LeNet-5 in Keras learns digits, is saved in both formats and loads again."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homolog.demo import Digits, digits
from homolog.errors import MissingFramework
from homolog.keras import demo


@pytest.fixture(scope="module")
def data() -> Digits:
    return digits()


def ignore(label: str, done: int, total: int) -> None:
    pass


def test_two_epochs_teach_digits(data: Digits, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    trained = demo.train(data, tmp_path, epochs=2, seed=0, progress=lambda *news: heard.append(news))
    assert heard == [("Keras", done, 90) for done in range(1, 91)]
    assert trained.paths == (tmp_path / "lenet5.h5", tmp_path / "lenet5.keras")
    assert trained.accuracy > 0.5  # chance is 0.1

    legacy, modern = (demo.outputs(path, data.test_images) for path in trained.paths)
    assert (legacy.shape, legacy.dtype) == ((360, 10), np.float32)
    np.testing.assert_array_equal(legacy, modern)
    np.testing.assert_allclose(legacy.sum(axis=1), 1, atol=1e-5)
    assert trained.accuracy == np.mean(legacy.argmax(axis=1) == data.test_labels)


def test_the_seed_decides(data: Digits, tmp_path: Path) -> None:
    few = Digits(data.train_images[:64], data.train_labels[:64], data.test_images, data.test_labels, data.origin)
    results = [
        demo.outputs(demo.train(few, tmp_path, epochs=1, seed=seed, progress=ignore).paths[0], data.test_images)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_the_network_is_the_one_asked_for() -> None:
    shapes = [weight.shape for weight in demo.lenet5().weights]
    assert shapes == [
        (5, 5, 1, 6),
        (6,),
        (5, 5, 6, 16),
        (16,),
        (5, 5, 16, 120),
        (120,),
        (120, 84),
        (84,),
        (84, 10),
        (10,),
    ]


@pytest.mark.slow
def test_nothing_is_written_to_the_screen(tmp_path: Path) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        import numpy as np
        from homolog.demo import Digits
        from homolog.keras import demo
        images, labels = np.zeros((32, 28, 28), np.float32), np.zeros(32, np.int64)
        data = Digits(images, labels, images, labels, "nothing")
        demo.train(data, Path(sys.argv[1]), epochs=1, seed=0, progress=lambda *news: None)
    """
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_missing_keras_names_the_extra(monkeypatch: pytest.MonkeyPatch, data: Digits, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingFramework, match="Keras"):
        demo.train(data, tmp_path, epochs=1, seed=0, progress=ignore)

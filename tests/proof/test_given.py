"""Inputs of a proof that the user brings, and files of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog import api
from homolog.errors import Unreadable, Unsupported, Usage
from homolog.live import Run
from homolog.proof.given import load_inputs, save_inputs
from homolog.signature import Given
from twins import PAIRS


def copied(name: str) -> tuple[Any, Any]:
    source, target = PAIRS[name].torch(), PAIRS[name].keras()
    homolog.copy(source, target)
    return source, target


def test_arrays_come_back_bit_for_bit_whatever_their_names(tmp_path: Path) -> None:
    arrays = {
        "input_ids": np.arange(6).reshape(2, 3),
        "file": np.array([[1.5, -0.0]], np.float32),  # a word that numpy.savez takes for itself
        "mask": np.array([[True, False]]),
        "images.0": np.asfortranarray(np.random.default_rng(0).standard_normal((2, 3))),
    }

    save_inputs(tmp_path / "x.npz", arrays)
    found = load_inputs(tmp_path / "x.npz")

    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
    with np.load(tmp_path / "x.npz") as plain:
        assert set(plain.files) == set(arrays)


def test_what_numpy_wrote_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.ones(3))

    np.testing.assert_array_equal(load_inputs(tmp_path / "x.npz")["x"], np.ones(3))


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    out = tmp_path / "x.npz"
    save_inputs(out, {"x": np.ones(1)})

    with pytest.raises(Usage, match="exists"):
        save_inputs(out, {"x": np.zeros(1)})
    assert load_inputs(out)["x"] == 1
    save_inputs(out, {"x": np.zeros(1)}, force=True)
    assert load_inputs(out)["x"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_a_file_of_inputs_has_its_ending(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"\.npz"):
        save_inputs(tmp_path / "x.npy", {"x": np.ones(1)})
    assert not list(tmp_path.iterdir())


class TestFilesThatAreNone:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(Unreadable, match="no such file"):
            load_inputs(tmp_path / "x.npz")

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no zip at all" * 100])
    def test_no_zip(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(Unreadable, match="no file of inputs"):
            load_inputs(tmp_path / "x.npz")

    def test_empty(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz")
        with pytest.raises(Unreadable, match="no inputs") as caught:
            load_inputs(tmp_path / "x.npz")
        assert caught.value.found == "no arrays"

    def test_objects_are_refused_and_not_unpickled(self, tmp_path: Path) -> None:
        trap = np.empty(1, object)
        trap[0] = _Trap(tmp_path / "sprung")
        np.savez(tmp_path / "x.npz", x=trap)

        with pytest.raises(Unreadable, match="cannot be read") as caught:
            load_inputs(tmp_path / "x.npz")
        assert "Object arrays" in str(caught.value.found)
        assert not (tmp_path / "sprung").exists()

    def test_text(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", x=np.array(["a"]), y=np.ones(1))
        with pytest.raises(Unreadable, match="no inputs") as caught:
            load_inputs(tmp_path / "x.npz")
        assert caught.value.found == "x: <U1"

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x09\x00{'descr':", b"hello"])
    def test_a_member_that_is_no_array(self, tmp_path: Path, content: bytes) -> None:
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("x.npy", content)
        with pytest.raises(Unreadable):
            load_inputs(tmp_path / "x.npz")

    def test_cut_off_or_changed(self, tmp_path: Path) -> None:
        whole = tmp_path / "whole.npz"
        np.savez_compressed(whole, x=np.random.default_rng(0).standard_normal(300))
        content = bytearray(whole.read_bytes())
        for place in range(0, len(content), 97):
            changed = bytearray(content)
            changed[place] ^= 0xFF
            (tmp_path / "x.npz").write_bytes(changed)
            try:
                load_inputs(tmp_path / "x.npz")
            except Unreadable:
                continue  # anything else is a bug


class _Trap:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


class Watched:
    """What a live PyTorch model is run on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from homolog.pytorch.run import LiveTorch

        self.seen: list[dict[str, Any]] = []
        run = LiveTorch.run

        def watched(live: LiveTorch, inputs: Given, *args: Any, **kwargs: Any) -> Run:
            self.seen.append(dict(inputs))  # type: ignore[call-overload]
            return run(live, inputs, *args, **kwargs)

        monkeypatch.setattr(LiveTorch, "run", watched)


class TestVerify:
    def test_runs_on_the_arrays_given_in_order_or_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source, target = copied("two_in_two_out")
        random = np.random.default_rng(5)
        image, table = (random.standard_normal(shape).astype(np.float32) for shape in ((4, 3, 5, 4), (4, 5)))
        names = list(api.drawn_inputs(source, target))
        watched = Watched(monkeypatch)

        for given in ([image, table], {names[1]: table, names[0]: image}, {"arr_1": table, "arr_0": image}):
            watched.seen.clear()
            proof = homolog.verify(source, target, given)
            assert proof.passed, proof
            assert len(watched.seen) >= 1
            for inputs in watched.seen:
                assert list(inputs) == names
                np.testing.assert_array_equal(inputs[names[0]], image)
                np.testing.assert_array_equal(inputs[names[1]], table)

    def test_a_difference_that_only_these_inputs_show_is_found(self) -> None:
        from torch import nn

        import keras

        source = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        target = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.ReLU(max_value=1e3)])
        target.layers[0].set_weights([source[0].weight.detach().numpy().T, source[0].bias.detach().numpy()])
        large = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32) * 1e5

        plain, given = (
            next(part for part in homolog.verify(source, target, inputs).parts if part.name == "outputs")
            for inputs in (None, [large])
        )
        assert (plain.passed, given.passed) == (True, False)

    def test_what_was_drawn_can_be_saved_and_proven_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, target = copied("text")
        drawn = api.drawn_inputs(source, target, seed=3, batch=4)
        save_inputs(tmp_path / "x.npz", drawn)
        watched = Watched(monkeypatch)

        assert homolog.verify(source, target, load_inputs(tmp_path / "x.npz")).passed
        (name,) = drawn
        assert all(np.array_equal(inputs[name], drawn[name]) for inputs in watched.seen)

    def test_what_is_drawn_is_what_verify_runs_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source, target = copied("digits")
        watched = Watched(monkeypatch)

        homolog.verify(source, target, seeds=(7, 8))

        (first,) = watched.seen[0].values()
        (drawn,) = api.drawn_inputs(source, target, seed=7).values()
        np.testing.assert_array_equal(first, drawn)

    @pytest.mark.parametrize(
        ("inputs", "what"),
        [
            ([np.zeros((2, 18, 14, 1), np.float32), np.zeros(1)], "number of inputs|not those"),
            ({"nothing": np.zeros((2, 18, 14, 1), np.float32)}, "not those that the network takes"),
            ([np.zeros((2, 18, 14, 1), np.int64)], "another element type"),
            ([np.full((2, 18, 14, 1), np.inf, np.float32)], "infinite"),
        ],
    )
    def test_inputs_that_do_not_fit_a_keras_model(self, inputs: Any, what: str) -> None:
        source, target = copied("digits")

        with pytest.raises(homolog.HomologError, match=what):
            homolog.verify(target, source, inputs)

    @pytest.mark.parametrize("shape", [(2, 1, 18, 14), (2, 18, 15, 1), (2, 18, 14)])
    def test_a_shape_that_a_keras_model_does_not_take(self, shape: tuple[int, ...]) -> None:
        source, target = copied("digits")

        with pytest.raises(homolog.HomologError, match="shape") as caught:
            homolog.verify(target, source, [np.zeros(shape, np.float32)])
        assert caught.value.expected == "(batch, 18, 14, 1)"
        assert caught.value.found == str(shape)

    def test_names_that_a_pytorch_module_does_not_take(self) -> None:
        source, target = copied("vgg")

        with pytest.raises(Usage, match="not those") as caught:
            homolog.verify(source, target, {"pictures": np.zeros((2, 3, 9, 8), np.float32)})
        assert caught.value.found == "pictures"

    def test_arrays_and_shapes_are_not_mixed(self) -> None:
        source, target = copied("two_in_two_out")

        with pytest.raises(Usage, match="some are shapes"):
            homolog.verify(source, target, [np.zeros((2, 3, 5, 4), np.float32), (2, 5)])


class TestSizes:
    def conv(self, *, padding: int) -> tuple[Any, Any]:
        """A strided convolution, padded before (0) or behind (1) in PyTorch, as Keras pads even lengths."""
        from torch import nn

        import keras

        source = nn.Sequential(nn.ZeroPad2d((1 - padding, 1, 1 - padding, 1)), nn.Conv2d(3, 4, 3, 2))
        inputs = keras.Input((None, None, 3))
        target = keras.Model(inputs, keras.layers.Conv2D(4, 3, 2, padding="same")(inputs))
        target.layers[-1].set_weights(
            [source[1].weight.detach().numpy().transpose(2, 3, 1, 0), source[1].bias.detach().numpy()]
        )
        return source, target

    def test_paddings_that_agree_on_even_lengths_alone(self) -> None:
        source, target = self.conv(padding=1)

        proof = homolog.verify(source, target, [(1, 3, 64, 64)])

        parts = {part.name: part for part in proof.parts}
        assert parts["outputs"].passed
        assert not parts["other sizes"].passed
        assert "67 x 53" in parts["other sizes"].details[0]

    def test_the_same_network_is_the_same_on_odd_lengths(self) -> None:
        import keras

        source = self.conv(padding=1)[1]
        inputs = keras.Input((None, None, 3))
        target = keras.Model(inputs, keras.layers.Conv2D(4, 3, 2, padding="same")(inputs))
        target.set_weights(source.get_weights())

        proof = homolog.verify(source, target, [(1, 64, 64, 3)])

        assert proof.passed, proof
        assert "other sizes" in [part.name for part in proof.parts]

    def test_a_network_of_a_fixed_size_is_left_at_it(self) -> None:
        assert "other sizes" not in [part.name for part in homolog.verify(*copied("digits")).parts]

    def test_a_module_that_takes_one_size_alone_is_left_at_it(self) -> None:
        from torch import nn

        import keras

        class Fixed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x: Any) -> Any:
                return self.conv(x).view(-1, 4, 62, 62).mean((2, 3))

        source = Fixed()
        inputs = keras.Input((None, None, 3))
        target = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs)))
        homolog.copy(source, target, inputs=[(1, 3, 64, 64)])

        proof = homolog.verify(source, target, [(1, 3, 64, 64)])

        assert next(part.passed for part in proof.parts if part.name == "outputs"), proof
        assert "other sizes" not in [part.name for part in proof.parts]


class TestMemory:
    def test_networks_that_do_not_fit_are_refused_before_they_are_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source, target = copied("digits")
        monkeypatch.setattr("homolog.proof.memory.available", lambda: 1000)

        with pytest.raises(Unsupported, match="do not fit into memory") as caught:
            homolog.verify(source, target)
        assert caught.value.found == "0.0 MB"
        assert "--no-run" in str(caught.value.help)
        with pytest.raises(Unsupported, match="do not fit into memory"):
            homolog.copy(source, target)
        assert homolog.verify(source, target, run=False).passed

    def test_what_is_needed_is_counted(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        from torch import nn

        from homolog.opening import open_network
        from homolog.proof import memory

        source = nn.Linear(1000, 100, bias=False)  # 100,000 numbers: 0.8 MB in float64
        for left, fits in ((790_000, False), (810_000, True)):
            monkeypatch.setattr(memory, "available", lambda left=left: left)
            if fits:
                memory.require_room(open_network(source), open_network(source))
            else:
                with pytest.raises(Unsupported, match=r"0\.8 MB for a copy in float64"):
                    memory.require_room(open_network(source), open_network(source))

    def test_a_file_must_be_built_first(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        import torch
        from torch import nn

        from homolog.opening import open_network
        from homolog.proof import memory

        torch.save(nn.Sequential(nn.Linear(1000, 100, bias=False)), tmp_path / "net.pt")
        network = open_network(tmp_path / "net.pt")
        monkeypatch.setattr(memory, "available", lambda: 1_000_000)

        with pytest.raises(Unsupported, match=r"0\.4 MB for the weights"):
            memory.require_room(network, open_network(nn.Linear(2, 2)))
        _ = network.live
        memory.require_room(network, open_network(nn.Linear(2, 2)))

    def test_the_system_says_what_is_left(self) -> None:
        from homolog.proof.memory import available

        found = available()
        assert found is None or 10**6 < found < 10**14

    def test_a_system_that_says_nothing_refuses_nothing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        from homolog.proof import memory

        def none(name: str) -> int:
            raise ValueError(name)

        monkeypatch.setattr(memory, "MEMINFO", tmp_path / "absent")
        monkeypatch.setattr(memory.os, "sysconf", none)

        assert memory.available() is None


def test_errors_say_themselves_in_json() -> None:
    try:
        load_inputs("nowhere.npz")
    except Unreadable as error:
        assert json.loads(json.dumps(error.to_dict()))["where"] == "nowhere.npz"

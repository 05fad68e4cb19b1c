"""Images resized by the kernels of Keras's backend, whatever PyTorch's are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
import keras
from homolog.errors import Unsupported
from homolog.keras.emitting.interpolation import Axis, smooth
from homolog.keras.resizing import weights
from keras import layers, ops

LENGTHS = ((13, 26), (17, 34))


def of_tensorflow(interpolation: str, antialias: bool = False) -> Any:
    return lambda units, size: ops.image.resize(units, size, interpolation=interpolation, antialias=antialias)


def test_the_weights_are_pytorch_s_where_they_are_the_same() -> None:
    found, antialias = weights(LENGTHS, "bicubic", of_tensorflow("bicubic"))
    assert antialias is True  # twice as long: the same kernel, and places that TensorFlow's table has
    assert all((one == smooth(Axis(*two), is_cubic=True)).all() for one, two in zip(found, LENGTHS, strict=True))
    assert weights(((13, 7), (17, 30)), "bilinear", of_tensorflow("bilinear"))[1] is False
    assert weights(((13, 7), (17, 30)), "bilinear", of_tensorflow("bilinear", antialias=True))[1] is True


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3", "lanczos5"])
def test_other_weights_are_what_the_backend_makes_of_the_unit_vectors(interpolation: str) -> None:
    resize = of_tensorflow(interpolation)
    (rows, columns), antialias = weights(((13, 21), (17, 6)), interpolation, resize)
    assert (rows.shape, columns.shape, antialias) == ((21, 13), (6, 17), None)
    image = np.random.default_rng(0).standard_normal((1, 13, 17, 1)).astype(np.float32)
    made = (rows.astype(np.float64) @ image[0, :, :, 0] @ columns.astype(np.float64).T)[None, :, :, None]
    np.testing.assert_allclose(np.asarray(resize(image, (21, 6))), made, atol=2e-6)


SQUEEZED: dict[str, Any] = {"height": 20, "width": 11, "interpolation": "bicubic"}
LAYERS = {
    "cubic, larger": layers.Resizing(24, 31, interpolation="bicubic"),
    "cubic, smaller": layers.Resizing(7, 9, interpolation="bicubic"),
    "cubic, smooth": layers.Resizing(7, 9, interpolation="bicubic", antialias=True),
    "linear, smooth": layers.Resizing(7, 9, antialias=True),
    "lanczos": layers.Resizing(7, 29, interpolation="lanczos3"),
    "lanczos, smooth": layers.Resizing(7, 29, interpolation="lanczos5", antialias=True),
    "twice": layers.UpSampling2D(2, interpolation="bicubic"),
    "other factors": layers.UpSampling2D((3, 2), interpolation="lanczos3"),
    "cropped": layers.Resizing(**SQUEEZED, crop_to_aspect_ratio=True),
    "padded": layers.Resizing(**SQUEEZED, pad_to_aspect_ratio=True, fill_value=0.5),
    "padded, linear": layers.Resizing(20, 11, pad_to_aspect_ratio=True, fill_value=0.5),
    "channels first": layers.Resizing(7, 9, interpolation="bicubic", data_format="channels_first"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_resizes_is_translated(name: str) -> None:
    entry = keras.Input((3, 13, 17) if name == "channels first" else (13, 17, 3))
    translation = homolog.translate(keras.Model(entry, LAYERS[name](entry)), to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_pytorch_s_own_interpolation_is_written_where_it_is_the_same() -> None:
    entry = keras.Input((13, 17, 3))
    twice = layers.UpSampling2D(2, interpolation="bicubic")(entry)
    assert 'mode="bicubic", antialias=True' in homolog.translate(keras.Model(entry, twice), to="torch").source


def test_an_operation_over_lengths_that_are_left_open_fixes_them() -> None:
    entry = keras.Input((None, None, 3))
    model = keras.Model(entry, ops.image.resize(entry, (9, 30), interpolation="bicubic"))
    translation = homolog.translate(model, to="torch")
    assert translation.proof.passed, str(translation.proof)
    assert translation.notes[0].startswith("lengths that the source leaves open are fixed")


def test_whole_numbers_are_refused_for_what_is_cut_off_of_them() -> None:
    entry = keras.Input((13, 17, 3), dtype="uint8")
    with pytest.raises(Unsupported, match="whole numbers"):
        homolog.translate(keras.Model(entry, layers.Resizing(20, 11)(entry)), to="torch")
    nearest = layers.Resizing(20, 11, interpolation="nearest")(entry)
    assert "nearest" in homolog.translate(keras.Model(entry, nearest), to="torch").source

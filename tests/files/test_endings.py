"""Which format a file name asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from homolog.errors import Usage
from homolog.files.checkpoint import Format
from homolog.files.endings import form_of


@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        (Format.TORCH_MODULE, "out.h5"),
        (Format.TORCH_MODULE, "out.safetensors"),
        (Format.SAFETENSORS, "out.pt"),
        (Format.KERAS, "out.h5"),
        (Format.KERAS_H5, "out.keras"),
        (Format.KERAS_H5, "out.weights.h5"),
        (Format.KERAS_WEIGHTS, "out.h5"),
    ],
)
def test_it_is_the_target_s(own: Format, wrong: str) -> None:
    framework = "keras" if own.value.startswith("keras") else "pytorch"
    with pytest.raises(Usage, match="another format"):
        form_of(Path(wrong), own, framework)


@pytest.mark.parametrize("name", ["out.pt", "out.pth", "out.bin", "out"])
def test_it_has_several_endings(name: str) -> None:
    assert form_of(Path(name), Format.TORCH_MODULE, "pytorch") is Format.TORCH_MODULE


@pytest.mark.parametrize("name", ["x.h5", "x", "x.zip"])
def test_it_follows_the_name_where_there_is_no_file(name: str) -> None:
    assert form_of(Path("x.safetensors"), None, "pytorch") is Format.SAFETENSORS
    with pytest.raises(Usage, match="does not say a format"):
        form_of(Path(name), None, "pytorch")


def test_the_endings_of_the_own_format_are_named() -> None:
    with pytest.raises(Usage, match=r"ends in \.pt or \.pth or \.bin"):
        form_of(Path("out.h5"), Format.TORCH_MODULE, "pytorch")

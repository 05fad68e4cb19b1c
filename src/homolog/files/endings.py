"""Which format a file name asks for."""

from __future__ import annotations

from pathlib import Path

from homolog.errors import Usage
from homolog.files.checkpoint import Format

FORMS = {
    ".weights.h5": Format.KERAS_WEIGHTS,
    ".h5": Format.KERAS_H5,
    ".hdf5": Format.KERAS_H5,
    ".keras": Format.KERAS,
    ".safetensors": Format.SAFETENSORS,
    ".pt": Format.TORCH_STATE,
    ".pth": Format.TORCH_STATE,
    ".bin": Format.TORCH_STATE,
}
"""What a file name asks for, where a model is written that came from no file."""

WITH_SETTINGS = {Format.TORCH_MODULE, Format.KERAS_H5, Format.KERAS}
"""Formats that hold the model and not its weights alone."""

OF_FRAMEWORK = {
    "pytorch": ("torch-module", "torch-state", "safetensors"),
    "keras": ("keras-h5", "keras", "keras-weights"),
}

SUFFIX_OF = {Format.TORCH_MODULE: Format.TORCH_STATE, Format.KERAS_H5_WEIGHTS: Format.KERAS_H5}
"""Formats that share their names' endings with another."""


def form_of(out: Path, own: Format | None, framework: str) -> Format:
    """The format that a network is written in at ``out``.

    Args:
        out: where to.
        own: the format of the network's own file, if it came from one; it is kept.
        framework: ``pytorch`` or ``keras``.

    Raises:
        Usage: the name asks for another format than the network's own, or for none that is known.
    """
    named = next((form for ending, form in FORMS.items() if out.name.endswith(ending)), None)
    if own is None:
        if named is None or named not in OF_FRAMEWORK[framework]:
            known = (ending for ending, form in FORMS.items() if form in OF_FRAMEWORK[framework])
            raise Usage(
                "the output's name does not say a format of its framework",
                where=str(out),
                expected=", ".join(known),
            )
        return named
    if named is not None and named != SUFFIX_OF.get(own, own):
        endings = (ending for ending, form in FORMS.items() if form == SUFFIX_OF.get(own, own))
        raise Usage(
            "the output's name asks for another format than the target's",
            where=str(out),
            expected=f"a name for {own}, which ends in {' or '.join(endings)}",
            found=str(named),
        )
    return own

"""What is in a file of weights, whichever of the formats it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from homolog.errors import Mismatch, Unsupported
from homolog.files.keras_config import settings_at
from homolog.modules import Module
from homolog.tensors import Array, TensorRef

Named = Iterable[tuple[str, Array]]
Config = Mapping[str, Any]
Writer = Callable[[Path, Named, Config | None], None]


class Format(StrEnum):
    """The formats homolog reads, and those it writes."""

    TORCH_MODULE = "torch-module"
    TORCH_STATE = "torch-state"
    SAFETENSORS = "safetensors"
    KERAS_H5 = "keras-h5"
    KERAS_H5_WEIGHTS = "keras-h5-weights"
    KERAS = "keras"
    KERAS_WEIGHTS = "keras-weights"
    # These are read, and not written.
    TORCHSCRIPT = "torchscript"
    TORCH_EXPORTED = "torch-exported"
    SHARDED = "sharded"
    SHARDED_KERAS = "sharded-keras"
    NUMPY = "numpy"
    TENSORFLOW = "tensorflow"
    ONNX = "onnx"
    FLAX = "flax"


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights, opened: everything known, nothing read, nothing run.

    Attributes:
        path: the file.
        format: how it is written.
        framework: whose it is; None where the format belongs to neither.
        tensors: the model's weights by the name a user knows, in the file's order.
        modules: the tree of a whole pickled ``nn.Module``.
        config: a Keras architecture, ``{"class_name": ..., "config": ...}``, parsed but never deserialised.
        groups: Keras only: layer path (``conv2d``, ``outer/inner`` for nested models) to its tensors in Keras's
            order of creation.
        extras: in words, what else the file holds.
        unsafe: the code the file asks for: globals of a pickle outside the allowed list, Lambda layers of a
            config. Looking is safe; whoever wants to build the model refuses while this is not empty.
        writer: writes the new file for ``rewrite``, with another architecture if it is given one; set by the reader
            of the format.
    """

    path: Path
    format: Format
    framework: Literal["pytorch", "keras"] | None
    tensors: Mapping[str, TensorRef]
    writer: Writer = field(repr=False, compare=False)
    modules: Module | None = None
    config: Config | None = None
    groups: Mapping[str, tuple[TensorRef, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()

    def rewrite(self, out: Path, arrays: Named, config: Config | None = None) -> None:
        """Writes a new file like this one, in which the named tensors have the new values.

        Everything else is kept: architecture, optimizer state, metadata, and the tensors not named. The arrays are
        taken one at a time, so an iterator that makes them as it goes never holds two.

        Args:
            out: a path at which there is no file yet, such as ``atomic`` yields; never this checkpoint's own.
            arrays: name and new value, of the stored shape and dtype, each name at most once.
            config: an architecture to write instead of the file's own ``config``.

        Raises:
            Unsupported: an architecture for a file that has none.
            Mismatch: an unknown or repeated name, another shape or dtype, or two values for bytes that are shared.
            Unreadable: the file was changed or damaged since it was opened.
        """
        if config is not None and self.config is None:
            raise Unsupported("the file holds no architecture", where=str(self.path), found=str(self.format))
        self.writer(out, checked(self.tensors, arrays, self.path), config)

    def setting(self, layer: str, keys: Sequence[str]) -> object:
        """What the file says of one setting of one layer.

        Args:
            layer: its path.
            keys: names of the setting, of which the file has one.

        Raises:
            Mismatch: the file does not say it.
        """
        held: Mapping[str, object] = {}
        if self.config is not None:
            held = settings_at(self.config, layer)
        elif self.modules is not None:
            held = next((module.attributes for module in self.modules.walk() if module.path == layer), {})
        for key in keys:
            if key in held:
                return held[key]
        raise Mismatch("the file does not keep this setting", where=f"{self.path}: {layer}", expected=keys[0])


def read_only(path: Path, format: Format) -> Writer:
    """The ``writer`` of a format that is read and not written."""

    def write(out: Path, arrays: Named, config: Config | None) -> None:
        raise Unsupported(
            "a file of this format can be copied from, and not written",
            where=str(path),
            found=str(format),
            expected="a target in PyTorch's zip, safetensors, .h5 or .keras",
        )

    return write


def checked(tensors: Mapping[str, TensorRef], arrays: Named, path: Path) -> Named:
    """The same pairs, each compared with the tensor it replaces before it is handed on.

    Raises:
        Mismatch: see ``Checkpoint.rewrite``.
    """
    seen: set[str] = set()
    for name, array in arrays:
        where = f"{path}: {name}"
        if name not in tensors:
            raise Mismatch("the file has no tensor of this name", where=where)
        if name in seen:
            raise Mismatch("a tensor was given two values", where=where)
        ref = tensors[name]
        if array.shape != ref.shape or array.dtype.name != ref.dtype:
            raise Mismatch(
                "a new value does not fit the tensor it replaces",
                where=where,
                expected=f"{ref.dtype} {ref.shape}",
                found=f"{array.dtype.name} {array.shape}",
            )
        seen.add(name)
        yield name, array

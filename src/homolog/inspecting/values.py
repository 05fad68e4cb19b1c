"""A value in one line. An array is never dumped: it shows as its dtype and shape, and on demand in figures."""

from __future__ import annotations

from collections.abc import Mapping, Set, Sized
from dataclasses import dataclass
from itertools import islice

import numpy as np

from homolog.tensors import Array, TensorRef

_FEW = 4  # values, items and entries that are shown of many


@dataclass(frozen=True)
class Figures:
    """What the values of an array are like.

    Attributes:
        dtype: name of the element type, as numpy or the framework gives it.
        shape: the length of each axis, None for one that is open; None where even their number is.
        low, high, mean: of the finite values, None where there are none or they could not be read.
        not_finite: how many values are infinite or NaN.
        first: the first few values.
        unread: why the values could not be read, if so.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    not_finite: int = 0
    first: tuple[float, ...] = ()
    unread: str | None = None

    def __str__(self) -> str:
        parts = [_brief(self.dtype, self.shape)]
        if self.unread is not None:
            parts.append(f"values not readable: {self.unread}")
        if self.low is not None and self.high is not None and self.mean is not None:
            parts.append(f"min {self.low:.6g}, max {self.high:.6g}, mean {self.mean:.6g}")
        if self.not_finite:
            parts.append(f"{self.not_finite} not finite")
        if self.first:
            parts.append(f"first {', '.join(f'{value:.6g}' for value in self.first)}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data: values that JSON cannot write are texts."""
        return {
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "min": self.low,
            "max": self.high,
            "mean": self.mean,
            "not_finite": self.not_finite,
            "first": [value if np.isfinite(value) else str(value) for value in self.first],
            "unread": self.unread,
        }


def is_array(value: object) -> bool:
    """Whether it is an array or tensor of any library: something whose class has a shape and a dtype."""
    if isinstance(value, TensorRef):
        return True
    kind = type(value)
    return kind is not type and hasattr(kind, "shape") and hasattr(kind, "dtype") and not isinstance(value, np.generic)


def figures(value: object) -> Figures:
    """Reads an array of any library and sums it up."""
    dtype, shape = _dtype(value), _shape(value)
    try:
        array = _numpy(value)
    # Symbolic, sparse, meta and quantised tensors refuse, each with errors of their own library.
    except Exception as error:  # noqa: BLE001
        return Figures(dtype, shape, unread=_one_line(f"{type(error).__name__}: {error}"))
    finite = array[np.isfinite(array)]
    first = tuple(float(one) for one in islice(array.flat, _FEW))
    if not finite.size:
        return Figures(dtype, shape, not_finite=array.size, first=first)
    low, high, mean = float(finite.min()), float(finite.max()), float(finite.mean(dtype=np.float64))
    return Figures(dtype, shape, low, high, mean, array.size - finite.size, first)


def is_container(value: object) -> bool:
    """Whether it is a dict, set, list or tuple of any kind."""
    return isinstance(value, Mapping | Set | list | tuple)


def items(value: object, most: int = 100) -> tuple[str, ...]:
    """The first items of a container or generator, each in one line; the last line says so if there are more."""
    pairs = isinstance(value, Mapping)
    taken = list(islice(value.items() if isinstance(value, Mapping) else iter(value), most + 1))  # type: ignore[call-overload]
    lines = [f"{one[0]}: {short(one[1])}" if pairs else short(one) for one in taken[:most]]
    if len(taken) > most:
        lines.append(f"… and {len(value) - most} more" if isinstance(value, Sized) else "… and more")
    return tuple(lines)


def short(value: object, limit: int = 80) -> str:
    """The value in one line of at most ``limit`` characters, arrays by dtype and shape."""
    return _one_line(_text(value, depth=3), limit)


def _text(value: object, depth: int) -> str:
    if is_array(value):
        return _brief(_dtype(value), _shape(value))
    if isinstance(value, Mapping | Set | list | tuple):
        return _walked(value, depth)
    try:
        return repr(value)
    # A class's own repr may raise anything, and one that does must not hide the rest of the list.
    except Exception as error:  # noqa: BLE001
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


def _walked(value: Mapping[object, object] | Set[object] | list[object] | tuple[object, ...], depth: int) -> str:
    """Containers are walked here, as their own repr would dump the arrays in them."""
    if depth == 0:
        return "…"
    few = list(islice(iter(value), _FEW))
    if isinstance(value, Mapping):
        parts = [f"{_text(key, depth - 1)}: {_text(value[key], depth - 1)}" for key in few]
    else:
        parts = [_text(one, depth - 1) for one in few]
    if len(value) > _FEW:
        parts.append(f"… {len(value)} in all")
    opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]") if isinstance(value, list) else ("{", "}")
    if isinstance(value, tuple) and len(value) == 1:
        closing = ",)"
    return opening + ", ".join(parts) + closing


def _brief(dtype: str, shape: tuple[int | None, ...] | None) -> str:
    return f"{dtype} {'(shape unknown)' if shape is None else shape}"


def _one_line(text: str, limit: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _dtype(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def _shape(value: object) -> tuple[int | None, ...] | None:
    try:
        return tuple(None if length is None else int(length) for length in value.shape)  # type: ignore[attr-defined]
    except (TypeError, ValueError, RuntimeError):
        return None  # a TensorFlow tensor of unknown rank, a PyTorch parameter that waits for its first input


def _numpy(value: object) -> Array:
    if isinstance(value, TensorRef):
        value = value.read()
    if hasattr(type(value), "detach"):  # PyTorch, which hands numpy nothing that has a gradient or a small float type
        value = value.detach().cpu()  # type: ignore[attr-defined]
        if _dtype(value).startswith(("bfloat", "float8")):
            value = value.float()  # type: ignore[attr-defined]
    array = np.asarray(value)
    if array.dtype.kind == "c":
        raise TypeError("complex numbers have no order")
    # Small float types have no figures of their own in numpy.
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)

"""A value in one line. An array is never dumped: it shows as its dtype and shape, and on demand in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from itertools import islice

from homolog.errors import Unreadable
from homolog.tensors import Array, TensorRef

_FEW = 4  # values, items and entries that are shown of many
_PIECE = 1 << 20  # values that are summed up at once


@dataclass(frozen=True)
class Figures:
    """What the values of an array are like; of complex numbers, what their real and imaginary parts are like.

    Attributes:
        dtype: name of the element type, as numpy or the framework gives it.
        shape: the length of each axis, None for one that is open; None where even their number is.
        low, high, mean, std: of the finite values, None where there are none or they could not be read.
        nan, inf: how many values are NaN, and how many are infinite.
        first: the first few values.
        unread: why the values could not be read, if so.
        damaged: whether that is because the file they are in is damaged.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    nan: int = 0
    inf: int = 0
    first: tuple[float, ...] = ()
    unread: str | None = None
    damaged: bool = False

    @property
    def not_finite(self) -> int:
        """How many values are infinite or NaN."""
        return self.nan + self.inf

    def __str__(self) -> str:
        parts = [_brief(self.dtype, self.shape)]
        if self.unread is not None:
            parts.append(f"values not readable: {self.unread}")
        if self.low is not None and self.high is not None and self.mean is not None:
            parts.append(f"min {self.low:.6g}, max {self.high:.6g}, mean {self.mean:.6g}")
        if self.std is not None:
            parts.append(f"std {self.std:.6g}")
        parts += [f"{number:,} {word}" for number, word in ((self.nan, "NaN"), (self.inf, "Inf")) if number]
        if self.first:
            parts.append(f"first {', '.join(f'{value:.6g}' for value in self.first)}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data: values that JSON cannot write are texts."""
        import numpy as np

        return {
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "min": self.low,
            "max": self.high,
            "mean": self.mean,
            "std": self.std,
            "nan": self.nan,
            "inf": self.inf,
            "not_finite": self.not_finite,
            "first": [value if np.isfinite(value) else str(value) for value in self.first],
            "unread": self.unread,
        }


def is_array(value: object) -> bool:
    """Whether it is an array or tensor of any library: something whose class has a shape and a dtype."""
    import numpy as np

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
        reason = _one_line(f"{type(error).__name__}: {error}")
        return Figures(dtype, shape, unread=reason, damaged=isinstance(error, Unreadable))
    first = tuple(float(one) for one in islice(array.flat, _FEW))
    return _summed(array).figures(dtype, shape, first)


@dataclass
class _Sums:
    """What is known of the values so far: the finite ones' number, mean and sum of squares about it, and extremes."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = float("inf")
    high: float = -float("inf")
    nan: int = 0
    inf: int = 0

    def add(self, other: _Sums) -> None:
        """Other values beside these, by the formula of Chan, Golub and LeVeque, which does not lose digits."""
        count = self.count + other.count
        if other.count:
            apart = other.mean - self.mean
            self.squares += other.squares + apart * apart * self.count * other.count / count
            self.mean += apart * other.count / count
        self.count = count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.nan, self.inf = self.nan + other.nan, self.inf + other.inf

    def figures(
        self, dtype: str, shape: tuple[int | None, ...] | None, first: tuple[float, ...] = (), unread: str | None = None
    ) -> Figures:
        """The figures that these sums come to."""
        if not self.count:
            return Figures(dtype, shape, nan=self.nan, inf=self.inf, first=first, unread=unread)
        std = (self.squares / self.count) ** 0.5
        return Figures(dtype, shape, self.low, self.high, self.mean, std, self.nan, self.inf, first, unread)


def together(parts: Sequence[tuple[Figures, int]], shape: tuple[int | None, ...] | None) -> Figures:
    """The figures of several arrays of one element type as if they were one.

    Args:
        parts: the figures of each, and how many elements it has.
        shape: what to say of the shape.
    """
    sums = _Sums()
    for one, elements in parts:
        count = elements * (2 if one.dtype.startswith("complex") else 1) - one.not_finite
        if one.low is None or one.high is None or one.mean is None or one.std is None:
            sums.add(_Sums(nan=one.nan, inf=one.inf))
        else:
            sums.add(_Sums(count, one.mean, one.std**2 * count, one.low, one.high, one.nan, one.inf))
    unread = next((one.unread for one, _ in parts if one.unread is not None), None)
    return sums.figures(parts[0][0].dtype, shape, unread=unread)


def _summed(array: Array) -> _Sums:
    """A piece at a time, so that a large array is not held again in float64."""
    import numpy as np

    sums = _Sums()
    flat = array.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        piece = flat[start : start + _PIECE].astype(np.float64)
        finite = np.isfinite(piece)
        nan = int(np.isnan(piece).sum())
        kept = piece if finite.all() else piece[finite]
        found = _Sums(nan=nan, inf=piece.size - kept.size - nan)
        if kept.size:
            found.count, found.mean = kept.size, float(kept.mean())
            found.squares = float(np.square(kept - found.mean).sum())
            found.low, found.high = float(kept.min()), float(kept.max())
        sums.add(found)
    return sums


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
    import numpy as np

    if isinstance(value, TensorRef):
        value = value.read()
    if hasattr(type(value), "detach"):  # PyTorch, which hands numpy nothing that has a gradient or a small float type
        value = value.detach().cpu()  # type: ignore[attr-defined]
        if _dtype(value).startswith(("bfloat", "float8")):
            value = value.float()  # type: ignore[attr-defined]
    array = np.asarray(value)
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], axis=-1)
    # Small float types have no figures of their own in numpy.
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)

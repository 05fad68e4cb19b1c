"""Keras's own convolution, with another in its place for the grouped ones, which TensorFlow does badly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

Convolution = Callable[..., Any]


@dataclass(frozen=True)
class Settings:
    """What ``keras.ops.conv`` is told beside its input and kernel, in its order."""

    strides: int | Sequence[int] = 1
    padding: str = "valid"
    data_format: str | None = None
    dilation_rate: int | Sequence[int] = 1


def with_groups(plain: Convolution, grouped: Callable[[Any, Any, Settings], Any]) -> Convolution:
    """The convolution of a backend, of which ``grouped`` does those of channels-last values in several groups."""

    def conv(inputs: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
        settings = Settings(*args, **kwargs)
        if settings.data_format != "channels_last" or inputs.shape[-1] == kernel.shape[-2]:
            return plain(inputs, kernel, *astuple(settings))
        return grouped(inputs, kernel, settings)

    return conv

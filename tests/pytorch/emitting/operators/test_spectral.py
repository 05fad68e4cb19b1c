"""Fourier transforms between real inputs and real outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.pytorch.emitting.again import ROUNDING, One, again, apart

from homolog.errors import Unsupported

IMAGE = np.random.default_rng(2).normal(size=(2, 5, 3)).astype(np.float32)
LINE = np.random.default_rng(2).normal(size=(2, 37)).astype(np.float32)
WINDOWS: list[dict[str, Any]] = [
    {"hop_length": 3},
    {"hop_length": 4, "win_length": 6, "normalized": True},
    {"hop_length": 5, "center": False, "onesided": False},
]


def both(number: torch.Tensor) -> torch.Tensor:
    return torch.stack([number.real, number.imag], -1)


FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "fft": lambda x: both(torch.fft.fft(torch.complex(x, x.flip(1)), dim=1)),
    "ifft": lambda x: both(torch.fft.ifft(torch.complex(x, 2 * x), norm="ortho")),
    "rfft": lambda x: both(torch.fft.rfft(x, n=7, dim=1)),
    "irfft": lambda x: torch.fft.irfft(torch.complex(x, x), n=5),
    "hfft": lambda x: torch.fft.hfft(torch.complex(x, x), dim=1),
    "fft2": lambda x: both(torch.fft.fft2(torch.complex(x, x))),
    "rfft2": lambda x: both(torch.fft.rfft2(x, norm="forward")),
    "fftn": lambda x: torch.fft.fftn(x, dim=(1, 2)).real,
    "fftshift": lambda x: torch.fft.fftshift(x, dim=(1,)),
    "angle": lambda x: torch.angle(torch.fft.rfft(x)),
    "abs": lambda x: torch.fft.rfft(x, dim=1).abs(),
    "conj": lambda x: both(torch.fft.rfft(x).conj() * torch.complex(x[..., :1], x[..., 1:2])),
    "parts": lambda x: torch.view_as_real(torch.view_as_complex(torch.stack([x, 3 * x], -1)) ** 2),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_transform_is_the_same(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert apart(One(function), IMAGE) <= ROUNDING


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
def test_windows_are_the_same(settings: dict[str, Any]) -> None:
    window = torch.hann_window(settings.get("win_length", 8), dtype=torch.float64)

    def function(x: torch.Tensor) -> torch.Tensor:
        return both(torch.stft(x, 8, window=window.to(x.dtype), return_complex=True, **settings))

    assert apart(One(function), LINE) <= 1e-7  # a window is kept in float32


def test_windows_are_put_together_again() -> None:
    window = torch.hamming_window(8, dtype=torch.float64)

    def function(x: torch.Tensor) -> torch.Tensor:
        found = torch.stft(x, 8, 2, window=window.to(x.dtype), return_complex=True)
        return torch.istft(found * 1.5, 8, 2, window=window.to(x.dtype), length=37)

    assert apart(One(function), LINE) <= 1e-6


def test_the_words_leave_defaults_out() -> None:
    text = again(One(lambda x: torch.fft.rfft(x, dim=-1, norm="backward").real), IMAGE).source

    assert "torch.fft.rfft(x).real" in text or "= torch.fft.rfft(x)\n" in text


def test_the_real_part_of_a_real_number_is_not_asked_for() -> None:
    text = again(One(lambda x: torch.conj(torch.real(x)) * 2), IMAGE).source

    assert ".real" not in text
    assert "conj" not in text


def test_an_output_of_complex_numbers_is_refused() -> None:
    with pytest.raises(Unsupported, match="gives complex numbers") as caught:
        again(One(torch.fft.rfft), IMAGE)

    assert caught.value.found == "complex64"

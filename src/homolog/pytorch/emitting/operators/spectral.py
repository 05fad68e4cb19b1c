"""Fourier transforms, and what lies between them: complex numbers, which PyTorch computes with as with any others.

Inputs, outputs and weights are real: Keras hands the two parts of a complex number about one beside the other.
"""

from __future__ import annotations

from homolog.pytorch.complexes import COMPLEX
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import applied
from homolog.pytorch.emitting.registry import writes

TRANSFORMS = (
    *("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"),
    *("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn", "fftshift", "ifftshift"),
)


@writes(*(f"fft_{name}" for name in TRANSFORMS))
def transform(call: Call) -> str:
    """Between values and their frequencies, along one axis or several."""
    return applied(call, f"torch.fft.{call.step.operator.removeprefix('fft_')}", defaults={"norm": "backward"})


@writes("stft")
def stft(call: Call) -> str:
    """Transforms of windows that follow each other. The operator without ``center`` has windows begin where the values
    do, of which the function of that name wants to be told."""
    words = applied(call, "torch.stft")
    return words if "center" in call.step.arguments else f"{words.removesuffix(')')}, center=False)"


@writes("istft")
def istft(call: Call) -> str:
    """The values of which such windows were taken."""
    return applied(call, "torch.istft")


@writes("complex")
def complex_of(call: Call) -> str:
    """A real and an imaginary part as one number."""
    return applied(call, "torch.complex")


@writes("real", "imag")
def part(call: Call) -> str:
    """One of both parts."""
    is_real = call.step.operator == "real" and not call.dtype("self").startswith(COMPLEX)
    return call.x() if is_real else f"{call.x()}.{call.step.operator}"


@writes("angle", "conj", "_conj", "resolve_conj")
def turned(call: Call) -> str:
    """The direction of a number; the number mirrored, which does nothing to a real one."""
    name = call.step.operator.removeprefix("_")
    return call.x() if "conj" in name and not call.dtype("self").startswith(COMPLEX) else f"{call.x()}.{name}()"


@writes("view_as_complex", "view_as_real")
def view(call: Call) -> str:
    """A last axis of two parts as numbers, and back."""
    return applied(call, f"torch.{call.step.operator}")

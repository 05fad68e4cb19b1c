"""What is done to the inputs or the outputs in one network only: tried by doing it to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from homolog.live import Run
from homolog.passes.layout import labels_at
from homolog.proof.cause import Cause
from homolog.proof.pairing import paired
from homolog.proof.samples import Samples, inputs_for
from homolog.proof.subjects import Subjects, distance
from homolog.tensors import Array

NEAR = 1e-5
"""Of the largest output: what float32 leaves."""
FAR = 1e-4
"""Of the largest output: what is less apart is no softmax or preprocessing that one of them lacks."""
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""Of the images of ImageNet, by which torchvision's weights want theirs normalised."""

Function = Callable[[Array], Array]
Pairs = Sequence[tuple[Array, Array]]


@dataclass(frozen=True)
class Guess:
    """Something that one network may do to a value and the other not."""

    kind: str
    words: str
    help: str
    function: Function


ALIKE = "end both networks with it, or neither"


def _softmax(array: Array) -> Array:
    return np.asarray(special.softmax(array.astype(np.float64), axis=-1))


def _log_softmax(array: Array) -> Array:
    return np.asarray(special.log_softmax(array.astype(np.float64), axis=-1))


OUTPUTS: Sequence[Guess] = (
    Guess("softmax", "a softmax", f"{ALIKE}: Dense(…, activation='softmax'), nn.Softmax(-1)", _softmax),
    Guess("softmax", "a logarithm of softmax", f"{ALIKE}: nn.LogSoftmax(-1)", _log_softmax),
    Guess("activation", "a sigmoid", ALIKE, lambda array: np.asarray(special.expit(array.astype(np.float64)))),
    Guess("activation", "a tanh", ALIKE, lambda array: np.tanh(array.astype(np.float64))),
    Guess("activation", "a relu", ALIKE, lambda array: np.maximum(array, np.zeros_like(array))),
)


@dataclass(frozen=True)
class _Case:
    """One input, and what both networks make of it: their outputs, paired."""

    inputs: Samples
    left: Run
    pairs: Pairs


def causes(subjects: Subjects) -> list[Cause]:
    """The first guess that makes both agree, if one does, on every one of several inputs: large and small ones, for on
    some an output may be at one end of its range whatever is done."""
    cases = []
    for batch, seed, scale in ((2, 0, 1.0), (3, 1, 1.0), (2, 2, 0.1)):
        inputs = inputs_for(replace(subjects, scale=scale), batch=batch, seed=seed)
        left, right = subjects.a.run(inputs.first), subjects.b.run(inputs.second)
        cases.append(_Case(inputs, left, paired(subjects, left, right).pairs))
    if not any(_apart(case.pairs) > FAR * _scale_of(case.pairs) for case in cases):
        return []
    return [*_at_outputs(cases), *_at_inputs(subjects, cases)][:1]


def _at_outputs(cases: Sequence[_Case]) -> Iterator[Cause]:
    for guess in OUTPUTS:
        for place in ("first", "second"):
            if all(_agree(_changed(case.pairs, guess.function, place)) for case in cases):
                other = "second" if place == "first" else "first"
                words = f"{guess.kind}: the {other} network ends with {guess.words}, the {place} without"
                tried = f"tried: with {guess.words} behind the {place} both agree"
                yield Cause(guess.kind, "", "", words, tried, guess.help)
                return


def _changed(pairs: Pairs, function: Function, place: str) -> Pairs:
    """Outputs with a function behind those of one network."""
    whole = [(one, two) for one, two in pairs if one.ndim]
    return [(function(one), two) if place == "first" else (one, function(two)) for one, two in whole]


def _at_inputs(subjects: Subjects, cases: Sequence[_Case]) -> Iterator[Cause]:
    """Channels in reverse, and the usual rescalings, of every input of real numbers."""
    for node in subjects.graph_b.inputs:
        array = cases[0].inputs.second.get(node.name)
        if array is None or array.dtype.kind != "f":
            continue
        channels = [axis for axis, label in enumerate(labels_at(node) or ()) if label[0][0] == "c"]
        guesses = list(_of_images(array.shape, channels[0])) if array.ndim == 4 and channels else []
        for guess in (*guesses, *SCALES):
            if all(_agree(_rerun(subjects, case, node.name, guess.function)) for case in cases):
                tried = "tried: with this done to its input, the second network agrees with the first"
                yield Cause(guess.kind, "", "", f"{guess.kind}: {guess.words}", tried, guess.help)
                return


def _rerun(subjects: Subjects, case: _Case, name: str, function: Function) -> Pairs:
    """The outputs with something done to one input of the second network."""
    array = case.inputs.second[name]
    changed = {**case.inputs.second, name: function(array).astype(array.dtype)}
    return paired(subjects, case.left, subjects.b.run(changed)).pairs


def _scale(factor: float, shift: float, words: str) -> Guess:
    return Guess(
        "preprocessing",
        words,
        "give both the same preprocessing: keras.layers.Rescaling in the one, or the same in front of the other",
        lambda array: array.astype(np.float64) * factor + shift,
    )


SCALES: Sequence[Guess] = (
    _scale(1 / 255, 0, "the first network divides its input by 255, the second does not"),
    _scale(255, 0, "the second network divides its input by 255, the first does not"),
    _scale(1 / 127.5, -1, "the first network takes its input from 0 … 255 to -1 … 1, the second does not"),
    _scale(127.5, 127.5, "the second network takes its input from 0 … 255 to -1 … 1, the first does not"),
    _scale(2, -1, "the first network takes its input from 0 … 1 to -1 … 1, the second does not"),
    _scale(0.5, 0.5, "the second network takes its input from 0 … 1 to -1 … 1, the first does not"),
    _scale(-1, 0, "one of the networks turns its input's sign"),
)


def _of_images(shape: tuple[int, ...], channel: int) -> Iterator[Guess]:
    if shape[channel] > 1:
        yield Guess(
            "channel order",
            "one of the networks takes its channels in reverse: BGR, the other RGB",
            "turn the channels of the one's input, or of its first kernel",
            lambda array: np.flip(array, channel),
        )
    if shape[channel] == len(MEAN):
        place = [1] * len(shape)
        place[channel] = -1
        mean, deviation = MEAN.reshape(place), DEVIATION.reshape(place)
        forth = "normalises its input by the mean and deviation of ImageNet"
        mend = "give both the same preprocessing: keras.layers.Normalization, torchvision.transforms.Normalize"
        for scale, of in ((1.0, ""), (255.0, ", after dividing by 255")):
            yield Guess(
                "preprocessing",
                f"the first network {forth}{of}, the second does not",
                mend,
                lambda array, scale=scale: (array / scale - mean) / deviation,  # type: ignore[misc]
            )
            yield Guess(
                "preprocessing",
                f"the second network {forth}{of}, the first does not",
                mend,
                lambda array, scale=scale: (array * deviation + mean) * scale,  # type: ignore[misc]
            )


def _agree(pairs: Pairs) -> bool:
    """Whether two outputs agree, but for rounding."""
    alike = all(one.shape == two.shape and bool(np.isfinite(two).all()) for one, two in pairs)
    return bool(pairs) and alike and _apart(pairs) <= NEAR * _scale_of(pairs)


def _apart(pairs: Pairs) -> float:
    return max((distance(one, two) for one, two in pairs if one.shape == two.shape), default=0.0)


def _scale_of(pairs: Pairs) -> float:
    return max((float(np.abs(one.astype(np.float64)).max(initial=0)) for one, _ in pairs), default=0.0)

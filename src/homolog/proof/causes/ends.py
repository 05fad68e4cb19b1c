"""What is done to the inputs or the outputs in one network only: tried by doing it to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from homolog.passes.layout import labels_at
from homolog.proof.cause import Cause
from homolog.proof.pairing import paired
from homolog.proof.samples import Samples, inputs_for
from homolog.proof.subjects import Subjects, distance
from homolog.tensors import Array

NEAR = 4e-6
"""Of the largest output: what float32 leaves, or a thousandth of what they were apart, where they were far."""
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


def causes(subjects: Subjects) -> list[Cause]:
    """The first guess that makes both agree, if one does."""
    inputs = inputs_for(subjects, batch=2, seed=0)
    return [*_at_outputs(subjects, inputs), *_at_inputs(subjects, inputs)][:1]


def _at_outputs(subjects: Subjects, inputs: Samples) -> Iterator[Cause]:
    left, right = subjects.a.run(inputs.first), subjects.b.run(inputs.second)
    before = paired(subjects, left, right).pairs
    for guess in OUTPUTS:
        for place, change in (("first", (guess.function, None)), ("second", (None, guess.function))):
            pairs = [
                (change[0](one) if change[0] else one, change[1](two) if change[1] else two)
                for one, two in before
                if one.shape == two.shape and one.ndim
            ]
            if _agree(pairs, before):
                other = "second" if place == "first" else "first"
                words = f"{guess.kind}: the {other} network ends with {guess.words}, the {place} without"
                yield Cause(
                    guess.kind, "", "", words, f"tried: with {guess.words} behind the {place} both agree", guess.help
                )
                return


def _at_inputs(subjects: Subjects, inputs: Samples) -> Iterator[Cause]:
    """Channels in reverse, and the usual rescalings, of every input that is an image or at least real numbers."""
    left = subjects.a.run(inputs.first)
    before = paired(subjects, left, subjects.b.run(inputs.second)).pairs
    for node in subjects.graph_b.inputs:
        array = inputs.second.get(node.name)
        if array is None or array.dtype.kind != "f":
            continue
        labels = labels_at(node)
        channels = [axis for axis, label in enumerate(labels or ()) if label[0][0] == "c"]
        guesses = list(_of_images(array.shape, channels[0])) if array.ndim == 4 and channels else []
        for guess in (*guesses, *SCALES):
            changed = {**inputs.second, node.name: guess.function(array).astype(array.dtype)}
            pairs = paired(subjects, left, subjects.b.run(changed)).pairs
            if _agree(pairs, before):
                tried = "tried: with this done to its input, the second network agrees with the first"
                yield Cause(guess.kind, "", "", f"{guess.kind}: {guess.words}", tried, guess.help)
                return


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


def _agree(pairs: Pairs, before: Pairs) -> bool:
    """Whether two outputs that were apart now agree, but for rounding."""
    if not pairs or any(one.shape != two.shape or not np.isfinite(two).all() for one, two in pairs):
        return False
    apart = max(distance(one, two) for one, two in before if one.shape == two.shape)
    scale = max(float(np.abs(one.astype(np.float64)).max(initial=0)) for one, _ in pairs)
    return max(distance(one, two) for one, two in pairs) <= min(apart / 10, max(NEAR * scale, apart / 1000))

"""The demo, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homolog import api
from homolog.demo.data import SIDE, digits
from homolog.demo.wing import Progress, Wing
from homolog.errors import Usage

TRAINED = ("lenet5.pt", "lenet5.h5", "lenet5.keras")
COPIED = ("lenet5-keras.pt", "lenet5-torch.h5")


@dataclass(frozen=True)
class Step:
    """One finished step: what it was, its result, and whether it went as it should."""

    title: str
    result: object
    passed: bool = True

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        convert = getattr(self.result, "to_dict", None)
        return {
            "title": self.title,
            "passed": self.passed,
            "result": str(self.result) if convert is None else convert(),
        }


@dataclass(frozen=True)
class Outputs:
    """What four networks make of one random image: name of the file to probabilities (10,)."""

    vectors: Mapping[str, NDArray[np.float32]]

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {name: [float(value) for value in vector] for name, vector in self.vectors.items()}

    def __str__(self) -> str:
        lines = ["class  " + "  ".join(self.vectors)]
        for digit, values in enumerate(zip(*self.vectors.values(), strict=True)):
            cells = (f"{value:>{len(name)}.5f}" for name, value in zip(self.vectors, values, strict=True))
            lines.append(f"{digit:>5}  {'  '.join(cells)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Accuracies:
    """How many of the test digits each network reads right, and in how many a copy and its source disagree."""

    digits: int
    right: Mapping[str, int]
    disagreements: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {"digits": self.digits, "right": dict(self.right), "disagreements": dict(self.disagreements)}

    def __str__(self) -> str:
        lines = [
            f"{name:>15}  {count / self.digits:.4f}  {count} of {self.digits}" for name, count in self.right.items()
        ]
        lines += [f"{pair}: {count} predictions differ" for pair, count in self.disagreements.items()]
        return "\n".join(lines)


def run(
    folder: Path, *, epochs: int, progress: Progress, mnist: Path | None = None, seed: int = 0, force: bool = False
) -> Iterator[Step]:
    """Trains both networks, then inspects, matches, copies and proves them; yields each step as it is done.

    Args:
        folder: where the files go; made if it is absent.
        epochs: how often the training goes through the digits.
        progress: told (framework, batches done, batches in all).
        mnist: a folder with the four MNIST files, instead of the bundled digits.
        seed: of the weights' first values, the order of the digits, and the random image.
        force: whether files that exist already are written over.
    """
    from homolog.keras import demo as keras
    from homolog.pytorch import demo as pytorch

    existing = [name for name in TRAINED + COPIED if (folder / name).exists()]
    if existing and not force:
        raise Usage(
            "the demo would write over files", where=str(folder), found=", ".join(existing), help="homolog demo --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    data = digits(mnist)
    yield Step("handwritten digits", data)

    wings: dict[str, Wing] = {"PyTorch": pytorch, "Keras": keras}
    for wing in wings.values():
        trained = wing.train(data, folder, epochs=epochs, seed=seed, progress=progress)
        yield Step(f"train LeNet-5 in {trained.framework}", trained)

    torch_file, keras_file = folder / "lenet5.pt", folder / "lenet5.h5"
    yield Step(f"inspect {torch_file.name}", api.inspect(torch_file, inputs=[(1, 1, SIDE, SIDE)]))
    yield Step(f"inspect {keras_file.name}", api.inspect(keras_file))
    yield Step("side by side", api.match(torch_file, keras_file))

    copies = {
        folder / "lenet5-keras.pt": (keras_file, torch_file),
        folder / "lenet5-torch.h5": (torch_file, keras_file),
    }
    for out, (source, target) in copies.items():
        copied = api.copy(source, target)
        copied.save(out, force=force)
        yield Step(f"copy {source.name} into {out.name}, and prove it", copied, copied.proof.passed)

    files = {
        torch_file: pytorch,
        folder / "lenet5-torch.h5": keras,
        keras_file: keras,
        folder / "lenet5-keras.pt": pytorch,
    }
    image = np.random.default_rng(seed).random((1, SIDE, SIDE), np.float32)
    yield Step(
        "four outputs for one random image",
        Outputs({path.name: wing.outputs(path, image)[0] for path, wing in files.items()}),
    )

    guesses = {path.name: wing.outputs(path, data.test_images).argmax(axis=1) for path, wing in files.items()}
    right = {name: int((guess == data.test_labels).sum()) for name, guess in guesses.items()}
    differ = {
        f"{source.name} and {out.name}": int((guesses[source.name] != guesses[out.name]).sum())
        for out, (source, _) in copies.items()
    }
    yield Step(
        "accuracy on the test digits", Accuracies(len(data.test_labels), right, differ), not any(differ.values())
    )

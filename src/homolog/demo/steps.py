"""The demo, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homolog.demo.data import digits
from homolog.demo.wing import Progress, Wing
from homolog.errors import Usage

TRAINED = ("lenet5.pt", "lenet5.h5", "lenet5.keras")
COPIED = ("lenet5-keras.pt", "lenet5-torch.h5")


@dataclass(frozen=True)
class Step:
    """One finished step: what it was, and its result."""

    title: str
    result: object


def run(
    folder: Path, *, epochs: int, progress: Progress, mnist: Path | None = None, seed: int = 0, force: bool = False
) -> Iterator[Step]:
    """Trains both networks, then inspects, matches, copies and proves them; yields each step as it is done.

    Args:
        folder: where the files go; made if it is absent.
        epochs: how often the training goes through the digits.
        progress: told (framework, batches done, batches in all).
        mnist: a folder with the four MNIST files, instead of the bundled digits.
        seed: of the weights' first values and the order of the digits.
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
    yield Step("digits", data)

    wings: tuple[Wing, Wing] = (pytorch, keras)
    for wing in wings:
        trained = wing.train(data, folder, epochs=epochs, seed=seed, progress=progress)
        yield Step(f"train {trained.framework}", trained)

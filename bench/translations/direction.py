"""The two directions of the zoo: what is translated, by which frameworks, and where the figures go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.translations import catalogue
from bench.translations.model import Model

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Direction:
    """One of them.

    Attributes:
        to: what ``translate`` is told.
        wings: the files of ``sources`` and ``written`` that know the frameworks.
        models: by name.
        packages: whose versions are told.
        page: the name of its files.
    """

    to: str
    wings: tuple[str, str]
    models: Mapping[str, Model]
    packages: tuple[str, ...]
    page: str

    def source(self) -> Any:
        """What knows the framework that is translated from."""
        return import_module(f"bench.translations.sources.{self.wings[0]}")

    def target(self) -> Any:
        """What knows the framework that is translated into."""
        return import_module(f"bench.translations.written.{self.wings[1]}")

    @property
    def results(self) -> Path:
        return ROOT / "bench" / "results" / f"{self.page}.json"

    @property
    def docs(self) -> Path:
        return ROOT / "docs" / f"{self.page}.md"


BOTH = ("homolog", "torch", "keras", "tensorflow-cpu")
TO_KERAS = Direction(
    "keras", ("pytorch", "keras"), catalogue.OF_PYTORCH, (*BOTH, "torchvision", "timm", "transformers"), "zoo"
)
TO_TORCH = Direction("torch", ("keras", "pytorch"), catalogue.OF_KERAS, (*BOTH, "keras-hub"), "zoo-torch")
DIRECTIONS = {direction.to: direction for direction in (TO_KERAS, TO_TORCH)}

"""Every model of the zoo."""

from __future__ import annotations

from collections.abc import Sequence

from bench.translations import breadth, language, vision
from bench.translations.model import Model

MODELS: dict[str, Model] = {model.name: model for model in (*vision.MODELS, *language.MODELS, *breadth.MODELS)}


def chosen(names: Sequence[str], tier: str) -> list[Model]:
    """The models of these names, whatever their tier; those of the tier where there are none.

    Raises:
        KeyError: there is no such model.
    """
    if names:
        return [MODELS[name] for name in dict.fromkeys(names)]
    return [model for model in MODELS.values() if tier in (model.tier, "all")]

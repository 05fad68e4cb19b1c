"""Every model of the zoo, by the framework that it is translated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.translations import applications, backbones, breadth, functional, language, vision
from bench.translations.model import Model


def _named(*groups: Iterable[Model]) -> dict[str, Model]:
    return {model.name: model for group in groups for model in group}


OF_PYTORCH: dict[str, Model] = _named(vision.MODELS, language.MODELS, breadth.MODELS)
OF_KERAS: dict[str, Model] = _named(applications.MODELS, backbones.MODELS, functional.MODELS)


def chosen(models: Mapping[str, Model], names: Sequence[str], tier: str) -> list[Model]:
    """The models of these names, whatever their tier; those of the tier where there are none.

    Raises:
        KeyError: there is no such model.
    """
    if names:
        return [models[name] for name in dict.fromkeys(names)]
    return [model for model in models.values() if tier in (model.tier, "all")]

"""How a kind of optimiser is declared, and how one declaration reads and writes it on either side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from homolog.rules.training.setup import Fields, Setting, Setup

Remark = Callable[[Setup], str | None]
"""Says in a sentence how both frameworks differ in a setup, None where they do not."""


def _same(value: object) -> object:
    return value


@dataclass(frozen=True)
class Word:
    """One field.

    Attributes:
        torch: its name in PyTorch, and in the setting.
        keras: its name in Keras; two, for a field that is a pair; empty if Keras has no such setting.
        otherwise: what Keras does without it; and for a switch, the value that neither side needs to be told.
        quiet: whether ``otherwise`` is the default of both, and left out when written.
        to_keras, from_keras: change the value.
    """

    torch: str
    keras: str = ""
    otherwise: object = None
    quiet: bool = False
    to_keras: Callable[[object], object] = _same
    from_keras: Callable[[object], object] = _same


@dataclass(frozen=True)
class Optimizer:
    """A kind of optimiser.

    Weight decay is common to all of them and not among the words: ``decay`` writes it.

    Attributes:
        kind: as in ``Setting.kind``.
        torch, keras: names of the classes in ``torch.optim`` and ``keras.optimizers``.
        torch_decoupled, keras_decoupled: the classes that are given the weight decay which does not pass through the
            gradient; empty if PyTorch has none. Keras's every class can be.
        words: the fields.
        differences: in which both classes differ.
        plain: whether an update is the gradient times the rate, so that both ways of weight decay are one.
        refusal: which setting Keras cannot be given, if any.
    """

    kind: str
    torch: str
    keras: str
    words: tuple[Word, ...]
    differences: tuple[Remark, ...] = ()
    torch_decoupled: str = ""
    keras_decoupled: str = ""
    plain: Callable[[Fields], bool] = lambda fields: False
    refusal: Callable[[Fields], str | None] = lambda fields: None

    def from_torch(self, group: Fields) -> Setting:
        """From a parameter group, in which every word stands."""
        fields = {word.torch: group[word.torch] for word in self.words}
        return self._setting(fields, group["lr"], group["weight_decay"], bool(group.get("decoupled_weight_decay")))

    def from_keras(self, config: Fields, lr: float) -> Setting:
        """From the configuration of an optimiser, and the rate that its schedule starts from."""
        fields: dict[str, object] = {}
        for word in self.words:
            names = word.keras.split()
            values = [word.from_keras(config[name]) for name in names] or [word.otherwise]
            fields[word.torch] = values[0] if len(values) == 1 else tuple(values)
        return self._setting(fields, lr, config["weight_decay"] or 0.0, True)

    def _setting(self, fields: Mapping[str, object], lr: object, decay: object, decoupled: bool) -> Setting:
        common = {"lr": lr, "weight_decay": decay, "decoupled_weight_decay": bool(decay) and decoupled}
        return Setting(self.kind, {**common, **fields})

    def keras_arguments(self, fields: Fields) -> dict[str, object]:
        """What the Keras class is given, rate and weight decay apart."""
        found: dict[str, object] = {}
        for word in self.words:
            value = fields[word.torch]
            if word.quiet and value == word.otherwise:
                continue
            names = word.keras.split()
            parts = cast(tuple[object, ...], value) if len(names) == 2 else (value,) * len(names)
            found.update({name: word.to_keras(part) for name, part in zip(names, parts, strict=True)})
        return found

    def torch_arguments(self, fields: Fields) -> dict[str, object]:
        """What the PyTorch class is given, rate and weight decay apart."""
        return {
            word.torch: fields[word.torch]
            for word in self.words
            if not (word.quiet and fields[word.torch] == word.otherwise)
        }

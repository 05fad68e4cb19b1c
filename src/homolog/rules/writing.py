"""From a node to the class that is it, and the arguments the class is made with: the way back from reading.

The same declarations are used in both directions; ``Arguments`` adds what reading does not need. What is written is
what the node says: its axes, its shapes and its ``data_format`` are to be the target's own already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from homolog.errors import Unsupported
from homolog.graph import Node
from homolog.rules import TABLE, for_kind
from homolog.rules.arguments import Arguments, Size, Unwritten
from homolog.rules.rule import REQUIRED, Field, Fields, Rule

OVER = "over"
"""What the layout pass adds to the fields: what an axis runs along; the axis itself is a field too."""


@dataclass(frozen=True)
class Written:
    """A class to be made.

    Attributes:
        name: below ``keras.layers`` or ``torch.nn``.
        arguments: in the framework's own words, those left out that are its defaults.
        dropped: settings of training alone, in the rule's words, that the class has not.
    """

    name: str
    arguments: dict[str, object]
    dropped: dict[str, object] = field(default_factory=dict)


def keras_layer(node: Node) -> Written:
    """The layer of Keras that a node is.

    Raises:
        Unsupported: Keras has no such class, or the class no such setting.
    """
    rule, make = _rule(node, keras=True)
    if rule.keras.classes:
        return _Writer(node, rule, make, keras=True).written()
    return _activation(node, rule, make)


def torch_module(node: Node) -> Written:
    """The module of ``torch.nn`` that a node is.

    Raises:
        Unsupported: PyTorch has no such class, or the class no such setting.
    """
    rule, make = _rule(node, keras=False)
    return _Writer(node, rule, make, keras=False).written()


def arguments_of(rule: Rule, *, keras: bool) -> Arguments | None:
    """How a rule is written in a framework, None if it is not, or not yet."""
    return rule.keras.make if keras else rule.torch.make


def _rule(node: Node, *, keras: bool) -> tuple[Rule, Arguments]:
    """The rule by which a node is written: one that fits this very node, or that of its kind."""
    for rule in TABLE:
        make = arguments_of(rule, keras=keras)
        if rule.kind == node.kind and make is not None and make.fits is not None and make.fits(node):
            return rule, make
    own = for_kind(node.kind)
    make = None if own is None else arguments_of(own, keras=keras)
    if own is None or make is None or make.fits is not None:
        raise Unsupported(
            f"no class of {_framework(keras)} is a {node.kind}", where=node.name, expected="a kind that can be written"
        )
    return own, make


def _framework(keras: bool) -> str:
    return "Keras" if keras else "PyTorch"


def _activation(node: Node, rule: Rule, make: Arguments) -> Written:
    """A kind that Keras has as the name of an activation only.

    Raises:
        Unsupported: a setting that no name stands for.
    """
    writer = _Writer(node, rule, make, keras=True)
    plain = {setting.name: writer.default(setting) for setting in rule.fields}
    fields = {**plain, **writer.restored()}
    for name, given in rule.keras.activations.items():
        if fields == {**plain, **given}:
            return Written("Activation", {"activation": name})
    setting = next(name for name in fields if fields[name] != plain[name])
    raise writer.refusal(setting, "Keras has the activation by its name alone, which cannot be set")


@dataclass(frozen=True)
class _Writer:
    """One node, one rule, one framework."""

    node: Node
    rule: Rule
    make: Arguments
    keras: bool

    def written(self) -> Written:
        classes = self.rule.keras.classes if self.keras else self.rule.torch.classes
        try:
            name = self.make.name(self.node) if callable(self.make.name) else self.make.name or classes[0]
        except Unwritten as error:
            raise self.refusal(error.setting, str(error)) from error
        fields = self.restored()
        self._refuse_other_slots()
        arguments: dict[str, object] = {key: self._size(key, size) for key, size in self.make.sizes.items()}
        arguments |= self.make.constants
        given = (self.rule.keras.given if self.keras else self.rule.torch.given).get(name, {})
        dropped: dict[str, object] = {}
        for setting in self.rule.fields:
            if setting.name in fields and fields[setting.name] != given.get(setting.name, REQUIRED):
                self._write(setting, fields[setting.name], arguments, dropped)
        lost = {setting.name for setting in self.rule.fields if setting.effect == "training"} - set(fields)
        dropped |= {key: self.node.fields[key] for key in sorted(lost) if key in self.node.fields}
        return Written(name, {**arguments, **self._flags()}, dropped)

    def restored(self) -> Fields:
        """The fields in the form that the class takes.

        Raises:
            Unsupported: one that the class cannot be given, or that the rule does not know.
        """
        try:
            fields = self.make.restore(self.node)
        except Unwritten as error:
            raise self.refusal(error.setting, str(error)) from error
        fields.pop(OVER, None)
        known = {setting.name for setting in self.rule.fields}
        strange = next((name for name in fields if name not in known), None)
        if strange is not None:
            raise self.refusal(strange, "the rule knows no such setting")
        return fields

    def default(self, setting: Field) -> object:
        """What the class does unless told otherwise, ``REQUIRED`` if the rule does not say."""
        if setting.name in self.make.defaults:
            return self.make.defaults[setting.name]
        return setting.absent if self.keras and setting.absent is not REQUIRED else setting.otherwise

    def refusal(self, setting: str, why: str) -> Unsupported:
        """The error for one setting."""
        value = f"{setting}={self.node.fields[setting]!r}" if setting in self.node.fields else setting
        return Unsupported(
            f"a {self.node.kind} cannot be written for {_framework(self.keras)} as it is set",
            where=self.node.name,
            expected=f"settings that {_framework(self.keras)} has",
            found=f"{value} ({why})",
        )

    def _write(self, setting: Field, value: object, arguments: Fields, dropped: Fields) -> None:
        """One setting as an argument, or as nothing where it is the default."""
        if value == self.default(setting):
            return
        key = setting.keras if self.keras else setting.name if setting.torch else None
        if key is None or setting.name in self.make.lacks:
            if setting.effect != "training":
                raise self.refusal(setting.name, f"{_framework(self.keras)} has no such setting")
            dropped[setting.name] = value
            return
        try:
            arguments[key] = setting.form.to_keras(value) if self.keras else setting.form.to_torch(value)
        except ValueError as error:
            raise self.refusal(setting.name, str(error)) from error

    def _size(self, key: str, size: Size) -> int:
        if size.slot in self.node.weights:
            factor = cast(int, self.node.fields[size.times]) if size.times else 1
            return self.node.weights[size.slot].shape[size.axis] * factor
        shape = self.node.shapes[0] if self.node.shapes and size.output is not None else ()
        length = shape[cast(int, size.output)] if shape else None
        if length is None:
            raise self.refusal(key, f"a {size.slot}, or a shape, that tells it")
        return length

    def _flags(self) -> dict[str, object]:
        """The arguments that say which slots exist, where they are not the default."""
        if not self.keras:
            return self._torch_flags()
        settings = {setting.keras for setting in self.rule.fields}
        missing = (slot.when or "" for slot in self.rule.slots if slot.name not in self.node.weights)
        words = (word for when in missing for word in when.split() if not word.startswith("!"))
        return {word: False for word in words if word not in settings}

    def _torch_flags(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, slot in self.make.flags.items():
            missing = slot not in self.node.weights
            if found and not missing:
                raise self.refusal(slot, f"PyTorch has no {slot} without {', '.join(found)}")
            if missing and not found:
                found[key] = False
        return found

    def _refuse_other_slots(self) -> None:
        """Refuse a node that lacks a weight that the class always has, or has one that the class has not."""
        optional = {slot.name for slot in self.rule.slots if slot.when} if self.keras else {*self.make.flags.values()}
        every = {slot.name for slot in self.rule.slots}
        missing = every - optional - set(self.node.weights)
        strange = set(self.node.weights) - every
        for slot in sorted(missing | strange):
            raise self.refusal(slot, "the class always has one" if slot in missing else "the class has none")

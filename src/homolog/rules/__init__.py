"""The table of rules: every kind that homolog knows, and the ways to find it.

Adding a kind: one constant in one file of this folder, and one case in the test beside it. Nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from homolog.rules import (
    activation,
    arithmetic,
    attention,
    conv,
    dense,
    dropout,
    einsum,
    norm,
    pooling,
    preprocessing,
    recurrent,
    resize,
    shape,
    transposed,
)
from homolog.rules.rule import Field, Fields, Rule, Slot

__all__ = [
    "TABLE",
    "Field",
    "Fields",
    "Rule",
    "Slot",
    "for_activation",
    "for_aten",
    "for_keras_layer",
    "for_keras_op",
    "for_kind",
    "for_torch_class",
    "keras_parameters",
    "keras_variables",
]


def _index(names: Callable[[Rule], Iterable[str]]) -> dict[str, Rule]:
    """Rules by a name of theirs; two rules with one name are a mistake of ours."""
    found: dict[str, Rule] = {}
    for rule in TABLE:
        for name in names(rule):
            if name in found:
                raise RuntimeError(f"{name} stands in two rules: {found[name].name} and {rule.name}")
            found[name] = rule
    return found


TABLE: tuple[Rule, ...] = (
    *dense.RULES,
    *einsum.RULES,
    *conv.RULES,
    *transposed.RULES,
    *norm.RULES,
    *preprocessing.RULES,
    *recurrent.RULES,
    *attention.RULES,
    *pooling.RULES,
    *activation.RULES,
    *dropout.RULES,
    *shape.RULES,
    *resize.RULES,
    *arithmetic.RULES,
)

_BY_NAME = _index(lambda rule: [rule.name])
_BY_TORCH_CLASS = _index(lambda rule: rule.torch.classes)
_BY_ATEN = _index(lambda rule: rule.torch.aten)
_BY_KERAS_LAYER = _index(lambda rule: rule.keras.classes)
_BY_KERAS_OP = _index(lambda rule: rule.keras.ops)
_BY_ACTIVATION = _index(lambda rule: rule.keras.activations)


def for_kind(kind: str) -> Rule | None:
    """The rule of a node's kind."""
    return _BY_NAME.get(kind)


def for_torch_class(type_name: str) -> Rule | None:
    """The rule of a class, by its dotted name; only ``torch.nn``'s own classes have one."""
    module, _, name = type_name.rpartition(".")
    return _BY_TORCH_CLASS.get(name) if module.startswith("torch.nn.modules") else None


def for_aten(operator: str) -> Rule | None:
    """The rule of an operator, e.g. ``conv2d.default`` (``.default`` may be left out)."""
    return _BY_ATEN.get(operator.removesuffix(".default"))


def for_keras_layer(class_name: str) -> Rule | None:
    """The rule of a class of ``keras.layers``."""
    return _BY_KERAS_LAYER.get(class_name)


def for_keras_op(class_name: str) -> Rule | None:
    """The rule of a ``keras.ops`` operation, by the name of its class."""
    return _BY_KERAS_OP.get(class_name)


def for_activation(name: str) -> tuple[Rule, Mapping[str, object]] | None:
    """The rule of a ``keras.activations`` function, and the fields its name means."""
    rule = _BY_ACTIVATION.get(name)
    return None if rule is None else (rule, rule.keras.activations[name])


def keras_variables(class_name: str, config: Mapping[str, object]) -> tuple[str, ...] | None:
    """Names of a Keras layer's own variables in the order Keras creates them, None for a class without a rule."""
    rule = for_keras_layer(class_name)
    return None if rule is None else rule.keras_variables(config)


def keras_parameters(class_name: str) -> tuple[str, ...]:
    """Names of the values that a Keras layer's call takes, in order; empty where it takes one, or all alike."""
    rule = for_keras_layer(class_name)
    return () if rule is None else rule.keras.parameters

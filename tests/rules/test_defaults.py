"""The defaults that are left out when a layer is written, against the signatures of the classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from homolog import rules
from homolog.rules.rule import REQUIRED

ALWAYS_WRITTEN = {
    *("LayerNorm normalized_shape", "RMSNorm normalized_shape"),
    *("Unflatten dim", "Unflatten unflattened_size", "Reshape target_shape"),
    *(f"ConstantPad{rank}d value" for rank in (1, 2, 3)),  # zeros are another class
}
"""Arguments without a default, which the rule's never is."""


def _declared() -> Iterator[tuple[str, type, str, Callable[[object], object], object]]:
    """Every default that is left out when it is written: what for, and what the rule takes it for."""
    from torch import nn

    import keras

    for rule in rules.TABLE:
        for way, module in (("keras", keras.layers), ("tree", nn)):
            side = rule.keras if way == "keras" else rule.torch
            make = side.make
            for name in side.classes if make is not None else ():
                kind = getattr(module, name, None)  # some versions lack some
                for setting in rule.fields:
                    key = setting.keras if way == "keras" else setting.name if setting.torch else None
                    told = setting.name in side.given.get(name, {}) or setting.name in make.lacks
                    fallback = (
                        setting.absent if way == "keras" and setting.absent is not REQUIRED else setting.otherwise
                    )
                    default = make.defaults.get(setting.name, fallback)
                    if kind is not None and key is not None and not told and default is not REQUIRED:
                        read = setting.form.from_keras if way == "keras" else setting.form.from_torch
                        yield f"{name} {key}", kind, key, read, default


def test_a_default_that_is_left_out_is_the_frameworks_own() -> None:
    strange = []
    for what, kind, key, read, default in _declared():
        parameter = inspect.signature(kind.__init__).parameters.get(key)
        own = REQUIRED if parameter is None else parameter.default
        if own is inspect.Parameter.empty or own is REQUIRED:
            if parameter is not None and what not in ALWAYS_WRITTEN:
                strange.append((what, default, "required"))
        elif default not in (own, read(own)) and (default or own):
            strange.append((what, default, own))
    assert strange == []

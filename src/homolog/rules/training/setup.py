"""What a network is trained with, in words of no framework, and what is written of it in one.

The words of the fields are PyTorch's, as in the rules of layers. A schedule counts the calls of ``scheduler.step()``,
an optimiser its updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Setting:
    """One of the objects of a training setup: its kind (a key of the tables beside this file) and its fields."""

    kind: str
    fields: Fields


@dataclass(frozen=True)
class Setup:
    """An optimiser, a loss and a schedule, as far as each was given.

    Attributes:
        optimizer: with ``lr`` (the rate that a schedule starts from), ``weight_decay`` and ``decoupled_weight_decay``.
        loss: what is computed of one output and its target.
        schedule: of the learning rate.
        clip: of the gradients: ``norm`` (of each tensor) and ``global_norm`` with ``max_norm``, ``value`` with
            ``clip_value``. PyTorch clips in the loop around its objects, which therefore do not tell it.
        notes: what was seen where the setup was read and is not part of it, a sentence each.
    """

    optimizer: Setting | None = None
    loss: Setting | None = None
    schedule: Setting | None = None
    clip: Setting | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """A setup as source code.

    Attributes:
        lines: of a function's body, in which ``model`` is the model. For Keras they compile it, and leave ``fit``, the
            arguments that its ``fit`` takes besides. For PyTorch they leave ``optimizer``, ``loss`` (a callable of
            outputs and targets) and ``scheduler``, each None where the setup has none.
        imports: what the lines need.
        differences: what does not come out the same, a sentence each: what, in which setting, how much, what to do.
    """

    lines: tuple[str, ...]
    imports: tuple[str, ...]
    differences: tuple[str, ...]

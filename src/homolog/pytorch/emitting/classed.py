"""Statements → classes, and every module under the name that it has in them."""

from __future__ import annotations

import re
from dataclasses import replace

from homolog.emitting.assembled import Assembled
from homolog.emitting.names import identifier
from homolog.writing.classes import classes
from homolog.writing.statement import Classes

IMPORTED = {"F", "Path"}
"""Names that the written file has from elsewhere, and that a class could have."""


def classed(assembled: Assembled, model: str) -> Assembled:
    """The network with its classes, its modules and inputs under the names that these give them.

    Args:
        assembled: with modules under the paths of the source.
        model: name of the network.
    """
    made = classes_of(assembled, model)
    names = made.names
    return replace(
        assembled,
        held={names[name]: replace(held, name=names[name]) for name, held in assembled.held.items()},
        placed={step: names[name] for step, name in assembled.placed.items()},
        shared=tuple(names[name] for name in assembled.shared),
        inputs=dict(zip(made.inputs, assembled.inputs.values(), strict=True)),
        classes=made,
    )


def classes_of(assembled: Assembled, model: str) -> Classes:
    """The classes of a network; several outputs with names come in a dictionary."""
    plain = assembled.outputs == ("output",) or all(name.isdigit() for name in assembled.outputs)
    return classes(assembled.program, class_name(model), None if plain else assembled.outputs)


def class_name(model: str) -> str:
    """A name as that of a class."""
    parts = [part for part in re.split(r"\W|_", model) if part]
    name = identifier("".join(part[:1].upper() + part[1:] for part in parts)) or "Model"
    return f"{name}Model" if name in IMPORTED else name

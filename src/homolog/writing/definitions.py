"""A class of modules → its source."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from homolog.writing import terms
from homolog.writing.attributes import RUN
from homolog.writing.lines import Line, written
from homolog.writing.loops import Loop
from homolog.writing.members import assigned
from homolog.writing.modules import Class, Members, target
from homolog.writing.rendering import INDENT, loop_names, made_lists, statements
from homolog.writing.variables import Variables

TENSOR = "torch.Tensor"


@dataclass(frozen=True)
class Written:
    """A class that is about to be written.

    Attributes:
        cls: the class.
        items: the lines and loops of its ``forward``.
        outputs: what that gives.
        lists: the names of lists of modules by what stands in them.
        attributes: the names of what is made.
        members: the names that members go by in what they are made as one with.
    """

    cls: Class
    items: Sequence[Line | Loop]
    outputs: Sequence[str]
    lists: Mapping[tuple[str, ...], str]
    attributes: Mapping[str, str]
    members: Mapping[str, str]


class Names(Variables):
    """The names of the variables of a ``forward``, and of what its module makes."""

    def __init__(self, known: Written, taken: Collection[str], fixed: Sequence[str]) -> None:
        self.made = {name: f"self.{attribute}" for name, attribute in known.attributes.items()}
        for item in known.cls.making:
            if isinstance(item, Members):
                for place, member in enumerate(item.items):
                    self.made[target(member)] = f"{self.made[item.target]}[{place}]"
        self.lists = {members: self.made[name] for members, name in known.lists.items()}
        preferred = {
            name: _one_of(self.lists[tuple(map(str, operands))].removeprefix("self."))
            for loop in _loops(known.items)
            for name, operands in loop.moving
            if tuple(map(str, operands)) in self.lists
        }
        super().__init__(
            known.cls.inputs,
            known.items,
            known.outputs,
            taken,
            fixed,
            known.cls.lists | made_lists(known.items),
            preferred,
        )

    def __getitem__(self, name: str) -> str:
        return self.made[name] if name in self.made else super().__getitem__(name)

    def whole(self, operands: Sequence[object]) -> str | None:
        return self.lists.get(tuple(map(str, operands)))


def definition(
    known: Written,
    taken: Collection[str],
    about: str,
    inputs: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> str:
    """The source of a class.

    Args:
        known: the class.
        taken: names that variables must not use.
        about: a line that says what it is.
        inputs: names of the inputs that are given.
        keys: names of the outputs, if they are given in a dictionary.
    """
    body = [f'"""{about}"""', "", *_init(known), ""]
    body += _forward(known, taken, inputs, keys)
    lines = (INDENT + line if line else "" for line in body)
    return "\n".join([f"class {known.cls.name}(nn.Module):", *lines])


def _init(known: Written) -> Iterator[str]:
    cls = known.cls
    required = [f"{name}: {cls.types[name]}" for name in cls.parameters if name not in cls.defaults]
    optional = [f"{name}: {cls.types[name]} = {term}" for name, term in cls.defaults.items()]
    yield f"def __init__({', '.join(['self', *required, *optional])}) -> None:"
    yield f"{INDENT}super().__init__()"
    read = {name for line in cls.lines for term in line.terms for name in terms.names(term)}
    yield from (f"{INDENT}self.{name} = {name}" for name in cls.parameters if name in read)
    for item in cls.making:
        yield INDENT + assigned(item, known.attributes[target(item)], known.members)


def _forward(
    known: Written, taken: Collection[str], inputs: Sequence[str], keys: Sequence[str] | None
) -> Iterator[str]:
    cls, outputs = known.cls, known.outputs
    names = Names(known, {*taken, "self", *loop_names(known.items)}, inputs)
    given = [f"{names[name]}: {f'list[{TENSOR}]' if name in cls.lists else TENSOR}" for name in cls.inputs]
    if keys is not None:
        gives = f"dict[str, {TENSOR}]"
    else:
        gives = TENSOR if len(outputs) == 1 else f"tuple[{', '.join(TENSOR for _ in outputs)}]"
    yield f"def forward({', '.join(['self', *given])}) -> {gives}:"
    last = known.items[-1] if known.items else None
    alone = isinstance(last, Line) and keys is None and len(outputs) == 1 and last.targets == tuple(outputs)
    body = list(statements(known.items[:-1] if alone else known.items, names))
    values = [written(operand, names.__getitem__) for operand in outputs]
    if alone and isinstance(last, Line):
        body.append(f"return {last.source(names.__getitem__)}")
    elif keys is not None:
        pairs = (f"{key!r}: {value}" for key, value in zip(keys, values, strict=True))
        body.append(f"return {{{', '.join(pairs)}}}")
    else:
        body.append(f"return {', '.join(values) or '()'}")
    yield from (INDENT + line for line in body)


def _loops(items: Sequence[Line | Loop]) -> Iterator[Loop]:
    for item in items:
        if isinstance(item, Loop):
            yield item
            yield from _loops(item.body)


def _one_of(name: str) -> str:
    """``block`` for one of the ``blocks``."""
    return re.sub(r"s(_\d+)?$", r"\1", RUN.sub("", name))

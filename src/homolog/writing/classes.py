"""A flat list of statements → classes of modules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from homolog.writing import labels, terms
from homolog.writing.attributes import NUMBER, attributes, camel, distinct
from homolog.writing.classing import Classing
from homolog.writing.defaults import give_defaults
from homolog.writing.definitions import Written, definition
from homolog.writing.dissolving import dissolved, replace_lines
from homolog.writing.grouping import Reading
from homolog.writing.inlining import CONTAINERS
from homolog.writing.lines import Fresh, Line
from homolog.writing.loops import length
from homolog.writing.members import member_names
from homolog.writing.modules import Class, Making, Members, target
from homolog.writing.ordering import ordered
from homolog.writing.parsing import Flat, flat
from homolog.writing.prefixes import prefixed
from homolog.writing.regions import tree
from homolog.writing.rendering import title
from homolog.writing.repetitions import repeated
from homolog.writing.rolling import rolled
from homolog.writing.sequences import chained, listed, specialised, too_many_lists
from homolog.writing.statement import Classes, Program
from homolog.writing.structure import identifiers

FILE = frozenset({"self", "torch", "nn", "OrderedDict", "Path"})
"""Names that the file needs, whatever the statements read."""
MISLED = 0.75
"""What is left of the classes without the modules that names tell of, if these names mislead."""
UNTOLD = CONTAINERS | {"Functional", "Model", ""}
"""Types that say nothing of a module."""


def classes(program: Program, name: str, keys: Sequence[str] | None = None, about: str = "") -> Classes:
    """The program as a person would write it: repeated modules as classes, runs of them as ``nn.Sequential``.

    What it computes is the same; statements change places only between two module calls.

    Args:
        program: whose statements say of each layer how it is made.
        name: of the root class.
        keys: names of the outputs; ``forward`` gives them in a dictionary. Without, it gives a tensor or a tuple.
        about: a line that the documentation of the root class says.

    Raises:
        SyntaxError: an expression of the program is not Python.
        ValueError: an expression reads a variable inside an f-string, a variable is called ``made``, or one layer is
            made in two ways.
    """
    plain = ordered(program)
    by_name, by_form = (_classes(item, name, keys, about) for item in (prefixed(plain), plain))
    # Names tell best what belongs together. Where they mislead, it comes to a class for every few layers.
    many, few = _number(by_name), _number(by_form)
    return by_form if few < many - 1 and few < MISLED * many else by_name


def _number(found: Classes) -> int:
    return sum(line.startswith("class ") for line in found.text.splitlines())


def _classes(program: Program, name: str, keys: Sequence[str] | None, about: str) -> Classes:
    """The classes of a program, where the order of the statements and the modules around them are settled."""
    read = flat(program)
    read = replace(read, lines=repeated(read))
    fresh = Fresh()
    region = tree(read.lines)
    classing = Classing(read, Reading(read.lines, read.outputs), fresh)
    found = classing.classes(region)
    root = _root(name, program, region.lines(), read, classing)
    names = read.names | FILE
    found = dissolved(
        found, root, fresh, classing.name, lambda cls: length(rolled(_told(cls, classing.paths), fresh, names)[0])
    )
    inputs = identifiers(program.inputs, names)
    written: dict[int, Written] = {}
    for cls in (*found, root):
        chained(cls, classing.paths, classing.name)
        items, outputs = rolled(_told(cls, classing.paths), fresh, names)
        if too_many_lists(items):
            items, outputs = rolled(_told(cls, classing.paths, apart=True), fresh, names)
        lists = listed(cls, items, classing.paths, classing.name)
        written[id(cls)] = Written(
            cls, items, outputs, lists, attributes(cls, classing.paths), member_names(cls, classing.paths)
        )
    _name(found, written, {name, *names})
    give_defaults(found, [list(cls.leaves()) for cls in (*found, root)])
    texts = [definition(written[id(cls)], names, title(cls)) for cls in found]
    texts.append(definition(written[id(root)], names, about or f"{name}.", inputs, keys))
    return Classes("\n\n\n".join(texts), _names(root, written, classing.paths), inputs)


def _root(name: str, program: Program, lines: list[Line], read: Flat, classing: Classing) -> Class:
    """The class that has everything that no other class has."""
    read_names = [name for line in lines for name in line.variables()]
    made = dict.fromkeys(item for item in (*read_names, *read.outputs) if item in classing.made)
    classing.paths[""] = ""
    return Class(
        name,
        [],
        program.inputs,
        lines,
        read.outputs,
        name=name,
        making=[classing.made[item] for item in made],
        instances={"": {item: item for item in made}},
    )


def _told(cls: Class, paths: dict[str, str], apart: bool = False) -> Class:
    """The class with a ``forward`` that knows the parameters as attributes, and tells unlike modules apart."""
    own = {name: f"self.{name}" for name in cls.parameters}
    lines = [
        replace(line, terms=tuple(terms.substituted(term, own) for term in line.terms))
        for line in specialised(cls, paths, apart)
    ]
    return replace_lines(cls, lines)


def _name(classes: Sequence[Class], written: Mapping[int, Written], taken: set[str]) -> None:
    """Give each class a name that is neither taken nor another's."""
    used = {*taken, *labels.RESERVED}
    by_base: dict[str, list[Class]] = {}
    for cls in classes:
        by_base.setdefault(_base(cls), []).append(cls)
    for base, group in by_base.items():
        has = {id(cls): set(written[id(cls)].attributes.values()) for cls in group}
        plain = min(group, key=lambda cls: len(has[id(cls)]))
        # One that has one thing more than the plainest is told by that, any other by a number.
        more = {id(cls): has[id(cls)] - has[id(plain)] for cls in group if has[id(cls)] > has[id(plain)]}
        told = {key: f"With{camel(*parts)}" for key, parts in more.items() if len(parts) == 1}
        for cls in sorted(group, key=lambda cls: id(cls) in told):
            cls.name = distinct(base + told.get(id(cls), ""), used, "")
            used.add(cls.name)


def _base(cls: Class) -> str:
    """The name of a class by its type; where that says nothing, by what its modules are called."""
    ends = {NUMBER.sub("", re.split(r"[./]", path)[-1]) for path in cls.paths}
    return camel(ends.pop() if cls.type in UNTOLD and len(ends) == 1 else cls.type)


def _names(root: Class, written: Mapping[int, Written], paths: Mapping[str, str]) -> dict[str, str]:
    """The attribute path of every layer by the layer's own path."""
    found: dict[str, str] = {}

    def fill(cls: Class, instance: str, prefix: str) -> None:
        known = written[id(cls)]

        def look(item: Making, path: str) -> None:
            made = cls.instances[instance][target(item)]
            if isinstance(item, Members):
                for member in item.items:
                    look(member, f"{path}.{known.members[target(member)]}")
            elif isinstance(item.pattern.callee, Class):
                fill(item.pattern.callee, made, f"{path}.")
            else:
                found[paths[made]] = path

        for item in cls.making:
            look(item, prefix + known.attributes[target(item)])

    fill(root, "", "")
    return found

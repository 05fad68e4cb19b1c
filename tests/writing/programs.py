"""Programs to structure, written as a network would be, and what their source computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from homolog.writing import Call, Program, Statement, Structured


@dataclass
class Trace:
    """Statements as they are made, inside the modules that are open."""

    inputs: tuple[str, ...] = ("image",)
    statements: list[Statement] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    variables: int = 0

    @contextmanager
    def module(self, path: str, type: str) -> Iterator[str]:
        """One call of a module; gives the name that its layers begin with."""
        count = self.counts.get(path, 0)
        self.counts[path] = count + 1
        self.calls.append(Call(path, type, count))
        yield path.replace(".", "_")
        self.calls.pop()

    def __call__(self, expression: str) -> str:
        """One statement; gives its variable."""
        return self.several(expression, 1)[0]

    def several(self, expression: str, targets: int) -> tuple[str, ...]:
        """One statement of several targets."""
        names = tuple(f"v{self.variables + n}" for n in range(targets))
        self.variables += targets
        self.statements.append(Statement(names, expression, tuple(self.calls)))
        return names

    def program(self, *outputs: str) -> Program:
        return Program(self.inputs, tuple(self.statements), outputs)


class Value:
    """What a symbolic value is made of. The same thing made twice is one object, however deep it is."""

    made: dict[tuple[object, ...], Value] = {}

    def __init__(self, *parts: object) -> None:
        self.parts = parts

    @classmethod
    def of(cls, *parts: object) -> Value:
        key = tuple(map(frozen, parts))
        return cls.made.setdefault(key, cls(*key))

    def __add__(self, other: object) -> Value:
        return Value.of("+", self, other)

    def __mul__(self, other: object) -> Value:
        return Value.of("*", self, other)

    def __pow__(self, other: object) -> Value:
        return Value.of("**", self, other)

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):
            raise AttributeError(name)
        return Value.of("attribute", name, self)

    def __call__(self, *values: object) -> Value:
        return Value.of("call", self, *values)

    def __getitem__(self, index: object) -> Value:
        return Value.of("[]", self, str(index))


def frozen(value: object) -> object:
    """A literal with its type, a list as it is now; values as they are."""
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(frozen, value))
    return value if isinstance(value, Value) else f"{type(value).__name__} {value!r}"


class Layers:
    """Stands for ``keras.layers``, and for a class at the top of the file: what a layer gives is how it was made."""

    def __getattr__(self, name: str) -> Callable[..., Callable[..., Value]]:
        return lambda *settings, **words: lambda *values: Value.of(name, settings, tuple(words.items()), *values)


class Ops:
    """Stands for ``keras.ops``."""

    def unpack(self, value: object, number: int) -> tuple[Value, ...]:
        return tuple(Value.of("part", value, place) for place in range(number))

    def __getattr__(self, name: str) -> Callable[..., Value]:
        return lambda *values, **words: Value.of(name, values, tuple(words.items()))


class Shared:
    """Stands for the dictionary of layers that are called more than once."""

    def __getitem__(self, key: str) -> Callable[..., Value]:
        return lambda *values: Value.of("shared", key, *values)


def world() -> dict[str, object]:
    return {"layers": Layers(), "ops": Ops(), "shared": Shared(), "Parameter": Layers().Parameter}


def outcome(program: Program) -> list[object]:
    """What the flat program gives."""
    names = world() | {name: Value.of(name) for name in program.inputs}
    for statement in program.statements:
        names["_"] = None
        exec(f"{', '.join(statement.targets) or '_'} = {statement.expression}", names)
    return [names[name] for name in program.outputs]


def source(found: Structured) -> str:
    """The structured program as one text."""
    return "\n\n\n".join([*found.functions, f"# {', '.join(found.inputs)}\n{found.body}\n# {', '.join(found.outputs)}"])


def structured_outcome(found: Structured, program: Program) -> list[object]:
    """What the structured program gives."""
    names = world()
    for function in found.functions:
        exec(function, names)
    given = {name: Value.of(original) for name, original in zip(found.inputs, program.inputs, strict=True)}
    names |= given
    exec(found.body, names)
    assert all(names[name] is value for name, value in given.items()), "an input was assigned"
    return [eval(expression, names) for expression in found.outputs]

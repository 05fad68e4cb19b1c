"""Programs whose statements make modules, and what their classes compute: no framework is needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from homolog.writing import Classes, Program, Statement
from homolog.writing.constructors import SIGNATURES
from writing.programs import Ops, Trace, Value


class Modules(Trace):
    """Statements as they are made, inside the modules that are open."""

    def make(self, layer: str, module: str, expression: str, targets: int = 1) -> str:
        """One statement of a layer; gives its variable."""
        return self.made(layer, module, expression, targets)[0]

    def made(self, layer: str, module: str, expression: str, targets: int) -> tuple[str, ...]:
        """One statement of a layer that gives several values."""
        names = tuple(f"v{self.variables + n}" for n in range(targets))
        self.variables += targets
        self.statements.append(Statement(names, expression, tuple(self.calls), layer, module))
        return names


class Leaf:
    """A made module: it gives what it is, and what it was called on."""

    def __init__(self, *how: object) -> None:
        self.how = how
        self.path: str | None = None

    def __call__(self, *values: object, **words: object) -> object:
        assert self.path is not None, f"{self.how} is none of the layers"
        found = Value.of("call", self.path, Value.of(*self.how), *values, tuple(words.items()))
        return (found, Value.of("state", found)) if self.how[0] == "GRU" else found

    def __getattr__(self, name: str) -> Value:
        return Value.of("attribute", name, self.path, Value.of(*self.how))


class Module:
    """Stands for ``nn.Module``."""

    def __call__(self, *values: object) -> object:
        return self.forward(*values)  # type: ignore[attr-defined]

    def register_buffer(self, name: str, value: Value) -> None:
        setattr(self, name, Value.of("Buffer", value))


class ModuleList(Module):
    """Stands for ``nn.ModuleList``."""

    def __init__(self, members: object) -> None:
        self.members = list(members)  # type: ignore[call-overload]
        for place, member in enumerate(self.members):
            setattr(self, str(place), member)

    def __iter__(self) -> Iterator[object]:
        return iter(self.members)

    def __getitem__(self, place: int) -> object:
        return self.members[place]


class Sequential(ModuleList):
    """Stands for ``nn.Sequential``."""

    def __init__(self, *members: object) -> None:
        named = members[0] if members and isinstance(members[0], OrderedDict) else None
        super().__init__(named.values() if named is not None else members)
        if named is not None:
            for place in range(len(named)):
                delattr(self, str(place))
            for name, member in named.items():
                assert not hasattr(self, name)
                setattr(self, name, member)

    def forward(self, value: object) -> object:
        for member in self.members:
            value = member(value)  # type: ignore[operator]
        return value


class Nn:
    """Stands for ``torch.nn``."""

    Module, ModuleList, Sequential = Module, ModuleList, Sequential

    @staticmethod
    def Parameter(value: object) -> Value:  # noqa: N802
        return Value.of("Parameter", value)

    def __getattr__(self, name: str) -> Callable[..., Leaf]:
        return lambda *settings, **words: Leaf(name, *bound(f"nn.{name}", settings, words))


def bound(name: str, settings: tuple[object, ...], words: dict[str, object]) -> tuple[object, ...]:
    """What a module is made with, what it takes for granted too."""
    if name not in SIGNATURES:
        return settings, tuple(sorted(words.items()))
    made = eval(f"lambda {SIGNATURES[name]}: tuple(sorted(locals().items()))")
    return (made(*settings, **words),)


class Torch(Ops):
    """Stands for ``torch``."""

    Tensor = Value


def world() -> dict[str, object]:
    return {
        "nn": Nn(),
        "torch": Torch(),
        "F": Ops(),
        "OrderedDict": OrderedDict,
        "Buffer": lambda value: Value.of("Buffer", value),
    }


def named(thing: object, path: str) -> object:
    """What is made, once it is known which layer it is."""
    if isinstance(thing, Leaf):
        assert thing.path in (None, path), f"{path} is {thing.path} as well"
        thing.path = path
        return thing
    return Value.of("tensor", path, thing)


def flat_outcome(program: Program) -> list[object]:
    """What the flat program gives."""
    names = world() | {name: Value.of(name) for name in program.inputs}
    made: dict[str, object] = {}
    for number, statement in enumerate(program.statements):
        if statement.module:
            path = statement.layer or f"#{number}"
            if path not in made:
                made[path] = named(eval(statement.module, names), path)
            names["made"] = made[path]
        names["_"] = None
        exec(f"{', '.join(statement.targets) or '_'} = {statement.expression}", names)
        names.pop("made", None)
    return [names[name] for name in program.outputs]


def build(found: Classes, name: str) -> object:
    """The root module, its layers named by their paths."""
    names = world()
    exec(found.text, names)
    root = names[name]()  # type: ignore[operator]
    for path, attribute in found.names.items():
        *scopes, last = attribute.split(".")
        owner = root
        for scope in scopes:
            owner = vars(owner)[scope]
        setattr(owner, last, named(vars(owner)[last], path))
    return root


def outcome(found: Classes, program: Program, name: str = "Net") -> list[object]:
    """What the classes give."""
    given = build(found, name)(*map(Value.of, program.inputs))  # type: ignore[operator]
    return list(given) if isinstance(given, tuple) else [given]

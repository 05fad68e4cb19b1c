"""What goes into the writing of source, and what comes out: a flat list of statements, and functions or classes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One call of one module.

    Attributes:
        path: dotted module path: ``layer1.0``.
        type: class name: ``BasicBlock``.
        count: 0 for the first call of that module, 1 for the second.
    """

    path: str
    type: str
    count: int = 0


@dataclass(frozen=True)
class Statement:
    """One assignment, in order of execution.

    Attributes:
        targets: the variables it assigns, each assigned once in the whole program; several unpack a tuple.
        expression: Python source that reads other statements' variables, or the program's inputs, by their names.
            No variable stands inside an f-string.
        calls: the module calls it stands in, outermost first, the root module left out.
        layer: path of the layer it makes, with dots or slashes between scopes, or "".
        module: for classes, the expression that makes that layer: ``nn.Linear(3, 64)``; ``nn.Parameter(…)`` and
            ``Buffer(…)`` make tensors. The expression knows what is made as ``made``. Statements of one layer share it.
    """

    targets: tuple[str, ...]
    expression: str
    calls: tuple[Call, ...] = ()
    layer: str = ""
    module: str = ""


@dataclass(frozen=True)
class Program:
    """A network as one long list of statements.

    Attributes:
        inputs: variables that exist before the first statement.
        statements: in order of execution.
        outputs: variables that are read after the last.
    """

    inputs: tuple[str, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Structured:
    """The same program as a person would write it.

    Attributes:
        functions: source of each function, the called before the callers.
        body: source of the body that calls them, not indented.
        outputs: expressions over the body's variables, one for each of the program's outputs.
        inputs: the names that the body knows the program's inputs by; the body does not assign them.
    """

    functions: tuple[str, ...]
    body: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Classes:
    """The same program as modules of PyTorch.

    Attributes:
        text: source of all classes, the called before the callers.
        names: for the path of each layer, its attribute path in the root module, as ``state_dict`` names begin.
        inputs: the names that ``forward`` of the root class knows the program's inputs by.
    """

    text: str
    names: dict[str, str]
    inputs: tuple[str, ...]

"""A live Keras model → the source of the PyTorch module that is the same network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

import libcst as cst
import numpy as np

from homolog.errors import HomologError
from homolog.plan import Row
from homolog.scripts.script import Statement, bound, code, names_read
from homolog.scripts.values import NotStatic
from homolog.transforms import Chain

if TYPE_CHECKING:
    from homolog.translating.translation import Translation

Order = tuple[int, ...]
EXACT = "float64"
ROUNDING = {"float32", "outputs"}
"""The parts of a proof that ask how far float32 takes the outputs: of two that are the same function, as the float64 of
both says, one may round a little more, which training does not mind."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the written module's state.

    Attributes:
        owner: class of PyTorch's own module that holds it, empty if it is the written source's.
        slot: its name there.
        shape: as it is held.
        trained: whether it is a parameter, and no buffer.
        variables: of the Keras model that it is made of.
        transform: from these to it.
    """

    owner: str
    slot: str
    shape: tuple[int, ...]
    trained: bool = True
    variables: tuple[Any, ...] = ()
    transform: Chain = ()

    @property
    def getter(self) -> str:
        """The method of a module that gives it."""
        return "get_parameter" if self.trained else "get_buffer"

    @property
    def keras_shape(self) -> tuple[int, ...] | None:
        """Shape of the one variable that it is, None if it is several."""
        return tuple(self.variables[0].shape) if len(self.variables) == 1 else None


@dataclass(frozen=True)
class ModelSource:
    """A module as source.

    Attributes:
        classes_text: the classes and functions that make it up.
        class_name: of the whole; it is made without arguments.
        imports: lines that the classes need.
        inputs, outputs: for each, where the axes come from that the module takes or gives: ``(0, 3, 1, 2)`` for images
            that have their channels last in Keras.
        origins: for each tensor of its state the path of the Keras variable that it is.
        tensors: its state by name, those that no variable goes into left out.
        notes: what a reader should know of it.
    """

    classes_text: str
    class_name: str
    imports: tuple[str, ...]
    inputs: tuple[Order, ...]
    outputs: tuple[Order, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


def torch_source(model: Any) -> ModelSource:
    """The source of a model, as homolog's translation writes it.

    Raises:
        NotStatic: the model cannot be translated, with the reason.
    """
    from homolog.keras.model import groups_of
    from homolog.opening import open_network
    from homolog.translating.direction import direction
    from homolog.translating.translation import translate

    _spread(model)
    try:
        translation = translate(open_network(model), direction("torch"), None, training=False)
    except HomologError as error:
        raise NotStatic(f"the model {model.name}: {error.what}{_found(error)}") from error
    failed = [part for part in translation.proof.parts if not part.passed]
    if failed and not (all(part.name in ROUNDING for part in failed) and _exact(translation)):
        words = "; ".join(f"{part.name}: {part.figure}" for part in failed)
        raise NotStatic(f"the model {model.name}: what was written was not proven to be the same network: {words}")
    assembled, trace = translation.draft.assembled, translation.draft.trace
    text, name, imports = classes_of(translation.source)
    variables = {ref.name: variable for group in groups_of(model).values() for ref, variable in group}
    return ModelSource(
        text,
        name,
        imports,
        tuple(_axes(assembled.orders[step.name]) for step in trace.inputs),
        tuple(_axes(assembled.orders[output]) for output in trace.outputs),
        {row.target: variables[row.sources[0]].path for row in translation.plan.rows if len(row.sources) == 1},
        (*translation.notes, *(f"{part.name}: {part.figure}" for part in failed)),
        {row.target: _tensor(translation.model, row, variables) for row in translation.plan.rows},
    )


def _tensor(module: Any, row: Row, variables: Mapping[str, Any]) -> Tensor:
    """What a row of the plan says of a tensor of a live module."""
    place, _, slot = row.target.rpartition(".")
    holder = module.get_submodule(place)
    return Tensor(
        type(holder).__name__ if type(holder).__module__.startswith("torch.nn.") else "",
        slot,
        tuple(row.target_shape),
        slot in holder._parameters,
        tuple(variables[name] for name in row.sources),
        row.transform,
    )


def _exact(translation: Translation) -> bool:
    """Whether both networks are the same in float64, which is not asked where the outputs lie far apart."""
    from homolog.proof import precision
    from homolog.proof.trial import tried

    known = [part for part in translation.proof.parts if part.name == EXACT]
    asked = [] if known else precision.check(tried(translation.subjects, seed=0, batch=1))
    found = known or [part for part in asked if part.name == EXACT]
    return bool(found) and found[0].passed


def _spread(model: Any) -> None:
    """Give a model weights with which a signal neither fades nor explodes, so that the proof has something to see.

    Which they are does not matter: the written script draws its own.
    """
    numbers = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name.endswith("kernel"):
            each = variable.shape[:-2] if "depthwise" in variable.path else variable.shape[:-1]
            inputs = int(np.prod(each))
            variable.assign(numbers.standard_normal(variable.shape) * sqrt(2 / inputs))
        elif variable.trainable:  # of all zeros, as some scripts draw a scale, nothing is seen
            variable.assign(np.asarray(variable) + 0.1 * numbers.standard_normal(variable.shape))


def _axes(order: Sequence[object]) -> Order:
    """An order of whole axes.

    Raises:
        NotStatic: some are flattened into one.
    """
    found = tuple(axis for axis in order if isinstance(axis, int))
    if len(found) != len(order):
        raise NotStatic(f"an input or output of the model lies as {tuple(order)}, which arrays are not brought into")
    return found


def _found(error: HomologError) -> str:
    where = error.found or error.where
    return "" if where is None else f": {where}"


def classes_of(source: str) -> tuple[str, str, tuple[str, ...]]:
    """What makes up the module in a written file: its classes and what these mention, the name of the last class, and
    the imports that are needed. What loads weights from a file is left out."""
    statements = [item for item in cst.parse_module(source).body if isinstance(item, Statement)]
    classes = [item for item in statements if isinstance(item, cst.ClassDef)]
    wanted: list[Statement] = list(classes)
    mentioned = set().union(*map(names_read, classes))
    while True:
        more = [item for item in statements if item not in wanted and bound(item) & mentioned and not _is_import(item)]
        if not more:
            break
        wanted += more
        mentioned |= set().union(*map(names_read, more))
    kept = [code(item.with_changes(leading_lines=())).strip() for item in statements if item in wanted]
    imports = [code(item).strip() for item in statements if _is_import(item) and bound(item) & mentioned]
    return "\n\n\n".join(kept), classes[-1].name.value, tuple(imports)


def _is_import(node: Statement) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Import | cst.ImportFrom)

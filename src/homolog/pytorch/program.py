"""A live module → Trace, by ``torch.export`` with an open batch: what a translation is written from."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Node, OpenShape, Value
from homolog.modules import Module
from homolog.pytorch import complexes
from homolog.pytorch.decompose import decomposed
from homolog.pytorch.entries import arguments_of, is_open, operator_of, place_of
from homolog.pytorch.export import with_sizes
from homolog.pytorch.exporting import exported, refuse_types
from homolog.pytorch.functional import changed_state, functional, without_idle_copies
from homolog.pytorch.inference import as_used
from homolog.pytorch.inline import inline, without_idle_detaching
from homolog.pytorch.leftovers import ignored, silent
from homolog.pytorch.lengths import told_lengths
from homolog.pytorch.read import fitting, state, to_numpy, tree_of
from homolog.pytorch.sequences import refuse_rows_as_steps
from homolog.pytorch.statics import Statics
from homolog.pytorch.stretches import stretched
from homolog.signature import BELOW, RUN_ON, Free, Given
from homolog.tensors import TensorRef
from homolog.trace import BATCH, CONSTANT, INPUT, PARAMETER, Called, Open, Step, Trace

if TYPE_CHECKING:
    import torch

NOTHING: Free = MappingProxyType({})
PARAMETRIZATIONS = "parametrizations"
"""Where a module holds what computes its weights (``torch.nn.utils.parametrize``)."""


def trace(
    module: torch.nn.Module,
    inputs: Given,
    free: Free = NOTHING,
    written: Collection[str] = (),
    *,
    settled: bool = False,
    lines: bool = True,
) -> Trace:
    """What a module computes, at inference, for a batch of any size.

    Args:
        module: is left as it was.
        inputs: arrays for the arguments of ``forward``, in order or by name, the batch first.
        free: axes besides the batch that stay open too, by the place or name of their input.
        written: operators that the reader of the trace knows; the others come as what they are made of, where PyTorch
            says it in these. All come as they are if none are named.
        settled: whether the module keeps nothing that its first call makes.
        lines: whether each step must say which line of the user's source it comes from. What is refused says it all the
            same, but for a settled module, whose source is not the user's.

    Raises:
        Unsupported: it cannot be exported, or what was exported cannot be read; with the reason and the place.
    """
    by_place, by_name = fitting(module, inputs)
    refuse_types(module, (*by_place, *by_name.values()))
    stored = state(module)
    with as_used(module, as_trained=True) as computed:
        found = _read(module, by_place, by_name, free, written, settled=settled, lines=lines)
    told = {
        step.name: _told_of(step, item)
        for step, item in zip(found.inputs, (*by_place, *by_name.values()), strict=False)
    }
    reasons = {
        stored[origin]: f"{name} is computed from it, and is written as it is at inference"
        for name, origins in computed.items()
        for origin in origins
        if origin in stored
    }
    return replace(found, steps={**found.steps, **told}, ignored={**found.ignored, **reasons})


def _read(
    module: torch.nn.Module,
    by_place: Sequence[torch.Tensor],
    by_name: Mapping[str, torch.Tensor],
    free: Free,
    written: Collection[str],
    *,
    settled: bool,
    lines: bool,
) -> Trace:
    program, outputs = exported(module, by_place, by_name, free, settled=settled, lines=lines)
    try:
        return _Reader(module, program, outputs, list(by_name), written).trace()
    except Unsupported:
        if lines or settled:
            raise
    return _read(module, by_place, by_name, free, written, settled=settled, lines=True)  # it is refused, with the place


def _told_of(step: Step, given: torch.Tensor) -> Step:
    """An input with the shape that was given for it, and what the numbers stay below; zeros, which a shape stands for,
    say nothing."""
    told: dict[str, object] = {RUN_ON: tuple(given.shape)}
    if given.is_floating_point() or not given.any():
        return replace(step, arguments=told)
    return replace(step, arguments={**told, BELOW: int(given.max()) + 1})


class _Reader:
    """One exported program."""

    def __init__(
        self,
        module: torch.nn.Module,
        program: torch.export.ExportedProgram,
        outputs: Sequence[str],
        names: Sequence[str],
        written: Collection[str],
    ) -> None:
        inline(program.graph_module)
        without_idle_detaching(program)
        without_idle_copies(program)
        self._refuse_changes(changed_state(program))
        self.module, self.outputs, self.written = module, list(outputs), written
        self.program = decomposed(functional(program), written) if written else functional(program)
        told_lengths(self.program)
        self.tree: Module = tree_of(module)
        self.refs = state(module)
        self.types = {child.path: child.type for child in self.tree.walk()}
        self.inner = {path.rpartition(".")[0] for path in self.types if path and not _computes(path)}
        signature = self.program.graph_signature
        self.held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self.constants = set(signature.inputs_to_lifted_tensor_constants)
        self.symbols = self._symbols()
        self.statics = Statics(self.program, self.symbols)
        self.names = self._names(names)
        self.steps: dict[str, Step] = {}
        self.values: dict[str, object] = {}
        self.used: set[str] = set()
        self.calls: dict[str, dict[str, int]] = {}
        self.busy: set[str] = set()

    def trace(self) -> Trace:
        outputs: list[object] = []
        for entry in self.program.graph.nodes:
            if entry.op == "placeholder":
                self._placeholder(entry)
            elif entry.op == "call_function":
                self._call(entry)
            elif entry.op == "output":
                outputs = [self._argument(item) for item in entry.args[0]]
        given = outputs[len(outputs) - len(self.program.graph_signature.user_outputs) :]
        names = self.outputs
        named = dict(zip(names, given, strict=True)) if len(names) == len(given) else dict(enumerate(given))
        complexes.refuse_outputs(self.steps, given)
        return Trace(
            "pytorch",
            self._live_steps([value for value in given if isinstance(value, Value)]),
            {str(name): value for name, value in named.items() if isinstance(value, Value)},
            ignored(self.refs, self.used),
            silent(self.types, self.busy, self.refs),
            type(self.module).__name__,
            self._lengths(),
        )

    def _live_steps(self, outputs: Sequence[Value]) -> dict[str, Step]:
        """Without what nobody reads."""
        wanted = {value.node for value in outputs}
        for step in reversed(list(self.steps.values())):
            if step.name in wanted or step.operator == INPUT:
                wanted.update(value.node for value in step.values())
        return {name: step for name, step in self.steps.items() if name in wanted or step.operator == INPUT}

    def _refuse_changes(self, changed: Sequence[str]) -> None:
        if changed:
            raise Unsupported(
                "a forward changes the module's own state",
                where=", ".join(sorted(set(changed))),
                expected="a forward that reads its buffers and leaves them as they are",
                help="return the new state as an output, and take the old one as an input",
            )

    def _symbols(self) -> set[str]:
        found: set[str] = set()
        for entry in self.program.graph.nodes:
            if entry.op == "placeholder" and hasattr(entry.meta.get("val"), "shape"):
                shape = entry.meta["val"].shape
                if shape and is_open(shape[0]):
                    found.update(map(str, shape[0].node.expr.free_symbols))
        return found

    def _lengths(self) -> dict[str, tuple[str, int]]:
        """Which input has each open length, and along which axis."""
        found: dict[str, tuple[str, int]] = {}
        given = set(self.program.graph_signature.user_inputs)
        for entry in self.program.graph.nodes:
            if entry.op != "placeholder" or entry.name not in given:
                continue
            for axis, length in enumerate(getattr(entry.meta.get("val"), "shape", ())):
                if is_open(length) and length.node.expr.is_Symbol:
                    found.setdefault(str(length.node.expr), (self.names.get(entry.name, str(entry.name)), axis))
        return found

    def _names(self, names: Sequence[str]) -> dict[str, str]:
        """What ``forward`` calls its arguments, by the placeholders' names."""
        import inspect

        entries = list(self.program.graph_signature.user_inputs)
        parameters = list(inspect.signature(self.module.forward).parameters)
        known = [*parameters[: len(entries) - len(names)], *names]
        return dict(zip(entries, known, strict=False)) if len(known) == len(entries) else {}

    def _placeholder(self, entry: Any) -> None:
        if entry.name in self.held or entry.name in self.constants:
            return
        if not entry.users and not hasattr(entry.meta.get("val"), "shape"):
            return
        name = self.names.get(entry.name, str(entry.name))
        self.values[entry.name] = self._add(entry, Step(name, INPUT))

    def _call(self, entry: Any) -> None:
        value = entry.meta.get("val")
        if entry.name in self.statics.arrays or (value is None and not entry.users):
            return  # folded, or an assertion
        if entry.target is operator.getitem and isinstance(source := self.values.get(entry.args[0].name), Value):
            self.values[entry.name] = Value(source.node, entry.args[1])
            return
        if not hasattr(value, "shape") and not isinstance(value, list | tuple):
            self.values[entry.name] = self._number(value)
            return
        arguments: Mapping[str, Any] = arguments_of(entry)
        name, overload = operator_of(entry)
        refuse_rows_as_steps(entry, arguments, self.symbols)
        name, arguments = stretched(entry, name, arguments)
        self._note_calls(entry)
        layer, weights = self._layer(entry, name, overload, arguments)
        step = Step(
            entry.name,
            name,
            overload,
            {key: self._argument(item) for key, item in arguments.items() if key not in weights},
            layer=layer,
            calls=self._calls(entry),
            where=place_of(entry),
            static=entry.name in self.statics.static,
            alike=entry.name not in self.statics.unlike,
            counted=self.statics.counted.get(entry.name),
        )
        self.values[entry.name] = self._add(entry, step)

    def _add(self, entry: Any, step: Step) -> Value:
        given = entry.meta["val"]
        items = given if isinstance(given, list | tuple) else [given]
        alone = step.static and step.alike
        shapes = tuple(_shape(item, at_one=alone) for item in items)
        dtypes = tuple(str(getattr(item, "dtype", "")).removeprefix("torch.") for item in items)
        layer = step.layer if step.layer is None else replace(step.layer, shapes=shapes)
        lengths = [getattr(item, "shape", ()) for item in items]
        told = tuple(tuple(map(self._told, *pair)) for pair in zip(shapes, lengths, strict=True))
        rows = next((axis for axis, length in enumerate(lengths[0]) if alone and is_open(length)), 0)
        made = replace(step, shapes=shapes, open=told, rows=rows, dtypes=dtypes, layer=layer)
        complexes.refuse_step(made, self.written)
        self.steps[step.name] = made
        return Value(step.name)

    def _argument(self, item: Any) -> object:
        """An argument in the words of a trace."""
        if hasattr(item, "op"):
            return self._value(item)
        if isinstance(item, list | tuple):
            return [self._argument(part) for part in item]
        if isinstance(item, bool | int | float | str) or item is None:
            return item
        if hasattr(item, "node"):
            return self._number(item)
        return str(item).removeprefix("torch.")  # element types, devices, memory formats

    def _value(self, entry: Any) -> object:
        if entry.name in self.values:
            return self.values[entry.name]
        if entry.name in self.statics.arrays:
            array = self.statics.arrays[entry.name]
            name = self.held.get(entry.name, "")
            name = name if "." in name else entry.name
            step = Step(name, CONSTANT, array=to_numpy(array), static=True, calls=self._calls(entry))
        elif entry.name in self.held:
            name = self.held[entry.name]
            ref = self._ref(name, entry)
            self.used.add(name)
            step = Step(f"parameter {name}", PARAMETER, tensor=ref, static=True)
        else:
            raise Unsupported("a value of the trace comes from nowhere", where=entry.name)
        self.values[entry.name] = self._add(entry, step)
        return self.values[entry.name]

    def _ref(self, name: str, entry: Any) -> TensorRef:
        """The tensor of the state_dict of that name, or the one it is tied to."""
        if name in self.refs:
            return self.refs[name]
        raise Unsupported("a tensor that the network uses is not in its state_dict", where=name)

    def _told(self, length: int | None, value: Any) -> str:
        """What an open length is; empty for a known one."""
        found = self._number(value) if length is None else None
        return found.text if isinstance(found, Open) else ""

    def _number(self, value: Any) -> object:
        if isinstance(value, bool | int | float) or value is None:
            return value
        expression = value.node.expr
        if not expression.free_symbols:
            return _known(expression)
        symbols = {str(symbol) for symbol in expression.free_symbols}
        text = str(expression)
        for symbol in symbols & self.symbols:
            text = text.replace(symbol, BATCH)
        batches = symbols <= self.symbols
        at_one = expression.subs(dict.fromkeys(expression.free_symbols, 1)) if batches else None
        return Open(text, None if at_one is None else _known(at_one), batches)

    def _layer(
        self, entry: Any, name: str, overload: str, arguments: Mapping[str, Any]
    ) -> tuple[Node | None, set[str]]:
        """The step as a node of a rule, where all its weights are tensors of the state_dict, and the names of the
        arguments that are weights."""
        rule = rules.for_aten(f"{name}.{overload}" if overload else name) or rules.for_aten(name)
        if rule is None or not rule.slots or rule.torch.listed:
            return None, set()
        renamed = rule.torch.renamed
        spread = {renamed.get(key, key): value for key, value in arguments.items()}
        own = rule.torch_names(spread)
        given = {key: value for key, value in spread.items() if key in own and hasattr(value, "op")}
        held = {key: self.held.get(value.name) for key, value in given.items()}
        if not held or not all(name in self.refs for name in held.values()):
            return None, set()
        weights = rule.torch_weights({key: self.refs[str(name)] for key, name in held.items()})
        if {ref.name for weight in weights.values() for ref in weight.tensors} != set(held.values()):
            return None, set()
        shapes = {slot: weight.shape for slot, weight in weights.items()}
        settings = {
            key: self._argument(value)
            for key, value in spread.items()
            if key not in own and not hasattr(value, "op") and not _holds(value)
        }
        if "weight" in shapes:
            settings = with_sizes(rule, settings, shapes)
        path = self._path(entry)
        fields = rule.read_torch(f"{name}.{overload}" if overload else name, settings, shapes, path or entry.name)
        self.used.update(map(str, held.values()))
        node = Node(path or str(entry.name), rule.kind, fields, weights, type=name, layer=path or None)
        return node, {key for key in arguments if renamed.get(key, key) in held}

    def _path(self, entry: Any) -> str:
        stack = list((entry.meta.get("nn_module_stack") or {}).values())
        return str(stack[-1][0]) if stack else ""

    def _note_calls(self, entry: Any) -> None:
        for _, (path, _) in (entry.meta.get("nn_module_stack") or {}).items():
            self.busy.add(path)

    def _calls(self, entry: Any) -> tuple[Called, ...]:
        found = []
        for key, (path, type_name) in (entry.meta.get("nn_module_stack") or {}).items():
            if path and not _computes(path):
                seen = self.calls.setdefault(path, {})
                found.append(Called(path, str(type_name), seen.setdefault(key, len(seen)), path in self.inner))
        return tuple(found)


def _computes(path: str) -> bool:
    """Whether a module does no more than compute a weight of the one that it stands in."""
    return PARAMETRIZATIONS in path.split(".")


def _holds(value: object) -> bool:
    return isinstance(value, list | tuple) and any(hasattr(item, "op") for item in value)


def _known(expression: Any) -> int:
    """What an expression without symbols is: a number, or the truth of a comparison that the program asserts."""
    return bool(expression) if expression.is_Boolean else int(expression)


def _shape(value: Any, *, at_one: bool = False) -> OpenShape:
    """A shape with what is open left open, or as it is for a batch of one."""
    found: list[int | None] = []
    for length in getattr(value, "shape", ()):
        if not is_open(length):
            found.append(int(length))
        else:
            expression = length.node.expr
            found.append(int(expression.subs(dict.fromkeys(expression.free_symbols, 1))) if at_one else None)
    return tuple(found)


def operators(found: Trace) -> Counter[str]:
    """How often each operator is used."""
    return Counter(step.operator for step in found.steps.values())

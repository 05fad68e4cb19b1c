"""A live module → Graph by ``torch.export``: every operator becomes a node, with the module it was called in."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import PARAMETER, Graph, Node, OpenShape, Value, Weight
from homolog.modules import Module
from homolog.pytorch.entries import arguments_of
from homolog.pytorch.inference import at_inference
from homolog.pytorch.inline import inline
from homolog.pytorch.quick import without_leavings
from homolog.pytorch.sequences import quick_sequences
from homolog.results import taken_apart
from homolog.rules import Rule
from homolog.rules.norm import COUNTER
from homolog.tensors import TensorRef

if TYPE_CHECKING:
    import torch

CONSTANT = "constant"
SAME = "alias"
CASTS = {"to", "_to_copy", "type_as"}
"""Operators that change the element type or the device; values stay what they are as long as they are floats."""


def read_exported(
    module: torch.nn.Module, tree: Module, by_place: Sequence[torch.Tensor], by_name: Mapping[str, torch.Tensor]
) -> Graph:
    """Trace a module and read the trace.

    Args:
        module: any module that ``torch.export`` accepts; it is traced in eval mode and left as it was.
        tree: the same module as data, for the references to its tensors.
        by_place, by_name: what ``forward`` is called with.

    Raises:
        Unsupported: the module cannot be exported; PyTorch's reason is given.
    """
    import torch

    shapes = [*by_place, *by_name.values()]
    try:
        reading = (at_inference(module), quick_sequences(), without_leavings(), giving_tensors(module))
        with ExitStack() as stack, warnings.catch_warnings():
            for manager in reading:
                stack.enter_context(manager)
            # recurrent layers keep a list of their own weights, which tracing replaces for a while
            warnings.filterwarnings("ignore", message="The tensor attribute")
            program = torch.export.export(module, tuple(by_place), dict(by_name), strict=False)
    except Exception as error:  # whatever the user's forward raises while it is traced
        raise Unsupported(
            f"torch.export cannot trace {type(module).__name__}",
            found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            expected=f"a forward that accepts shapes {', '.join(str(tuple(tensor.shape)) for tensor in shapes)}",
            help="check the shapes given with --input, and that forward has no control flow that depends on values",
        ) from error
    inline(program.graph_module)
    return _Reader(program, tree, _names(module, by_place, by_name)).graph()


def _names(module: torch.nn.Module, by_place: Sequence[object], by_name: Mapping[str, object]) -> list[str]:
    """What ``forward`` calls its arguments; the trace renames those that are words of Python, such as ``input``."""
    return list(inspect.signature(module.forward).bind(*by_place, **by_name).arguments)


@contextmanager
def giving_tensors(module: torch.nn.Module) -> Iterator[list[str]]:
    """While the body runs, ``forward`` gives its tensors and nothing else, in the order in which a run gives them:
    ``torch.export`` does not know every class that holds them.

    Yields:
        Their names, as soon as ``forward`` was called.
    """
    import torch

    forward = module.forward
    names: list[str] = []

    @wraps(forward)
    def giving(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        results = taken_apart(forward(*args, **kwargs), lambda item: isinstance(item, torch.Tensor))
        names[:] = results.tensors
        return tuple(results.tensors.values())

    before = module.__dict__.get("forward")
    module.__dict__["forward"] = giving
    try:
        yield names
    finally:
        if before is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = before


class _Reader:
    def __init__(self, program: torch.export.ExportedProgram, tree: Module, names: Sequence[str]) -> None:
        self.program = program
        self.types = {module.path: module for module in tree.walk()}
        self.tensors = tree.tensors()
        signature = program.graph_signature
        self.held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self.constants = signature.inputs_to_lifted_tensor_constants
        self.last = {_call_of(entry): entry.name for entry in program.graph.nodes if _computes(entry)}
        entries = signature.user_inputs
        self.names = dict(zip(entries, names, strict=True)) if len(entries) == len(names) else {}
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, Value] = {}
        self.used: set[str] = set()

    def graph(self) -> Graph:
        outputs: list[Value] = []
        for entry in self.program.graph.nodes:
            if entry.op == "placeholder":
                self._placeholder(entry)
            elif entry.op == "call_function":
                self._call(entry)
            elif entry.op == "output":
                given = list(self._inputs({"outputs": entry.args}))  # buffers that forward changes come first
                outputs = given[len(given) - len(self.program.graph_signature.user_outputs) :]
        counters = {ref: COUNTER for name, ref in self.tensors.items() if name.endswith("num_batches_tracked")}
        first = next(iter(self.nodes.values()))
        self.nodes[first.name] = replace(
            first, ignored={ref: why for ref, why in counters.items() if ref.name not in self.used}
        )
        loose = tuple(ref for name, ref in self.tensors.items() if name not in self.used and ref not in counters)
        return Graph("pytorch", self.nodes, tuple(outputs), loose)

    def _placeholder(self, entry: Any) -> None:
        if entry.name in self.held or entry.name in self.constants:
            return
        value = entry.meta["val"]
        fields = {"dtype": str(value.dtype).removeprefix("torch.")}
        name = self.names.get(entry.name, str(entry.name))
        self.values[entry.name] = self._add(entry, Node(name, "input", fields, type="input"))

    def _call(self, entry: Any) -> None:
        if entry.target is operator.getitem:
            source, index = entry.args
            self.values[entry.name] = Value(self.values[source.name].node, index)
            return
        if not entry.users and entry.meta.get("val") is None:
            return  # an assertion, or a word on a mode: nothing of the function
        short = _operator(entry)
        rule = rules.for_aten(short)
        told = {"self": entry.args[0]} if short == SAME else arguments_of(entry)
        weights, arguments = self._weights(rule, told)
        inputs = tuple(self._inputs(arguments))
        path, type_name = self._module(entry)
        name = self._name(path, entry)
        fields: dict[str, object]
        if rule is None:
            fields = {key: value for key, value in arguments.items() if not list(_flat(value))}
        else:
            shapes = {slot: weight.shape for slot, weight in weights.items()}
            own = rule.torch_names(arguments)
            settings = {key: value for key, value in arguments.items() if key not in own and not list(_flat(value))}
            if rule.slots and "weight" in shapes:
                settings = with_sizes(rule, settings, shapes)
            fields = rule.read_torch(short, settings, shapes, f"{type_name} {path}".strip() or name)
        node = Node(
            name,
            f"pytorch:{short}" if rule is None else rule.kind,
            fields,
            weights,
            inputs=inputs,
            scope=tuple(path.split(".")[:-1]) if path else (),
            layer=path if name == path else None,
            type=type_name or short,
        )
        self.values[entry.name] = self._add(entry, node)

    def _weights(self, rule: Rule | None, arguments: Mapping[str, Any]) -> tuple[dict[str, Weight], Mapping[str, Any]]:
        """The weights of a call by slot, and its other arguments."""
        if rule is None:
            return {}, arguments
        arguments = rule.torch.spread(arguments)
        own = rule.torch_names(arguments)
        names = {key: self.held.get(getattr(value, "name", ""), "") for key, value in arguments.items() if key in own}
        weights = rule.torch_weights({key: self.tensors[name] for key, name in names.items() if name in self.tensors})
        taken = {ref.name for weight in weights.values() for ref in weight.tensors}
        self.used |= taken
        return weights, {key: value for key, value in arguments.items() if names.get(key) not in taken}

    def _inputs(self, arguments: Mapping[str, Any]) -> Iterator[Value]:
        for value in arguments.values():
            for item in _flat(value):
                if item.name in self.values:
                    yield self.values[item.name]
                elif self.held.get(item.name) in self.tensors:
                    yield self._parameter(self.tensors[self.held[item.name]])
                else:
                    self.values[item.name] = self._add(item, Node(item.name, CONSTANT, type="constant"))
                    yield self.values[item.name]

    def _parameter(self, ref: TensorRef) -> Value:
        """A parameter or buffer that an operation uses by itself."""
        self.used.add(ref.name)
        name = f"parameter {ref.name}"  # may not be the name of a module's node
        self.nodes.setdefault(
            name, Node(name, PARAMETER, {}, {"value": Weight((ref,))}, shapes=(ref.shape,), type="Parameter")
        )
        return Value(name)

    def _module(self, entry: Any) -> tuple[str, str]:
        stack = list((entry.meta.get("nn_module_stack") or {}).values())
        path, type_name = stack[-1] if stack else ("", "")
        return path, str(type_name).rpartition(".")[2]

    def _name(self, path: str, entry: Any) -> str:
        """The module's path if this operation gives what the module gives, else the path and the operation."""
        module = self.types.get(path)
        known = module is not None and rules.for_torch_class(module.type) is not None
        if known and path not in self.nodes and self.last[_call_of(entry)] == entry.name:
            return path
        name = f"{path}.{entry.name}" if path else str(entry.name)
        while name in self.nodes:
            name += "_"
        return name

    def _add(self, entry: Any, node: Node) -> Value:
        values = entry.meta.get("val")
        items = values if isinstance(values, list | tuple) else [values]
        shapes = tuple(_shape(item) for item in items)
        self.nodes[node.name] = replace(node, shapes=shapes)
        return Value(node.name)


def _operator(entry: Any) -> str:
    """The operator's name: of what works in place that of the functional one, of a cast that keeps values ``SAME``."""
    short = str(entry.target).removeprefix("aten.").removesuffix(".default")
    name, dot, overload = short.partition(".")
    if name in CASTS:
        types = [item.meta["val"].dtype for item in (entry.args[0], entry)]
        return SAME if types[0] == types[1] or all(item.is_floating_point for item in types) else short
    if rules.for_aten(short) is None and name.endswith("_") and not name.endswith("__"):
        return f"{name[:-1]}{dot}{overload}"
    return short


def _call_of(entry: Any) -> object:
    """The call of a module that an operation belongs to; a module called twice has two."""
    return next(reversed(entry.meta.get("nn_module_stack") or {}), None)


def _computes(entry: Any) -> bool:
    return entry.op == "call_function" and entry.target is not operator.getitem


def _shape(value: Any) -> OpenShape:
    return tuple(int(length) if isinstance(length, int) else None for length in getattr(value, "shape", ()))


def _flat(entry: Any) -> Iterator[Any]:
    """Every node among a call's arguments, in order."""
    if hasattr(entry, "op"):
        yield entry
    elif isinstance(entry, Mapping):
        for item in entry.values():
            yield from _flat(item)
    elif isinstance(entry, list | tuple):
        for item in entry:
            yield from _flat(item)


def with_sizes(rule: Rule, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Operators take no kernel size, the weight says it."""
    sizes = {
        setting.name: tuple(shapes["weight"][2:])
        for setting in rule.fields
        if setting.name == "kernel_size" and setting.name not in settings
    }
    return {**settings, **sizes}

"""A live module → Graph by ``torch.export``: every operator becomes a node, with the module it was called in."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import PARAMETER, Graph, Node, OpenShape, Value, Weight
from homolog.modules import Module
from homolog.rules import Rule
from homolog.rules.norm import COUNTER
from homolog.tensors import Array, TensorRef

if TYPE_CHECKING:
    import torch

CONSTANT = "constant"


def read_exported(module: torch.nn.Module, tree: Module, inputs: Sequence[Array | torch.Tensor]) -> Graph:
    """Trace a module and read the trace.

    Args:
        module: any module that ``torch.export`` accepts; it is traced in eval mode and left as it was.
        tree: the same module as data, for the references to its tensors.
        inputs: one array for each argument of ``forward``.

    Raises:
        Unsupported: the module cannot be exported; PyTorch's reason is given.
    """
    import torch

    training = {child: child.training for child in module.modules()}
    module.eval()
    try:
        with warnings.catch_warnings():
            # recurrent layers keep a list of their own weights, which tracing replaces for a while
            warnings.filterwarnings("ignore", message="The tensor attribute")
            program = torch.export.export(module, tuple(torch.as_tensor(array) for array in inputs), strict=False)
    except Exception as error:  # whatever the user's forward raises while it is traced
        raise Unsupported(
            f"torch.export cannot trace {type(module).__name__}",
            found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            expected=f"a forward that accepts shapes {', '.join(str(tuple(array.shape)) for array in inputs)}",
            help="check the shapes given with --input, and that forward has no control flow that depends on values",
        ) from error
    finally:
        for child, mode in training.items():
            child.training = mode
    return _Reader(program, tree).graph()


class _Reader:
    def __init__(self, program: torch.export.ExportedProgram, tree: Module) -> None:
        self.program = program
        self.types = {module.path: module for module in tree.walk()}
        self.tensors = tree.tensors()
        signature = program.graph_signature
        self.held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self.constants = signature.inputs_to_lifted_tensor_constants
        self.last = {_call_of(entry): entry.name for entry in program.graph.nodes if _computes(entry)}
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
                outputs = [self.values[item.name] for item in _flat(entry.args) if item.name in self.values]
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
        self.values[entry.name] = self._add(entry, Node(entry.name, "input", fields, type="input"))

    def _call(self, entry: Any) -> None:
        if entry.target is operator.getitem:
            source, index = entry.args
            self.values[entry.name] = Value(self.values[source.name].node, index)
            return
        short = str(entry.target).removeprefix("aten.").removesuffix(".default")
        rule = rules.for_aten(short)
        weights, arguments = self._weights(rule, self._arguments(entry))
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
                settings = _with_sizes(rule, settings, shapes)
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

    def _arguments(self, entry: Any) -> dict[str, Any]:
        """Every argument of the call by the name its schema gives it and in its order, defaults included."""
        schema = entry.target._schema.arguments if hasattr(entry.target, "_schema") else ()
        given = {argument.name: value for argument, value in zip(schema, entry.args, strict=False)}
        given.update(entry.kwargs)
        named = {
            argument.name: given.get(argument.name, argument.default_value)
            for argument in schema
            if argument.name in given or argument.has_default_value()
        }
        if not schema:
            named.update({f"argument{index}": value for index, value in enumerate(entry.args)})
        named.update(entry.kwargs)
        return named

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


def _with_sizes(rule: Rule, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Operators take no kernel size, the weight says it."""
    sizes = {
        setting.name: tuple(shapes["weight"][2:])
        for setting in rule.fields
        if setting.name == "kernel_size" and setting.name not in settings
    }
    return {**settings, **sizes}

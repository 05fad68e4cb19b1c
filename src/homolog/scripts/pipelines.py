"""``tf.data`` pipelines → data sets and loaders of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import libcst as cst

from homolog.scripts import feeding
from homolog.scripts.draft import Draft, Network
from homolog.scripts.facts import takes_indices
from homolog.scripts.script import code, dotted
from homolog.scripts.setup import loss_kind
from homolog.scripts.values import Array, Function, Name, NotStatic, Pipeline, Scope, Unknown

Write = Callable[[cst.BaseExpression], str]
SLICES = "tf.data.Dataset.from_tensor_slices"
NOTHING_TO_DO = {"prefetch", "cache", "with_options"}
SHUFFLES_ALL = "tf.data shuffles within a buffer of {size} elements, the DataLoader all of them"
SAME_ORDER = "a cache behind shuffle keeps the order of the first epoch, the DataLoader shuffles for each"
OPERATIONS: Mapping[str, str] = {
    "cast": "{0}.to({1})",
    "expand_dims": "{0}.unsqueeze({1})",
    "squeeze": "{0}.squeeze({1})",
    "reshape": "{0}.reshape({1})",
    "one_hot": "torch.nn.functional.one_hot({0}.long(), {1}).float()",
    "abs": "{0}.abs()",
    "square": "{0}.square()",
    "sqrt": "{0}.sqrt()",
    "exp": "{0}.exp()",
    "math.log": "{0}.log()",
    "log": "{0}.log()",
    "clip_by_value": "{0}.clamp({1}, {2})",
    "clip": "{0}.clamp({1}, {2})",
}
PLACES = {"dtype": 1, "axis": 1, "shape": 1, "depth": 1, "num_classes": 1}
DTYPES = {"float32", "float64", "float16", "int32", "int64", "uint8", "bool"}


class Pipelines:
    """The pipelines of one script."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def read(self, node: cst.BaseExpression, scope: Scope, write: Write) -> Pipeline | None:
        """The pipeline that an expression is; None if it is none.

        Raises:
            NotStatic: a step of it has no counterpart here.
        """
        if isinstance(node, cst.Name):
            found = scope.get(node.value)
            return found if isinstance(found, Pipeline) else None
        if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
            return None
        if dotted(node.func) is not None:
            function = self.draft.interpreter.value(node.func, scope) if self._is_name(node.func, scope) else None
            if function == Name(SLICES):
                return self._slices(node, scope, write)
        before = self.read(node.func.value, scope, write)
        return None if before is None else self._step(before, node.func.attr.value, node, scope, write)

    def _is_name(self, node: cst.Attribute, scope: Scope) -> bool:
        base: cst.BaseExpression = node
        while isinstance(base, cst.Attribute):
            base = base.value
        return isinstance(base, cst.Name) and isinstance(scope.get(base.value), Name)

    def _slices(self, node: cst.Call, scope: Scope, write: Write) -> Pipeline:
        given = node.args[0].value
        nodes = [item.value for item in given.elements] if isinstance(given, cst.Tuple) else [given]
        values = [self.draft.interpreter.value(item, scope) for item in nodes]
        if len(nodes) > 2 or any(isinstance(value, dict | list | tuple) for value in values):
            raise NotStatic("elements of a tf.data.Dataset are more than one array of inputs and one of targets")
        return Pipeline(tuple(zip(map(write, nodes), values, strict=True)))

    def _step(self, pipeline: Pipeline, method: str, node: cst.Call, scope: Scope, write: Write) -> Pipeline:
        arguments = {
            (argument.keyword.value if argument.keyword else place): argument.value
            for place, argument in enumerate(node.args)
        }
        first = arguments.get(0)
        if method == "cache" and pipeline.shuffle:
            self.draft.note(SAME_ORDER)
        if method in NOTHING_TO_DO:
            return replace(pipeline, models=[])
        if method == "shuffle":
            size = arguments.get("buffer_size", first)
            self.draft.note(SHUFFLES_ALL.format(size=code(size) if size is not None else "some"))
            if pipeline.batch is not None:
                raise NotStatic("whole batches are shuffled, which a DataLoader does not do")
            return replace(pipeline, shuffle=True, models=[])
        if method == "batch":
            size = arguments.get("batch_size", first)
            if size is None or pipeline.batch is not None:
                raise NotStatic("batches of batches have no counterpart here")
            drop = (
                self.draft.interpreter.value(arguments["drop_remainder"], scope)
                if "drop_remainder" in arguments
                else False
            )
            return replace(pipeline, batch=write(size), drop_last=drop is True, models=[])
        if method == "map":
            function = arguments.get("map_func", first)
            assert function is not None
            text = self._function(function, scope)
            if pipeline.batch is None:
                return replace(pipeline, before=(*pipeline.before, text), models=[])
            return replace(pipeline, behind=(*pipeline.behind, text), models=[])
        if method in ("take", "skip") and first is not None and pipeline.batch is None and not pipeline.before:
            if pipeline.shuffle:
                raise NotStatic(f"{method} behind a shuffle takes other elements in each epoch")
            cut = f"[:{write(first)}]" if method == "take" else f"[{write(first)}:]"
            parts = tuple((f"{text}{cut}", _opened(value)) for text, value in pipeline.parts)
            return replace(pipeline, parts=parts, models=[])
        raise NotStatic(f"{method} of a tf.data.Dataset has no counterpart here")

    # -- functions over elements --------------------------------------------------------------------------------

    def _function(self, node: cst.BaseExpression, scope: Scope) -> str:
        """A function over elements, in the words of PyTorch's tensors."""
        function = self.draft.interpreter.value(node, scope)
        if not isinstance(function, Function):
            raise NotStatic("a function over elements is not one of the script's")
        if function.free:
            return code(node)
        if isinstance(function.node, cst.Lambda):
            return code(self._in_torch(function.node, function.scope))
        rewritten = self._in_torch(function.node, function.scope)
        function.written = code(rewritten.with_changes(leading_lines=()))
        return function.node.name.value

    def _in_torch(self, node: Any, scope: Scope) -> Any:
        self.draft.imports["import torch"] = None
        return node.visit(_Operations(self.draft, scope))

    # -- writing ------------------------------------------------------------------------------------------------

    def written(self, pipeline: Pipeline, network: Network | None, targets: bool = True) -> str:
        """A pipeline as a loader, for a model."""
        draft = self.draft
        batch = pipeline.batch
        if network is None:
            raise NotStatic("a tf.data.Dataset is used by no model")
        if batch is None:
            raise NotStatic("a tf.data.Dataset is handed to a model without batches")
        inputs = draft.source_of(network.model).inputs
        if len(inputs) != 1:
            raise NotStatic("a tf.data.Dataset feeds a model of several inputs")
        if not pipeline.before and not pipeline.behind:
            (text, value), *rest = pipeline.parts
            tensors = [feeding.tensor(draft, text, inputs[0], takes_indices(network.model, 0), value)]
            if network.compiled is not None:
                tensors += [feeding.targets(draft, network, other, known) for other, known in rest]
            return feeding.loader(
                draft, feeding.dataset(draft, tensors), batch, str(pipeline.shuffle), pipeline.drop_last
            )
        draft.imports["import numpy as np"] = None
        draft.imports["import torch"] = None
        data = feeding.dataset(draft, [f"torch.from_numpy(np.asarray({text}))" for text, _ in pipeline.parts])
        for function in pipeline.before:
            data = f"{draft.use('Mapped')}({data}, {function})"
        loaded = feeding.loader(draft, data, batch, str(pipeline.shuffle), pipeline.drop_last)
        for function in pipeline.behind:
            loaded = f"{draft.use('MappedBatches')}({loaded}, {function})"
        return f"{draft.use('MappedBatches')}({loaded}, {self._to_model(network, len(pipeline.parts))})"

    def _to_model(self, network: Network, count: int) -> str:
        """A function over batches that brings them into the model's order of axes and element types."""
        source = self.draft.source_of(network.model)
        order = source.inputs[0]
        first = "inputs.long()" if takes_indices(network.model, 0) else "inputs.float()"
        if tuple(order) != tuple(range(len(order))):
            first += ".movedim(-1, 1)" if order == feeding.CHANNELS_FIRST.get(len(order)) else f".permute{tuple(order)}"
        if count == 1:
            return f"lambda inputs: ({first},)"
        kind, wanted = loss_kind(network)
        shape, out = tuple(network.model.outputs[0].shape), source.outputs[0]
        if kind == "cross_entropy" and wanted == "indices":
            second = "targets.long().flatten()" if len(shape) == 2 else "targets.long()"
        elif len(shape) == 2 and shape[-1] == 1:
            second = "targets.float().reshape(-1, 1)"
        else:
            second = "targets.float()"
            second += "" if tuple(out) == tuple(range(len(out))) else f".permute{tuple(out)}"
        return f"lambda inputs, targets: ({first}, {second})"


class _Operations(cst.CSTTransformer):
    """Operations of TensorFlow and ``keras.ops`` as methods of PyTorch's tensors."""

    def __init__(self, draft: Draft, scope: Scope) -> None:
        self.draft, self.scope = draft, scope

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802  # libcst's name
        name = self._name(original_node.func)
        if name is None:
            return updated_node
        for prefix in ("tf.", "keras.ops."):
            template = OPERATIONS.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
            if template is not None:
                return cst.parse_expression(template.format(*self._placed(updated_node, template)))
        raise NotStatic(f"{name} in a function over elements has no counterpart here")

    def _placed(self, node: cst.Call, template: str) -> list[str]:
        found = dict.fromkeys(range(3), "")
        for place, argument in enumerate(node.args):
            text = code(argument.value)
            if isinstance(argument.value, cst.BinaryOperation | cst.UnaryOperation | cst.Comparison) and not place:
                text = f"({text})"
            found[PLACES.get(argument.keyword.value, place) if argument.keyword else place] = text
        text = found[1].strip("\"'")
        if text in DTYPES:
            found[1] = f"torch.{text}"
        return [found[0], found[1], found[2]]

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:  # noqa: N802  # libcst's name
        name = self._name(original_node)
        if name is not None and name.removeprefix("tf.") in DTYPES:
            return cst.parse_expression(f"torch.{name.removeprefix('tf.')}")
        return updated_node

    def _name(self, node: cst.CSTNode) -> str | None:
        text = dotted(node)
        first = None if text is None else self.scope.get(text.partition(".")[0])
        if text is None or not isinstance(first, Name) or not first.framework:
            return None
        found = self.draft.interpreter.value(node, self.scope)
        return found.dotted if isinstance(found, Name) else None


def _opened(value: Any) -> Any:
    """An array of which some samples are left."""
    if isinstance(value, Array) and value.shape:
        return Array((None, *value.shape[1:]), value.kind)
    return Unknown()

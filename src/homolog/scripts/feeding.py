"""How arrays of a script become the tensors that a written model is trained with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from homolog.scripts.draft import Draft, Network
from homolog.scripts.facts import takes_indices
from homolog.scripts.script import code
from homolog.scripts.setup import loss_kind
from homolog.scripts.values import Array, NotStatic

CHANNELS_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}


def inputs(draft: Draft, network: Network, written: str, node: cst.BaseExpression, value: Any) -> list[str]:
    """Expressions of the tensors that a model takes.

    Args:
        written: the expression of the arrays, in the written script.
        node: the same in the script.
        value: what is known of it.

    Raises:
        NotStatic: the model takes another number, or it is not known which array is for which input.
    """
    source = draft.source_of(network.model)
    count = len(source.inputs)
    parts = _several(draft, network, written, node, value, count)
    return [
        tensor(draft, text, source.inputs[place], takes_indices(network.model, place), one, _rank(network, place))
        for place, (text, one) in enumerate(parts)
    ]


def _rank(network: Network, place: int) -> tuple[int | None, ...]:
    return tuple(network.model.inputs[place].shape)


def _several(
    draft: Draft, network: Network, written: str, node: cst.BaseExpression, value: Any, count: int
) -> list[tuple[str, Any]]:
    """The arrays of each input, as expressions and what is known of them."""
    if isinstance(value, dict):
        names = [tensor.name for tensor in network.model.inputs]
        names = [getattr(tensor._keras_history.operation, "name", tensor.name) for tensor in network.model.inputs]
        if set(names) != set(value):
            raise NotStatic(f"the inputs are {', '.join(names)}, and the data is for {', '.join(map(str, value))}")
        if isinstance(node, cst.Dict):
            parsed = cst.parse_expression(written)
            assert isinstance(parsed, cst.Dict)
            texts = {key: code(item.value) for key, item in zip(value, parsed.elements, strict=True)}
            return [(texts[name], value[name]) for name in names]
        return [(f'{written}["{name}"]', value[name]) for name in names]
    if isinstance(value, list | tuple):
        if len(value) != count:
            raise NotStatic(f"the model takes {count} arrays, and is given {len(value)}")
        if isinstance(node, cst.List | cst.Tuple):
            parsed = cst.parse_expression(written)
            assert isinstance(parsed, cst.List | cst.Tuple)
            return [(code(item.value), one) for item, one in zip(parsed.elements, value, strict=True)]
        return [(f"{written}[{place}]", one) for place, one in enumerate(value)]
    if count != 1:
        raise NotStatic(f"the model takes {count} arrays, and nothing says which is which in `{written}`")
    return [(written, value)]


def tensor(
    draft: Draft,
    written: str,
    order: Sequence[int],
    whole: bool,
    value: Any,
    shape: tuple[int | None, ...] = (),
) -> str:
    """An array as a tensor, in the order of axes in which the written model takes or gives it.

    Raises:
        NotStatic: an order that is none of those of PyTorch's layers.
    """
    rank = value.rank if isinstance(value, Array) else None
    if rank is not None and shape and rank == len(shape) - 1 and shape[-1] == 1:
        written = f"np.expand_dims({written}, -1)"  # Keras adds the axis that is missing
        draft.imports["import numpy as np"] = None
    natural = tuple(range(len(order)))
    if whole:
        if tuple(order) != natural:
            raise NotStatic("numbers of words come in another order of axes")
        return f"{draft.use('indices')}({written})"
    if tuple(order) == natural:
        return f"{draft.use('numbers')}({written})"
    if tuple(order) == CHANNELS_FIRST.get(len(order)):
        return f"{draft.use('channels_first')}({written})"
    return f"{draft.use('numbers')}({written}).permute{tuple(order)}"


def targets(draft: Draft, network: Network, written: str, value: Any) -> str:
    """The tensor that a model's outputs are compared with.

    Raises:
        NotStatic: the model's loss is not known.
    """
    source = draft.source_of(network.model)
    shape, order = tuple(network.model.outputs[0].shape), source.outputs[0]
    kind, wanted = loss_kind(network)
    if kind == "cross_entropy" and wanted == "indices":
        return f"{draft.use('class_indices' if len(shape) == 2 else 'indices')}({written})"
    if len(shape) == 2 and shape[-1] == 1:
        return f"{draft.use('column')}({written})"
    return tensor(draft, written, order, False, value, shape)


def given_back(draft: Draft, network: Network, written: str) -> str:
    """A model's output as an array in Keras's order of axes."""
    order = draft.source_of(network.model).outputs[0]
    if tuple(order) == tuple(range(len(order))):
        return written
    draft.imports["import numpy as np"] = None
    back = tuple(order.index(axis) for axis in range(len(order)))
    return f"np.transpose({written}, {back})"


def dataset(draft: Draft, tensors: Sequence[str]) -> str:
    """Tensors as a data set."""
    draft.imports["from torch.utils.data import TensorDataset"] = None
    return f"TensorDataset({', '.join(tensors)})"


def loader(draft: Draft, data: str, batch: str, shuffle: str = "False", drop_last: bool = False) -> str:
    """A data set in batches."""
    draft.imports["from torch.utils.data import DataLoader"] = None
    more = "" if shuffle == "False" else f", shuffle={shuffle}"
    more += ", drop_last=True" if drop_last else ""
    return f"DataLoader({data}, batch_size={batch}{more})"

"""The graphs of a source and of what was written of it."""

from __future__ import annotations

import numpy as np
from torch import nn

from homolog.emitting.graphs import graphs
from homolog.keras.emitting.assemble import assemble
from homolog.pytorch.program import trace


def test_every_step_is_in_both_with_its_own_order_of_axes() -> None:
    found = trace(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()).eval(), [np.zeros((1, 3, 8, 9), np.float32)])
    left, right = graphs(found, assemble(found))
    assert [node.kind for node in left.nodes.values()] == [node.kind for node in right.nodes.values()]
    assert left.nodes["0"].shapes == ((None, 5, 6, 7),)
    layer = next(node for node in right.nodes.values() if node.kind == "conv2d")
    assert (layer.name, layer.shapes) == ("_0", ((None, 6, 7, 5),))
    (ours,), (theirs,) = left.nodes["0"].labels, layer.labels
    assert [part[0][0] for part in ours or ()] == ["n", "c", "h", "w"]
    assert [part[0][0] for part in theirs or ()] == ["n", "h", "w", "c"]
    assert [len(graph.outputs) for graph in (left, right)] == [1, 1]

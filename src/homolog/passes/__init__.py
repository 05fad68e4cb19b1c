"""Passes: each takes a Graph and gives a Graph."""

from __future__ import annotations

from collections.abc import Mapping

from homolog.graph import Graph, OpenShape
from homolog.passes.layout import layout
from homolog.passes.shapes import shapes

__all__ = ["layout", "normalise", "shapes"]


def normalise(graph: Graph, inputs: Mapping[str, OpenShape] | None = None) -> Graph:
    """All passes in their order: what the matcher wants to see."""
    return layout(shapes(graph, inputs))

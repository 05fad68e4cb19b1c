"""Changes of a weight's layout, invertible where nothing is lost.

A transform takes a tuple of arrays to a tuple of arrays. Its inverse is derived, never written by hand, and its effect
on shapes is known without touching a byte.
"""

from homolog.transforms.arithmetic import Fill, Less, Sum, Times
from homolog.transforms.axes import Axes, groups
from homolog.transforms.chains import joined
from homolog.transforms.parts import Blocks, Concat, Each, Part, Split
from homolog.transforms.text import parse_chain, parse_transform
from homolog.transforms.transform import (
    Chain,
    Transform,
    apply,
    chain_shapes,
    chain_text,
    inverse,
    lossless,
)

__all__ = [
    "Axes",
    "Blocks",
    "Chain",
    "Concat",
    "Each",
    "Fill",
    "Less",
    "Part",
    "Split",
    "Sum",
    "Times",
    "Transform",
    "apply",
    "chain_shapes",
    "chain_text",
    "groups",
    "inverse",
    "joined",
    "lossless",
    "parse_chain",
    "parse_transform",
]

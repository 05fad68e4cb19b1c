"""What a literal is called when it becomes a parameter: after where it stands in a call."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Collection

CONV = ("filters", "kernel_size", "strides", "padding")
POOL = ("pool_size", "strides", "padding")
POSITIONAL = {
    **{f"{kind}{rank}D": CONV for kind in ("Conv", "SeparableConv") for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": CONV for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": CONV[1:] for rank in (1, 2)},
    **{f"{kind}Pooling{rank}D": POOL for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{f"{kind}{rank}D": ("size",) for kind in ("UpSampling",) for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": ("padding",) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": ("cropping",) for rank in (1, 2, 3)},
    **dict.fromkeys(("Dense", "LSTM", "GRU", "SimpleRNN"), ("units", "activation")),
    "Embedding": ("input_dim", "output_dim"),
    "MultiHeadAttention": ("num_heads", "key_dim"),
    "Activation": ("activation",),
    "Dropout": ("rate",),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "reshape": ("", "shape"),
    "transpose": ("", "axes"),
    "broadcast_to": ("", "shape"),
    "zeros": ("shape",),
    "ones": ("shape",),
    "full": ("shape", "fill_value"),
    "pad": ("", "pad_width"),
    "expand_dims": ("", "axis"),
    "squeeze": ("", "axis"),
    "split": ("", "sections", "axis"),
    "take": ("", "indices", "axis"),
    "roll": ("", "shift", "axis"),
    "einsum": ("subscripts",),
    **dict.fromkeys(("softmax", "mean", "sum", "max", "min", "prod", "concatenate", "stack", "flip"), ("", "axis")),
}
"""The positional arguments of Keras's layers and operations by name; "" where a tensor stands."""
WIDTHS = {"filters", "units", "shape", "target_shape", "size", "key_dim", "input_dim", "output_dim", "value"}
"""Labels of sizes that are often multiples of one another."""
MODULES = {"layers", "ops", "keras", "np"}
RESERVED = MODULES | {"shared", "name", "i", "j", "k", "_", "build_model", "inputs", "outputs", "model", "main"}
RESERVED |= set(keyword.kwlist) | set(keyword.softkwlist) | set(dir(builtins))


def called(function: ast.expr) -> str:
    """The last part of a function's name: ``Conv2D`` of ``layers.Conv2D``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def positional(function: ast.expr, place: int) -> str:
    """What the argument at a place of a call is called."""
    labels = POSITIONAL.get(called(function), ())
    return labels[place] if place < len(labels) and labels[place] else "value"


def base(label: str) -> str:
    """The label without the number that told it from another: ``filters`` of ``filters_2``."""
    head, _, tail = label.rpartition("_")
    return head if head and tail.isdigit() else label


def distinct(label: str, taken: Collection[str]) -> str:
    """The label, or the first numbered one, that is neither taken nor reserved."""
    label = base(label)
    if label not in taken and label not in RESERVED:
        return label
    if label in RESERVED:
        label = f"{label}_"
    found, number = label, 2
    while found in taken or found in RESERVED:
        found, number = f"{label.rstrip('_')}_{number}", number + 1
    return found

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
CHANNELS = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
RECURRENT = ("input_size", "hidden_size", "num_layers")
TORCH = {
    **{f"nn.Conv{kind}{rank}d": CHANNELS for kind in ("", "Transpose") for rank in (1, 2, 3)},
    **{f"nn.{kind}Pool{rank}d": CHANNELS[2:] for kind in ("Max", "Avg") for rank in (1, 2, 3)},
    **{f"nn.{kind}{rank}d": ("num_features",) for kind in ("BatchNorm", "InstanceNorm") for rank in (1, 2, 3)},
    **dict.fromkeys(("nn.RNN", "nn.LSTM", "nn.GRU", "nn.RNNCell", "nn.LSTMCell", "nn.GRUCell"), RECURRENT),
    "nn.Linear": ("in_features", "out_features"),
    "nn.LayerNorm": ("normalized_shape",),
    "nn.RMSNorm": ("normalized_shape",),
    "nn.GroupNorm": ("num_groups", "num_channels"),
    "nn.Embedding": ("num_embeddings", "embedding_dim"),
    "nn.MultiheadAttention": ("embed_dim", "num_heads"),
    "nn.Dropout": ("p",),
    "nn.LeakyReLU": ("negative_slope",),
    **dict.fromkeys(("torch.empty", "torch.zeros", "torch.ones"), ("size",) * 6),
}
"""The positional arguments of PyTorch's modules by name."""
WIDTHS = {"filters", "units", "shape", "target_shape", "size", "key_dim", "input_dim", "output_dim", "value"}
WIDTHS |= {"in_channels", "out_channels", "in_features", "out_features", "num_features", "normalized_shape"}
WIDTHS |= {"num_channels", "embed_dim", "embedding_dim", "input_size", "hidden_size", "groups"}
"""Labels of sizes that are often multiples of one another."""
MODULES = {"layers", "ops", "keras", "np", "nn", "torch", "math"}
RESERVED = MODULES | {"shared", "name", "i", "j", "k", "_", "build_model", "inputs", "outputs", "model", "main"}
RESERVED |= set(keyword.kwlist) | set(keyword.softkwlist) | set(dir(builtins))


def called(function: ast.expr) -> str:
    """The last part of a function's name: ``Conv2D`` of ``layers.Conv2D``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def positional(function: ast.expr, place: int) -> str:
    """What the argument at a place of a call is called."""
    labels = TORCH.get(ast.unparse(function)) or POSITIONAL.get(called(function), ())
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

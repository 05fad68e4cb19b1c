"""Initial weights: the written module draws them as Keras does, not as PyTorch does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homolog.scripts.draft import Draft, Network
from homolog.scripts.facts import layers_of
from homolog.scripts.parts import Part, chosen
from homolog.scripts.values import NotStatic

NOTE = "initial weights are drawn as Keras draws them (`initialise`), for PyTorch's own defaults are others"
VARIANCE = (
    "batch normalisation: of each batch PyTorch keeps the variance divided by n - 1, Keras by n; what is kept differs "
    "by the share of 1 / n, for n values of a channel in a batch"
)
INITIALISE = '''
@torch.no_grad()
def initialise(model):
    """Draw the weights as Keras does."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):  #? dense
            nn.init.xavier_uniform_(module.weight)  #? dense
            if module.bias is not None:  #? dense
                nn.init.zeros_(module.bias)  #? dense
        if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):  #? transposed
            nn.init.xavier_uniform_(module.weight)  #? transposed
            if module.bias is not None:  #? transposed
                nn.init.zeros_(module.bias)  #? transposed
        if isinstance(module, nn.Embedding):  #? embedding
            nn.init.uniform_(module.weight, -0.05, 0.05)  #? embedding
        if isinstance(module, (nn.RNN, nn.GRU, nn.LSTM)):  #? recurrent
            for name, tensor in module.named_parameters():  #? recurrent
                if name.startswith("weight_ih"):  #? recurrent
                    nn.init.xavier_uniform_(tensor)  #? recurrent
                elif name.startswith("weight_hh"):  #? recurrent
                    nn.init.orthogonal_(tensor)  #? recurrent
                else:  #? recurrent
                    nn.init.zeros_(tensor)  #? recurrent
                    if isinstance(module, nn.LSTM) and name.startswith("bias_ih"):  #? recurrent
                        tensor[module.hidden_size : 2 * module.hidden_size] = 1  # the gate that forgets  #? recurrent
        if isinstance(module, nn.MultiheadAttention):  #? attention
            nn.init.xavier_uniform_(module.in_proj_weight)  #? attention
            nn.init.zeros_(module.in_proj_bias)  #? attention
'''
KINDS: Mapping[str, str] = {
    "Dense": "dense",
    "Conv1D": "dense",
    "Conv2D": "dense",
    "Conv3D": "dense",
    "SeparableConv1D": "dense",
    "SeparableConv2D": "dense",
    "DepthwiseConv1D": "dense",
    "DepthwiseConv2D": "dense",
    "EinsumDense": "dense",
    "Conv1DTranspose": "transposed",
    "Conv2DTranspose": "transposed",
    "Conv3DTranspose": "transposed",
    "Embedding": "embedding",
    "SimpleRNN": "recurrent",
    "GRU": "recurrent",
    "LSTM": "recurrent",
    "MultiHeadAttention": "attention dense",
}
USUAL = {
    **dict.fromkeys(("kernel", "depthwise", "pointwise"), "GlorotUniform"),
    **{"bias": "Zeros", "recurrent": "Orthogonal", "embeddings": "RandomUniform", "beta": "Zeros", "gamma": "Ones"},
    **{"moving_mean": "Zeros", "moving_variance": "Ones", "alpha": "Zeros"},
}
DRAWN: Mapping[str, str] = {
    "Zeros": "nn.init.zeros_({0})",
    "Ones": "nn.init.ones_({0})",
    "Constant": "nn.init.constant_({0}, {value})",
    "GlorotUniform": "nn.init.xavier_uniform_({0})",
    "GlorotNormal": "nn.init.trunc_normal_({0}, 0.0, {deviation}, {below}, {above})",
    "HeUniform": "nn.init.kaiming_uniform_({0})",
    "HeNormal": "nn.init.trunc_normal_({0}, 0.0, {deviation}, {below}, {above})",
    "LecunNormal": "nn.init.trunc_normal_({0}, 0.0, {deviation}, {below}, {above})",
    "RandomNormal": "nn.init.normal_({0}, {mean}, {stddev})",
    "RandomUniform": "nn.init.uniform_({0}, {minval}, {maxval})",
    "TruncatedNormal": "nn.init.trunc_normal_({0}, {mean}, {stddev}, {low}, {high})",
    "Orthogonal": "nn.init.orthogonal_({0}, {gain})",
}
"""Initialisers of Keras in PyTorch's words."""
CUT = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at two of its own."""


def after_making(draft: Draft, name: str, network: Network) -> list[str]:
    """Lines that give a new model its initial values."""
    kinds = {word for layer in layers_of(network.model) for word in KINDS.get(type(layer).__name__, "").split()}
    lines = []
    if kinds:
        draft.note(NOTE)
        draft.kinds |= kinds
        text = chosen(INITIALISE, draft.kinds)
        draft.functions["initialise"] = Part(text, ("import torch", "from torch import nn"))
        lines.append(f"{draft.named('initialise')}({name})")
    try:
        lines += _others(name, network)
    except NotStatic as error:
        draft.note(error.what)
    lines += _statistics(draft, name, network)
    if any(type(layer).__name__ == "BatchNormalization" for layer in layers_of(network.model)):
        draft.note(VARIANCE)
    if any("nn.init" in line for line in lines):
        draft.imports["from torch import nn"] = None
    return lines


def _others(name: str, network: Network) -> list[str]:
    """Lines for the weights that are not drawn as usual.

    Raises:
        NotStatic: some cannot be drawn so, with which.
    """
    assert network.source is not None
    tensors = {path: tensor for tensor, path in network.source.origins.items()}
    lines, missed = [], []
    for layer in layers_of(network.model):
        for word, usual in USUAL.items():
            initializer = getattr(layer, f"{word}_initializer", None)
            kind = type(initializer).__name__
            if initializer is None or (kind == usual and not _unusual(initializer, kind)):
                continue
            variable = getattr(layer, {"recurrent": "recurrent_kernel"}.get(word, word), None)
            if variable is None:
                continue
            tensor = tensors.get(variable.path)
            text = None if tensor is None else drawn(f'{name}.get_parameter("{tensor}")', initializer, variable.shape)
            lines += [text] if text else []
            missed += [] if text else [f"{layer.name}.{word}_initializer={kind}"]
    if missed:
        raise NotStatic(f"initial weights are drawn as usual where the script says otherwise: {', '.join(missed)}")
    return lines


def _unusual(initializer: Any, kind: str) -> bool:
    """Whether an initialiser of the usual kind has unusual settings."""
    if kind == "RandomUniform":
        return (initializer.minval, initializer.maxval) != (-0.05, 0.05)
    return kind == "Orthogonal" and initializer.gain != 1.0


def drawn(tensor: str, initializer: Any, shape: tuple[int, ...]) -> str | None:
    """A call that draws a tensor as an initialiser of Keras does, None for one that is not known."""
    kind = type(initializer).__name__
    template = DRAWN.get(kind)
    if template is None:
        return None
    words = {key: repr(value) for key, value in initializer.get_config().items() if isinstance(value, int | float)}
    inputs, outputs = _fans(shape)
    fan = {"GlorotNormal": (inputs + outputs) / 2, "HeNormal": inputs / 2, "LecunNormal": inputs}.get(kind, 1.0)
    deviation = (1 / max(fan, 1e-9)) ** 0.5 / CUT
    words |= {"deviation": f"{deviation:.8g}", "below": f"{-2 * deviation:.8g}", "above": f"{2 * deviation:.8g}"}
    if kind == "TruncatedNormal":
        low, high = (initializer.mean + side * 2 * initializer.stddev for side in (-1, 1))
        words |= {"low": repr(low), "high": repr(high)}
    return template.format(tensor, **words)


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """How many numbers a kernel takes and gives, as Keras counts them."""
    if len(shape) < 2:
        return (float(shape[0]),) * 2 if shape else (1.0, 1.0)
    field = 1
    for length in shape[:-2]:
        field *= length
    return float(shape[-2] * field), float(shape[-1] * field)


def _statistics(draft: Draft, name: str, network: Network) -> list[str]:
    """Lines that fill in the mean and variance of data that layers were adapted to."""
    assert network.source is not None
    lines = []
    tensors = {path: tensor for tensor, path in network.source.origins.items()}
    for layer in layers_of(network.model):
        data = getattr(layer, "adapted_to", None)
        if data is None:
            continue
        axes = tuple(
            axis for axis in range(len(layer._build_shapes_dict["input_shape"])) if axis not in layer._keep_axis
        )
        for word, method in (("adapt_mean", "mean"), ("adapt_variance", "var")):
            variable = getattr(layer, word)
            tensor = tensors.get(variable.path)
            if tensor is None:
                draft.note(f"{layer.name}: nothing says where the written model keeps the statistics of {data}")
                continue
            draft.imports["import numpy as np"] = None
            value = f"{draft.use('numbers')}(np.{method}({data}, axis={axes!r}))"
            lines.append(f'{name}.state_dict()["{tensor}"].copy_({value})')
    return lines

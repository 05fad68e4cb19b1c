"""Initial weights: the written module draws them as Keras does, not as PyTorch does by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from homolog.scripts.draft import Draft, Left, Network
from homolog.scripts.draws import Draw, calls, constant, draw_of, xavier
from homolog.scripts.facts import layers_of
from homolog.scripts.model import Tensor
from homolog.scripts.parts import Part, chosen
from homolog.scripts.script import code
from homolog.transforms import apply

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
'''
KINDS: Mapping[str, str] = {
    **dict.fromkeys(("Linear", "Conv1d", "Conv2d", "Conv3d"), "dense"),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), "transposed"),
    "Embedding": "embedding",
    **dict.fromkeys(("RNN", "GRU", "LSTM"), "recurrent"),
}
"""What ``initialise`` draws, by the module's class."""
OWN: Mapping[str, float] = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
NORMS = {*(f"BatchNorm{rank}d" for rank in (1, 2, 3)), "LayerNorm", "GroupNorm", "RMSNorm"}
"""Modules that PyTorch gives the values in ``OWN`` by itself."""


def after_making(draft: Draft, name: str, network: Network) -> list[str]:
    """Lines that give a new model its initial values."""
    assert network.source is not None
    tensors = network.source.tensors
    kinds = {KINDS[tensor.owner] for tensor in tensors.values() if tensor.owner in KINDS}
    lines = []
    if kinds:
        draft.note(NOTE)
        draft.kinds |= kinds
        text = chosen(INITIALISE, draft.kinds)
        draft.functions["initialise"] = Part(text, ("import torch", "from torch import nn"))
        lines.append(f"{draft.named('initialise')}({name})")
    adapted = _statistics(draft, name, network)
    for target, tensor in tensors.items():
        if target not in adapted:
            lines += _drawn(draft, f'{name}.{tensor.getter}("{target}")', tensor, network)
    lines += adapted.values()
    if any(type(layer).__name__ == "BatchNormalization" for layer in layers_of(network.model)):
        draft.note(VARIANCE)
    if any("nn.init" in line for line in lines):
        draft.imports["from torch import nn"] = None
    return lines


def _drawn(draft: Draft, written: str, tensor: Tensor, network: Network) -> list[str]:
    """Lines that draw a tensor, if it has to be drawn otherwise than its module is anyway."""
    draws = [draw_of(draft.initializers[id(one)][1], tuple(one.shape)) for one in tensor.variables]
    wanted = _brought(draws, tensor)
    usual = _usual(tensor)
    if wanted is not None and usual is not None and wanted.like(usual):
        return []
    lines = None if wanted is None else calls(wanted, written, tensor.shape, tensor.shape == tensor.keras_shape)
    if lines is not None:
        return lines
    kinds = ", ".join(type(draft.initializers[id(one)][1]).__name__ for one in tensor.variables)
    text, why = code(network.statements[0]).strip().splitlines()[0], f"{written} begins with what {kinds} gives"
    draft.left.append(Left(draft.script.line(network.statements[0]), text, why))
    return [f"# homolog: not translated: {why}"]


def _brought(draws: Sequence[Draw | None], tensor: Tensor) -> Draw | None:
    """What a tensor is drawn by that is made of several variables: the same for all, or values, laid out as it is."""
    known = [draw for draw in draws if draw is not None]
    if len(known) < len(draws):
        return None
    if all(draw.values is not None for draw in known):
        (values,) = apply(tensor.transform, [draw.values for draw in known if draw.values is not None])
        return Draw("values", values=np.asarray(values, "float32"))
    return known[0] if all(draw.like(known[0]) for draw in known) else None


def _usual(tensor: Tensor) -> Draw | None:
    """What a tensor is drawn by where nothing more is said; None for one that is a module's own."""
    owner, slot, shape = tensor.owner, tensor.slot, tensor.shape
    if owner in NORMS:
        return constant(OWN[slot], shape)
    if owner == "PReLU":
        return constant(0.25, shape)
    kind = KINDS.get(owner)
    if kind == "embedding":
        return Draw("uniform", (-0.05, 0.05))
    if kind == "recurrent" and slot.startswith("weight_hh"):
        return Draw("orthogonal", (1.0,))
    if kind is not None and slot.startswith("weight"):
        return xavier(shape)
    if kind is None:
        return None
    values = np.zeros(shape, "float32")
    if owner == "LSTM" and slot.startswith("bias_ih"):
        values[shape[0] // 4 : shape[0] // 2] = 1
    return Draw("values", values=values)


def _statistics(draft: Draft, name: str, network: Network) -> dict[str, str]:
    """By tensor, lines that fill in the mean and variance of data that layers were adapted to."""
    assert network.source is not None
    lines = {}
    tensors = {path: tensor for tensor, path in network.source.origins.items()}
    for layer in layers_of(network.model):
        data = getattr(layer, "adapted_to", None)
        if data is None:
            continue
        axes = tuple(
            axis for axis in range(len(layer._build_shapes_dict["input_shape"])) if axis not in layer._keep_axis
        )
        for word, method in (("adapt_mean", "mean"), ("adapt_variance", "var")):
            tensor = tensors[getattr(layer, word).path]
            draft.imports["import numpy as np"] = None
            value = f"{draft.use('numbers')}(np.{method}({data}, axis={axes!r}))"
            lines[tensor] = f'{name}.state_dict()["{tensor}"].copy_({value})'
    return lines

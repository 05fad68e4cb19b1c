"""A writer of plain modules that stands in for the translation of models, so that scripts are tested by themselves.

It takes functional models and Sequentials of common layers. Within ``forward`` all is as in Keras, channels last; only
what goes in is channels first, as the translation's modules take images.
"""

from __future__ import annotations

from typing import Any

from homolog.scripts.model import ModelSource
from homolog.scripts.values import NotStatic

Lines = list[str]
ORIGINS: dict[str, str] = {}
"""Of the tensors of the last model that was written, and all before it."""


def torch_source(model: Any) -> ModelSource:
    """The source of a model, each layer by itself."""
    writer = Writer()
    names = [f"x{place}" for place in range(len(model.inputs))]
    orders = []
    for place, tensor in enumerate(model.inputs):
        rank = len(tensor.shape)
        orders.append((0, rank - 1, *range(1, rank - 1)) if rank > 3 else tuple(range(rank)))
        if rank > 3:
            writer.forward.append(f"x{place} = x{place}.movedim(1, -1)")
    outputs = writer.model(model, names)
    text = "\n".join(
        [
            "class Net(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            *(f"        {line}" for line in writer.init),
            "",
            f"    def forward(self, {', '.join(names)}):",
            *(f"        {line}" for line in writer.forward),
            f"        return {', '.join(outputs)}",
        ]
    )
    ORIGINS.update(writer.origins)
    given = tuple(tuple(range(len(tensor.shape))) for tensor in model.outputs)
    return ModelSource(text, "Net", ("import torch", "from torch import nn"), tuple(orders), given, writer.origins)


class Writer:
    def __init__(self) -> None:
        self.init: Lines = []
        self.forward: Lines = []
        self.origins: dict[str, str] = {}
        self.made: dict[int, str] = {}
        self.count = 0

    def model(self, model: Any, inputs: list[str]) -> list[str]:
        """The statements of a model that is called on variables, and the variables of its outputs."""
        functional = model if hasattr(model, "_nodes_by_depth") else model._functional
        if not hasattr(functional, "_nodes_by_depth"):
            raise NotStatic(f"the stand-in knows no {type(model).__name__}")
        known = {id(tensor): name for tensor, name in zip(functional._inputs, inputs, strict=True)}
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                values = [known[id(tensor)] for tensor in node.arguments.keras_tensors]
                results = self.call(node.operation, values)
                known.update({id(tensor): name for tensor, name in zip(node.outputs, results, strict=True)})
        return [known[id(tensor)] for tensor in functional._outputs]

    def let(self, text: str) -> str:
        self.count += 1
        self.forward.append(f"y{self.count} = {text}")
        return f"y{self.count}"

    def held(self, layer: Any, text: str, origins: dict[str, Any]) -> str:
        """The module of a layer, made once."""
        if id(layer) not in self.made:
            name = layer.name.replace("/", "_")
            self.made[id(layer)] = name
            self.init.append(f"self.{name} = {text}")
            self.origins |= {f"{name}.{key}": variable.path for key, variable in origins.items()}
        return f"self.{self.made[id(layer)]}"

    def call(self, layer: Any, x: list[str]) -> list[str]:
        if hasattr(layer, "_functional") or hasattr(layer, "_nodes_by_depth"):
            return self.model(layer, x)
        kind = type(layer).__name__
        write = getattr(self, f"_{kind.lower()}", None)
        if write is None:
            raise NotStatic(f"the stand-in knows no {kind}")
        result = self.let(write(layer, *x))
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation != "linear" and kind not in ("LSTM", "GRU"):
            result = self.let(
                f"torch.softmax({result}, -1)" if activation == "softmax" else f"torch.{activation}({result})"
            )
        return [result]

    def _dense(self, layer: Any, x: str) -> str:
        rows, columns = layer.kernel.shape
        return f"{self._weighted(layer, f'nn.Linear({rows}, {columns}, bias={layer.use_bias})')}({x})"

    def _weighted(self, layer: Any, text: str) -> str:
        return self.held(layer, text, {"weight": layer.kernel, **({"bias": layer.bias} if layer.use_bias else {})})

    def _conv(self, layer: Any, x: str, rank: int) -> str:
        *size, inputs, outputs = layer.kernel.shape
        padding = '"same"' if layer.padding == "same" and set(layer.strides) == {1} else 0
        if layer.padding == "same" and set(layer.strides) != {1}:
            padding = size[0] // 2
        settings = f"{inputs}, {outputs}, {tuple(size)}, stride={tuple(layer.strides)}, padding={padding}"
        module = self._weighted(layer, f"nn.Conv{rank}d({settings}, bias={layer.use_bias})")
        pad = (
            f"nn.functional.pad({x}.movedim(-1, 1), ({size[0] - 1}, 0))"
            if layer.padding == "causal"
            else f"{x}.movedim(-1, 1)"
        )
        return f"{module}({pad}).movedim(1, -1)"

    def _conv2d(self, layer: Any, x: str) -> str:
        return self._conv(layer, x, 2)

    def _conv1d(self, layer: Any, x: str) -> str:
        return self._conv(layer, x, 1)

    def _conv2dtranspose(self, layer: Any, x: str) -> str:
        *size, outputs, inputs = layer.kernel.shape
        settings = f"{inputs}, {outputs}, {tuple(size)}, stride={tuple(layer.strides)}, padding=1, output_padding=1"
        return f"{self._weighted(layer, f'nn.ConvTranspose2d({settings})')}({x}.movedim(-1, 1)).movedim(1, -1)"

    def _pool(self, kind: str, layer: Any, x: str) -> str:
        size, step = tuple(layer.pool_size), tuple(layer.strides)
        pad = ", ceil_mode=True" if layer.padding == "same" else ""
        return f"nn.functional.{kind}_pool2d({x}.movedim(-1, 1), {size}, {step}{pad}).movedim(1, -1)"

    def _maxpooling2d(self, layer: Any, x: str) -> str:
        return self._pool("max", layer, x)

    def _averagepooling2d(self, layer: Any, x: str) -> str:
        return self._pool("avg", layer, x)

    def _globalaveragepooling2d(self, layer: Any, x: str) -> str:
        return f"{x}.mean((1, 2))"

    def _globalaveragepooling1d(self, layer: Any, x: str) -> str:
        return f"{x}.mean(1)"

    def _flatten(self, layer: Any, x: str) -> str:
        return f"{x}.flatten(1)"

    def _reshape(self, layer: Any, x: str) -> str:
        return f"{x}.reshape(-1, {', '.join(map(str, layer.target_shape))})"

    def _upsampling2d(self, layer: Any, x: str) -> str:
        return f"{x}.repeat_interleave({layer.size[0]}, 1).repeat_interleave({layer.size[1]}, 2)"

    def _dropout(self, layer: Any, x: str) -> str:
        return f"nn.functional.dropout({x}, {layer.rate}, self.training)"

    def _activation(self, layer: Any, x: str) -> str:
        return x

    def _relu(self, layer: Any, x: str) -> str:
        return f"torch.relu({x})"

    def _rescaling(self, layer: Any, x: str) -> str:
        return f"{x} * {layer.scale} + {layer.offset}"

    def _add(self, layer: Any, *x: str) -> str:
        return " + ".join(x)

    def _concatenate(self, layer: Any, *x: str) -> str:
        return f"torch.cat([{', '.join(x)}], {layer.axis})"

    def _subtract(self, layer: Any, *x: str) -> str:
        return " - ".join(x)

    def _absolute(self, layer: Any, x: str) -> str:
        return f"{x}.abs()"

    def _batchnormalization(self, layer: Any, x: str) -> str:
        module = self.held(
            layer,
            f"nn.BatchNorm1d({layer.gamma.shape[0]}, eps={layer.epsilon}, momentum={1 - layer.momentum:.6g})",
            {
                "weight": layer.gamma,
                "bias": layer.beta,
                "running_mean": layer.moving_mean,
                "running_var": layer.moving_variance,
            },
        )
        return f"{module}({x}.reshape(-1, {layer.gamma.shape[0]})).reshape({x}.shape)"

    def _normalization(self, layer: Any, x: str) -> str:
        name = layer.name
        if id(layer) not in self.made:
            self.made[id(layer)] = name
            size = tuple(layer.adapt_mean.shape)
            self.init += [
                f'self.register_buffer("{name}_mean", torch.zeros({size}))',
                f'self.register_buffer("{name}_variance", torch.ones({size}))',
            ]
            self.origins |= {f"{name}_mean": layer.adapt_mean.path, f"{name}_variance": layer.adapt_variance.path}
        return f"({x} - self.{name}_mean) / self.{name}_variance.sqrt().clamp_min(1e-7)"

    def _embedding(self, layer: Any, x: str) -> str:
        module = self.held(layer, f"nn.Embedding({layer.input_dim}, {layer.output_dim})", {"weight": layer.embeddings})
        return f"{module}({x})"

    def _recurrent(self, layer: Any, x: str, kind: str, size: int) -> str:
        module = self.held(layer, f"nn.{kind}({size}, {layer.units}, batch_first=True)", {})
        return f"{module}({x})[0]" + ("" if layer.return_sequences else "[:, -1]")

    def _lstm(self, layer: Any, x: str) -> str:
        return self._recurrent(layer, x, "LSTM", layer.cell.kernel.shape[0])

    def _gru(self, layer: Any, x: str) -> str:
        return self._recurrent(layer, x, "GRU", layer.cell.kernel.shape[0])

    def _bidirectional(self, layer: Any, x: str) -> str:
        inner = layer.forward_layer
        kind = type(inner).__name__
        module = self.held(
            layer,
            f"nn.{kind}({inner.cell.kernel.shape[0]}, {inner.units}, batch_first=True, bidirectional=True)",
            {},
        )
        if inner.return_sequences:
            return f"{module}({x})[0]"
        found = self.let(f"{module}({x})[0]")
        return f"torch.cat([{found}[:, -1, : {inner.units}], {found}[:, 0, {inner.units} :]], -1)"

"""Keras's ``EinsumDense``: a linear layer whose features lie on several axes, said by an equation.

``abc,cde->abde`` makes two axes of one, ``abcd,cde->abe`` one of two. Where the kernel takes the last axes of the input
and gives the last axes of the output, this is a linear layer between a flatten and an unflatten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homolog.errors import Unsupported
from homolog.graph import Node, Value, Weight
from homolog.rules.rule import Field, Keras, Rule, Slot
from homolog.tensors import Shape
from homolog.transforms import Axes


@dataclass(frozen=True)
class Equation:
    """An equation as letters: those that are contracted and those that are new, in the order the features lie in.

    Attributes:
        kernel: letters of the kernel.
        taken: last axes of the input, which the kernel contracts.
        given: last axes of the output, which the kernel brings.
    """

    kernel: str
    taken: str
    given: str

    @property
    def layout(self) -> Axes:
        """From the kernel to the matrix (out, in) of a linear layer."""
        return Axes(f"{' '.join(self.kernel)} -> {_group(self.given)} {_group(self.taken)}")


def parse(text: str) -> Equation | None:
    """The equation, None if the layer is not linear over its last axes, alike everywhere else."""
    terms, _, result = text.replace(" ", "").lower().replace("...", "").partition("->")
    entry, _, kernel = terms.partition(",")
    taken = "".join(letter for letter in entry if letter in kernel and letter not in result)
    given = "".join(letter for letter in result if letter in kernel and letter not in entry)
    kept = entry.removesuffix(taken)
    fits = entry == kept + taken and result == kept + given and sorted(kernel) == sorted(taken + given)
    return Equation(kernel, taken, given) if fits and taken and given else None


def as_linear(node: Node) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """A linear layer, with a flatten in front and an unflatten behind where features lie on several axes.

    Raises:
        Unsupported: an equation, or axes of the bias, that no linear layer has.
    """
    text, bias_axes = str(node.fields["equation"]), str(node.fields["bias_axes"] or "").lower()
    found = parse(text)
    if found is None or (bias_axes and set(bias_axes) != set(found.given)):
        raise Unsupported(
            "an EinsumDense that is no linear layer over its last axes",
            where=node.name,
            expected="a kernel that takes the last axes and gives the last axes, and a bias over all it gives",
            found=f"{text}, bias_axes={node.fields['bias_axes']!r}",
        )
    kernel, bias = node.weights.get("weight"), node.weights.get("bias")
    if kernel is None:  # a configuration without its weights
        return (replace(node, kind="linear", fields={}),), (Value(node.name),)
    sizes = dict(zip(found.kernel, kernel.tensors[0].shape, strict=True))
    weights = {"weight": Weight(kernel.tensors, (found.layout.bind(kernel.tensors[0].shape),))}
    if bias is not None:
        weights["bias"] = Weight(bias.tensors, _bias(found, bias.tensors[0].shape))
    bare = replace(node, weights={}, ignored={}, shapes=(), layer=None)
    nodes = [replace(node, kind="linear", fields={}, weights=weights)]
    if len(found.taken) > 1:
        fields: dict[str, object] = {"start_dim": -len(found.taken), "end_dim": -1, "moved": False}
        nodes.insert(0, replace(bare, name=f"{node.name}/flat", kind="flatten", fields=fields))
    if len(found.given) > 1:
        lengths = tuple(sizes[letter] for letter in found.given)
        fields = {"shape": (), "dim": -1, "unflattened_size": lengths}
        nodes.append(replace(bare, name=f"{node.name}/parts", kind="reshape", fields=fields))
    return _chained(node, nodes)


def _chained(node: Node, nodes: Sequence[Node]) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """The nodes, each reading the one before it; the last gives what the layer gave."""
    inputs, made = node.inputs, []
    for part in nodes:
        made.append(replace(part, inputs=inputs, shapes=(), layer=None))
        inputs = (Value(part.name),) if node.inputs else ()
    made[-1] = replace(made[-1], shapes=node.shapes, layer=node.layer)
    return tuple(made), (Value(made[-1].name),)


def _bias(found: Equation, shape: Shape) -> tuple[Axes, ...]:
    names = " ".join(found.given)
    return (Axes(f"{names} -> {_group(found.given)}").bind(shape),) if len(found.given) > 1 else ()


def _group(letters: str) -> str:
    return f"({' '.join(letters)})" if len(letters) > 1 else letters


EINSUM_DENSE = Rule(
    "einsum_dense",
    keras=Keras(
        ("EinsumDense",),
        ignore=("output_shape",),
        fixed={"quantization_config": None, "lora_rank": None, "lora_alpha": None},
    ),
    fields=(Field("equation", "equation"), Field("bias_axes", "bias_axes", otherwise=None)),
    slots=(Slot("weight", "kernel"), Slot("bias", "bias", when="bias_axes")),
    units=as_linear,
)

RULES = (EINSUM_DENSE,)

"""What is in a model or a file, told without building the model and without trusting the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homolog.files import Checkpoint, Format
from homolog.graph import Graph, Node, OpenShape
from homolog.inspecting.outline import is_live, look
from homolog.inspecting.summary import Summary, summarise
from homolog.inspecting.table import TensorRow, TensorTable, table_of, tensor_table
from homolog.inspecting.words import visible
from homolog.network import Network
from homolog.tensors import Array

if TYPE_CHECKING:
    from homolog.inspecting.members import Members

__all__ = ["Inspection", "TensorRow", "TensorTable", "inspect_network", "inspect_object", "tensor_table"]

_WHAT = {
    Format.TORCH_MODULE: "PyTorch module{cls}, pickled whole",
    Format.TORCH_STATE: "PyTorch weights without an architecture (state_dict)",
    Format.SAFETENSORS: "weights without an architecture (safetensors)",
    Format.KERAS_H5: "Keras model{cls}, in legacy HDF5",
    Format.KERAS_H5_WEIGHTS: "Keras weights without an architecture, in legacy HDF5",
    Format.KERAS: "Keras model{cls}, .keras archive",
    Format.KERAS_WEIGHTS: "Keras weights without an architecture (.weights.h5)",
    Format.TORCHSCRIPT: "PyTorch weights of a TorchScript program, whose code is not read",
    Format.TORCH_EXPORTED: "PyTorch weights of an exported program (.pt2), whose code is not read",
    Format.SHARDED: "weights without an architecture, in several files",
    Format.SHARDED_KERAS: "Keras weights without an architecture, in several files",
    Format.NUMPY: "arrays of NumPy (.npz)",
    Format.TENSORFLOW: "variables of a TensorFlow checkpoint or SavedModel",
    Format.ONNX: "initialisers of an ONNX model",
    Format.FLAX: "arrays of a Flax checkpoint (MessagePack)",
}
_OWNERS = {"pytorch": "PyTorch", "keras": "Keras"}


@dataclass(frozen=True)
class Port:
    """An input or output of the network: its name, the shape if it is known, and for inputs the element type."""

    name: str
    shape: OpenShape | None = None
    dtype: str | None = None

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "name": self.name,
            "shape": None if self.shape is None else list(self.shape),
            "dtype": self.dtype,
        }


@dataclass(frozen=True)
class Inspection:
    """Everything that can be told of a model, a file or an object.

    Attributes:
        name: what the user called it.
        what: what it is, in words.
        path, format, size: of the file it came from, the size in bytes; None for what came from none.
        framework: whose it is; None where nothing says.
        inputs, outputs: of the network; empty where they are not known.
        summary: its layers; None for an object that is no network.
        tensors: its tensors.
        members: what the object answers to; None for files.
        extras: in words, what else the file holds.
        unsafe: the code that the file asks for. None of it was run.
        notes: what is worth knowing about what is shown.
        word: what names were filtered by.
    """

    name: str
    what: str
    path: str | None = None
    format: str | None = None
    size: int | None = None
    framework: str | None = None
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    summary: Summary | None = None
    tensors: TensorTable | None = None
    members: Members | None = None
    extras: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    word: str | None = None

    @property
    def safe(self) -> bool:
        """Whether the file asks for no code of its own."""
        return not self.unsafe

    def __str__(self) -> str:
        from homolog.reporting.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "name": self.name,
            "what": self.what,
            "path": self.path,
            "format": self.format,
            "size": self.size,
            "framework": self.framework,
            "safe": self.safe,
            "unsafe": list(self.unsafe),
            "inputs": [port.to_dict() for port in self.inputs],
            "outputs": [port.to_dict() for port in self.outputs],
            "extras": list(self.extras),
            "notes": list(self.notes),
            "word": self.word,
            "summary": None if self.summary is None else self.summary.to_dict(),
            "tensors": None if self.tensors is None else self.tensors.to_dict()["tensors"],
            "members": None if self.members is None else self.members.to_dict(),
        }


def inspect_network(network: Network, word: str | None = None, inputs: Sequence[Array] | None = None) -> Inspection:
    """What is in a network. A file is read as data: nothing of it is built or run, and an unsafe one is shown too.

    Args:
        network: a file, a live model, or a file with the maker of its model.
        word: a word or regular expression that layers (by name or type), tensors and members are filtered by.
        inputs: one array for each input, where the model must be run to be read or does not say how large they are.

    Raises:
        Usage: ``word`` is no valid regular expression.
        Mismatch: the inputs are not the network's.
    """
    view = look(network, inputs)
    graph, file, live = view.graph, network.checkpoint, is_live(network)
    listed = None
    if live and word is not None:
        from homolog.inspecting.members import members

        listed = members(network.live.model, word)
    return Inspection(
        name=network.name,
        what=_live_words(network) if live else _file_words(file),
        path=None if file is None else str(file.path),
        format=None if file is None else str(file.format),
        size=None if file is None else file.path.stat().st_size,
        framework=network.framework if live or file is None else file.framework,
        inputs=tuple(Port(node.name, _shape(graph, node.name), _dtype(node)) for node in graph.inputs),
        outputs=tuple(Port(value.node, _shape(graph, value.node, value.index)) for value in graph.outputs),
        summary=summarise(graph).matching(word),
        tensors=table_of(view, word, network.name),
        members=listed,
        extras=() if file is None else file.extras,
        unsafe=() if file is None or live else file.unsafe,
        notes=(*view.notes, *_shapeless(graph)),
        word=word,
    )


def inspect_object(obj: object, word: str | None = None) -> Inspection:
    """What any live object answers to.

    Raises:
        Usage: ``word`` is no valid regular expression.
    """
    from homolog.inspecting.members import members

    listed = members(obj, word)
    kind = type(obj)
    return Inspection(listed.of, f"an object of class {kind.__module__}.{kind.__qualname__}", members=listed, word=word)


def _file_words(file: Checkpoint | None) -> str:
    if file is None:
        return ""
    name = ""
    if file.modules is not None:
        name = file.modules.type.rpartition(".")[2]
    elif file.config is not None:
        name = str(file.config.get("class_name") or "")
    elif file.format is Format.KERAS_H5:
        return _WHAT[Format.KERAS_H5_WEIGHTS]
    return _WHAT[file.format].format(cls=f" ({visible(name)})" if name else "")


def _live_words(network: Network) -> str:
    model = network.live.model
    noun = "module" if network.framework == "pytorch" else "model"
    filled = "" if network.checkpoint is None else f", with the weights of {network.checkpoint.path.name}"
    return f"{_OWNERS[network.framework]} {noun} ({type(model).__name__}), live{filled}"


def _shape(graph: Graph, name: str, index: int = 0) -> OpenShape | None:
    shapes = graph.nodes[name].shapes[index : index + 1]
    return shapes[0] if shapes and shapes[0] else None


def _dtype(node: Node) -> str | None:
    found = node.fields.get("dtype")
    return None if found is None else str(found)


def _shapeless(graph: Graph) -> list[str]:
    if not graph.wired or any(node.shapes for node in graph.nodes.values()):
        return []
    return [
        "the shapes follow from the input's, which the model does not say: give it, for example --input 1,3,224,224"
    ]

"""A network as the user gave it: a live model, a file, or a file with the model it belongs to.

Everything that can be told from data alone is; the model is built only when something has to be run, and what is needed
then is imported then: a file of weights is opened in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from homolog import files
from homolog.errors import Mismatch, Unsafe, Unsupported, Usage
from homolog.files import Checkpoint, Format
from homolog.files.endings import form_of
from homolog.files.keras_config import with_settings
from homolog.graph import Graph, Node
from homolog.signature import Given, fits, in_order, in_words
from homolog.source import framework_of
from homolog.stored import load_into, not_of_this_model, stored_names
from homolog.tensors import Array, TensorRef

if TYPE_CHECKING:
    from homolog.live import Live
    from homolog.plan import Carried


class Network:
    """A network that may not be built yet.

    Attributes:
        name: what the user called it.
        checkpoint: the file, if it came from one.
    """

    def __init__(
        self, name: str, checkpoint: Checkpoint | None = None, make: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self.checkpoint = checkpoint
        self._make = make

    @property
    def path(self) -> Path | None:
        """The file, if it came from one."""
        return None if self.checkpoint is None else self.checkpoint.path

    @property
    def framework(self) -> Literal["pytorch", "keras"]:
        """Whose it is. A safetensors file alone is taken for PyTorch's, which writes most of them."""
        if self._make is not None:
            return self.live.framework
        return (self.checkpoint.framework if self.checkpoint else None) or "pytorch"

    @property
    def unsafe(self) -> tuple[str, ...]:
        """The code that its file asks for. None for a file that the user gives a model to: it is weights alone."""
        return () if self.checkpoint is None or self._make is not None else self.checkpoint.unsafe

    def require_safe(self) -> None:
        """Refuse a file that names code, unless the user says what model it belongs to: then it is weights alone.

        Raises:
            Unsafe: with every name.
        """
        if self.unsafe:
            raise Unsafe(
                "the file asks for code that is not PyTorch's or Keras's own; nothing of it was run",
                where=str(self.path),
                expected="layers of the frameworks, and containers of Python",
                found=", ".join(self.unsafe),
                help=f"look at it: homolog inspect {self.path}",
            )

    def graph(self, inputs: Given | None = None) -> Graph:
        """The graph, from data alone where that is enough, with the passes done.

        Args:
            inputs: one array for each input, in order or by name, where the model must be traced or does not say how
                large they are.
        """
        self.require_safe()
        graph = self._read(inputs)
        if not self.has_model:
            return graph  # of tensors alone, in which no pass finds anything to do

        from homolog.passes import normalise

        if inputs is None or not graph.wired:
            return normalise(graph)
        if len(inputs) != len(graph.inputs):
            raise Mismatch(
                "another number of inputs than the network takes",
                where=self.name,
                expected=str(len(graph.inputs)),
                found=str(len(inputs)),
            )
        arrays = in_order(inputs, [node.name for node in graph.inputs])
        for node, array in zip(graph.inputs, arrays, strict=True):
            _require_shape(node, array)
        shapes = {node.name: (None, *array.shape[1:]) for node, array in zip(graph.inputs, arrays, strict=True)}
        return normalise(graph, shapes)

    def _read(self, inputs: Given | None) -> Graph:
        file = self.checkpoint
        if self._make is not None or file is None:
            return self.live.graph(inputs)
        if file.framework == "keras":
            from homolog.keras.read import read_config, read_groups

            return read_groups(file.groups) if file.config is None else read_config(file.config, file.groups)

        from homolog.pytorch.tree import is_chain, read_state, read_tree

        if file.modules is not None:
            if is_chain(file.modules) or inputs is None:
                return read_tree(file.modules)
            return self.live.graph(inputs)
        return read_state(file.tensors)

    @cached_property
    def live(self) -> Live:
        """The model, built: by the user's own factory, or by the framework's own loader."""
        return self._built[0]

    @cached_property
    def _built(self) -> tuple[Live, Mapping[str, str] | None]:
        """The live model, and the file's name of each of its tensors while both hold the same."""
        self.require_safe()
        file = self.checkpoint
        if self._make is not None:
            live = _wrapped(self._make(), self.name)
            if file is None:
                return live, None
            load_into(live, file)
            return live, stored_names(file, live)
        file = cast(Checkpoint, file)
        if file.modules is not None:
            from homolog.pytorch.run import load as load_torch

            live = load_torch(file.path)
        elif file.config is not None:
            from homolog.keras.run import load as load_keras

            live = load_keras(file.path)
        else:
            raise Unsupported(
                "the file holds weights and no model to run them in",
                where=str(file.path),
                help=f"give them their model: {file.path}@package.module:factory",
            )
        return live, stored_names(file, live)

    def as_trained(self) -> Network:
        """The same network with its live model ``as_trained``."""
        other = Network(self.name, self.checkpoint, self._make)
        other.__dict__["_built"] = (self.live.as_trained(), self._built[1])
        return other

    @property
    def is_built(self) -> bool:
        """Whether the model is in memory already, or the weights that are read belong to none that is not."""
        return self.checkpoint is None or "_built" in vars(self)

    @property
    def has_model(self) -> bool:
        """Whether there is a model to run, not weights alone."""
        file = self.checkpoint
        return self._make is not None or file is None or file.modules is not None or file.config is not None

    @property
    def must_be_traced(self) -> bool:
        """Whether the network says nothing of its graph until it is run."""
        from homolog.pytorch.tree import is_chain

        if self.framework != "pytorch" or not self.has_model:
            return False
        file = self.checkpoint
        if file is not None and file.modules is not None and self._make is None:
            return not is_chain(file.modules)
        from homolog.pytorch.read import used_tree_of

        return not is_chain(used_tree_of(cast(Any, self.live.model)))

    def tensors(self) -> Mapping[str, TensorRef]:
        """Every tensor by the name that the graph gives it."""
        self.require_safe()
        if self._make is not None or self.checkpoint is None:
            return {**self.live.tensors(), **self.live.computed()}
        return self.checkpoint.tensors

    def live_names(self) -> Mapping[str, str]:
        """The live model's name of each tensor, where the file has another."""
        if self.checkpoint is None or self._make is not None:
            return {}
        live, names = self._built
        if names is None:
            raise not_of_this_model(self.checkpoint, live)
        return {stored: name for name, stored in names.items() if stored != name}

    def form(self, out: Path) -> Format:
        """The format a copy of this network at ``out`` is written in.

        Raises:
            Usage: the name asks for another format than the target's, or for none that is known.
        """
        own = None if self.checkpoint is None else self.checkpoint.format
        return form_of(out, own, self.framework)

    def require_fillable(self) -> None:
        """Refuse a target that computes a weight from others: nothing says which values of those to set.

        Raises:
            Unsupported: with the names of all such weights.
        """
        if self._make is None and self.checkpoint is not None:
            return
        computed = self.live.computed()
        if computed:
            raise Unsupported(
                "the target computes weights from others, so they cannot be set to what the source holds",
                where=self.name,
                expected="weights that are stored as they are used",
                found=f"computed: {', '.join(computed)}",
                help="make them plain first: torch.nn.utils.parametrize.remove_parametrizations(layer, name), or "
                "torch.nn.utils.remove_weight_norm and remove_spectral_norm for the older hooks",
            )

    def require_settings(self) -> None:
        """Refuse a target whose settings are not in what is written of it.

        Raises:
            Usage: it is a file of weights, with or without the model they belong to.
        """
        if self.checkpoint is None or (self._make is None and self.has_model):
            return
        raise Usage(
            "the target is a file of weights, and holds no settings that could be carried into it",
            where=self.name,
            expected="a whole model, in a file or live",
            found="its settings are in the code of its factory" if self._make is not None else "weights alone",
            help="change the code that makes the model, and leave out --carry-config",
        )

    def write(
        self, out: Path, arrays: Iterable[tuple[str, Array]], form: Format, carried: Sequence[Carried] = ()
    ) -> None:
        """Write this network with other values to a path where there is no file yet.

        A file is written anew with all that it holds beside the values; a live model by its framework's own writer,
        and so is a pickled module that has other settings than its file.
        """
        file = self.checkpoint
        if file is None:
            self.live.fill(arrays)
            self.live.save(out, form)
        elif carried and file.config is not None:
            config = with_settings(file.config, ((item.layer, item.keys, item.after) for item in carried))
            file.rewrite(out, arrays, config)
        elif carried:
            names = self.live_names()
            self.live.fill((names.get(name, name), array) for name, array in arrays)
            self.live.carry(carried)
            self.live.save(out, form)
        elif self._make is None:
            file.rewrite(out, arrays)
        elif (stored := self._built[1]) is not None:
            file.rewrite(out, ((stored[name], array) for name, array in arrays))
        elif form == Format.KERAS_WEIGHTS and not file.extras:  # there is nothing else in it
            self.live.fill(arrays)
            self.live.save(out, form)
        else:
            raise Unsupported(
                "the file does not say which of its tensors is which of the model's, so it cannot be written anew",
                where=str(file.path),
                help="copy into the model alone, without the file",
            )

    def written(self, out: Path) -> Mapping[str, TensorRef]:
        """What a file that ``write`` wrote holds, by this network's own names.

        Raises:
            Mismatch: it does not hold this network.
        """
        file = files.open_checkpoint(out)
        if self.checkpoint is not None and self._make is None:
            return file.tensors
        names = None if self.checkpoint is None else self._built[1]
        return self._held(file, names or stored_names(file, self.live))

    def held_in(self, file: Checkpoint) -> Mapping[str, TensorRef]:
        """What a file of this network's weights holds, by its live model's own names.

        Raises:
            Mismatch: it does not hold this network.
        """
        return self._held(file, stored_names(file, self.live))

    def _held(self, file: Checkpoint, names: Mapping[str, str] | None) -> Mapping[str, TensorRef]:
        if names is None:
            raise not_of_this_model(file, self.live)
        return {name: file.tensors[stored] for name, stored in names.items()}


def _require_shape(node: Node, array: Array) -> None:
    """Refuse an array that is not of the shape that the network declares for an input."""
    own = node.shapes[0] if node.shapes else None
    if own is None or fits(own, array.shape):
        return
    raise Mismatch(
        "an input has another shape than the network takes",
        where=node.name,
        expected=in_words(own),
        found=str(array.shape),
        help="give the batch first, and the axes in the network's own order",
    )


def _wrapped(model: object, name: str) -> Live:
    framework = framework_of(model)
    if framework == "pytorch":
        from homolog.pytorch.run import LiveTorch

        return LiveTorch(cast(Any, model))
    if framework == "keras":
        from homolog.keras.run import LiveKeras

        return LiveKeras(cast(Any, model))
    raise Unsupported(
        "this is no model of PyTorch or Keras",
        where=name,
        expected="a torch.nn.Module, a keras.Model, or a file",
        found=f"an object of class {type(model).__module__}.{type(model).__qualname__}",
    )

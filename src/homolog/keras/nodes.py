"""Layers and operations of Keras, as it serialises them, → nodes of a graph.

Both readers end here: the one that follows a configuration, and the one that follows a live model's tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from homolog import rules
from homolog.errors import Mismatch, Unreadable
from homolog.graph import Graph, Node, Value, Weight
from homolog.keras.calls import Config
from homolog.keras.wrappers import WRAPPERS, recurrent
from homolog.rules import Rule, Slot
from homolog.rules.recurrent import STATES
from homolog.signature import OPEN
from homolog.tensors import TensorRef

Groups = Mapping[str, Sequence[TensorRef]]
PLAIN = {"Activation", "InputLayer"}

SEED_NAME = "seed_generator"
SEED = "state of a random generator; nothing of the function"


@dataclass
class Nodes:
    """A graph that grows one call at a time.

    Attributes:
        groups: each layer's tensors in the order Keras keeps them, by the layer's path.
        made: nodes by name, each after those it reads.
        used: names of the tensors that a node holds or ignores.
    """

    groups: Groups
    made: dict[str, Node] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _calls: dict[str, int] = field(default_factory=dict)
    _inside: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._inside = {}
        for group in self.groups:
            parts = group.split("/")
            for depth in range(1, len(parts)):
                self._inside.setdefault("/".join(parts[:depth]), []).append(group)

    def graph(self, outputs: Sequence[Value]) -> Graph:
        """What has been made, as a graph; tensors that no node holds are loose."""
        left = [ref for refs in self.groups.values() for ref in refs if ref.name not in self.used]
        seeds = [ref for ref in left if SEED_NAME in ref.name]
        if seeds and self.made:  # of a random layer of the user's own
            self._ignore(next(iter(self.made)), dict.fromkeys(seeds, SEED))
        loose = tuple(ref for ref in left if ref not in seeds)
        return Graph("keras", self.made, tuple(outputs), loose)

    def input(self, settings: Config) -> Value:
        """An ``InputLayer``."""
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        shapes = () if shape is None else (tuple(shape),)
        fields = {"dtype": dtype_name(settings.get("dtype")), **left_open(shape)}
        return self.add(Node(settings["name"], "input", fields, shapes=shapes, type="InputLayer"))

    def layer(
        self,
        class_name: str,
        settings: Config,
        path: str,
        inputs: Sequence[Value],
        *,
        ours: bool,
        refs: Sequence[TensorRef] | None = None,
        constants: Mapping[str, object] | None = None,
        flipped: bool = False,
    ) -> list[Value]:
        """One call of one layer: a node, and another for the activation that is fused into it.

        Args:
            class_name: of the layer.
            settings: its configuration.
            path: of the layer in its model.
            inputs: what it reads.
            ours: whether the class is Keras's own; another of the same name is not the same kind.
            refs: its tensors, if they are not those below its path.
            constants: what the call is given beside tensors; where its rule knows a setting of that name, it is one.
            flipped: see ``wrappers.recurrent``.

        Returns:
            The values it gives, of which only the first is certain for a layer that no rule knows.
        """
        rule = rules.for_keras_layer(class_name) if ours else None
        refs = self.own(path) if refs is None else refs
        if class_name == "Activation" and ours:
            return [self._activation(settings["activation"], path, path, inputs)]
        if class_name in WRAPPERS and ours:
            seeds = [ref for ref in refs if SEED_NAME in ref.name]
            values = WRAPPERS[class_name](self, settings, path, inputs, [ref for ref in refs if ref not in seeds])
            self._ignore(values[0].node, dict.fromkeys(seeds, SEED))
            return values
        if rule is not None and constants:
            settings = {**settings, **{key: item for key, item in constants.items() if rule.has_keras_field(key)}}
        weights, ignored = self._weights(rule, class_name, settings, path, refs)
        shapes = {slot: weight.shape for slot, weight in weights.items()}
        value = self.add(
            Node(
                path,
                f"keras:{class_name}" if rule is None else rule.kind,
                {} if rule is None else rule.read_keras(class_name, settings, shapes, path),
                weights,
                ignored,
                tuple(inputs),
                scope=tuple(path.split("/")[:-1]),
                layer=path,
                type=class_name,
            )
        )
        if rule is not None and rule.kind in STATES:
            return recurrent(self, settings, path, value, rule.kind, flipped=flipped)
        fused = settings.get("activation") if rule is not None and not rule.has_keras_field("activation") else None
        if fused is None or fused == "linear":
            return [value]
        self.made[value.node] = replace(self.made[value.node], layer=None)  # what the layer gives comes after
        return [self._activation(fused, f"{path}/activation", path, [value])]

    def operation(
        self, class_name: str, settings: Config, path: str, inputs: Sequence[Value], constants: Mapping[str, object]
    ) -> Value:
        """One call of a ``keras.ops`` operation."""
        rule = rules.for_keras_op(class_name)
        kind = f"keras:{class_name}" if rule is None else rule.kind
        given = {**settings, **constants}
        if rule is None:
            fields = {key: value for key, value in given.items() if key != "name"}
        else:
            fields = rule.read_keras(class_name, given, {}, path)
        scope = tuple(path.split("/")[:-1])
        return self.add(
            Node(
                path,
                kind,
                fields,
                inputs=tuple(inputs),
                scope=scope,
                layer=path,
                type=f"ops.{class_name}",
            )
        )

    def add(self, node: Node) -> Value:
        """Add a node; a layer that is called again becomes another node with the same weights."""
        count = self._calls.get(node.name, 0)
        self._calls[node.name] = count + 1
        if count:
            node = replace(node, name=f"{node.name}:{count}")
        self.made[node.name] = node
        self.used |= {ref.name for weight in node.weights.values() for ref in weight.tensors}
        self.used |= {ref.name for ref in node.ignored}
        return Value(node.name)

    def own(self, path: str) -> list[TensorRef]:
        """Every tensor of a layer and of the layers inside it."""
        return [ref for group in (path, *self._inside.get(path, ())) for ref in self.groups.get(group, ())]

    def _ignore(self, name: str, ignored: Mapping[TensorRef, str]) -> None:
        """Note tensors that hold nothing of the function, with a node."""
        self.made[name] = replace(self.made[name], ignored={**self.made[name].ignored, **ignored})
        self.used |= {ref.name for ref in ignored}

    def _activation(self, activation: object, name: str, layer: str, inputs: Sequence[Value]) -> Value:
        """An activation as a node of its own; ``activation`` as Keras serialises it: a name, or a class."""
        config: Config = {}
        if isinstance(activation, Mapping):
            inner = activation.get("config")
            config = inner if isinstance(inner, Mapping) else {}
            activation = inner if isinstance(inner, str) else activation.get("class_name")
        found = rules.for_activation(str(activation))
        rule: Rule | None
        if found is not None:
            rule, given = found
            fields = {**rule.read_keras(str(activation), {**given_as_keras(rule, given), **config}, {}, name), **given}
        elif (rule := rules.for_keras_layer(str(activation))) is not None:
            fields = rule.read_keras(str(activation), config, {}, name)
        else:
            fields = {}
        kind = f"keras:activation {activation}" if rule is None else rule.kind
        node = Node(name, kind, fields, inputs=tuple(inputs), layer=layer, type=f"activation {activation}")
        return self.add(replace(node, scope=tuple(layer.split("/")[:-1])))

    def _weights(
        self, rule: Rule | None, class_name: str, settings: Config, path: str, refs: Sequence[TensorRef]
    ) -> tuple[dict[str, Weight], dict[TensorRef, str]]:
        """A layer's tensors by slot, and those that hold nothing of the function."""
        ignored = {ref: SEED for ref in refs if SEED_NAME in ref.name}
        own = [ref for ref in refs if ref not in ignored]
        if rule is None:
            return {ref.name.removeprefix(f"{path}/"): Weight((ref,)) for ref in own}, ignored
        names = rule.keras_variables(settings)
        by_name = {name: ref for name in names for ref in own if f"/{ref.name}".endswith(f"/{name}")}
        if len(by_name) == len(own) == len(names):
            own = [by_name[name] for name in names]
        where = f"{class_name} {path}"
        if own and len(own) != len(names):
            rule.read_keras(class_name, settings, {}, path)  # a setting that nobody knows may be why
            raise Unreadable(
                f"{path} stores another number of tensors than its configuration says",
                where=where,
                expected=f"{len(names)}: {', '.join(names)}",
                found=f"{len(own)}: {', '.join(f'{ref.name} {ref.shape}' for ref in own)}",
            )
        found = dict(zip(names, own, strict=False))
        ignored |= {found.pop(name): why for name, why in rule.keras.variables.items() if name in found}
        slots = [slot for slot in rule.keras_slots(settings) if slot.keras in found]
        return {slot.name: _laid_out(slot, found[slot.keras], where) for slot in slots}, ignored


def _laid_out(slot: Slot, ref: TensorRef, where: str) -> Weight:
    """A stored tensor as the weight of a slot."""
    try:
        return Weight((ref,), slot.from_keras(ref.shape), slot.trainable)
    except Mismatch as error:
        raise Unreadable(
            "a tensor has another rank than its layer keeps it in",
            where=where,
            expected=f"{slot.keras} of axes {str(slot.axes).partition(' -> ')[2]}",
            found=f"{ref.name} {ref.shape}",
        ) from error


def knows(class_name: str) -> bool:
    """Whether a class of ``keras.layers`` becomes nodes of known kinds."""
    return class_name in PLAIN or class_name in WRAPPERS or rules.for_keras_layer(class_name) is not None


def given_as_keras(rule: Rule, given: Mapping[str, object]) -> dict[str, object]:
    """Fields that an activation's name settles, under Keras's keys, so that the rule's own reading accepts them."""
    return {setting.keras: given[setting.name] for setting in rule.fields if setting.keras and setting.name in given}


def left_open(shape: Sequence[int | None] | None) -> dict[str, object]:
    """The field of an input that says which axes its model leaves open; none where it declares no shape."""
    return {} if shape is None else {OPEN: tuple(axis for axis, length in enumerate(shape) if length is None)}


def dtype_name(dtype: object) -> str:
    """``"float32"`` of either ``"float32"`` or a serialised dtype policy."""
    if isinstance(dtype, Mapping):
        return str(cast(Config, dtype["config"])["name"])
    return str(dtype or "float32")

"""What a rule is: one declaration of a kind of layer, for both frameworks and both directions.

A rule's own words and layouts are PyTorch's; ``Field`` and ``Slot`` say how Keras writes the same thing. The readers,
the matcher, the transfer, the documentation and the law tests all use the one declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from homolog.errors import Unsupported
from homolog.graph import Node, OpenShape, Value, Weight
from homolog.rules.arguments import Arguments
from homolog.tensors import Shape, TensorRef
from homolog.transforms import Axes, Blocks, Chain, Part, Sum, inverse

Fields = dict[str, object]
Effect = Literal["function", "axis", "training", "layout", "size"]
REQUIRED = object()
"""In place of a default: there is none."""


def _same(value: object) -> object:
    return value


@dataclass(frozen=True)
class Form:
    """How one value is written: from each framework into the rule's words, and back where it can be carried."""

    from_torch: Callable[[object], object] = _same
    from_keras: Callable[[object], object] = _same
    to_torch: Callable[[object], object] = _same
    to_keras: Callable[[object], object] = _same


PLAIN = Form()


@dataclass(frozen=True)
class Field:
    """One setting.

    Attributes:
        name: in the rule's words: PyTorch's attribute, and argument of its operator.
        keras: key of Keras's configuration; None where Keras has no such setting and always does ``otherwise``.
        form: how the value is written.
        otherwise: what a framework does that lacks the setting, or an older file that does not hold it.
        effect: ``function`` changes what the layer computes at inference, ``axis`` too, but is a number of an axis
            (or a tuple of such), which the frameworks count differently; ``training`` changes only how it trains,
            ``layout`` only the order of axes, ``size`` is told by the weights as well.
        torch: False where PyTorch has no such setting.
        absent: what Keras does where the key is missing, if that is not ``otherwise``.
        older: keys under which earlier versions of Keras wrote it.
        carried: whether it is a plain number or word that a layer keeps under this name and reads whenever it runs, so
            that a target can be given the source's.
    """

    name: str
    keras: str | None = None
    form: Form = PLAIN
    otherwise: object = REQUIRED
    effect: Effect = "function"
    torch: bool = True
    absent: object = REQUIRED
    older: tuple[str, ...] = ()
    carried: bool = False


@dataclass(frozen=True)
class Slot:
    """One weight: where each framework keeps it, and how it is laid out.

    Attributes:
        name: PyTorch's name.
        keras: Keras's name of the variable.
        axes: from PyTorch's layout to Keras's, or what gives it for the shape of the Keras variable; None where
            both are laid out alike.
        when: keys of Keras's configuration that say whether the variable exists: all of them must hold, those behind
            a ``!`` must not.
        features: name of the weight's axis that runs along an axis of the input, which a flatten in front of the
            layer may have put in another order: the input's last axis, or the one of the field ``axis``.
        produces: name of the weight's axis that runs along the output's last axis, which a reshape behind the layer
            may take apart in another order.
        trainable: False for statistics.
        sums: PyTorch's names of the tensors whose sum it is, where PyTorch keeps several that are always added.
        row: which row of the Keras variable it is, where Keras keeps several slots in one.
        gates: for each block along the first axis of Keras's order, which block of PyTorch's it is.
    """

    name: str
    keras: str
    axes: Axes | Callable[[Shape], Axes | None] | None = None
    when: str | None = None
    features: str | None = None
    produces: str | None = None
    trainable: bool = True
    sums: tuple[str, ...] = ()
    row: int | None = None
    gates: tuple[int, ...] = ()

    @property
    def torch(self) -> tuple[str, ...]:
        """PyTorch's names of the tensors that fill it."""
        return self.sums or (self.name,)

    def exists(self, config: Mapping[str, object]) -> bool:
        """Whether a Keras layer of this configuration has it."""
        return all(
            not config.get(key[1:]) if key.startswith("!") else config.get(key, True)
            for key in (self.when or "").split()
        )

    def to_keras(self, keras_shape: Shape) -> Chain:
        """From PyTorch's layout to Keras's, for a Keras variable (or the row of one) of this shape; runs both ways.

        Raises:
            Mismatch: the variable has another rank than the slot.
        """
        axes = self.axes if self.axes is None or isinstance(self.axes, Axes) else self.axes(keras_shape)
        gates: Chain = (Blocks(0, self.gates),) if self.gates else ()
        return gates if axes is None else (*gates, axes.inverse.bind(keras_shape).inverse)

    def from_keras(self, keras_shape: Shape) -> Chain:
        """From the Keras variable of this shape, which may hold other slots too, to PyTorch's layout.

        Raises:
            Mismatch: the variable has another rank than the slot.
        """
        if self.row is None or len(keras_shape) == 1:
            return inverse(self.to_keras(keras_shape))
        row: Chain = (Part(0, self.row, self.row + 1), Axes("1 g -> g"))
        return (*row, *inverse(self.to_keras(keras_shape[1:])))


@dataclass(frozen=True)
class Torch:
    """Where PyTorch has the kind.

    Attributes:
        classes: names below ``torch.nn``.
        aten: operators, without ``aten.``.
        ignore: attributes that say nothing the fields and weights do not.
        fixed: attributes that the rule knows with one value only.
        buffers: buffers that hold nothing of the function, with the reason.
        renamed: the operator's name of an argument, where it is not the field's or slot's.
        given: fields that a class or operator settles by being called, by class or operator.
        listed: arguments of the operator that are lists of weights, and what gives the names of the weights.
        why: reasons for which the rule does not know a setting with another value than the one in ``fixed``.
        make: how a class is made anew, None if the kind is not written.
    """

    classes: tuple[str, ...] = ()
    aten: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    buffers: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    listed: Mapping[str, Callable[[Mapping[str, object]], Sequence[str]]] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    make: Arguments | None = None

    def spread(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """An operator's arguments in the rule's words, with every weight of a list under a name of its own."""
        found = {self.renamed.get(key, key): value for key, value in arguments.items()}
        for key, names in self.listed.items():
            listed = found.pop(key, ())
            found.update(zip(names(arguments), cast(Sequence[object], listed), strict=True))
        return found


@dataclass(frozen=True)
class Keras:
    """Where Keras has the kind.

    Attributes:
        classes: names below ``keras.layers``.
        ops: class names of ``keras.ops`` operations.
        activations: names of ``keras.activations``, each with the fields it means.
        ignore: configuration that says nothing the fields and weights do not.
        fixed: configuration that the rule knows with one value only.
        given: fields that a class settles by being that class, by class.
        why: reasons for which the rule does not know a setting with another value than the one in ``fixed``.
        parameters: of the call, those that are values, where it takes several that are not alike.
        variables: variables that hold nothing of the function, created behind the slots', with the reason.
        make: how a class is made anew, None if the kind is not written.
    """

    classes: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    activations: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    make: Arguments | None = None


@dataclass(frozen=True)
class Layout:
    """What a kind does to the axes of its input.

    ``spatial``: batch, channels and ``rank`` spatial axes in; the same out; ``rank`` 0 is any number of them.
    ``channelwise``: batch, the one axis of the field ``axis``, and others in any order; the same out.
    ``elementwise``: any axes in, the same out. ``features``: any axes in, the last one replaced. ``concat``,
    ``flatten``, ``reshape``, ``permute``: as they say. ``opaque``: nothing is known of the output.
    """

    way: Literal[
        "spatial", "channelwise", "elementwise", "features", "concat", "flatten", "reshape", "permute", "opaque"
    ] = "opaque"
    rank: int = 0


ELEMENTWISE = Layout("elementwise")
CHANNELWISE = Layout("channelwise")
FEATURES = Layout("features")
OPAQUE = Layout("opaque")

Infer = Callable[[Fields, Mapping[str, Shape], Sequence[OpenShape]], OpenShape]
Normalise = Callable[[Fields, Mapping[str, Shape]], Fields]
Settle = Callable[[Fields, Sequence[OpenShape]], Fields]
States = Callable[[Fields, Mapping[str, Shape], Sequence[OpenShape]], tuple[OpenShape, ...]]
Units = Callable[[Node], tuple[tuple[Node, ...], tuple[Value, ...]]]


def _infer_same(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return inputs[0]


def _as_they_are(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    return fields


def _already(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    return fields


KERAS_BOILERPLATE = frozenset({"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "build_config"})
KERAS_TRAINING_SUFFIXES = ("_initializer", "_regularizer", "_constraint")
TORCH_BOILERPLATE = frozenset({"training"})


@dataclass(frozen=True)
class Rule:
    """One kind.

    Attributes:
        name: of the rule, unique in the table.
        torch, keras: where the frameworks have it.
        fields: its settings.
        slots: its weights, in the order Keras creates them.
        layout: what it does to axes.
        infer: output shape from fields, weight shapes and input shapes, channels first.
        normalise: brings fields to their one form, e.g. drops what has no effect.
        settle: the same for what depends on the shapes of the inputs (channels first), e.g. ``same`` padding.
        kind: kind of the nodes it reads, where another rule has the same function in the same words.
        chained: whether PyTorch's module takes one value and gives one, so that it may stand in a ``Sequential``.
        states: shapes of the outputs behind the first, from what ``infer`` gets.
        units: takes a layer that is several layers in one apart: the nodes, and which of their values each of its
            outputs is. PyTorch's tensors of such a layer stay under their own names until then.
    """

    name: str
    torch: Torch = field(default_factory=Torch)
    keras: Keras = field(default_factory=Keras)
    fields: tuple[Field, ...] = ()
    slots: tuple[Slot, ...] = ()
    layout: Layout = OPAQUE
    infer: Infer = _infer_same
    normalise: Normalise = _as_they_are
    settle: Settle = _already
    kind: str = ""
    chained: bool = True
    states: States | None = None
    units: Units | None = None

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.name)

    def slot(self, name: str) -> Slot:
        """The slot of that (PyTorch) name."""
        return next(slot for slot in self.slots if slot.name == name)

    def torch_names(self, arguments: Mapping[str, object]) -> set[str]:
        """Names of the arguments of an operator that are weights."""
        listed = {name for names in self.torch.listed.values() for name in names(arguments)}
        return listed | {name for slot in self.slots for name in slot.torch}

    def torch_weights(self, tensors: Mapping[str, TensorRef]) -> dict[str, Weight]:
        """The weights by slot, from PyTorch's tensors by name; what is missing, or is no slot's, is left out."""
        if self.units is not None:
            return {name: Weight((ref,)) for name, ref in tensors.items()}
        found: dict[str, Weight] = {}
        for slot in self.slots:
            if all(name in tensors for name in slot.torch):
                refs = tuple(tensors[name] for name in slot.torch)
                found[slot.name] = Weight(refs, (Sum(),) if len(refs) > 1 else (), slot.trainable)
        return found

    def read_torch(
        self, type_name: str, attributes: Mapping[str, object], shapes: Mapping[str, Shape], where: str
    ) -> Fields:
        """The fields of a module from its attributes.

        Raises:
            Unsupported: an attribute that the rule neither maps, ignores nor knows with this value.
        """
        given = dict(self.torch.given.get(type_name, {}))
        known = {setting.name: setting for setting in self.fields if setting.torch}
        strange = [
            f"{key}={value!r}{_reason(self.torch.why, key)}"
            for key, value in attributes.items()
            if key not in known and not self._settled(key, value, self.torch.ignore, self.torch.fixed)
            if key not in TORCH_BOILERPLATE
        ]
        self._refuse(strange, where, type_name)
        fields: Fields = {}
        for setting in self.fields:
            if setting.name in given:
                fields[setting.name] = given[setting.name]
            elif setting.torch and setting.name in attributes:
                fields[setting.name] = setting.form.from_torch(attributes[setting.name])
            else:
                fields[setting.name] = self._otherwise(setting, where)
        return self.normalise(fields, shapes)

    def read_keras(
        self, class_name: str, config: Mapping[str, object], shapes: Mapping[str, Shape], where: str
    ) -> Fields:
        """The fields of a layer from its configuration; ``activation`` is left to the reader.

        Raises:
            Unsupported: a key that the rule neither maps, ignores nor knows with this value.
        """
        given = dict(self.keras.given.get(class_name, {}))
        known = {setting.keras for setting in self.fields if setting.keras is not None}
        renamed = {key: setting.keras for setting in self.fields for key in setting.older if setting.keras is not None}
        config = {renamed.get(key, key): value for key, value in config.items()}
        flags = {key for slot in self.slots for key in (slot.when or "").split()}
        strange = [
            f"{key}={value!r}{_reason(self.keras.why, key)}"
            for key, value in config.items()
            if key not in known and key not in flags and not is_boilerplate(key)
            if not self._settled(key, value, self.keras.ignore, self.keras.fixed)
        ]
        self._refuse(strange, where, class_name)
        fields: Fields = {}
        for setting in self.fields:
            if setting.name in given:
                fields[setting.name] = given[setting.name]
            elif setting.keras is not None and setting.keras in config:
                fields[setting.name] = setting.form.from_keras(config[setting.keras])
            elif setting.keras is not None and setting.absent is not REQUIRED:
                fields[setting.name] = setting.absent
            else:
                fields[setting.name] = self._otherwise(setting, where)
        return self.normalise(fields, shapes)

    def keras_slots(self, config: Mapping[str, object]) -> tuple[Slot, ...]:
        """The slots that a layer of this configuration has, in the order Keras creates them."""
        return tuple(slot for slot in self.slots if slot.exists(config))

    def keras_variables(self, config: Mapping[str, object]) -> tuple[str, ...]:
        """Names of the variables of such a layer, in the order Keras creates them."""
        return tuple(dict.fromkeys((*(slot.keras for slot in self.keras_slots(config)), *self.keras.variables)))

    def has_keras_field(self, key: str) -> bool:
        """Whether a key of Keras's configuration is a setting of the kind itself."""
        return any(setting.keras == key for setting in self.fields)

    def function_fields(self) -> tuple[str, ...]:
        """Names of the fields that change what the layer computes at inference.

        Axes are among them as ``over``, which the layout pass writes: what the axis runs along, not its number.
        """
        names = tuple(setting.name for setting in self.fields if setting.effect == "function")
        return (*names, "over") if self.axis is not None else names

    @property
    def axis(self) -> str | None:
        """Name of the field that is an axis of the input, None for most."""
        return next((setting.name for setting in self.fields if setting.effect == "axis"), None)

    def _otherwise(self, setting: Field, where: str) -> object:
        if setting.otherwise is REQUIRED:
            raise Unsupported(
                f"a {self.name} without {setting.keras or setting.name}", where=where, expected="a complete layer"
            )
        return setting.otherwise

    @staticmethod
    def _settled(key: str, value: object, ignore: Iterable[str], fixed: Mapping[str, object]) -> bool:
        return key in ignore or (key in fixed and value == fixed[key])

    def _refuse(self, strange: list[str], where: str, type_name: str) -> None:
        if strange:
            raise Unsupported(
                f"a {type_name} is configured in a way that the rule {self.name!r} does not know",
                where=where,
                expected="settings that the rule maps, ignores or knows with this value",
                found=", ".join(strange),
            )


def _reason(why: Mapping[str, str], key: str) -> str:
    return f" ({why[key]})" if key in why else ""


def is_boilerplate(key: str) -> bool:
    """Whether a key of a Keras configuration only says how the layer is named, made or trained, or is the
    activation, which the reader turns into a node of its own."""
    return key in KERAS_BOILERPLATE or key == "activation" or key.endswith(KERAS_TRAINING_SUFFIXES)

"""A written script while it comes about: what it needs, what was noted, and what was left."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import libcst as cst

from homolog.keras.framework import require
from homolog.scripts import making
from homolog.scripts import model as models
from homolog.scripts.interpreter import Interpreter
from homolog.scripts.model import ModelSource
from homolog.scripts.parts import PARTS, Part
from homolog.scripts.script import Script, all_bound
from homolog.scripts.values import NotStatic

SLOT = "__slot_{}__"
NOTHING = "__nothing__"


@dataclass(frozen=True)
class Left:
    """A piece of a script that was not translated.

    Attributes:
        line: that it begins at.
        text: its first line.
        why: what is in the way.
    """

    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}: {self.why}"


@dataclass(frozen=True)
class Compilation:
    """What ``compile`` was given.

    Attributes:
        arguments: by name.
        function: of the written script, that gives the ``Training``.
        variable: that holds it.
        up: figures of which more is better, by name.
    """

    arguments: dict[str, Any]
    function: str
    variable: str
    up: frozenset[str]


@dataclass(eq=False)
class Network:
    """A live model of the script.

    Attributes:
        model: the model.
        source: of its counterpart, once something needs it.
        used: whether the written script makes it.
        compiled: how it was compiled last.
        variable: that holds the model in the script.
        frozen: whether some of it has been kept from training.
        failed: why the model cannot be translated, if it cannot.
        statements: of the script that made the model or changed it.
        places: how many of those gave it a name.
    """

    model: Any
    source: ModelSource | None = None
    used: bool = False
    compiled: Compilation | None = None
    variable: str = ""
    failed: str = ""
    frozen: bool = False
    statements: list[cst.CSTNode] = field(default_factory=list)
    places: int = 0
    _last: dict[str, int] = field(default_factory=dict)

    def mark(self, name: str, place: int) -> None:
        """The statement, by its number, that finished the model under a name."""
        self._last[name] = place

    def places_of(self, name: str) -> int:
        """The last statement that had to do with the model under a name."""
        return self._last[name]


class Draft:
    """What has been found so far.

    Attributes:
        script: that is translated.
        interpreter: of its expressions.
        parts: functions that are needed, by name.
        features: of the training loop.
        kinds: of the layers whose weights are drawn.
        functions: metrics, and functions that compile, by name.
        constants: lines that stand in front of the functions.
        networks: by the identity of their models.
        notes: what comes out differently.
        left: what was not translated.
        initializers: by the identity of variables that layers made, the variable and what it is drawn by.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.interpreter = Interpreter()
        self.parts: dict[str, None] = {}
        self.features: set[str] = set()
        self.kinds: set[str] = set()
        self.functions: dict[str, Part] = {}
        self.constants: list[str] = []
        self.networks: dict[int, Network] = {}
        self.notes: dict[str, None] = {}
        self.left: list[Left] = []
        self.initializers: dict[int, tuple[Any, Any]] = {}
        self.imports: dict[str, None] = {}
        self.bound = all_bound(script.module)
        self.taken = set(self.bound)
        self.renamed: dict[str, str] = {}
        self._slots: list[Callable[[], str]] = []
        self._classes: dict[str, int] = {}

    # -- names and pieces ---------------------------------------------------------------------------------------

    def use(self, part: str) -> str:
        """The name of a part, which is going to be written."""
        self.parts[part] = None
        return self.named(part)

    def named(self, part: str) -> str:
        """The name that a part goes by: its own, unless the script has one like it."""
        if part in self.bound:
            self.renamed[part] = f"{part}_"
        return self.renamed.get(part, part)

    def fresh(self, name: str) -> str:
        """A name that nothing in the script has."""
        number, found = 1, name
        while found in self.taken or found in PARTS or found in self.functions:
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        return found

    def note(self, text: str) -> None:
        """Say what comes out differently, once."""
        self.notes[text] = None

    def slot(self, render: Callable[[], str]) -> str:
        """A name that stands for a text which is known only at the end."""
        self._slots.append(render)
        return SLOT.format(len(self._slots) - 1)

    def filled(self, text: str) -> str:
        """A text with its slots filled."""

        def render(match: re.Match[str]) -> str:
            lines = self._slots[int(match[2])]().splitlines() or [NOTHING]
            return "\n".join(match[1] + line if line else "" for line in lines)

        whole = re.sub(r"(?m)^([ \t]*)__slot_(\d+)__$", render, text)
        return re.sub(r"()__slot_(\d+)__", render, whole)

    # -- models -------------------------------------------------------------------------------------------------

    def network(self, model: Any) -> Network:
        """What is known of a live model."""
        return self.networks.setdefault(id(model), Network(model))

    @property
    def written(self) -> list[Network]:
        """The models that are written."""
        return [network for network in dict.fromkeys(self.networks.values()) if network.used]

    def build(self, model: Any, shape: tuple[int | None, ...], whole: bool) -> None:
        """Give a model inputs of the shape of its data, if it says nothing of them yet.

        Args:
            shape: of the data, (n, ...).
            whole: whether these are whole numbers.

        Raises:
            NotStatic: Keras refuses it.
        """
        network = self.network(model)
        if getattr(network.model, "inputs", None) or None in shape[1:]:
            return
        keras = require()
        if isinstance(model, keras.Sequential):
            making.called(model.build, ((None, *shape[1:]),), {}, "build")
            return
        inputs = keras.Input(shape[1:], dtype="int32" if whole else "float32")
        self.interpreter.refused = None
        try:
            outputs = making.called(model, (inputs,), {}, f"the model {model.name}")
        except NotStatic as error:
            raise self.interpreter.refused or error from error
        network.model = making.called(keras.Model, (inputs, outputs), {"name": model.name}, "keras.Model")
        self.networks[id(network.model)] = network

    def source_of(self, model: Any) -> ModelSource:
        """The source of a model's counterpart, which is going to be written.

        Raises:
            NotStatic: it cannot be translated, or has no inputs yet.
        """
        network = self.network(model)
        model = network.model
        if network.failed:
            raise NotStatic(f"it needs {network.variable}, which was not translated")
        if network.source is None:
            if not getattr(model, "inputs", None):
                raise NotStatic(
                    f"the model {model.name} says nothing of its inputs: give it a keras.Input, so that it is built"
                )
            self._refuse_shared(network)
            try:
                network.source = self._distinct(models.torch_source(model), self._title(network))
            except NotStatic as error:
                network.failed = error.what
                raise NotStatic(f"it needs {network.variable}, which was not translated") from error
            for text in network.source.notes:
                self.note(f"{network.variable}: {text}")
        network.used = True
        return network.source

    def _refuse_shared(self, network: Network) -> None:
        """Raises for a model that has weights in common with another one that is written.

        Raises:
            NotStatic: it has.
        """
        own = {id(variable) for variable in network.model.variables}
        for other in self.networks.values():
            if other is not network and other.used and own & {id(variable) for variable in other.model.variables}:
                raise NotStatic(
                    f"the model {network.model.name} shares weights with {other.model.name}, and both would be written "
                    "as modules of their own"
                )

    def _title(self, network: Network) -> str | None:
        """A name for a module whose model Keras has named itself: the variable's, or the script's."""
        if re.fullmatch(r"(sequential|functional|model)(_\d+)?", network.model.name) is None:
            return None
        word = Path(self.script.name).stem if network.variable in ("model", "") else network.variable
        title = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", word))
        return title if title.isidentifier() else None

    def _distinct(self, source: ModelSource, title: str | None) -> ModelSource:
        """With other names for classes that another model's source has too, and a title for the whole."""
        text, name = source.classes_text, source.class_name
        if title is not None and title not in self.taken:
            text, name = re.sub(rf"(?<![\w.]){name}\b", title, text), title
        for found in re.findall(r"(?m)^(?:class|def) (\w+)", text):
            count = self._classes.get(found, 0) + 1
            self._classes[found] = count
            instead = found if count == 1 and found not in self.taken else self.fresh(found)
            if instead != found:
                text = re.sub(rf"(?<![\w.]){found}\b", instead, text)
                name = instead if name == found else name
        return replace(source, classes_text=text, class_name=name)

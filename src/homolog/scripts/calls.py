"""Calls of Keras that happen while a script runs (data, ``fit``, ``evaluate``, ``predict``, files) → calls of the
written functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import libcst as cst

from homolog.scripts import datasets, feeding
from homolog.scripts.callbacks import callback, renamed
from homolog.scripts.draft import Draft, Network
from homolog.scripts.names import canonical
from homolog.scripts.pipelines import Pipelines
from homolog.scripts.script import code, dotted
from homolog.scripts.setup import written as compiled
from homolog.scripts.values import Array, Fitted, Made, Name, NotStatic, Pipeline, Scope, Unknown, is_model

Write = Callable[[cst.BaseExpression], str]

FIT = (
    *("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle"),
    *("class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps"),
    *("validation_batch_size", "validation_freq"),
)
EVALUATE = ("x", "y", "batch_size", "verbose", "sample_weight", "steps", "callbacks", "return_dict")
PREDICT = ("x", "batch_size", "verbose", "steps", "callbacks")
BATCH = "32"
RENAMED = {
    "keras.utils.to_categorical": ("one_hot", {"num_classes": "classes", "x": "labels"}),
    "keras.utils.pad_sequences": ("pad_sequences", {}),
    "keras.utils.normalize": ("normalize", {"x": "array"}),
    "keras.utils.set_random_seed": ("seed_everything", {}),
}
FED = {"fit", "evaluate", "predict"}
RUNTIME = {"fit", "evaluate", "predict", "summary", "count_params", "save", "save_weights", "load_weights"}
UNWEIGHTED = "{name} of fit: the written loop counts all samples alike"
AGAIN = "steps_per_epoch: Keras ends the training once the data has run out; here the data begins anew"
LEFT_OUT = {
    "class_weight": UNWEIGHTED,
    "sample_weight": UNWEIGHTED,
    "validation_steps": "{name} of fit: the written loop validates on all there is",
    "validation_freq": "{name} of fit: the written loop validates after every epoch",
}


class Calls:
    """Rewrites the calls of one script.

    Attributes:
        before: lines that have to stand in front of the statement that is being rewritten.
        refused: parts of that statement which were left out, with why.
    """

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.pipelines = Pipelines(draft)
        self.values: dict[cst.CSTNode, Any] = {}
        self.before: list[str] = []
        self.refused: list[tuple[cst.CSTNode, str]] = []
        self.saved: dict[str, Any] = {}
        self.loaded: set[str] = set()

    def text(self, node: cst.Call, scope: Scope, write: Write) -> str | None:
        """A call as it is written, None if it is none of these.

        Raises:
            NotStatic: it has no counterpart here.
        """
        pipeline = self.pipelines.read(node, scope, write)
        if pipeline is not None:
            self.values[node] = pipeline
            return self.draft.slot(lambda: self._pipeline(pipeline))
        name = self.name_of(node.func, scope)
        if name is not None:
            return self._function(node, name, scope, write)
        if not isinstance(node.func, cst.Attribute) or node.func.attr.value not in RUNTIME:
            return None
        model = self.draft.interpreter.value(node.func.value, scope)
        if not is_model(model):
            return None
        if node.func.attr.value in FED:
            self._build(model, node, scope)
        if not isinstance(node.func.value, cst.Name):
            raise NotStatic(f"`{code(node.func)}`: the model has no name of its own in the script")
        method = getattr(self, f"_{node.func.attr.value}")
        found: str = method(node, node.func.value.value, self.draft.network(model), scope, write)
        return found

    def _build(self, model: Any, node: cst.Call, scope: Scope) -> None:
        """Build a model by the first data that it is given."""
        x = next((item.value for item in node.args if item.keyword is None or item.keyword.value == "x"), None)
        value = None if x is None else self.draft.interpreter.value(x, scope)
        if isinstance(value, Pipeline) and not (value.before or value.behind):
            value = value.parts[0][1]
        if isinstance(value, Array) and value.shape is not None:
            self.draft.build(model, value.shape, value.kind == "int")

    def _pipeline(self, pipeline: Pipeline) -> str:
        network = self.draft.network(pipeline.models[0]) if pipeline.models else None
        return self.pipelines.written(pipeline, network) if network else ""

    def name_of(self, node: cst.BaseExpression, scope: Scope) -> str | None:
        """The dotted name of Keras's or TensorFlow's that an expression is, None if it is none."""
        text = dotted(node)
        first = None if text is None else scope.get(text.partition(".")[0])
        if text is None or not isinstance(first, Name) or not first.framework:
            return None
        rest = text.partition(".")[2]
        return canonical(f"{first.dotted}.{rest}" if rest else first.dotted).dotted

    # -- functions ----------------------------------------------------------------------------------------------

    def _function(self, node: cst.Call, name: str, scope: Scope, write: Write) -> str | None:
        part = datasets.loader(name)
        if part is not None:
            self.values[node] = datasets.loaded(name)
            return self._renamed(node, self.draft.use(part), {}, write)
        if name in RENAMED:
            part, words = RENAMED[name]
            self.values[node] = self._result(part, node, scope)
            return self._renamed(node, self.draft.use(part), words, write)
        if name == "tf.random.set_seed":
            self.draft.imports["import torch"] = None
            self.values[node] = None
            return self._renamed(node, "torch.manual_seed", {}, write)
        if name == "keras.utils.clear_session":
            self.values[node] = None
            return "None"
        if name == "keras.models.load_model":
            return self._load_model(node, scope)
        return None

    def _renamed(self, node: cst.Call, function: str, words: Mapping[str, str], write: Write) -> str:
        arguments = []
        for argument in node.args:
            keyword = (
                "" if argument.keyword is None else f"{words.get(argument.keyword.value, argument.keyword.value)}="
            )
            arguments.append(f"{argument.star}{keyword}{write(argument.value)}")
        return f"{function}({', '.join(arguments)})"

    def _result(self, part: str, node: cst.Call, scope: Scope) -> Any:
        values, keywords, _ = self.draft.interpreter.arguments(node, scope)
        first = values[0] if values else next(iter(keywords.values()), None)
        if part == "pad_sequences":
            length = values[1] if len(values) > 1 else keywords.get("maxlen")
            return Array((None, length if isinstance(length, int) else None), "int")
        if part == "one_hot":
            classes = values[1] if len(values) > 1 else keywords.get("num_classes")
            if not isinstance(first, Array) or first.shape is None:
                return Array(None, "float")
            shape = first.shape[:-1] if first.shape[-1:] == (1,) and len(first.shape) > 1 else first.shape
            return Array((*shape, classes if isinstance(classes, int) else None), "float")
        return Array(first.shape, "float") if part == "normalize" and isinstance(first, Array) else Unknown()

    # -- fit ----------------------------------------------------------------------------------------------------

    def _arguments(self, node: cst.Call, names: tuple[str, ...], what: str) -> dict[str, cst.BaseExpression]:
        found: dict[str, cst.BaseExpression] = {}
        for place, argument in enumerate(node.args):
            if argument.star or (argument.keyword is None and place >= len(names)):
                raise NotStatic(f"`{code(argument)}` of {what} is not known before the script runs")
            found[names[place] if argument.keyword is None else argument.keyword.value] = argument.value
        strange = sorted(set(found) - set(names))
        if strange:
            raise NotStatic(f"{what} is given {', '.join(strange)}")
        return {name: item for name, item in found.items() if code(item).strip() != "None"}

    def _fit(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        if name in self.loaded:
            raise NotStatic(f"{name} was loaded, and would need an optimiser of its own: compile it first")
        given = self._arguments(node, FIT, "fit")
        training = self._training(network)
        for word, why in LEFT_OUT.items():
            if word in given:
                self.refused.append((given.pop(word), why.format(name=word)))
        if "x" not in given:
            raise NotStatic("fit is given no data")
        call = [name, training, *self._fed(given, network, scope, write)]
        call.append(f"epochs={write(given['epochs']) if 'epochs' in given else 1}")
        validation = self._validation(given, network, scope, write)
        if validation is not None:
            call.append(f"validation={validation}")
        if "callbacks" in given:
            call += self._callbacks(given["callbacks"], network, scope, write)
        for word, ours in (("initial_epoch", "initial_epoch"), ("steps_per_epoch", "steps")):
            if word in given:
                self.draft.features.add(ours)
                call.append(f"{ours}={write(given[word])}")
        if "steps_per_epoch" in given:
            self.draft.imports["from itertools import islice"] = None
            self.draft.use("endless")
            self.draft.note(AGAIN)
        if "verbose" in given and code(given["verbose"]) not in ("1", '"auto"', "'auto'"):
            call.append(f"verbose={write(given['verbose'])}")
        self.values[node] = Fitted()
        return f"{self.draft.use('train')}({', '.join(call)})"

    def _training(self, network: Network) -> str:
        found = compiled(self.draft, network)
        return found.variable

    def _fed(self, given: dict[str, cst.BaseExpression], network: Network, scope: Scope, write: Write) -> list[str]:
        """The batches to train with; the held out ones go into ``given``, under a name of their own."""
        pipeline = self.pipelines.read(given["x"], scope, write)
        if pipeline is not None:
            pipeline.models.append(network.model)
            return [self._loader(given["x"], pipeline, network)]
        if "y" not in given:
            raise NotStatic(f"`{code(given['x'])}` gives batches in a way that is not known here")
        data = feeding.dataset(self.draft, self._tensors(given["x"], given["y"], network, scope, write))
        batch = write(given["batch_size"]) if "batch_size" in given else BATCH
        shuffle = "True" if "shuffle" not in given else write(given["shuffle"])
        if "validation_split" in given and "validation_data" not in given:
            kept, held = self.draft.fresh("training_set"), self.draft.fresh("held_out")
            split = write(given["validation_split"])
            self.before.append(f"{kept}, {held} = {self.draft.use('hold_out_last')}({data}, {split})")
            given["held"] = cst.Name(held)
            data = kept
        return [feeding.loader(self.draft, data, batch, shuffle)]

    def _loader(self, node: cst.BaseExpression, pipeline: Pipeline, network: Network) -> str:
        if isinstance(node, cst.Name):
            if any(model is not network.model for model in pipeline.models):
                raise NotStatic(f"{node.value} feeds two models")
            return node.value
        return self.pipelines.written(pipeline, network)

    def _tensors(
        self, x: cst.BaseExpression, y: cst.BaseExpression, network: Network, scope: Scope, write: Write
    ) -> list[str]:
        text_x, text_y = write(x), write(y)
        found = feeding.inputs(self.draft, network, text_x, x, self._value(x, scope))
        return [*found, feeding.targets(self.draft, network, text_y, self._value(y, scope))]

    def _value(self, node: cst.BaseExpression, scope: Scope) -> Any:
        return self.draft.interpreter.value(node, scope)

    def _validation(
        self, given: dict[str, cst.BaseExpression], network: Network, scope: Scope, write: Write
    ) -> str | None:
        batch = BATCH if "batch_size" not in given else write(given["batch_size"])
        batch = write(given["validation_batch_size"]) if "validation_batch_size" in given else batch
        if "held" in given:
            return feeding.loader(self.draft, code(given["held"]), batch)
        if "validation_data" not in given:
            return None
        node = given["validation_data"]
        pipeline = self.pipelines.read(node, scope, write)
        if pipeline is not None:
            pipeline.models.append(network.model)
            return self._loader(node, pipeline, network)
        if isinstance(node, cst.Tuple | cst.List) and len(node.elements) == 2:
            first, second = (element.value for element in node.elements)
            tensors = self._tensors(first, second, network, scope, write)
            return feeding.loader(self.draft, feeding.dataset(self.draft, tensors), batch)
        value = self._value(node, scope)
        if isinstance(node, cst.Name) and isinstance(value, tuple) and len(value) == 2:
            pair = [cst.parse_expression(f"{node.value}[{place}]") for place in range(2)]
            return feeding.loader(
                self.draft, feeding.dataset(self.draft, self._tensors(pair[0], pair[1], network, scope, write)), batch
            )
        raise NotStatic(f"`{code(node)}` gives data to validate with in a way that is not known here")

    def _callbacks(self, node: cst.BaseExpression, network: Network, scope: Scope, write: Write) -> list[str]:
        """The callbacks as an argument; what has no counterpart is left out and told."""
        found = self._value(node, scope)
        items = list(found) if isinstance(found, list | tuple) else [found]
        texts = []
        for item in items:
            try:
                texts.append(callback(self.draft, item, network, write))
            except NotStatic as error:
                self.refused.append((node, error.what))
            else:
                self._remember(item, network)
        if not texts:
            return []
        return [f"callbacks=[{', '.join(texts)}]"]

    def _remember(self, made: Any, network: Network) -> None:
        """Which model a checkpoint is of."""
        path = made.arguments.get("filepath") if isinstance(made, Made) else None
        if isinstance(path, str):
            self.saved[path] = network.model

    # -- evaluate and predict -----------------------------------------------------------------------------------

    def _evaluate(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        given = self._arguments(node, EVALUATE, "evaluate")
        for word in ("sample_weight", "steps", "callbacks"):
            if word in given:
                raise NotStatic(f"evaluate is given {word}")
        call = [name, self._training(network), self._data(given, network, scope, write)]
        if "verbose" in given and code(given["verbose"]) not in ("1", '"auto"', "'auto'"):
            call.append(f"verbose={write(given['verbose'])}")
        text = f"{self.draft.use('evaluate')}({', '.join(call)})"
        self.draft.use("measure")
        if "return_dict" in given:
            self.values[node] = Unknown()
            return text
        if not network.compiled or not network.compiled.arguments.get("metrics"):
            self.values[node] = Unknown()
            return f'{text}["loss"]'
        self.values[node] = Unknown()
        return f"list({text}.values())"

    def _data(self, given: dict[str, cst.BaseExpression], network: Network, scope: Scope, write: Write) -> str:
        """Batches of inputs and targets."""
        pipeline = self.pipelines.read(given["x"], scope, write)
        if pipeline is not None:
            pipeline.models.append(network.model)
            return self._loader(given["x"], pipeline, network)
        if "y" not in given:
            raise NotStatic(f"`{code(given['x'])}` gives batches in a way that is not known here")
        tensors = self._tensors(given["x"], given["y"], network, scope, write)
        batch = write(given["batch_size"]) if "batch_size" in given else BATCH
        return feeding.loader(self.draft, feeding.dataset(self.draft, tensors), batch)

    def _predict(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        given = self._arguments(node, PREDICT, "predict")
        for word in ("steps", "callbacks"):
            if word in given:
                raise NotStatic(f"predict is given {word}")
        source = self.draft.source_of(network.model)
        if len(source.outputs) != 1:
            raise NotStatic(f"predict of a model of {len(source.outputs)} outputs")
        pipeline = self.pipelines.read(given["x"], scope, write)
        if pipeline is not None:
            pipeline.models.append(network.model)
            batches = self._loader(given["x"], pipeline, network)
        else:
            tensors = feeding.inputs(self.draft, network, write(given["x"]), given["x"], self._value(given["x"], scope))
            batch = write(given["batch_size"]) if "batch_size" in given else BATCH
            batches = feeding.loader(self.draft, feeding.dataset(self.draft, tensors), batch)
        more = f", inputs={len(source.inputs)}" if len(source.inputs) != 1 else ""
        self.values[node] = Array((None, *network.model.outputs[0].shape[1:]), "float")
        return feeding.given_back(self.draft, network, f"{self.draft.use('predict')}({name}, {batches}{more})")

    # -- words and files ----------------------------------------------------------------------------------------

    def _summary(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        self.values[node] = None
        if not getattr(network.model, "inputs", None):  # it is built by its data, further below
            return self.draft.slot(lambda: f"print({name})" if network.used else "")
        self.draft.source_of(network.model)
        return f"print({name})"

    def _count_params(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        self.draft.source_of(network.model)
        self.values[node] = Unknown()
        return f"sum(tensor.numel() for tensor in {name}.state_dict().values())"

    def _save(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        self.draft.source_of(network.model)
        if not node.args:
            raise NotStatic("a model is saved, and nothing says where")
        path = self._value(node.args[0].value, scope)
        if isinstance(path, str):
            self.saved[path] = network.model
        self.draft.imports["import torch"] = None
        self.values[node] = None
        return f"torch.save({name}.state_dict(), {self._path(node.args[0].value, path, write)})"

    _save_weights = _save

    def _load_weights(self, node: cst.Call, name: str, network: Network, scope: Scope, write: Write) -> str:
        self.draft.source_of(network.model)
        node_path = node.args[0].value
        path = self._path(node_path, self._value(node_path, scope), write)
        self.values[node] = None
        device = self.draft.use("device")
        return f"{name}.load_state_dict(torch.load({path}, map_location={device}, weights_only=True))"

    def _load_model(self, node: cst.Call, scope: Scope) -> str:
        path = self._value(node.args[0].value, scope) if node.args else None
        model = self.saved.get(path) if isinstance(path, str) else None
        if model is None or not isinstance(path, str):
            raise NotStatic("a model is loaded that this script has not saved; translate the file: homolog translate")
        source = self.draft.source_of(model)
        self.values[node] = model
        self.draft.use("device")
        return f"{self.draft.use('loaded')}({source.class_name}(), {_quoted(renamed(path))})"

    def _path(self, node: cst.BaseExpression, path: Any, write: Write) -> str:
        return _quoted(renamed(path)) if isinstance(path, str) else write(node)


def _quoted(text: str) -> str:
    return repr(text) if '"' in text else f'"{text}"'

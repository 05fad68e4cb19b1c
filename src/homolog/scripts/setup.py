"""``compile`` → a function that makes the optimiser, the loss, the metrics and the schedule of a model."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from homolog.errors import HomologError
from homolog.rules.training import torch_training
from homolog.rules.training.setup import Setup
from homolog.scripts import making
from homolog.scripts.draft import Compilation, Draft, Network
from homolog.scripts.facts import ends_in, layers_of
from homolog.scripts.metrics import Metric, metric
from homolog.scripts.parts import Part
from homolog.scripts.values import Function, NotStatic, Untranslated, is_live

PARAMETERS = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly"),
    *("steps_per_execution", "jit_compile", "auto_scale_loss"),
)
HOW = {"run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"}
"""Arguments that say how something is computed, not what."""


def compilation(draft: Draft, model: Any, values: Sequence[Any], keywords: Mapping[str, Any]) -> Compilation:
    """How a model is compiled; the function that does it is written once the model is used.

    Raises:
        NotStatic: an argument that is not known.
    """
    arguments = {**dict(zip(PARAMETERS, values, strict=False)), **keywords}
    strange = sorted(set(arguments) - set(PARAMETERS))
    if strange:
        raise NotStatic(f"compile is given {', '.join(strange)}")
    function = draft.fresh("compile_model")
    return Compilation(arguments, function, draft.fresh("training"), frozenset())


def written(draft: Draft, network: Network) -> Compilation:
    """Writes the function of a model's last compilation, if it is not there yet.

    Raises:
        NotStatic: the model is not compiled, or in a way that has no counterpart here.
    """
    compiled = network.compiled
    if compiled is None:
        raise NotStatic(f"the model {network.model.name} is not compiled")
    if compiled.function in draft.functions:
        return compiled
    source = draft.source_of(network.model)
    if len(source.outputs) != 1:
        raise NotStatic(f"the model {network.model.name} has {len(source.outputs)} outputs, and each would need a loss")
    setup = _setup(compiled.arguments)
    lines = _training(draft, setup, network)
    metrics = [_metric(draft, item, network, setup) for item in _listed(compiled.arguments.get("metrics"))]
    for item in metrics:
        draft.functions[item.function] = item.part
    frozen = _frozen(draft, network, compiled)
    figures = ", ".join(f'"{item.name}": {draft.named(item.function)}' for item in metrics)
    scheduled = setup.schedule is not None
    if scheduled:
        draft.features.add("scheduler")
    lines = [line for line in lines if scheduled or line != "scheduler = None"]
    more = [*(["scheduler=scheduler"] if scheduled else []), *(["resting=resting"] if frozen else [])]
    made = f"return {draft.use('Training')}({', '.join(['optimizer', 'loss', f'{{{figures}}}', *more])})"
    body = textwrap.indent("\n".join([*frozen, *lines, made]), "    ")
    text = f'def {compiled.function}(model):\n    """What `{network.variable}` is trained with."""\n{body}'
    draft.functions[compiled.function] = Part(text, ("import torch",))
    _penalty(draft, network)
    up = frozenset(item.name for item in metrics if item.up)
    network.compiled = Compilation(compiled.arguments, compiled.function, compiled.variable, up)
    return network.compiled


def loss_kind(network: Network) -> tuple[str, str | None]:
    """The kind of a model's loss, and what its targets are: ``indices`` or ``probabilities``, if it says.

    Raises:
        NotStatic: it has none that is known.
    """
    if network.compiled is None:
        return "", None
    loss = _setup({"loss": network.compiled.arguments.get("loss")}).loss
    return ("", None) if loss is None else (loss.kind, str(loss.fields.get("targets") or "") or None)


def _setup(arguments: Mapping[str, Any]) -> Setup:
    """Read by the rules of training, from a small model that is compiled alike.

    Raises:
        NotStatic: it has no counterpart.
    """
    from homolog.keras.framework import require
    from homolog.keras.learning_setup import read

    for name in ("optimizer", "loss"):
        value = arguments.get(name)
        if isinstance(value, Function | Untranslated):
            raise NotStatic(f"the {name} is the script's own, and has no counterpart here")
        if isinstance(value, list | tuple | dict):
            raise NotStatic(f"{name} is given for several outputs")
        if value is not None and not (isinstance(value, str) or is_live(value)):
            raise NotStatic(f"the {name} has a value that only running the script would tell")
    for name in ("loss_weights", "weighted_metrics"):
        if arguments.get(name):
            raise NotStatic(f"compile is given {name}")
    keras = require()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    optimizer, loss = arguments.get("optimizer", "rmsprop"), arguments.get("loss")
    making.called(model.compile, (), {"optimizer": optimizer, "loss": loss}, "compile")
    try:
        return read(model)
    except HomologError as error:
        raise NotStatic(f"{error.what}: {error.found}") from error


def _training(draft: Draft, setup: Setup, network: Network) -> list[str]:
    """Lines that make ``optimizer``, ``loss`` and ``scheduler``, with what differs as comments."""
    compiled = torch_training(setup, ends_in=ends_in(network.model), class_axis=_class_axis(network))
    for line in compiled.imports:
        draft.imports[line] = None
    differences: list[str] = []
    for text in compiled.differences:
        if "scheduler.step()" in text:
            continue  # the written loop does
        draft.note(text)
        differences += textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ")
    return [*differences, *compiled.lines]


def _class_axis(network: Network) -> int:
    """Where the axis is that Keras has last."""
    assert network.source is not None
    order = network.source.outputs[0]
    return order.index(len(order) - 1) if len(order) > 1 else 0


def _metric(draft: Draft, given: Any, network: Network, setup: Setup) -> Metric:
    if isinstance(given, Function | Untranslated):
        raise NotStatic("a metric of the script's own has no counterpart here")
    kind = setup.loss.kind if setup.loss is not None else ""
    sparse = setup.loss is not None and setup.loss.fields.get("targets") == "indices"
    binary = kind == "binary_cross_entropy" or network.model.outputs[0].shape[-1] == 1
    return metric(given, sparse, binary, _class_axis(network))


def _listed(metrics: Any) -> list[Any]:
    if metrics is None:
        return []
    if isinstance(metrics, dict):
        raise NotStatic("metrics are given by the names of outputs")
    if not isinstance(metrics, list | tuple):
        return [metrics]
    if len(metrics) == 1 and isinstance(metrics[0], list):
        return list(metrics[0])
    return list(metrics)


def _frozen(draft: Draft, network: Network, compiled: Compilation) -> list[str]:
    """Lines that keep from training what is not trainable when the model is compiled."""
    assert network.source is not None
    still = {variable.path for layer in layers_of(network.model) if not layer.trainable for variable in layer.weights}
    resting = still | {variable.path for layer in _at_inference(network.model) for variable in layer.weights}
    if not (resting or network.frozen):
        return []
    origins = network.source.origins
    if not origins:
        raise NotStatic("layers are kept from training, and nothing says which these are in the written model")
    lines = [f"resting = {_prefixes(origins, resting)!r}  # modules that behave as at inference"]
    draft.features.add("rest")
    draft.use("rest")
    if still:
        lines.append(f"frozen = {_prefixes(origins, still)!r}  # tensors that are not trained")
    if still or network.frozen:
        network.frozen = True
        kept = "not name.startswith(frozen)" if still else "True"
        lines += ["for name, parameter in model.named_parameters():", f"    parameter.requires_grad_({kept})"]
    return lines


def _at_inference(model: Any) -> list[Any]:
    """Layers that a model calls with ``training=False``, and those within them."""
    found = []
    for operation in model.operations if hasattr(model, "operations") else ():
        for node in operation._inbound_nodes:
            if node.arguments.kwargs.get("training") is False:
                found += [operation, *(layers_of(operation) if hasattr(operation, "_flatten_layers") else [])]
    return found


def _prefixes(origins: Mapping[str, str], paths: set[str]) -> tuple[str, ...]:
    """The fewest beginnings of tensors' names that are those of these Keras variables and of no others."""
    others = [name for name, path in origins.items() if path not in paths]
    found: dict[str, None] = {}
    for name, path in origins.items():
        if path not in paths:
            continue
        words = name.split(".")
        candidates = [".".join(words[:count]) + "." for count in range(1, len(words))] + [name]
        found[next(item for item in candidates if not any(other.startswith(item) for other in others))] = None
    return tuple(found)


def _penalty(draft: Draft, network: Network) -> None:
    """What regularisers add to the loss, as a function of the model.

    Raises:
        NotStatic: a regulariser that is not known.
    """
    assert network.source is not None
    names = {path: name for name, path in network.source.origins.items()}
    terms = []
    for layer in layers_of(network.model):
        if getattr(layer, "activity_regularizer", None) is not None:
            raise NotStatic(f"the layer {layer.name} has a penalty on its activations")
    for variable in network.model.trainable_variables:
        if variable.regularizer is None:
            continue
        kind = type(variable.regularizer).__name__
        if kind not in ("L1", "L2", "L1L2"):
            raise NotStatic(f"the regulariser {kind} has no counterpart here")
        if variable.path not in names:
            raise NotStatic(f"{variable.path} has a penalty, and nothing says which tensor it is in the written model")
        tensor = f'model.get_parameter("{names[variable.path]}")'
        l1, l2 = (_rounded(getattr(variable.regularizer, word, 0.0)) for word in ("l1", "l2"))
        terms += [f"{l1} * {tensor}.abs().sum()"] if l1 else []
        terms += [f"{l2} * {tensor}.square().sum()"] if l2 else []
    if terms:
        draft.features.add("penalty")
        body = "\n        + ".join(terms)
        written = Part(
            'def penalty(model):\n    """What the regularisers of weights add to the loss."""\n'
            f"    return (\n        {body}\n    )"
        )
        if draft.functions.setdefault("penalty", written) != written:
            raise NotStatic("two models have penalties on their weights")


def _rounded(value: Any) -> float:
    """The number that was most likely written, of one that was kept in float32."""
    import numpy as np

    return float(str(np.float32(value)))

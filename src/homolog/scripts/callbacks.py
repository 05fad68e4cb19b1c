"""Callbacks of ``fit``: those that the written loop knows, with the arguments they are given there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import libcst as cst

from homolog.scripts.callback_parts import CALLBACKS
from homolog.scripts.draft import Draft, Network
from homolog.scripts.values import Function, Made, NotStatic

Written = Callable[[cst.BaseExpression], str]
PASSED: Mapping[str, Mapping[str, str]] = {
    "EarlyStopping": {
        name: name
        for name in ("monitor", "patience", "min_delta", "baseline", "restore_best_weights", "start_from_epoch")
    },
    "ModelCheckpoint": {
        "filepath": "path",
        "monitor": "monitor",
        "save_best_only": "save_best_only",
        "initial_value_threshold": "best",
    },
    "ReduceLROnPlateau": {name: name for name in ("monitor", "factor", "patience", "min_delta", "cooldown", "min_lr")},
    "LearningRateScheduler": {"schedule": "schedule"},
    "CSVLogger": {"filename": "path", "separator": "separator", "append": "append"},
    "TerminateOnNaN": {},
}
SILENT = {"verbose", "mode", "save_weights_only", "save_freq"}
MONITORS = {"EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"}
WEIGHTS_ALONE = (
    "a checkpoint holds the weights alone (a state_dict), and is written to a name that ends in .pt: models are made "
    "by their class"
)


def callback(draft: Draft, made: Any, network: Network, write: Written) -> str:
    """A callback as an expression of the written script.

    Raises:
        NotStatic: it has no counterpart here.
    """
    if not isinstance(made, Made) or not made.name.startswith("keras.callbacks."):
        raise NotStatic("a callback of the script's own has no counterpart here")
    if made.kind not in PASSED or made.kind not in CALLBACKS:
        raise NotStatic(f"{made.name} has no counterpart here")
    known = PASSED[made.kind]
    strange = sorted(set(made.arguments) - set(known) - SILENT)
    if strange:
        raise NotStatic(f"{made.kind} is given {', '.join(strange)}")
    if made.arguments.get("save_freq", "epoch") != "epoch":
        raise NotStatic(f"{made.kind} saves every {made.arguments['save_freq']} batches")
    arguments = {known[name]: write(node) for name, node in made.nodes.items() if name in known}
    if made.kind in MONITORS:
        monitor = made.arguments.get("monitor", "val_loss")
        arguments = {"monitor": arguments.pop("monitor", '"val_loss"'), **arguments}
        mode = _mode(made, monitor, network)
        arguments["mode"] = f'"{mode}"'
    if made.kind == "ModelCheckpoint":
        arguments = {"path": _path(draft, made, arguments.pop("path", "")), **arguments}
        if "save_best_only" not in arguments:
            arguments = {"path": arguments["path"]}
    if made.kind == "LearningRateScheduler":
        arguments["schedule"] = _schedule(made, arguments["schedule"])
    draft.features.add("callbacks")
    draft.use("Callback")
    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
    return f"{draft.use(made.kind)}({given})"


def _mode(made: Made, monitor: Any, network: Network) -> str:
    """Whether less or more is better.

    Raises:
        NotStatic: it is left to a figure that is not known.
    """
    mode = made.arguments.get("mode", "auto")
    if mode in ("min", "max"):
        return str(mode)
    if not isinstance(monitor, str) or network.compiled is None:
        raise NotStatic(f"{made.kind} watches a figure that only running the script would tell")
    return "max" if monitor.removeprefix("val_") in network.compiled.up else "min"


def _path(draft: Draft, made: Made, written: str) -> str:
    """The name of a checkpoint's file, with PyTorch's ending.

    Raises:
        NotStatic: it is not known.
    """
    path = made.arguments.get("filepath")
    if not isinstance(path, str):
        return written
    draft.note(WEIGHTS_ALONE)
    return repr(renamed(path)).replace("'", '"')


def renamed(path: str) -> str:
    """A file's name with PyTorch's ending in place of Keras's."""
    for ending in (".weights.h5", ".keras", ".h5", ".hdf5", ".ckpt"):
        if path.endswith(ending):
            return path.removesuffix(ending) + ".pt"
    return path


def _schedule(made: Made, written: str) -> str:
    """A function of the epoch and the rate; one of the epoch alone is wrapped.

    Raises:
        NotStatic: it is none of the script's, or has to do with Keras.
    """
    function = made.arguments.get("schedule")
    if isinstance(function, Function) and not function.free:
        raise NotStatic("the schedule of a LearningRateScheduler computes with Keras")
    if isinstance(function, Function):
        params = [*function.node.params.posonly_params, *function.node.params.params]
        if len(params) == 1:
            return (
                f"lambda epoch, rate: ({written})(epoch)"
                if "lambda" in written
                else f"lambda epoch, rate: {written}(epoch)"
            )
        return written
    raise NotStatic("the schedule of a LearningRateScheduler is not a function of the script")

"""How soon the command line answers: it must not cost more than what the answer needs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bench.commands import HOMOLOG, ratio, run
from bench.figure import Figure

FRAMEWORKS = {"torch", "keras", "tensorflow", "jax"}


def copy_beside_imports(folder: Path) -> Figure:
    """A whole copy of LeNet-5 beside the bare import of both frameworks."""
    from homolog.keras import demo as keras
    from homolog.pytorch import demo as pytorch

    source, target = folder / "lenet5.pt", folder / "lenet5.h5"
    pytorch.save(pytorch.lenet5(), source)
    keras.save(keras.lenet5(), target)
    return ratio(
        "homolog copy, to importing torch and keras",
        [HOMOLOG, "copy", str(source), str(target), "-o", str(folder / "copy.h5"), "--force"],
        to=[sys.executable, "-c", "import torch, keras"],
        bound=1.5,
        rounds=5,
    )


def help_beside_nothing(folder: Path) -> Figure:
    """The help text beside a Python that does nothing."""
    return ratio(
        "homolog --help, to python -c pass",
        [HOMOLOG, "--help"],
        to=[sys.executable, "-c", "pass"],
        bound=8,
        rounds=15,
    )


def frameworks_to_inspect(folder: Path) -> Figure:
    """How many frameworks are imported to show what a safetensors file holds: none is needed."""
    path = folder / "weights.safetensors"
    save_file({"conv.weight": np.zeros((6, 1, 5, 5), np.float32), "conv.bias": np.zeros(6, np.float32)}, path)
    # One line for each module: "import time:  self [us] |  cumulative | name".
    told = run([sys.executable, "-X", "importtime", HOMOLOG, "inspect", str(path)])
    modules = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    imported = sorted(FRAMEWORKS & {module.partition(".")[0] for module in modules})
    return Figure(
        "homolog inspect FILE.safetensors, imports",
        len(imported),
        0,
        "frameworks",
        ", ".join(imported) or f"none among {len(modules)} modules",
    )


BENCHMARKS = (copy_beside_imports, help_beside_nothing, frameworks_to_inspect)

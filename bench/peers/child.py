"""One network by one tool, in a process of its own: ``python -m bench.peers.child TOOL NETWORK OUT``.

It runs in the environment of the tool, which need not hold homolog. What it measured is in the file OUT after every
stage, so that a run that is stopped or dies has told how far it came.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from bench.pairs.child import Record
from bench.peers.networks import BY_NAME, OTHER, TRACED, Network
from bench.peers.outputs import Array, channels_last, error, flat
from bench.peers.tools import TOOLS, Tool
from bench.zoo import declare_boxes

if TYPE_CHECKING:
    import torch


def run(tool: Tool, network: Network, record: Record) -> None:
    """Everything that is recorded of one network by one tool. Whatever a tool raises ends the process."""
    record.note(versions={name: number for name in tool.packages if (number := _version(name))})
    with record.stage("importing"):
        declare_boxes()
        tool.prepare()
    with record.stage("building"):
        module = network.build()
        batches = {"traced": network.images(TRACED, seed=4), "other": network.images(OTHER, seed=5)}
        expected = {name: outputs(module, images) for name, images in batches.items()}
    record.note(weights=digest(module))
    started = process_time()
    with record.stage("translating"):
        made = tool.translate(module, batches["traced"])
    record.note(cpu_s=process_time() - started, translating_mib=record.facts["peak_mib"], doubt=made.doubt, errors={})
    for name, images in batches.items():
        with record.stage(f"running the {name} batch"):
            found = error(flat(made.model(channels_last(images))), expected[name])
        record.note(errors={**record.facts["errors"], name: found})
    record.note(stage="done")


def outputs(module: torch.nn.Module, images: Array) -> list[Array]:
    """Those of the network, before any tool has seen it, as Keras would have them."""
    import torch

    with torch.no_grad():
        return [channels_last(output) for output in flat(module(torch.from_numpy(images)))]


def digest(module: torch.nn.Module) -> str:
    """Of all weights: the same in both environments."""
    return sha256(b"".join(tensor.numpy().tobytes() for tensor in module.state_dict().values())).hexdigest()[:16]


def _version(package: str) -> str:
    """Also of a package that is installed under the name of its CPU build."""
    for name in (package, f"{package}-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tool_name, network_name, out = sys.argv[1:]
    run(TOOLS[tool_name], BY_NAME[network_name], Record(Path(out)))

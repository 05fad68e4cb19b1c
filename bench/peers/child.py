"""One network by one tool, in a process of its own: ``python -m bench.peers.child TO TOOL NETWORK OUT``.

It runs in the environment of the tool, which need not hold homolog. What it measured is in the file OUT after every
stage, so that a run that is stopped or dies has told how far it came.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import process_time

from bench.peers.contest import CONTESTS
from bench.peers.networks import OTHER, TRACED, Network
from bench.peers.outputs import error, flat
from bench.peers.tools import Tool
from bench.record import Record
from bench.translations import memory
from bench.zoo import declare_boxes


def run(tool: Tool, network: Network, record: Record) -> None:
    """Everything that is recorded of one network by one tool. Whatever a tool raises ends the process."""
    record.note(versions={name: number for name in tool.packages if (number := _version(name))})
    with record.stage("importing"):
        declare_boxes()
        tool.prepare()
    with record.stage("building"):
        source = network.build()
        batches = {"traced": network.images(TRACED, seed=4), "other": network.images(OTHER, seed=5)}
        expected = {name: network.outputs(source, images) for name, images in batches.items()}
    record.note(weights=network.digest(source))
    before, started = memory.settled(), process_time()
    with record.stage("translating"):
        made = tool.translate(source, batches["traced"])
    record.note(cpu_s=process_time() - started, taken=memory.peak() - before, doubt=made.doubt, errors={})
    record.note(unproven_s=made.unproven_s)
    for name, images in batches.items():
        with record.stage(f"running the {name} batch"):
            found = error(flat(made.model(images)), expected[name])
        record.note(errors={**record.facts["errors"], name: found})
    record.note(stage="done")


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
    to, tool_name, network_name, out = sys.argv[1:]
    contest = CONTESTS[to]
    run(contest.by_tool[tool_name], contest.by_network[network_name], Record(Path(out)))

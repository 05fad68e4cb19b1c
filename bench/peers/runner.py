"""``python -m bench peers [NETWORK ...] [--to TO]``: every network by homolog and its peers, each in a process."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.peers import table
from bench.peers.contest import CONTESTS, TO_KERAS, Contest
from bench.peers.judge import Record, Row, compared
from bench.peers.networks import Network
from bench.peers.tools import ROOT, Tool
from bench.peers.words import WORDS
from bench.record import cause

LIMIT_S = 240.0
ONE_THREAD = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""Two frameworks in a process wait for each other's threads, and for those of whatever else the machine does."""


def main(arguments: list[str]) -> int:
    """Exit code 0 if homolog did as it should, 1 if not, 2 for a name or an environment that does not exist.

    A run of some networks, or of one tool, is printed alone; a whole run is written to the contest's results and page.
    """
    parser = ArgumentParser("python -m bench peers", description="Translate networks with homolog and with its peers.")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="some of them; all if there are none")
    parser.add_argument("--to", choices=CONTESTS, default=TO_KERAS.to, help="the framework to translate into")
    parser.add_argument("--tool", metavar="NAME", help="run this one alone, and compare nothing")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="S", help="seconds a process may take (240)")
    options = parser.parse_args(arguments)
    contest = CONTESTS[options.to]
    asked = {"network": (options.networks, contest.by_network), "tool": ([options.tool or "homolog"], contest.by_tool)}
    for what, (names, known) in asked.items():
        unknown = [name for name in names if name not in known]
        if unknown:
            print(f"no such {what}: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
    tools = [tool for tool in contest.tools if options.tool in (None, tool.name)]
    for tool in tools:
        if not tool.python.exists():
            print(f"no environment for {tool.name}: {tool.python} is missing\nhelp: make peers", file=sys.stderr)
            return 2
    networks = [network for network in contest.networks if not options.networks or network.name in options.networks]
    rows: list[Row] = []
    records: list[Record] = []
    for network in networks:
        found = {tool.name: measured(contest, tool, network, options.limit) for tool in tools}
        rows.append(compared(contest, network.name, found))
        records += found.values()
        print(table.line(contest, rows[-1]), file=sys.stderr, flush=True)
    versions = {record["tool"]: record["versions"] for record in records if "versions" in record}
    text = table.page(contest, WORDS[contest.to], rows, versions, options.limit)
    print(text)
    if len(networks) == len(contest.networks) and len(tools) == len(contest.tools):
        write(contest, rows, records, versions, text)
    return 0 if all(row.verdict != "FAIL" for row in rows) else 1


def measured(contest: Contest, tool: Tool, network: Network, limit_s: float) -> Record:
    """The record of one run, however it ended."""
    with TemporaryDirectory(prefix="homolog-peers-") as folder:
        out = Path(folder) / "record.json"
        command = [str(tool.python), "-m", "bench.peers.child", contest.to, tool.name, network.name, str(out)]
        environment = {**os.environ, **ONE_THREAD}
        started = perf_counter()
        stopped, ended = False, ""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit_s, check=False, cwd=ROOT, env=environment
            )
            if done.returncode != 0:
                ended = cause(done.stderr) or f"exit code {done.returncode}, no word on stderr"
        except subprocess.TimeoutExpired:
            stopped, ended = True, f"stopped after {limit_s:g} s"
        wall = perf_counter() - started
        facts = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"stage": "starting", "seconds": {}}
    ending = {"ended": ended, "stopped": stopped, "limit_s": limit_s, "wall_s": wall}
    return {"tool": tool.name, "network": network.name, **facts, **ending}


def write(
    contest: Contest, rows: Sequence[Row], records: Sequence[Record], versions: table.Versions, text: str
) -> None:
    """A whole run as JSON and as the page."""
    found = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()},
        "versions": versions,
        "bounds": {"time": contest.time, "memory": contest.memory},
        "rows": [row.to_dict() for row in rows],
        "records": records,
    }
    contest.results.parent.mkdir(exist_ok=True)
    contest.results.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    contest.docs.write_text(text + "\n", encoding="utf-8")

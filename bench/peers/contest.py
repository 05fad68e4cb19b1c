"""The two contests: what is translated, by whom, and what homolog is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.networks import APPLICATIONS, VISION, Network
from bench.peers.tools import HOMOLOG, HOMOLOG_TO_TORCH, NOBUCO, ONNX, QUICK, ROOT, Tool


@dataclass(frozen=True)
class Contest:
    """One direction.

    Attributes:
        to: the framework that is translated into.
        networks: that are translated.
        tools: homolog first, then the peer that it is held to, then others.
        time: the most of the peer's seconds that homolog may take.
        memory: the most of the peer's memory, None where there is no bound on it.
        page: the name of its files.
    """

    to: str
    networks: Sequence[Network]
    tools: Sequence[Tool]
    time: float
    memory: float | None
    page: str

    @property
    def peer(self) -> str:
        """The name of the peer that the bounds are on."""
        return self.tools[1].name

    @property
    def by_tool(self) -> Mapping[str, Tool]:
        return {tool.name: tool for tool in self.tools}

    @property
    def by_network(self) -> Mapping[str, Network]:
        return {network.name: network for network in self.networks}

    @property
    def results(self) -> Path:
        return ROOT / "bench" / "results" / f"{self.page}.json"

    @property
    def docs(self) -> Path:
        return ROOT / "docs" / f"{self.page}.md"


TO_KERAS = Contest("keras", VISION, (HOMOLOG, NOBUCO, QUICK), 0.5, None, "peers")
TO_TORCH = Contest("torch", APPLICATIONS, (HOMOLOG_TO_TORCH, ONNX), 0.25, 0.5, "peers-torch")
CONTESTS = {contest.to: contest for contest in (TO_KERAS, TO_TORCH)}

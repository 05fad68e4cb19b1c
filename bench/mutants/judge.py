"""Whether ``verify`` saw a defect, where, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.mutants.mutant import ANYWHERE, ENDS, Mutant

Record = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What ``verify`` came to.

    Attributes:
        passed: it says that the networks are the same.
        refused: it would not say: an error other than Mismatch.
        causes: each with its kind, words and layers, the likeliest first.
        error: the text of the error that it raised, if it did.
        failed: figures of the parts that failed.
    """

    passed: bool
    refused: bool = False
    causes: Sequence[dict[str, str]] = ()
    error: str = ""
    failed: Sequence[str] = ()


def judged(mutant: Mutant, verdict: Verdict) -> Record:
    """The record of one mutant.

    Caught: the proof failed, or the networks were said not to correspond. The layer is right if the first cause names
    one of the mutant's places on either side, the cause if it is of one of the mutant's kinds. Of an error without
    causes both are judged by its text: whether a place is in it as a word, and a kind.
    """
    caught = not verdict.passed and not verdict.refused
    first = verdict.causes[0] if verdict.causes else None
    if first is not None:
        names = [name for name in (first["source"], first["target"]) if name]
        layer = any(map(mutant.at, names)) or (not names and ENDS in mutant.places)
        cause = first["kind"] in mutant.kinds
    else:
        layer = any(_says(verdict.error, place) for place in mutant.places if place not in (ANYWHERE, ENDS))
        cause = any(_says(verdict.error, kind) for kind in mutant.kinds)
    return {
        "name": mutant.name,
        "defect": mutant.words,
        "side": mutant.side,
        "kinds": list(mutant.kinds),
        "places": list(mutant.places),
        "caught": caught,
        "layer": caught and layer,
        "cause": caught and cause,
        **asdict(verdict),
    }


def _says(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text) is not None

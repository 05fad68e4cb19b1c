"""Whether a run of a pair is as it should be."""

from __future__ import annotations

from typing import Any

from bench.pairs.pair import Pair


def verdict(pair: Pair, record: dict[str, Any]) -> str:
    """Why a run is not as it should be; empty if it is.

    It is where every tensor of both sides is copied or left out with a reason, everything in which the two are known
    to be different functions is named, and the proof says the same: it passes where nothing is named, and fails
    where something is, unless that is known to be too little to be seen.
    """
    if record["ended"]:
        return f"{record['stage']}: {record['ended']}"
    error = record.get("error")
    if error is not None:
        where = f" ({error['where']})" if error["where"] else ""
        return f"{error['stage']}: {error['what']}{where}"
    for side, (matched, total) in record["tensors"].items():
        if matched < total:
            return f"{total - matched} tensors of the {side} without a place"
    unnamed = [setting for setting in pair.known if not _named(setting, record)]
    if unnamed:
        return f"known to differ, and not named: {', '.join(unnamed)}"
    named = bool(record["differences"])
    if record["passed"] and named and pair.visible:
        return "differences are named, and the proof passes all the same"
    if not record["passed"] and not (named and pair.visible):
        return f"silent difference: {_failed(record)}"
    oracle = record.get("oracle")
    if oracle is not None and not _whole(oracle):
        return f"the oracle holds other weights: {oracle}"
    return ""


def _named(setting: str, record: dict[str, Any]) -> bool:
    return setting in record["settings"] or any(setting in line for line in record["differences"])


def _failed(record: dict[str, Any]) -> str:
    return next(f"{part['name']}: {part['figure']}" for part in record["proof"] if not part["passed"])


def _whole(oracle: str) -> bool:
    """``12 of 12``."""
    equal, _, total = oracle.partition(" of ")
    return equal == total

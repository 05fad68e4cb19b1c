"""Networks that do not correspond, as a proof that failed."""

from __future__ import annotations

from homolog.errors import Mismatch
from homolog.proof import Part, Proof


def unmatched(error: Mismatch, source: str, target: str) -> Proof:
    """A proof of one part, which says what ``verify`` raised: nothing could be compared."""
    what, *rest = str(error).splitlines()
    return Proof((Part("correspondence", False, what, tuple(line.strip() for line in rest)),), (), source, target)

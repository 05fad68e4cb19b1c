"""Why two networks differ: a cause in words, where it is, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    "eps",
    "activation",
    "padding",
    "stride",
    "pooling",
    "interpolation",
    "flatten order",
    "gate order",
    "transposed kernel",
    "flipped kernel",
    "channel order",
    "swapped weights",
    "statistics",
    "other weights",
    "rounded weights",
    "missing weights",
    "scale",
    "softmax",
    "preprocessing",
    "momentum",
    "dropout",
    "training mode",
    "wiring",
    "setting",
)
"""Every kind of cause that is told apart; ``setting`` is any other setting of a layer."""


@dataclass(frozen=True)
class Mend:
    """The commands that copy anew, in the words of whoever asked: the command line's or Python's.

    Attributes:
        copy: of the weights.
        carry: of the plain settings as well.
    """

    copy: str = "homolog.copy(a, into=b)"
    carry: str = "homolog.copy(a, into=b, carry_config=True)"


@dataclass(frozen=True)
class Cause:
    """One cause.

    Attributes:
        kind: one of ``KINDS``.
        source, target: names of the two layers; empty where it is the input or the output of the networks.
        words: what it is, in one line.
        tried: what was done to make sure, and what came of it; empty where nothing could be tried.
        help: what would mend it.
    """

    kind: str
    source: str
    target: str
    words: str
    tried: str = ""
    help: str = ""

    def __str__(self) -> str:
        return f"cause: {self.words}" + (f" ({self.tried})" if self.tried else "")

    def to_dict(self) -> dict[str, str]:
        """JSON."""
        return {
            "kind": self.kind,
            "source": self.source,
            "target": self.target,
            "words": self.words,
            "tried": self.tried,
            "help": self.help,
        }

"""What a result was worked out with."""

from __future__ import annotations

import platform
import sys

import homolog


def versions() -> dict[str, str]:
    """The versions of homolog, Python, and of the frameworks that have been used in this process; imports none."""
    found = {"homolog": homolog.__version__, "python": platform.python_version()}
    found |= {name: version for name in ("torch", "keras") if (version := _version(name))}
    if "keras" in found:
        backend = str(sys.modules["keras"].config.backend())
        found["keras backend"] = f"{backend} {_version(backend)}".rstrip()
    return found


def _version(name: str) -> str:
    """Of a module that is imported already; empty for any other."""
    return str(getattr(sys.modules.get(name), "__version__", ""))

"""homolog moves trained networks between PyTorch and Keras, in either direction, and proves that both are the same.

load inspect match copy translate verify    the verbs; see ``homolog.api``
translate_script                            a Keras training script into one for PyTorch
testing                                     ``assert_same_network``, for test suites
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homolog import testing
    from homolog.api import Copy, compare, copy, inspect, load, match, translate, translate_script, verify
    from homolog.errors import HomologError
    from homolog.plan import Plan
    from homolog.proof import Proof
    from homolog.scripts.translation import ScriptTranslation
    from homolog.translating import Translation

__version__ = "0.1.0"
__all__ = [
    "Copy",
    "HomologError",
    "Plan",
    "Proof",
    "ScriptTranslation",
    "Translation",
    "compare",
    "copy",
    "inspect",
    "load",
    "match",
    "testing",
    "translate",
    "translate_script",
    "verify",
]

_HOMES = {
    "HomologError": "homolog.errors",
    "Plan": "homolog.plan",
    "Proof": "homolog.proof",
    "ScriptTranslation": "homolog.scripts.translation",
    "Translation": "homolog.translating",
}


def __getattr__(name: str) -> Any:
    """The public names are imported when they are first used, so that ``import homolog`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'homolog' has no attribute {name!r}")
    from importlib import import_module

    if name == "testing":
        return import_module("homolog.testing")
    return getattr(import_module(_HOMES.get(name, "homolog.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

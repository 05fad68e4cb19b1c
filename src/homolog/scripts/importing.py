"""What the imports of a script make known."""

from __future__ import annotations

import libcst as cst

from homolog.scripts.names import canonical
from homolog.scripts.script import dotted
from homolog.scripts.values import Name


def imported(node: cst.Import | cst.ImportFrom) -> dict[str, Name]:
    """The names that an import binds, and what each stands for. Names of ``*`` are not known."""
    found: dict[str, Name] = {}
    if isinstance(node.names, cst.ImportStar):
        return found
    if isinstance(node, cst.Import):
        for alias in node.names:
            name = alias.evaluated_name
            found[alias.evaluated_alias or name.partition(".")[0]] = canonical(
                name if alias.evaluated_alias else name.partition(".")[0]
            )
        return found
    module = "" if node.module is None else dotted(node.module) or ""
    for alias in node.names:
        found[alias.evaluated_alias or alias.evaluated_name] = canonical(f"{module}.{alias.evaluated_name}")
    return found

"""A Keras training script → a PyTorch training script, with what was left and what comes out differently."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from homolog.files.atomic import atomic
from homolog.scripts.assembling import assembled
from homolog.scripts.blocks import Blocks
from homolog.scripts.draft import Draft, Left
from homolog.scripts.draws import watched
from homolog.scripts.script import Statement, docstring, read
from homolog.scripts.values import Name, Scope


@dataclass
class ScriptTranslation:
    """A script in PyTorch.

    Attributes:
        source: its text.
        left: what was not translated, in the order of the script; it stands in the text as comments.
        notes: what comes out differently, a sentence each.
        name: of the script that was translated.
        origin: its file, None if it was given as text.
        written: the file, once it is saved.
    """

    source: str
    left: tuple[Left, ...]
    notes: tuple[str, ...]
    name: str
    origin: Path | None = None
    written: Path | None = field(default=None)

    @property
    def complete(self) -> bool:
        """Whether everything was translated."""
        return not self.left

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the script.

        Raises:
            Usage: the path exists and ``force`` is not given, or is the script that was translated.
        """
        out = Path(path)
        with atomic(out, force=force, inputs=[] if self.origin is None else [self.origin]) as draft:
            draft.write_text(self.source, encoding="utf-8")
        self.written = out
        return out

    def __str__(self) -> str:
        count = "all of it" if self.complete else f"{_several(len(self.left), 'statement')} left"
        lines = [f"{self.name} in PyTorch: {len(self.source.splitlines())} lines, {count}"]
        lines += [f"not translated: {item}" for item in self.left]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, *([f"wrote {self.written}"] if self.written else [])])

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "script": self.name,
            "output": None if self.written is None else str(self.written),
            "complete": self.complete,
            "left": [{"line": item.line, "text": item.text, "why": item.why} for item in self.left],
            "notes": list(self.notes),
            "source": self.source,
        }


def translate(source: str | Path) -> ScriptTranslation:
    """See ``api.translate_script``."""
    from homolog.keras.framework import require

    require()  # said now that Keras is missing, not of every layer
    script = read(source)
    draft = Draft(script)
    statements = [item for item in script.module.body if isinstance(item, Statement)]
    begins = 1 if docstring(statements) else 0
    scope: Scope = {"__name__": "__main__", "__file__": Name("builtins.__file__")}
    with watched(draft.initializers):
        pieces = Blocks(draft).block(statements[begins:], scope)
    text = assembled(draft, pieces)
    origin = Path(script.name) if Path(script.name).is_file() else None
    left = tuple(sorted(draft.left, key=lambda item: item.line))
    return ScriptTranslation(text, left, tuple(draft.notes), script.name, origin)


def _several(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

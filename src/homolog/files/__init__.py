"""Files of weights: opened without their framework, and written anew with other values in them.

One reader for each format; ``open_checkpoint`` finds out which. Each is imported when a file needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from homolog.errors import Unsupported
from homolog.files.atomic import atomic, refuse
from homolog.files.checkpoint import Checkpoint, Format, Named
from homolog.files.sniff import open_checkpoint

__all__ = ["Checkpoint", "Format", "atomic", "open_checkpoint", "refuse", "write_new"]


def write_new(format: Format, out: Path, arrays: Named, *, metadata: Mapping[str, str] | None = None) -> None:
    """Writes a file of weights that is like no other file: only safetensors can be, the rest need an architecture.

    Raises:
        Unsupported: any other format.
    """
    if format is not Format.SAFETENSORS:
        raise Unsupported("only safetensors files are written from nothing", where=str(out), found=str(format))
    from homolog.files.safetensors_file import write_safetensors

    write_safetensors(out, arrays, metadata)

"""From what a user has to a network: a source text, a path, a live model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homolog import files
from homolog.errors import Usage
from homolog.network import Network
from homolog.source import Source, parse


def open_network(src: object) -> Network:
    """A network from what a user has: a source text, a path, a live model, or a network already.

    Raises:
        HomologError: the source is no network, or cannot be read.
    """
    if isinstance(src, Network):
        return src
    if isinstance(src, Path):
        return Network(str(src), checkpoint=files.open_checkpoint(src))
    if isinstance(src, str):
        return _from_source(parse(src))
    return Network(type(src).__name__, make=lambda: src)


def load(src: object) -> Network:
    """Open a network: a file, ``package.module:factory``, ``FILE@package.module:factory``, or a live model.

    Nothing is built before it is needed: ``.graph()`` and ``.tensors()`` of a file read data alone, ``.live.model``
    builds the model.

    Raises:
        Unsafe: the file asks for code that is not the frameworks' own.
    """
    network = open_network(src)
    network.require_safe()
    return network


def open_source(text: str) -> tuple[object, str]:
    """The live object that a source text names, built if need be, and the path inside it: ``lenet5.h5:layers[0]``.

    Raises:
        HomologError: the source cannot be read, is unsafe, or holds no model to build.
    """
    source = parse(text)
    if source.file is None and source.factory is not None:
        return source.factory.make(), source.path
    return _from_source(replace(source, path="")).live.model, source.path


def _from_source(source: Source) -> Network:
    if source.path:
        raise Usage(
            "a path inside a model is no network", where=str(source), help="leave out what follows the last colon"
        )
    checkpoint = None if source.file is None else files.open_checkpoint(source.file)
    return Network(str(source), checkpoint, None if source.factory is None else source.factory.make)

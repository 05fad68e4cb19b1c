"""What a REPL tells about an object: ``dir``, ``help``, signature, class hierarchy, source, and calling by name.

Listing looks members up statically, so it runs no code of theirs, and a property is listed without its value:
reading one may build a model, raise, or take minutes. ``describe`` reads the one that is asked for.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property

from homolog.errors import Usage
from homolog.inspecting.paths import attempt, resolve
from homolog.inspecting.values import Figures, figures, is_array, is_container, items, short
from homolog.source import LAYERS

_BUILTIN_CALLABLES = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodWrapperType,
)
_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((types.FunctionType, types.MethodType, staticmethod, classmethod, *_BUILTIN_CALLABLES), "method"),
    ((property, cached_property, types.GetSetDescriptorType, types.MemberDescriptorType), "property"),
    ((type,), "class"),
    ((types.ModuleType,), "module"),
)
_NOWHERE = object()
_NO_SOURCE = (None, None, None, None)


@dataclass(frozen=True)
class Member:
    """One name that an object answers to.

    Attributes:
        name: the name; a submodule that only has a number shows as the path to it, ``[0]``.
        kind: method, property, class, module (Python's), layer, tensor, attribute, or dynamic for a name that the
            object announces but makes only when asked.
        type: name of the class of the value, of the property's own class for a property.
        owner: dotted name of the class that defines it, None if the object itself holds it.
        signature: of methods and classes, where Python can tell.
        doc: first line of the documentation of methods, properties, classes and modules.
        value: of attributes, tensors and layers, in one line; never of a property.
    """

    name: str
    kind: str
    type: str
    owner: str | None = None
    signature: str | None = None
    doc: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        what = self.value if self.value is not None else self.doc
        return f"{self.name}{self.signature or ''}  [{self.kind}]" + (f"  {what}" if what else "")

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data."""
        return asdict(self)


@dataclass(frozen=True)
class Members:
    """The members of an object that were asked for, and how many were not.

    Attributes:
        of: dotted name of the object's class, or of the class or module that the object is.
        rows: the members, by name.
        word: the word or regular expression they were searched for.
        total: how many there are in all.
        hidden: how many the word matches, but begin with an underscore and were left out.
    """

    of: str
    rows: tuple[Member, ...]
    word: str | None
    total: int
    hidden: int

    def __iter__(self) -> Iterator[Member]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        matching = f" matching {self.word!r}" if self.word is not None else ""
        private = f", and {self.hidden} private" if self.hidden else ""
        head = f"{self.of}: {len(self.rows)} of {self.total} members{matching}{private}"
        return "\n".join([head, *(f"  {row}" for row in self.rows)])

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data."""
        rows = [row.to_dict() for row in self.rows]
        return {"of": self.of, "word": self.word, "total": self.total, "hidden": self.hidden, "members": rows}


@dataclass(frozen=True)
class Description:
    """Everything that Python tells about one object.

    Attributes:
        path: how it was reached, ``""`` for the object itself.
        name: dotted name of the class, function or module it is; None for any other object.
        type: dotted name of its class.
        hierarchy: dotted names of its class, or of the class it is, and of all that one inherits from, in order;
            empty for functions and modules.
        signature: how it is called; for an object that is no function, how its class is called to make one.
        doc: its documentation, or that of its class; of data (numbers, texts, containers, arrays) there is none.
        file, line: where the source of it or of its class begins; likewise.
        source: that source.
        sourceless: why there is no source, if so.
        value: in one line, of anything but classes, functions and modules.
        length: the number of items, if it has one.
        items: the first of them, each in one line, of containers and of generators that a call returned.
        figures: dtype, shape and the like, of arrays.
    """

    path: str
    name: str | None
    type: str
    hierarchy: tuple[str, ...]
    signature: str | None
    doc: str | None
    file: str | None
    line: int | None
    source: str | None
    sourceless: str | None
    value: str | None
    length: int | None
    items: tuple[str, ...]
    figures: Figures | None

    def __str__(self) -> str:
        place = self.sourceless if self.file is None else f"{self.file}:{self.line}"
        rows = (
            ("path", self.path),
            ("name", self.name),
            ("type", self.type),
            ("inherits", " > ".join(self.hierarchy)),
            ("signature", self.signature),
            ("value", self.value if self.figures is None else str(self.figures)),
            ("length", self.length),
            ("source", place),
        )
        lines = [f"{label:<9}  {text}" for label, text in rows if text not in (None, "")]
        lines += [f"  {item}" for item in self.items]
        # A source that begins with the documentation need not be preceded by it.
        doc = None if self.doc and self.source and self.doc.splitlines()[0] in self.source else self.doc
        return "\n".join(lines + ["\n" + text.rstrip() for text in (doc, self.source) if text])

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "hierarchy": list(self.hierarchy),
            "items": list(self.items),
            "figures": None if self.figures is None else self.figures.to_dict(),
        }


def members(obj: object, word: str | None = None, *, private: bool = False) -> Members:
    """Lists what the object answers to, as ``dir`` does, without running any of it.

    Args:
        obj: any object, class or module.
        word: a word or regular expression to search the names for; upper and lower case are the same.
        private: whether to list names that begin with an underscore.

    Raises:
        Usage: ``word`` is no valid regular expression.
    """
    try:
        wanted = re.compile(word or "", re.IGNORECASE)
    except re.error as error:
        raise Usage(
            f"a search word is no regular expression: {error}",
            found=repr(word),
            help=f"to search for these very characters: {re.escape(word or '')}",
        ) from error
    tables = _torch_tables(obj)
    names = sorted({*dir(obj), *tables}, key=_natural)
    matching = [name for name in names if wanted.search(name)]
    shown = [name for name in matching if private or not name.startswith("_")]
    rows = tuple(_member(obj, name, tables) for name in shown)
    of = _dotted(obj if isinstance(obj, type | types.ModuleType) else type(obj))
    return Members(of, rows, word, len(names), len(matching) - len(shown))


def describe(obj: object, path: str = "", *, call: bool = False) -> Description:
    """Reads what ``path`` leads to (see ``paths.resolve``, and its errors) and tells everything about it."""
    value = resolve(obj, path, call=call)
    kind = value if isinstance(value, type) else type(value)
    routine = isinstance(value, types.ModuleType) or inspect.isroutine(value)
    itself = routine or isinstance(value, type)
    generated = isinstance(value, types.GeneratorType) and path.endswith(")")  # fresh, so nobody misses what is taken
    data = generated or is_array(value) or is_container(value) or (not itself and kind.__module__ == "builtins")
    file, line, source, sourceless = _NO_SOURCE if data else _source(value if itself else kind)
    return Description(
        path=path,
        name=_dotted(value) if itself else None,
        type=_dotted(type(value)),
        hierarchy=() if routine else tuple(_dotted(base) for base in kind.__mro__),
        signature=None if data else _signature(value if itself else kind),
        doc=None if data else inspect.getdoc(value),
        file=file,
        line=line,
        source=source,
        sourceless=sourceless,
        value=None if itself else short(value),
        length=None if itself else _length(value),
        items=attempt(lambda: items(value), path) if generated or is_container(value) else (),
        figures=figures(value) if is_array(value) else None,
    )


def call(obj: object, path: str = "") -> Description:
    """Calls what ``path`` leads to, without arguments, and describes the result."""
    return describe(obj, f"{path}()", call=True)


def _member(obj: object, name: str, tables: dict[str, object]) -> Member:
    static = inspect.getattr_static(obj, name, _NOWHERE)
    owner = _owner(obj, name, static)
    if static is _NOWHERE:
        if name not in tables:
            return Member(name, "dynamic", "")
        static = tables[name]
    if isinstance(static, types.MemberDescriptorType) and not isinstance(obj, type):
        try:
            static = static.__get__(obj, type(obj))  # a slot: plain data that is kept elsewhere
        except AttributeError:
            return Member(name, "attribute", "", owner, value="(not set)")
    kind, type_name = _kind(static, owner), type(static).__name__
    match kind:
        case "method" | "class":
            bound = _bound(obj, static, owner)
            return Member(name, kind, type_name, owner, _signature(bound), _first_line(bound))
        case "property" | "module":
            return Member(name, kind, type_name, owner, doc=_first_line(static))
    return Member(name, kind, type_name, owner, value=short(static))


def _torch_tables(obj: object) -> dict[str, object]:
    """What a PyTorch module keeps in tables of its own, where a static look-up does not find it."""
    held = getattr(obj, "__dict__", {})
    if isinstance(obj, type) or not {"_parameters", "_buffers", "_modules"} <= held.keys():
        return {}
    tables = {**held["_parameters"], **held["_buffers"], **held["_modules"]}
    return {f"[{name}]" if name.isdigit() else name: value for name, value in tables.items()}


def _kind(static: object, owner: str | None) -> str:
    for classes, kind in _KINDS:
        if isinstance(static, classes):
            return kind
    if any(_dotted(base) in LAYERS for base in type(static).__mro__):
        return "layer"
    if is_array(static):
        return "tensor"
    # Any other descriptor runs code when read, exactly as a property does.
    return "property" if owner is not None and hasattr(type(static), "__get__") else "attribute"


def _owner(obj: object, name: str, static: object) -> str | None:
    if isinstance(obj, types.ModuleType) or static is _NOWHERE:
        return None
    bases = inspect.getmro(obj if isinstance(obj, type) else type(obj))
    return next((_dotted(base) for base in bases if base.__dict__.get(name, _NOWHERE) is static), None)


def _bound(obj: object, static: object, owner: str | None) -> object:
    """A method without its ``self``, where it was reached through an object."""
    if owner is None or isinstance(static, type) or not hasattr(type(static), "__get__"):
        return static
    instance, kind = (None, obj) if isinstance(obj, type) else (obj, type(obj))
    bind: Callable[[object, object, object], object] = type(static).__get__  # type: ignore[attr-defined]
    return bind(static, instance, kind)


def _signature(value: object) -> str | None:
    try:
        return str(inspect.signature(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, NameError):  # NameError: annotations that name what only a type checker imports
        return None


def _first_line(value: object) -> str | None:
    lines = (inspect.getdoc(value) or "").strip().splitlines()
    return lines[0].strip() if lines else None


def _source(value: object) -> tuple[str | None, int | None, str | None, str | None]:
    """File, first line and text, or why there are none."""
    value = inspect.unwrap(value) if callable(value) else value
    try:
        file = inspect.getsourcefile(value)  # type: ignore[arg-type]
        lines, start = inspect.getsourcelines(value)  # type: ignore[arg-type]
    except TypeError:
        return None, None, None, "none: it is built in, not written in Python"
    except OSError as error:
        return None, None, None, f"none: {error}"
    return file, max(start, 1), "".join(lines), None


def _length(value: object) -> int | None:
    try:
        return len(value)  # type: ignore[arg-type]
    # It has none, or says so only when asked, like a tensor without axes; which error that is, is up to its class.
    except Exception:  # noqa: BLE001
        return None


def _dotted(value: object) -> str:
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__name__)
    return f"{module}.{name}" if module and module != "builtins" else str(name)


def _natural(name: str) -> list[str | int]:
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name))]

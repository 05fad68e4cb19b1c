"""A pickle read as data: an interpreter of its opcodes that imports nothing and calls nothing.

The opcodes are those of CPython's ``pickletools``. Where the real machine would import a name, this one makes an
inert ``Global``; where it would call, build or instantiate, it makes an ``Object`` that remembers what was asked for.
Only the ``rebuild`` hook that a format passes in may turn an ``Object`` into something better, and it is ours.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from homolog.errors import HomologError, Unreadable, Unsafe
from homolog.files.edge import reading

MAX_OPCODES = 4_000_000  # a state_dict takes some 40 for a tensor; this bounds time (seconds) and memory (~200 MB)
_SCALARS = (str, bytes, int, float, bool, type(None))
_BY_IDENTITY: Any = object.__hash__
_MAX_KEY = 1000  # parts of a key, all of which are hashed whenever it is looked up


@dataclass(frozen=True)
class Global:
    """A name that the pickle would have imported, in dotted form."""

    name: str


@dataclass(eq=False)
class Object:
    """An object that the pickle would have made.

    Attributes:
        type: dotted name of the class or function that would have been called.
        arguments: what it would have been called with; keyword arguments, where there are any, as a last dict.
        state: what it would have been given by BUILD.
        items: what APPENDS or ADDITEMS would have added.
        entries: what SETITEMS would have set.
    """

    type: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    entries: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Persistent:
    """What a persistent id stands for: whatever the container of the pickle keeps outside it."""

    id: Any


@dataclass(frozen=True)
class Pickled:
    """A pickle, read.

    Attributes:
        root: plain data, ``Global``, ``Object``, ``Persistent``, and what ``rebuild`` made; references are shared as
            they were in the pickle, so walk it with a memo.
        globals: every name it would have imported.
    """

    root: Any
    globals: frozenset[str]


def plain_key(value: Any, where: str) -> Hashable:
    """A key that hashes in no time: a tuple of one tuple twice, and so on, would take exponential time.

    Raises:
        Unreadable: the value is not a number, a string, a name or object of the pickle, or a small tuple of such.
    """
    waiting, left = [value], _MAX_KEY
    while waiting:
        part = waiting.pop()
        left -= 1
        if isinstance(part, (tuple, frozenset)) and left > 0:
            waiting += part
        # What is told apart by its identity (an Object, or what ``rebuild`` made of one) hashes by it.
        elif not isinstance(part, (*_SCALARS, Global)) and type(part).__hash__ is not _BY_IDENTITY:
            raise Unreadable("a pickle uses a key that is not plain", where=where, found=_kind(part))
    key: Hashable = value
    return key


class _Mark:
    """What MARK pushes."""


def read_pickle(
    data: bytes | BinaryIO,
    where: str,
    rebuild: Callable[[Object], Any] = lambda made: made,
    persist: Callable[[Persistent], Any] = lambda told: told,
) -> Pickled:
    """Interprets a pickle of any protocol.

    Args:
        data: the pickle, its size capped by the caller; a file is left behind the pickle's end.
        where: the file and member, for errors.
        rebuild: called with each ``Object`` of a REDUCE; what it returns takes its place.
        persist: likewise with each ``Persistent``.

    Raises:
        Unreadable: it is malformed, truncated, or longer than ``MAX_OPCODES``.
        Unsafe: it uses the extension registry, whose meaning is not in the file.
    """
    machine = _Machine(where, rebuild, persist)
    position = 0
    try:
        with reading("a pickle is damaged", where):
            for position, (opcode, argument, _) in enumerate(pickletools.genops(data)):
                if position >= MAX_OPCODES:
                    raise Unreadable("a pickle is too long", where=where, expected=f"at most {MAX_OPCODES:,} opcodes")
                machine.step(opcode.name, argument)
    except HomologError as error:
        error.details = (*error.details, f"opcode {position}")
        raise
    return Pickled(machine.result, frozenset(machine.globals))


class _Machine:
    """The pickle machine: a stack, a memo, and one method or one line of the table for each opcode."""

    def __init__(self, where: str, rebuild: Callable[[Object], Any], persist: Callable[[Persistent], Any]) -> None:
        self.where = where
        self.rebuild, self.persist = rebuild, persist
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}  # a dict, so that a huge index costs nothing
        self.globals: set[str] = set()
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        """Runs one opcode."""
        if name in _PUSH:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _METHODS:
            _METHODS[name](self, argument)
        elif name not in _NOTHING:
            raise Unreadable("a pickle has an opcode that files do not use", where=self.where, found=name)

    def pop(self) -> Any:
        if not self.stack or isinstance(self.stack[-1], _Mark):
            raise Unreadable("a pickle takes more than it has put", where=self.where)
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        for depth in range(len(self.stack) - 1, -1, -1):
            if isinstance(self.stack[depth], _Mark):
                taken = self.stack[depth + 1 :]
                del self.stack[depth:]
                return taken
        raise Unreadable("a pickle has a mark too few", where=self.where)

    def top(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def name_global(self, module: Any, name: Any) -> Global:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise Unreadable("a pickle imports something that is not a name", where=self.where)
        # Python 2's name of the module; torch still writes protocol 2.
        found = Global(f"{'builtins' if module == '__builtin__' else module}.{name}")
        self.globals.add(found.name)
        return found

    def make(self, target: Any, arguments: tuple[Any, ...]) -> Object:
        if isinstance(target, Object):  # a method of something, or what a function gave
            return Object(f"{target.type}()", (target, *arguments))
        if not isinstance(target, Global):
            raise Unreadable("a pickle calls something that is not a name", where=self.where, found=_kind(target))
        return Object(target.name, arguments)

    # One method an opcode, by the opcode's name.

    def do_stop(self, _: None) -> None:
        self.result = self.pop()
        if self.stack:
            raise Unreadable("a pickle ends in the middle", where=self.where, found=f"{len(self.stack)} values left")

    def do_mark(self, _: None) -> None:
        self.stack.append(_Mark())

    def do_pop(self, _: None) -> None:
        if not self.stack:
            raise Unreadable("a pickle takes more than it has put", where=self.where)
        self.stack.pop()

    def do_pop_mark(self, _: None) -> None:
        self.pop_to_mark()

    def do_dup(self, _: None) -> None:
        self.stack.append(self.top())

    def do_tuple(self, _: None) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def do_tuple1(self, _: None) -> None:
        self.stack.append((self.pop(),))

    def do_tuple2(self, _: None) -> None:
        last, first = self.pop(), self.pop()
        self.stack.append((first, last))

    def do_tuple3(self, _: None) -> None:
        last, middle, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, middle, last))

    def do_list(self, _: None) -> None:
        self.stack.append(self.pop_to_mark())

    def do_dict(self, _: None) -> None:
        flat = self.pop_to_mark()
        self.stack.append({})
        self._set(flat)

    def do_frozenset(self, _: None) -> None:
        self.stack.append(frozenset(plain_key(item, self.where) for item in self.pop_to_mark()))

    def do_append(self, _: None) -> None:
        item = self.pop()
        self._extend([item])

    def do_appends(self, _: None) -> None:
        self._extend(self.pop_to_mark())

    def do_additems(self, _: None) -> None:
        items = self.pop_to_mark()
        target = self.top()
        if isinstance(target, set):
            target.update(plain_key(item, self.where) for item in items)
        else:
            self._extend(items)

    def do_setitem(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        self._set([key, value])

    def do_setitems(self, _: None) -> None:
        self._set(self.pop_to_mark())

    def do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(self.name_global(module, name))

    def do_stack_global(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self.stack.append(self.name_global(module, name))

    def do_reduce(self, _: None) -> None:
        arguments, target = self.pop(), self.pop()
        if not isinstance(arguments, tuple):
            raise Unreadable("a pickle calls with something that is no tuple", where=self.where)
        self.stack.append(self.rebuild(self.make(target, arguments)))

    def do_newobj(self, _: None) -> None:
        arguments, target = self.pop(), self.pop()
        self.stack.append(self.make(target, arguments if isinstance(arguments, tuple) else (arguments,)))

    def do_newobj_ex(self, _: None) -> None:
        keywords, arguments, target = self.pop(), self.pop(), self.pop()
        if not isinstance(arguments, tuple):
            raise Unreadable("a pickle calls with something that is no tuple", where=self.where)
        self.stack.append(self.make(target, (*arguments, keywords)))

    def do_obj(self, _: None) -> None:
        target, *arguments = self.pop_to_mark() or [None]
        self.stack.append(self.make(target, tuple(arguments)))

    def do_inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(self.make(self.name_global(module, name), tuple(self.pop_to_mark())))

    def do_build(self, _: None) -> None:
        state = self.pop()
        target = self.top()
        if isinstance(target, Object):
            target.state = state
        elif not isinstance(target, dict):  # an OrderedDict's attributes, such as a state_dict's _metadata
            raise Unreadable("a pickle gives a state to something that has none", where=self.where, found=_kind(target))

    def do_persid(self, argument: str) -> None:
        self.stack.append(self.persist(Persistent(argument)))

    def do_binpersid(self, _: None) -> None:
        self.stack.append(self.persist(Persistent(self.pop())))

    def do_put(self, argument: int) -> None:
        self.memo[argument] = self.top()

    def do_memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.top()

    def do_get(self, argument: int) -> None:
        if argument not in self.memo:
            raise Unreadable("a pickle refers to something that it has not kept", where=self.where)
        self.stack.append(self.memo[argument])

    def do_ext(self, argument: int) -> None:
        raise Unsafe(
            "a pickle uses the extension registry", where=self.where, found=f"extension {argument}; it was not resolved"
        )

    def _extend(self, items: list[Any]) -> None:
        target = self.top()
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Object):
            target.items.extend(items)
        else:
            raise Unreadable("a pickle appends to something that is no list", where=self.where, found=_kind(target))

    def _set(self, flat: list[Any]) -> None:
        target = self.top()
        table = target.entries if isinstance(target, Object) else target
        if not isinstance(table, dict) or len(flat) % 2:
            raise Unreadable("a pickle sets items of something that is no dict", where=self.where, found=_kind(target))
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            table[plain_key(key, self.where)] = value


def _kind(value: object) -> str:
    return value.name if isinstance(value, Global) else type(value).__name__


_INTEGERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4")
_BYTES = ("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_TEXTS = ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
_PUSH = frozenset({*_INTEGERS, *_BYTES, *_TEXTS, "FLOAT", "BINFLOAT"})
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
_NOTHING = frozenset({"PROTO", "FRAME"})
_METHODS: dict[str, Callable[[_Machine, Any], None]] = {
    **{name[3:].upper(): method for name, method in vars(_Machine).items() if name.startswith("do_")},
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.do_put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.do_get),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _Machine.do_ext),
}

"""The grammar of SRC: how a network is named on the command line.

    lenet5.h5                                         a file, or a folder that holds a model
    vgg16.pth@torchvision.models:vgg16(num_classes=10) bare weights, given the model they belong to
    twins:make_lenet                                  a class or function, called without arguments
    twins:make_lenet(classes=10)                      the same, with keywords
    twins:lenet                                       an object that the module has made already
    lenet5.h5:layers[0].kernel                        any of these, followed by a path to an object inside

Naming a factory is asking for its code to be run. Naming a file never is.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from homolog.errors import HomologError, MissingFramework, Unreadable, Unsupported, Usage
from homolog.files.remote import is_url, place

LAYERS: Mapping[str, str] = {
    # Keras comes first: on its PyTorch backend a Keras layer is a torch module too.
    "keras.src.layers.layer.Layer": "keras",
    "keras.src.models.model.Model": "keras",
    "torch.nn.modules.module.Module": "pytorch",
}
"""The base class of all layers and models, and whose it is."""

_EXTRAS = {"torch": "pytorch", "keras": "keras", "tensorflow": "keras"}
_FACTORY = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")


@dataclass(frozen=True)
class Factory:
    """``module:name`` or ``module:name(key=value, …)``: where an object comes from.

    Attributes:
        module: dotted name of the module to import.
        name: dotted name inside it, e.g. ``vgg16`` or ``Net.build``.
        arguments: the keywords it is called with.
    """

    module: str
    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        keywords = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.module}:{self.name}" + (f"({keywords})" if keywords else "")

    def make(self) -> object:
        """Imports the module and returns the object: a class or function is called, anything else is it.

        The current folder joins the import path, as with ``python -m``: people keep ``twins.py`` beside their
        checkpoints. It stays there, because a model may import its neighbours later, while it runs.

        Raises:
            Unreadable: there is no such module or name, or the module fails on import.
            MissingFramework: the module needs a framework that is not installed.
            Usage: the keywords are not those of the factory.
            Unsupported: the call failed, or gave nothing.
        """
        target = self._find(self._import())
        # A torch module is callable as well, so "callable" does not tell a factory from the finished model.
        if inspect.isclass(target) or inspect.isroutine(target) or isinstance(target, functools.partial):
            return self._call(target)
        if self.arguments:
            raise Usage(
                "keywords were given to an object that is made already",
                where=str(self),
                expected="a class or a function",
                found=f"an object of class {type(target).__name__}",
                help=f"leave the keywords out: {self.module}:{self.name}",
            )
        return target

    def found(self) -> object:
        """The object itself, and not what it gives."""
        return self._find(self._import())

    def _import(self) -> object:
        folder = str(Path.cwd())
        if not sys.flags.safe_path and folder not in sys.path and "" not in sys.path:
            sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            return importlib.import_module(self.module)
        except HomologError:
            raise
        # The module is the user's code and may raise anything; a script without a main guard may also exit.
        except (Exception, SystemExit) as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and missing not in _EXTRAS and f"{self.module}.".startswith(f"{missing}."):
                raise self._no_module() from error
            raise self._failed(Unreadable, "a module fails on import", error) from error

    def _no_module(self) -> Unreadable:
        near = get_close_matches(self.module, [path.stem for path in Path.cwd().glob("*.py")])
        return Unreadable(
            f"there is neither a file nor a module named {self.module!r}",
            where=str(self),
            help=f"did you mean {near[0]}:{self.name}?"
            if near
            else "run it in the folder that holds the file or module, or install the module's package",
        )

    def _find(self, module: object) -> object:
        target, path = module, self.module
        for name in self.name.split("."):
            try:
                target = getattr(target, name)
            except AttributeError as error:
                near = get_close_matches(name, dir(target))
                raise Unreadable(
                    f"{path} has no {name!r}",
                    where=str(self),
                    help=f"did you mean {', '.join(near)}?" if near else f"see homolog members {self.module}:NAME",
                ) from error
            path = f"{path}.{name}"
        return target

    def _call(self, target: Callable[..., object]) -> object:
        try:
            signature = inspect.signature(target)
        except (TypeError, ValueError):
            signature = None  # some builtins do not tell theirs; the call itself will tell
        if signature is not None:
            try:
                signature.bind(**self.arguments)
            except TypeError as error:
                raise Usage(
                    f"these are not the arguments of {self.name}: {error}",
                    where=str(self),
                    expected=f"{self.name}{signature}",
                    help=f"name the keywords: {self.module}:{self.name}(key=value, …)",
                ) from error
        try:
            made = target(**self.arguments)
        except HomologError:
            raise
        # The factory is the user's code and may raise anything.
        except (Exception, SystemExit) as error:
            raise self._failed(Unsupported, "a factory failed", error) from error
        if made is None:
            raise Unsupported(
                "a factory returned None", where=str(self), expected="a model", help=f"does {self.name} end in return?"
            )
        return made

    def _failed(self, kind: type[HomologError], what: str, error: BaseException) -> HomologError:
        if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
            return MissingFramework(
                f"{error.name} is not installed",
                where=str(self),
                help=f"pip install 'homolog[{_EXTRAS[error.name]}]'",
            )
        return kind(what, where=str(self), found=f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Source:
    """A parsed SRC: a file, a factory, or a file with the factory of its model, and a path to an object inside."""

    file: Path | None = None
    factory: Factory | None = None
    path: str = ""

    def __str__(self) -> str:
        whole = "@".join(str(part) for part in (self.file, self.factory) if part is not None)
        return f"{whole}:{self.path}" if self.path else whole


def parse(text: str) -> Source:
    """Reads a SRC.

    Where a text can be read in two ways, these rules decide, the first that fits:

    0. What begins like a URL is one, up to an ``@`` that a factory follows.
    1. The longest part that exists as a file wins, ending at the end of the text, at ``@`` or at ``:``. So
       ``twins:make`` is a path inside the file ``twins``, if there is such a file.
    2. A folder counts as a file, except before ``:`` where the text also reads as a factory, because a package
       is a folder: ``twins:make`` is a factory even where there is a folder ``twins``. ``./twins:make`` is the
       way to say the folder.
    3. What reads as ``a.b:c``, all of it identifiers, is a factory. So is ``lenet5.h5:kernel`` where there is
       no ``lenet5.h5``; the error that follows says that neither the file nor the module is there.
    4. Anything else is a missing file, up to an ``@`` that a factory follows, or to a ``:`` that a path follows.

    Raises:
        Usage: the text is empty, or what follows a file's ``@`` or a factory is malformed.
    """
    if is_url(text):
        ends = (mark.start() for mark in re.finditer("@", text) if _factory(text[mark.end() :]) is not None)
        return _after_file(text, next(ends, len(text)))
    if not text:
        raise Usage("a source is an empty text", help="name a file, or package.module:factory")
    for end in range(len(text), 0, -1):
        at_end = end == len(text)
        if not at_end and text[end] not in "@:":
            continue
        file = Path(text[:end])
        if file.is_file() or (file.is_dir() and (at_end or text[end] == "@" or not _FACTORY.match(text))):
            return _after_file(text, end)
    called = _factory(text)
    if called is not None:
        return Source(None, *called)
    for mark in re.finditer("@", text):
        if mark.start() and _factory(text[mark.end() :]) is not None:
            return _after_file(text, mark.start())
    split = re.search(r"(?<=.):(?=[^\W\d]|\[)", text)
    return _after_file(text, split.start() if split else len(text))


def factory(text: str) -> Factory:
    """What ``package.module:name`` names.

    Raises:
        Usage: the text says something else.
    """
    source = parse(text)
    if source.factory is None or source.file is not None or source.path:
        raise Usage("this names no function", where=text, expected="package.module:function")
    return source.factory


def framework_of(obj: object) -> str | None:
    """``"pytorch"`` or ``"keras"`` for a layer or model of one of them, else None. Imports neither.

    Raises:
        Unsupported: the object is of Keras 2, which cannot share a process with Keras 3's objects.
    """
    bases = [f"{base.__module__}.{base.__qualname__}" for base in type(obj).__mro__]
    for name in bases:
        if name.startswith("tf_keras.") or (name.startswith("keras.") and ".engine." in name):
            raise Unsupported(
                "an object of Keras 2 cannot be converted directly",
                expected="a layer or model of Keras 3",
                found=name,
                help="save it first, model.save('model.h5'), and name that file instead",
            )
    return next((framework for name, framework in LAYERS.items() if name in bases), None)


def _after_file(text: str, end: int) -> Source:
    file, mark, rest = place(text[:end]), text[end : end + 1], text[end + 1 :]
    if mark != "@":
        return Source(file, None, rest)
    called = _factory(rest)
    if called is None:
        raise Usage(
            "what follows the @ is not a factory",
            where=text,
            expected="package.module:factory or package.module:factory(key=value, …)",
            found=repr(rest),
            help=f"for example {file}@torchvision.models:vgg16(num_classes=10)",
        )
    return Source(file, *called)


def _factory(text: str) -> tuple[Factory, str] | None:
    """The factory that the text begins with and the path that follows it, or None if it does not read so."""
    head = _FACTORY.match(text)
    if head is None:
        return None
    rest = text[head.end() :]
    arguments: dict[str, object] = {}
    if rest.startswith("("):
        arguments, rest = _arguments(rest, text)
    elif rest and rest[0] != ":":
        return None
    if rest and rest[0] != ":":
        raise Usage(
            "a factory is followed by something that is no path",
            where=text,
            expected="the end, or :path",
            found=repr(rest),
            help=f"if {head['module']} was meant as a file, there is none of that name here",
        )
    return Factory(head["module"], head["name"], arguments), rest[1:]


def _arguments(text: str, whole: str) -> tuple[dict[str, object], str]:
    """The keywords that the text begins with, in parentheses, and what follows them."""
    help = "write factory(key=value, …), each value a Python literal: 10, 1e-3, 'text', (1, 2), None"
    call, rest = _parenthesised(text)
    if call is None:
        raise Usage("the arguments of a factory are malformed", where=whole, found=text, help=help)
    if call.args:
        found = ast.unparse(call.args[0])
        raise Usage("a factory takes keywords only", where=whole, found=found, help=help)
    arguments: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise Usage("a factory takes named keywords only", where=whole, found="**", help=help)
        if keyword.arg in arguments:
            raise Usage("a keyword is given twice", where=whole, found=keyword.arg)
        try:
            arguments[keyword.arg] = ast.literal_eval(keyword.value)
        except (TypeError, ValueError) as error:
            found = ast.unparse(keyword.value)
            raise Usage("a keyword's value is not a literal", where=whole, found=found, help=help) from error
    return arguments, rest


def _parenthesised(text: str) -> tuple[ast.Call | None, str]:
    # The first parenthesis at which the text becomes a call: the ones inside strings and tuples do not close it.
    for mark in re.finditer(r"\)", text):
        try:
            parsed = ast.parse(f"_{text[: mark.end()]}", mode="eval").body
        except (SyntaxError, ValueError):
            continue
        if isinstance(parsed, ast.Call):
            return parsed, text[mark.end() :]
    return None, text

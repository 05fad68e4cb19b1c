"""What a SRC means, what a factory makes, and what is said when it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homolog.errors import MissingFramework, Unreadable, Unsupported, Usage
from homolog.source import Factory, Source, framework_of, parse

TWINS = """
import functools

class Net:
    def __init__(self, classes=10, name="net"):
        self.classes, self.name = classes, name

    @classmethod
    def build(cls, classes=3):
        return cls(classes)

    def __call__(self):
        raise AssertionError("a finished model is not called")

def make_net(classes=10, *, name="net"):
    return Net(classes, name)

def needs_classes(classes):
    return Net(classes)

def breaks(depth=1):
    raise ZeroDivisionError(f"depth {depth}")

def exits():
    raise SystemExit(7)

def forgets():
    Net()

def lazily():
    import tensorflow_that_is_not_there

small = functools.partial(make_net, classes=2)
net = Net(5)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("twins", "nets", "broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def twins(folder: Path) -> Path:
    (folder / "twins.py").write_text(TWINS)
    return folder


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lenet5.h5", Source(Path("lenet5.h5"))),
        ("lenet5.h5:layers[0].kernel", Source(Path("lenet5.h5"), None, "layers[0].kernel")),
        ("lenet5.h5:state_dict()['a.b']", Source(Path("lenet5.h5"), None, "state_dict()['a.b']")),
        ("lenet5.h5:layers[0:2]", Source(Path("lenet5.h5"), None, "layers[0:2]")),
        ("lenet5.h5@nets:make", Source(Path("lenet5.h5"), Factory("nets", "make"))),
        ("lenet5.h5@a.b:C.make(n=3):conv", Source(Path("lenet5.h5"), Factory("a.b", "C.make", {"n": 3}), "conv")),
        ("odd:name.h5", Source(Path("odd:name.h5"))),
        ("odd@name.h5", Source(Path("odd@name.h5"))),
    ],
)
def test_an_existing_file_is_a_file(folder: Path, text: str, expected: Source) -> None:
    touch(folder, "lenet5.h5", "odd:name.h5", "odd@name.h5")
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nets:make", Source(None, Factory("nets", "make"))),
        ("pkg.nets:Net.build", Source(None, Factory("pkg.nets", "Net.build"))),
        ("nets:make()", Source(None, Factory("nets", "make"))),
        ("nets:make(n=-1, s=')(', t=(1, (2.5,)), b=None)", None),
        ("nets:make(n=3):layers[0]", Source(None, Factory("nets", "make", {"n": 3}), "layers[0]")),
        ("nets:make:layers[0:2]", Source(None, Factory("nets", "make"), "layers[0:2]")),
        ("lenet5.h5:kernel", Source(None, Factory("lenet5.h5", "kernel"))),
    ],
)
def test_identifiers_around_a_colon_are_a_factory(folder: Path, text: str, expected: Source | None) -> None:
    arguments = {"n": -1, "s": ")(", "t": (1, (2.5,)), "b": None}
    assert parse(text) == (expected or Source(None, Factory("nets", "make", arguments)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("missing.h5", Source(Path("missing.h5"))),
        ("missing.h5:layers[0].kernel", Source(Path("missing.h5"), None, "layers[0].kernel")),
        ("some/missing.h5:['a']", Source(Path("some/missing.h5"), None, "['a']")),
        ("missing.h5@nets:make", Source(Path("missing.h5"), Factory("nets", "make"))),
    ],
)
def test_anything_else_is_a_missing_file(folder: Path, text: str, expected: Source) -> None:
    assert parse(text) == expected


def test_a_package_s_folder_does_not_hide_its_factory_but_a_file_does(folder: Path) -> None:
    (folder / "nets").mkdir()
    assert parse("nets:make") == Source(None, Factory("nets", "make"))
    assert parse("./nets:make") == Source(Path("nets"), None, "make")
    assert parse("nets") == Source(Path("nets"))
    assert parse("nets@torch.nn:Identity") == Source(Path("nets"), Factory("torch.nn", "Identity"))
    (folder / "nets").rmdir()
    touch(folder, "nets")
    assert parse("nets:make") == Source(Path("nets"), None, "make")


@pytest.mark.parametrize(
    "text", ["a.h5", "nets:make", "nets:make(n=3, s='x')", "a.h5@nets:make(n=3):layers[0]", "nets:make:layers[0]"]
)
def test_a_source_is_written_as_it_is_read(folder: Path, text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a source is an empty text\nhelp: name a file, or package.module:factory"),
        (
            "nets:make(3)",
            "a factory takes keywords only\n  where: nets:make(3)\n  found: 3\nhelp: write factory(key=va",
        ),
        ("nets:make(n=open('x'))", "a keyword's value is not a literal"),
        ("nets:make(n=3", "the arguments of a factory are malformed"),
        ("nets:make(n=1, n=2)", "a keyword is given twice\n  where: nets:make(n=1, n=2)\n  found: n"),
        ("nets:make(n={[]: 1})", "a keyword's value is not a literal"),
        ("nets:make(**{'n': 1})", "a factory takes named keywords only"),
        ("nets:make()[0]", "help: if nets was meant as a file, there is none of that name here"),
        ("here.h5@vgg16", "what follows the @ is not a factory\n  where: here.h5@vgg16"),
    ],
)
def test_a_malformed_source_is_a_usage_error(folder: Path, text: str, said: str) -> None:
    touch(folder, "here.h5")
    with pytest.raises(Usage) as caught:
        parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("twins:Net", 10),
        ("twins:Net.build", 3),
        ("twins:Net.build(classes=4)", 4),
        ("twins:make_net(classes=7, name='x')", 7),
        ("twins:small", 2),
        ("twins:net", 5),
    ],
)
def test_a_class_or_function_is_called_and_an_object_is_itself(twins: Path, text: str, classes: int) -> None:
    factory = parse(text).factory
    assert factory is not None
    assert factory.make().classes == classes  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("factory", "error", "said"),
    [
        (
            Factory("twin", "net"),
            Unreadable,
            "neither a file nor a module named 'twin'\n  where: twin:net\nhelp: did you",
        ),
        (Factory("twins.deep", "net"), Unreadable, "neither a file nor a module named 'twins.deep'"),
        (Factory("nowhere_at_all", "net"), Unreadable, "install the module's package"),
        (
            Factory("twins", "make_nets"),
            Unreadable,
            "twins has no 'make_nets'\n  where: twins:make_nets\nhelp: did you",
        ),
        (Factory("twins", "Net.bild"), Unreadable, "twins.Net has no 'bild'\n  where: twins:Net.bild\nhelp: did you"),
        (Factory("twins", "net", {"n": 1}), Usage, "keywords were given to an object that is made already"),
        (Factory("twins", "make_net", {"n": 1}), Usage, "got an unexpected keyword argument 'n'"),
        (Factory("twins", "needs_classes"), Usage, "missing a required argument: 'classes'"),
        (Factory("twins", "breaks", {"depth": 4}), Unsupported, "found: ZeroDivisionError: depth 4"),
        (Factory("twins", "exits"), Unsupported, "found: SystemExit: 7"),
        (Factory("twins", "forgets"), Unsupported, "a factory returned None"),
        (
            Factory("twins", "lazily"),
            Unsupported,
            "ModuleNotFoundError: No module named 'tensorflow_that_is_not_there'",
        ),
    ],
)
def test_what_cannot_be_made_says_why(twins: Path, factory: Factory, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        factory.make()
    assert said in str(caught.value)


def test_wrong_keywords_show_the_right_ones(twins: Path) -> None:
    with pytest.raises(Usage) as caught:
        Factory("twins", "make_net", {"n": 1}).make()
    assert caught.value.expected == "make_net(classes=10, *, name='net')"


@pytest.mark.parametrize("text", ["1 / 0", "import not_there_at_all", "raise SystemExit(2)"])
def test_a_module_that_fails_on_import_is_named_and_keeps_its_error(folder: Path, text: str) -> None:
    (folder / "broken.py").write_text(text)
    with pytest.raises(Unreadable, match="a module fails on import") as caught:
        Factory("broken", "net").make()
    assert caught.value.where == "broken:net"
    assert caught.value.found == f"{type(caught.value.__cause__).__name__}: {caught.value.__cause__}"


@pytest.mark.parametrize(("framework", "extra"), [("torch", "pytorch"), ("keras", "keras"), ("tensorflow", "keras")])
@pytest.mark.parametrize("text", ["import {}", "def net():\n    import {}"])
def test_a_missing_framework_names_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, framework: str, extra: str, text: str
) -> None:
    monkeypatch.setitem(sys.modules, framework, None)  # Python's own way to make an import fail
    (folder / "nets.py").write_text(text.format(framework))
    with pytest.raises(MissingFramework, match=f"{framework} is not installed") as caught:
        Factory("nets", "net").make()
    assert caught.value.help == f"pip install 'homolog[{extra}]'"


def test_the_current_folder_joins_the_path_once(twins: Path) -> None:
    Factory("twins", "net").make()
    Factory("twins", "net").make()
    assert sys.path.count(str(twins)) == 1


class TorchModule:
    __module__, __qualname__ = "torch.nn.modules.module", "Module"


class KerasLayer(TorchModule):
    """As on Keras's PyTorch backend, where a layer is a torch module too."""

    __module__, __qualname__ = "keras.src.layers.layer", "Layer"


class TfKerasModel:
    __module__, __qualname__ = "tf_keras.src.engine.training", "Model"


def test_the_framework_of_an_object_is_told_by_its_bases() -> None:
    assert framework_of(type("Net", (TorchModule,), {})()) == "pytorch"
    assert framework_of(type("Net", (KerasLayer,), {})()) == "keras"
    assert framework_of(3) is None


def test_an_object_of_keras_2_must_be_saved_first() -> None:
    with pytest.raises(Unsupported) as caught:
        framework_of(type("Net", (TfKerasModel,), {})())
    assert "save it first, model.save('model.h5')" in str(caught.value)
    assert caught.value.found == "tf_keras.src.engine.training.Model"


def test_the_framework_of_a_real_torch_module() -> None:
    torch = pytest.importorskip("torch")
    assert framework_of(Factory("torch.nn", "Linear", {"in_features": 2, "out_features": 3}).make()) == "pytorch"
    assert framework_of(torch.zeros(2)) is None

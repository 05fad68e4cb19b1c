"""The data sets that Keras brings: the file that each is, and a plain function that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homolog.scripts.parts import NUMPY, PARTS, PATH, Part
from homolog.scripts.values import Array

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
CIFAR = "https://www.cs.toronto.edu/~kriz/"


def _images(name: str) -> Part:
    return Part(
        f'''
def load_{name}(path="{name}.npz"):
    """Images (n, 28, 28) of bytes and labels (n,): ``(x_train, y_train), (x_test, y_test)``."""
    with np.load(dataset_file(path, "{ORIGIN}{name}.npz")) as file:
        return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
''',
        (NUMPY,),
        ("dataset_file",),
    )


def _housing(name: str, first: str = "", cut: str = "") -> Part:
    return Part(
        f'''
def load_{name}({first}path="{name}.npz", test_split=0.2, seed=113):
    """Houses (n, features) and their prices (n,): ``(x_train, y_train), (x_test, y_test)``."""
    with np.load(dataset_file(path, "{ORIGIN}{name}.npz")) as file:
        x, y = file["x"], file["y"]
{cut}    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    kept = int(len(x) * (1 - test_split))
    return (x[:kept], y[:kept]), (x[kept:], y[kept:])
''',
        (NUMPY,),
        ("dataset_file",),
    )


def _cifar(name: str, checksum: str, first: str, trained: str, tested: str, key: str) -> Part:
    return Part(
        f'''
def load_{name}({first}):
    """Images (n, 32, 32, 3) of bytes and labels (n, 1): ``(x_train, y_train), (x_test, y_test)``."""
    folder = "{name.replace("cifar", "cifar-")}-python"
    path = dataset_file(f"{{folder}}.tar.gz", f"{CIFAR}{{folder}}.tar.gz", "{checksum}")
    parts = {{"train": [], "test": []}}
    with tarfile.open(path) as archive:
        members = {{Path(member.name).name: member for member in archive if member.isfile()}}
        for part, names in (("train", {trained}), ("test", {tested})):
            for name in names:
                batch = ArraysOnly(archive.extractfile(members[name]), encoding="bytes").load()
                parts[part].append((batch[b"data"], batch[{key}]))
    loaded = []
    for batches in parts.values():
        images, labels = (np.concatenate(arrays) for arrays in zip(*batches))
        loaded.append((images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels.astype("uint8").reshape(-1, 1)))
    return tuple(loaded)
''',
        ("import tarfile", NUMPY, PATH),
        ("dataset_file", "ArraysOnly"),
    )


LOADERS: dict[str, Part] = {
    "dataset_file": Part(
        '''
def dataset_file(name, address, checksum=None, folder="datasets"):
    """The path of a file of data, fetched if it is not there yet. Keras keeps it in the same place."""
    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / folder / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        urllib.request.urlretrieve(address, path)
        if checksum is not None and hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            path.unlink()
            raise OSError(f"what came from {address} is not the file that was expected")
    return path
''',
        ("import hashlib", "import os", "import urllib.request", PATH),
    ),
    "ArraysOnly": Part(
        '''
class ArraysOnly(pickle.Unpickler):
    """Reads arrays, lists and numbers from a pickle, and refuses everything that could run code."""

    def find_class(self, module, name):
        if f"{module}.{name}".replace("_core", "core") not in (
            "numpy.ndarray",
            "numpy.dtype",
            "numpy.core.multiarray._reconstruct",
        ):
            raise pickle.UnpicklingError(f"{module}.{name} is no data")
        return super().find_class(module, name)
''',
        ("import pickle",),
    ),
    "ragged": Part(
        '''
def ragged(path, name):
    """An array of lists from a file of arrays."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        read(file)
        return ArraysOnly(file).load()
''',
        ("import zipfile", NUMPY),
        ("ArraysOnly",),
    ),
    "marked": Part(
        '''
def marked(texts, labels, maxlen, start_char, index_from):
    """Texts as lists of words' numbers, shifted so that the first few can mean padding, start and unknown words."""
    if start_char is not None:
        texts = [[start_char] + [word + index_from for word in text] for text in texts]
    else:
        texts = [[word + index_from for word in text] for text in texts]
    if maxlen:
        kept = [(text, label) for text, label in zip(texts, labels) if len(text) < maxlen]
        texts, labels = [text for text, _ in kept], [label for _, label in kept]
    return texts, np.array(labels)


def bounded(texts, num_words, skip_top, oov_char):
    """Texts in which words that are too rare or too frequent are replaced, or left out."""
    num_words = num_words or max(map(max, texts))
    if oov_char is None:
        return [[word for word in text if skip_top <= word < num_words] for text in texts]
    return [[word if skip_top <= word < num_words else oov_char for word in text] for text in texts]
''',
        (NUMPY,),
    ),
    "load_mnist": _images("mnist"),
    "load_fashion_mnist": Part(
        f'''
def load_fashion_mnist():
    """Images (n, 28, 28) of bytes and labels (n,): ``(x_train, y_train), (x_test, y_test)``."""

    def read(name, offset):
        path = dataset_file(name, f"{ORIGIN}{{name}}", folder="datasets/fashion-mnist")
        with gzip.open(path, "rb") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    parts = []
    for split in ("train", "t10k"):
        labels = read(f"{{split}}-labels-idx1-ubyte.gz", 8)
        parts.append((read(f"{{split}}-images-idx3-ubyte.gz", 16).reshape(len(labels), 28, 28), labels))
    return tuple(parts)
''',
        ("import gzip", NUMPY),
        ("dataset_file",),
    ),
    "load_cifar10": _cifar(
        "cifar10",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        "",
        'sorted(name for name in members if name.startswith("data_batch_"))',
        '["test_batch"]',
        'b"labels"',
    ),
    "load_cifar100": _cifar(
        "cifar100",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        'label_mode="fine"',
        '["train"]',
        '["test"]',
        'f"{label_mode}_labels".encode()',
    ),
    "load_imdb": Part(
        f'''
def load_imdb(
    path="imdb.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Reviews as lists of words' numbers and whether they praise: ``(x_train, y_train), (x_test, y_test)``."""
    path = dataset_file(path, "{ORIGIN}imdb.npz")
    numbers = np.random.RandomState(seed)
    parts = []
    for split in ("train", "test"):
        texts = ragged(path, f"x_{{split}}")
        with np.load(path) as file:
            labels = file[f"y_{{split}}"]
        order = np.arange(len(texts))
        numbers.shuffle(order)
        parts.append(marked(texts[order], labels[order], maxlen, start_char, index_from))
    (train, y_train), (test, y_test) = parts
    texts = bounded(train + test, num_words, skip_top, oov_char)
    x_train, x_test = np.array(texts[: len(train)], dtype=object), np.array(texts[len(train) :], dtype=object)
    return (x_train, y_train), (x_test, y_test)
''',
        (NUMPY,),
        ("dataset_file", "ragged", "marked"),
    ),
    "load_reuters": Part(
        f'''
def load_reuters(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """News as lists of words' numbers and their topics: ``(x_train, y_train), (x_test, y_test)``."""
    path = dataset_file(path, "{ORIGIN}reuters.npz")
    texts = ragged(path, "x")
    with np.load(path) as file:
        labels = file["y"]
    order = np.arange(len(texts))
    np.random.RandomState(seed).shuffle(order)
    texts, labels = marked(texts[order], labels[order], maxlen, start_char, index_from)
    texts = bounded(texts, num_words, skip_top, oov_char)
    kept = int(len(texts) * (1 - test_split))
    x_train, x_test = np.array(texts[:kept], dtype=object), np.array(texts[kept:], dtype=object)
    return (x_train, labels[:kept]), (x_test, labels[kept:])
''',
        (NUMPY,),
        ("dataset_file", "ragged", "marked"),
    ),
    "load_boston_housing": _housing("boston_housing"),
    "load_california_housing": _housing(
        "california_housing", 'version="large", ', '    if version == "small":\n        x, y = x[:600], y[:600]\n'
    ),
}

PARTS.update(LOADERS)

_SHAPES: Mapping[str, tuple[Array, Array]] = {
    "mnist": (Array((None, 28, 28), "int"), Array((None,), "int")),
    "fashion_mnist": (Array((None, 28, 28), "int"), Array((None,), "int")),
    "cifar10": (Array((None, 32, 32, 3), "int"), Array((None, 1), "int")),
    "cifar100": (Array((None, 32, 32, 3), "int"), Array((None, 1), "int")),
    "imdb": (Array((None,)), Array((None,), "int")),
    "reuters": (Array((None,)), Array((None,), "int")),
    "boston_housing": (Array((None, 13), "float"), Array((None,), "float")),
    "california_housing": (Array((None, 8), "float"), Array((None,), "float")),
}


def loader(name: str) -> str | None:
    """The part that stands for a function of Keras, by its dotted name; None if there is none."""
    words = name.split(".")
    found = f"load_{words[2]}" if len(words) == 4 and words[:2] == ["keras", "datasets"] else ""
    return found if words[-1] == "load_data" and found in PARTS else None


def loaded(name: str) -> Any:
    """What a data set is: two pairs of arrays. How many samples there are is left to the file."""
    x, y = _SHAPES[name.split(".")[2]]
    return (x, y), (x, y)

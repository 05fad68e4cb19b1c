from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any

import pytest

from homolog.errors import Unreadable, Unsafe
from homolog.files.pickles import Global, Object, read_pickle

PLAIN = {
    "text": "ü",
    "numbers": [0, -1, 255, 65536, 2**40, -(2**70), 1.5, True, False, None],
    "bytes": b"\x00\xff",
    "nested": {"tuple": (1, (2, 3), ()), "list": [[], [[1]]], ("a", 1): {}},
    "set": {1, 2},
}


@pytest.mark.parametrize("protocol", [4, 5])
def test_plain_data_comes_out_as_it_went_in(protocol: int) -> None:
    assert read_pickle(pickle.dumps(PLAIN, protocol), "t").root == PLAIN


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_older_protocols_are_read_too(protocol: int) -> None:
    plain = {key: value for key, value in PLAIN.items() if key not in ("set", "bytes")}
    assert read_pickle(pickle.dumps(plain, protocol), "t").root == plain


def test_bytearrays_and_frozensets_are_read() -> None:
    assert read_pickle(pickle.dumps([bytearray(b"ab"), frozenset({1})], 5), "t").root == [
        bytearray(b"ab"),
        frozenset({1}),
    ]


def test_a_class_becomes_an_inert_object() -> None:
    read = read_pickle(pickle.dumps(complex(1, 2), 2), "t")
    assert isinstance(read.root, Object)
    assert (read.root.type, read.root.arguments) == ("builtins.complex", (1.0, 2.0))
    assert read.globals == {"builtins.complex"}


def test_an_ordered_dict_keeps_its_entries() -> None:
    root = read_pickle(pickle.dumps(OrderedDict(b=1, a=2), 2), "t").root
    assert list(root.entries.items()) == [("b", 1), ("a", 2)]


def test_shared_references_stay_shared() -> None:
    laughs: list[Any] = ["ha"]
    for _ in range(200):
        laughs = [laughs, laughs]
    root = read_pickle(pickle.dumps(laughs), "t").root
    assert root[0] is root[1]


def test_nesting_does_not_use_the_python_stack() -> None:
    depth = 100_000
    root = read_pickle(b"]" * depth + b"a" * (depth - 1) + b".", "t").root
    for _ in range(depth - 1):
        (root,) = root
    assert root == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"\x80\x02", "damaged"),
        (b"\x80\x02}", "damaged"),
        (b".", "more than it has put"),
        (b"a.", "more than it has put"),
        (b"(.", "more than it has put"),
        (b"]t.", "mark too few"),
        (b"]].", "in the middle"),
        (b"K\x01h\x05.", "has not kept"),
        (b"]}s.", "more than it has put"),
        (b"](K\x01K\x02u.", "no dict"),
        (b"}(K\x01u.", "no dict"),
        (b"}]K\x01s.", "key that is not plain"),
        (b"(]\x91.", "key that is not plain"),
        (b"K\x01K\x02\x93.", "not a name"),
        (b"K\x01)R.", "not a name"),
        (b"cos\nsystem\nK\x01R.", "no tuple"),
        (b"cos\nsystem\nK\x01b.", "has none"),
        (b"\xff.", "damaged"),
        (b"\x97.", "files do not use"),
    ],
)
def test_a_malformed_pickle_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_pickle(data, "t")


@pytest.mark.parametrize("data", [b"\x82\x01.", b"\x83\x01\x00.", b"\x84\x01\x00\x00\x00."])
def test_the_extension_registry_is_refused(data: bytes) -> None:
    with pytest.raises(Unsafe):
        read_pickle(data, "t")


@pytest.mark.parametrize(
    "data",
    [
        b"\x96" + (2**62).to_bytes(8, "little") + b"x.",
        b"\x8e" + (2**62).to_bytes(8, "little") + b"x.",
        b"\x8d" + (2**40).to_bytes(8, "little") + b"x.",
        b"\x8b\xff\xff\xff\x7fx.",
        b"T\xff\xff\xff\x7fx.",
    ],
)
def test_a_length_beyond_the_pickle_allocates_nothing(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_pickle(data, "t")


def test_a_huge_memo_index_costs_nothing() -> None:
    assert read_pickle(b"Nr\xff\xff\xff\x7f.", "t").root is None


def test_keys_that_hash_in_exponential_time_are_refused() -> None:
    tower: Any = ()
    for _ in range(60):
        tower = (tower, tower)
    # Pickling the dict would hash the key; so the pickle is put together by hand.
    data = b"}" + pickle.dumps(tower, 2)[2:-1] + b"Ns."
    with pytest.raises(Unreadable, match="key"):
        read_pickle(data, "t")


def test_dotted_and_nested_names_are_reported_as_they_are() -> None:
    read = read_pickle(b"\x8c\x05torch\x8c\x09os.system\x93.", "t")
    assert read.root == Global("torch.os.system")

"""What the words of options mean: shapes of inputs, and how far outputs may lie apart."""

from __future__ import annotations

import pytest

from homolog.cli.options import shapes_of, tolerance_of
from homolog.errors import Usage
from homolog.inputs import Sized
from homolog.proof.subjects import Tolerance


def test_nothing_given_is_nothing() -> None:
    assert shapes_of(()) is None


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("1,3,224,224", (1, 3, 224, 224), "float32"),
        ("2x3x5", (2, 3, 5), "float32"),
        ("7", (7,), "float32"),
        ("1,12:int64", (1, 12), "int64"),
        ("1,12:uint8", (1, 12), "uint8"),
        ("2,3:bool", (2, 3), "bool"),
        ("2,3:float64", (2, 3), "float64"),
        ("2,3:bfloat16", (2, 3), "bfloat16"),
        ("1,3,?,?", (1, 3, None, None), "float32"),
        ("?,5", (None, 5), "float32"),
        ("1x?x4:int32", (1, None, 4), "int32"),
    ],
)
def test_a_shape_with_its_element_type_and_open_lengths(text: str, shape: tuple[int | None, ...], dtype: str) -> None:
    assert shapes_of([text]) == [Sized(shape, dtype)]


def test_several_shapes_are_in_order() -> None:
    assert shapes_of(["1,3", "1,?:int64"]) == [Sized((1, 3)), Sized((1, None), "int64")]


def test_shapes_with_names_are_by_name() -> None:
    found = shapes_of(["ids:1,12:int64", "_mask2:1,12:bool", "x:1,3,?,?"])
    assert found == {
        "ids": Sized((1, 12), "int64"),
        "_mask2": Sized((1, 12), "bool"),
        "x": Sized((1, 3, None, None)),
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "x:", ":1,3", "1,,3", ",1,3", "1,3,", "1 3", "1, 3", "1;3", "1.5,3", "-1,3", "1,-1", "a,b", "1,3,*"),
        *(
            "0,3",
            "1,0,3",
            "x:1,0",
            "1,00",
            "1,3:float",
            "1,3:complex64",
            "1,3:string",
            "1,3:int64:x",
            "2x:1,3",
            "a.b:1,3",
        ),
        *("(1,3)", "[1,3]", "1,3:", "??,3", "1?,3"),
    ],
)
def test_what_is_no_shape_is_refused_with_what_was_typed(text: str) -> None:
    with pytest.raises(Usage, match="no shape") as refused:
        shapes_of([text])
    assert refused.value.where == f"--input {text}"
    assert "--input 1,3,224,224" in str(refused.value.help)


@pytest.mark.parametrize("texts", [["x:1,3", "1,3"], ["x:1,3", "x:1,4"], ["1,3", "y:1,3", "1,4"]])
def test_names_for_some_or_twice_are_refused(texts: list[str]) -> None:
    with pytest.raises(Usage, match="or one twice") as refused:
        shapes_of(texts)
    assert refused.value.where == f"--input {' '.join(texts)}"


def test_what_a_bound_does_not_say_is_as_it_is_by_itself() -> None:
    standard = Tolerance()
    assert tolerance_of(None, None) is None
    assert tolerance_of(0.5, None) == Tolerance(0.5, standard.rtol)
    assert tolerance_of(None, 0.25) == Tolerance(standard.atol, 0.25)
    assert tolerance_of(0.5, 0.25) == Tolerance(0.5, 0.25)

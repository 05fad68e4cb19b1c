"""Terms: source that is cut and joined as text."""

from __future__ import annotations

from homolog.writing import terms


def test_a_string_takes_the_place_of_a_name_inside_another() -> None:
    assert terms.substituted('f"{name}_conv"', {"name": '"layer1"'}) == '"layer1_conv"'
    assert terms.substituted('f"{name}_conv"', {"name": 'f"{name}_0"'}) == 'f"{name}_0_conv"'
    assert terms.substituted("name", {"name": 'f"{name}_0"'}) == 'f"{name}_0"'


def test_products_of_numbers_are_numbers() -> None:
    assert terms.substituted("filters * 4", {"filters": "64"}) == "256"
    assert terms.substituted("filters // 4", {"filters": "64"}) == "16"
    assert terms.substituted("filters * 4", {"filters": "width * 2"}) == "width * 2 * 4"
    assert terms.substituted("(filters, 3)", {"filters": "64"}) == "(64, 3)"


def test_strings_that_cannot_be_cut_are_left_alone() -> None:
    assert terms.inside(terms.quoted('a"b')) is None
    assert terms.inside(terms.quoted("a{b}")) is None
    assert terms.inside(terms.quoted("a_b")) == "a_b"

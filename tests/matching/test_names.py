"""What names say of layers that nothing else tells apart."""

import pytest

from homolog.matching.names import likeness, nearest, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("encoder.layer.3.attention.self.query", ["encoder", "layer", "attention", "self", "query"]),
        ("transformer_layer_0/self_attention_layer/key", ["transformer", "layer", "self", "attention", "layer", "key"]),
        ("q_proj", ["q", "proj"]),
        ("blockTwo", ["block", "two"]),
    ],
)
def test_names_fall_into_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


def test_words_for_one_role_mean_the_same_and_for_another_do_not() -> None:
    assert likeness("attn.q_proj", "mha/query") == 1
    assert likeness("attn.k_proj", "mha/query") == 0


def test_the_nearest_name_is_the_one_that_means_the_same() -> None:
    ours, theirs = ["a.q_proj", "a.k_proj", "a.v_proj"], ["b/value", "b/query", "b/key"]
    assert nearest("a.q_proj", ours, theirs) == "b/query"
    assert nearest("a.v_proj", ours, theirs) == "b/value"


def test_names_that_say_nothing_decide_nothing() -> None:
    assert nearest("dense_1", ["dense_1", "dense_2"], ["fc3", "fc4"]) is None
    assert nearest("layer_1", ["layer_1", "layer_2"], ["layer_7", "layer_8"]) is None

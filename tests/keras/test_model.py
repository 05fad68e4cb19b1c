"""A live Keras model → Graph: the same as from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homolog.errors import Unsupported
from homolog.files import open_checkpoint
from homolog.keras.model import groups_of, layers_by_path, read_model
from homolog.keras.read import read_config
from twins import PAIRS


@pytest.mark.parametrize("name", PAIRS)
def test_a_live_model_reads_like_its_file(name: str, tmp_path: Path) -> None:
    model = PAIRS[name].keras()
    model.save(tmp_path / "model.keras")
    file = open_checkpoint(tmp_path / "model.keras")
    assert file.config is not None

    live, stored = read_model(model), read_config(file.config, file.groups)

    assert list(live.nodes) == list(stored.nodes)
    for one, two in zip(live.nodes.values(), stored.nodes.values(), strict=True):
        assert (one.kind, one.fields, one.inputs, one.layer) == (two.kind, two.fields, two.inputs, two.layer)
        shapes = [{slot: weight.shape for slot, weight in node.weights.items()} for node in (one, two)]
        assert shapes[0] == shapes[1]
    assert live.outputs == stored.outputs
    assert not live.loose and not stored.loose


def test_every_variable_is_in_a_group_once() -> None:
    from twins import keras_nets

    for model in (PAIRS["nested"].keras(), keras_nets.stack()):
        variables = [variable for refs in groups_of(model).values() for _, variable in refs]
        names = [ref.name for refs in groups_of(model).values() for ref, _ in refs]
        assert len(names) == len(set(names))
        assert {id(variable) for variable in variables} == {id(variable) for variable in model.variables}
        assert len(variables) == len(model.variables)


def test_layers_of_nested_models_have_paths() -> None:
    paths = layers_by_path(PAIRS["nested"].keras())

    assert "encoder/dense" in {path.rstrip("_0123456789") for path in paths}
    assert sum(path.count("/") == 2 for path in paths) >= 2


def test_a_class_of_one_s_own_needs_to_be_told_its_inputs() -> None:
    import keras

    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(Unsupported, match="says nothing of its inputs"):
        read_model(Own())

"""Whole scripts: what is kept, what goes, what is left and why; and that nothing in them is executed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import homolog
from homolog.errors import Unreadable, Usage
from homolog.scripts.translation import translate

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scripts").glob("*.py"))
MODEL = """
import numpy as np
import keras
from keras import layers

x, y = np.zeros((8, 5)), np.zeros((8, 3))
model = keras.Sequential([keras.Input((5,)), layers.Dense(3)])
model.compile("sgd", "mse")
"""


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem != "transfer"], ids=lambda path: path.stem)
def test_every_example_is_translated_whole(path: Path) -> None:
    translation = translate(path)
    assert translation.left == ()
    compile(translation.source, path.name, "exec")
    imports = [
        node for node in ast.walk(ast.parse(translation.source)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {alias.name for node in imports for alias in node.names} | {getattr(node, "module", "") for node in imports}
    assert not {name.partition(".")[0] for name in names} & {"keras", "tensorflow"}


def test_nothing_in_a_script_is_executed(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    touch = f"open({str(trace)!r}, 'w').write('x')"
    text = f"""
import keras
{touch}
def width():
    {touch}
    return 4
class Odd:
    {touch}
def build():
    {touch}
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model = build()
lines = [{touch} for _ in range(2)]
model.compile("sgd", "mse")
model.fit([{touch}], [0])
"""
    translate(text)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("keras.utils.plot_model(model)", "keras.utils.plot_model"),
        ("weights = model.get_weights()", "`model.get_weights`"),
        ("model.fit(batches())", "gives batches in a way that is not known"),
        ("model.predict_on_batch(x)", "`model.predict_on_batch`"),
        ("other = keras.models.load_model('other.keras')", "that this script has not saved"),
        ("big = keras.applications.ResNet50()", "weights=None"),
        ("wide = layers.Dense(int(np.random.rand() * 9))", "only running the script would tell"),
        ("shown = layers.TextVectorization()", "makes numbers of words"),
        ("foreign = layers.TFSMLayer('folder')", "brings code"),
        ("ds = keras.utils.image_dataset_from_directory('pictures')", "image_dataset_from_directory"),
    ],
)
def test_what_has_no_counterpart_is_left_with_the_reason(statement: str, why: str) -> None:
    translation = translate(MODEL + statement + "\nprint('done')\n")
    (left,) = translation.left
    assert (left.line, left.text) == (9, statement)
    assert why in left.why
    assert f"# homolog: not translated: {left.why}\n# {statement}\n" in translation.source
    assert "print('done')" in translation.source.replace('"', "'")


def test_what_needs_something_that_was_left_is_left_too() -> None:
    translation = translate(MODEL + "weights = model.get_weights()\nprint(len(weights))\n")
    assert [left.why for left in translation.left][1] == "it needs weights, which was not translated"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("class_weight={0: 1.0}", "class_weight of fit"),
        ("sample_weight=y", "sample_weight of fit"),
        ("callbacks=[keras.callbacks.TensorBoard()]", "keras.callbacks.TensorBoard"),
    ],
)
def test_one_argument_of_fit_may_be_left_while_the_rest_is_translated(given: str, why: str) -> None:
    translation = translate(MODEL + f"model.fit(x, y, {given})\n")
    (left,) = translation.left
    assert why in left.why
    assert "\ntrain(" in translation.source


@pytest.mark.parametrize("given", ["'sgd', lambda a, b: a - b", "'sgd', {'a': 'mse'}", "'sgd', 'kl_divergence'"])
def test_a_loss_without_a_rule_leaves_the_training(given: str) -> None:
    translation = translate(MODEL.replace("'sgd', 'mse'", given).replace('"sgd", "mse"', given) + "model.fit(x, y)\n")
    assert [left.text for left in translation.left] == ["model.fit(x, y)"]


def test_a_class_of_the_scripts_own_is_read_into_the_model() -> None:
    text = """
import keras
import numpy as np

class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x

model = keras.Sequential([keras.Input((5,)), Twice(), keras.layers.Dense(3)])
model.compile(loss="mse")
model.fit(np.zeros((8, 5)), np.zeros((8, 3)))
"""
    translation = translate(text)
    assert translation.left == ()
    assert "keras" not in translation.source
    assert "* 2" in translation.source or "2 *" in translation.source


def test_comments_and_framework_free_statements_stay_as_they_are() -> None:
    kept = "# how often\nfor turn in range(3):\n    print(turn)  # a turn\n"
    assert kept in translate(MODEL + kept).source


def test_a_model_that_nothing_runs_is_not_written() -> None:
    assert "nn.Module" not in translate(MODEL).source


def test_literals_that_only_the_model_read_go() -> None:
    text = MODEL.replace("x, y =", "units = 3\nfree = 4\nx, y =").replace("Dense(3)", "Dense(units)")
    source = translate(text + "model.fit(x, y)\n").source
    assert "units = 3" not in source
    assert "free = 4" in source


def test_names_of_the_script_are_not_taken_by_what_is_written() -> None:
    text = MODEL.replace("x, y =", "words, train = 3, 4\nx, y =") + "model.fit(x, y)\nprint(words, train)\n"
    source = translate(text).source
    assert "def words_(" in source
    assert "train_(" in source


def test_functions_loops_and_conditions_build_models() -> None:
    text = """
import keras
import numpy as np

def block(x, units, *, times=1, **settings):
    for _ in range(times):
        x = keras.layers.Dense(units, **settings)(x)
    return x

deep = True
sizes = {"a": 7, "b": 6 if deep else 2}
inputs = keras.Input((5,))
x = inputs
for name, size in sizes.items():
    x = block(x, size, times=2 if name == "a" else 1, activation="relu", name=None)
model = keras.Model(inputs, keras.layers.Dense(sum(range(3)))(x))
model.compile(loss="mse")
model.fit(np.zeros((8, 5)), np.zeros((8, 3)))
"""
    translation = translate(text)
    assert translation.left == ()
    sizes = ("(5, 7)", "(7, 7)", "(7, 6)", "(6, 3)")
    assert [translation.source.count(f"nn.Linear{size}") for size in sizes] == [1, 1, 1, 1]


def test_a_translation_is_saved_and_told(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(MODEL + "model.fit(x, y)\nmodel.get_weights()\n", encoding="utf-8")
    translation = homolog.translate_script(path)
    out = translation.save(tmp_path / "out.py")
    assert out.read_text(encoding="utf-8") == translation.source
    assert "1 statement left" in str(translation)
    told = translation.to_dict()
    assert (told["complete"], told["output"]) == (False, str(out))
    with pytest.raises(Usage):
        translation.save(path, force=True)


def test_text_that_is_no_python_says_where() -> None:
    with pytest.raises(Unreadable, match="line 2"):
        translate("x = 1\ny = = 2\n")

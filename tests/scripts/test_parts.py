"""The small functions of written scripts against the utilities of Keras that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.keras.framework import require
from homolog.scripts.parts import PARTS, text_of
from homolog.scripts.translation import translate


def both(expression: str, **names: Any) -> tuple[Any, Any]:
    """What an expression of ``keras.utils`` gives, by Keras and in the written script."""
    translation = translate(f"import numpy as np\nfrom keras import utils\nfound = {expression}\n")
    assert translation.left == ()
    written = dict(names)
    exec(translation.source, written)
    return eval(expression, {**names, "np": np, "utils": require().utils}), written["found"]


@pytest.mark.parametrize(
    "expression",
    [
        "utils.to_categorical(y)",
        "utils.to_categorical(y[:, None], num_classes=7)",
        "utils.to_categorical(x=y, num_classes=5)",
        "utils.pad_sequences(lists)",
        "utils.pad_sequences(lists, maxlen=3, padding='post')",
        "utils.pad_sequences(lists, 3, truncating='post', value=9, dtype='int64')",
        "utils.normalize(z)",
    ],
)
def test_arrays_are_kerass(expression: str) -> None:
    lists = [[1, 2, 3, 4, 5], [6], [], [7, 8, 9]]
    z = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    wanted, found = both(expression, y=np.array([3, 0, 4, 1]), lists=lists, z=z)
    assert wanted.dtype == found.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_python_with_and_without_each_feature(name: str) -> None:
    features = {"callbacks", "scheduler", "steps", "initial_epoch", "penalty", "rest"}
    for chosen in (set(), features, *({one} for one in features)):
        compile(text_of(name, chosen), name, "exec")

"""``python -m bench.scripts_run FRAMEWORK SEED FILE``: runs a script with its random numbers begun at a seed.

Keras compares the files of its data sets with checksums, and would fetch them anew; here it takes those that are there.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any


def main(framework: str, seed: int, file: str) -> None:
    """Run a script of ``keras`` or ``torch``."""
    if framework == "keras":
        _prepare_keras(seed)
    else:
        import random

        import numpy as np
        import torch

        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
    runpy.run_path(file, run_name="__main__")


def _prepare_keras(seed: int) -> None:
    from keras.src import datasets

    import keras

    def here(fname: str, *_: Any, **__: Any) -> str:
        return str(Path(os.environ["KERAS_HOME"]) / "datasets" / fname)

    for module in vars(datasets).values():
        if hasattr(module, "get_file"):
            module.get_file = here
    keras.utils.set_random_seed(seed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])

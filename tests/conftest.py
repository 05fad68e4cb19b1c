"""What every test runs under: quiet frameworks, one thread each (`make test` runs two tests at a time), no GPU."""

import os
import random
import sys

import pytest

# Read by the frameworks as they are imported, which no test module does before it runs. Whatever is set already wins.
for name, value in {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",  # PyTorch's threads
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}.items():
    os.environ.setdefault(name, value)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The same random weights at every run, whichever tests ran before; Keras takes its seeds from ``random``."""
    import numpy as np  # whose threads are told above

    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)

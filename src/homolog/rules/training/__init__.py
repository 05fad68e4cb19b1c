"""What networks are trained with: optimisers, losses and schedules, declared once for both frameworks.

``pytorch.learning_setup`` and ``keras.learning_setup`` read a ``Setup`` from live objects; ``keras_compile`` and
``torch_training`` write it, and name what does not come out the same. Adding an optimiser is one entry in
``optimizers.TABLE``, a loss one in ``losses.TABLE`` and its way of being written, a schedule one in
``schedules.TABLE``.
"""

from __future__ import annotations

from homolog.rules.training.setup import Compiled, Setting, Setup
from homolog.rules.training.to_keras import keras_compile
from homolog.rules.training.to_torch import torch_training

__all__ = ["Compiled", "Setting", "Setup", "keras_compile", "torch_training"]

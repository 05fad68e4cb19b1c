"""Keras layers that are in training mode whatever they are told, as people write them for Monte Carlo dropout."""

from __future__ import annotations

from typing import Any

from keras import layers


class StubbornDropout(layers.Dropout):
    """Drops at inference too."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return super().call(inputs, training=True)


class StubbornNorm(layers.BatchNormalization):
    """Normalises with the statistics of the batch at inference too."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=True, mask=mask)

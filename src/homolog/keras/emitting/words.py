"""Element types as Keras has them."""

from __future__ import annotations

DTYPES = {"int64": "int32", "int16": "int32", "long": "int32", "double": "float64", "float": "float32"}
"""Element types that are written as another: Keras counts in 32 bits on every backend."""

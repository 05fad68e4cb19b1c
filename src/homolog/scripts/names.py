"""One spelling for every name of Keras's."""

from __future__ import annotations

from homolog.scripts.values import Name

CANONICAL = (
    ("tensorflow", "tf"),
    ("keras.models.Sequential", "keras.Sequential"),
    ("keras.models.Model", "keras.Model"),
    ("keras.layers.Input", "keras.Input"),
    ("keras.preprocessing.sequence.pad_sequences", "keras.utils.pad_sequences"),
    ("keras.preprocessing.image_dataset_from_directory", "keras.utils.image_dataset_from_directory"),
    ("keras.saving.load_model", "keras.models.load_model"),
    ("keras.backend.clear_session", "keras.utils.clear_session"),
)


def canonical(name: str) -> Name:
    """A dotted name, Keras's always below ``keras``."""
    for prefix in ("tensorflow.", "tf."):
        if name.startswith(f"{prefix}keras"):
            return canonical(name.removeprefix(prefix))
    for prefix, instead in CANONICAL:
        if name == prefix or name.startswith(f"{prefix}."):
            return Name(instead + name.removeprefix(prefix))
    return Name(name)

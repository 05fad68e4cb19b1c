"""Dropout and noise, which are the identity at inference, and the identity."""

from __future__ import annotations

from homolog.graph import Node
from homolog.rules.arguments import Arguments, Unwritten
from homolog.rules.rule import ELEMENTWISE, Field, Keras, Rule, Torch

_SPATIAL = {f"Dropout{rank}d": f"SpatialDropout{rank}D" for rank in (1, 2, 3)}
_DROPOUTS_OF_KERAS = {
    **_SPATIAL,
    **{name: name for name in (*_SPATIAL.values(), "AlphaDropout", "GaussianDropout")},
    "FeatureAlphaDropout": "AlphaDropout",
}
_DROPOUTS_OF_TORCH = {
    **{keras: torch for torch, keras in _SPATIAL.items()},
    **{name: name for name in (*_SPATIAL, "AlphaDropout", "FeatureAlphaDropout")},
}


def _dropout_of_keras(node: Node) -> str:
    """The class that drops as the node's own does, which only matters in training."""
    if node.type == "GaussianNoise":
        raise Unwritten("stddev", "a rule that reads how much noise there is")
    return _DROPOUTS_OF_KERAS.get(node.type, "Dropout")


def _dropout_of_torch(node: Node) -> str:
    if node.type.startswith("Gaussian"):
        raise Unwritten(node.type, "PyTorch has no layer of Gaussian noise")
    return _DROPOUTS_OF_TORCH.get(node.type, "Dropout")


DROPOUT = Rule(
    "dropout",
    torch=Torch(
        ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
        ("dropout", "dropout_", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
        ignore=("inplace", "train"),
        make=Arguments(_dropout_of_torch, defaults={"p": 0.5}),
    ),
    keras=Keras(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
        ignore=("seed", "noise_shape", "data_format"),
        make=Arguments(_dropout_of_keras),
    ),
    fields=(Field("p", "rate", effect="training", carried=True),),
    layout=ELEMENTWISE,
)

NOISE = Rule(
    "gaussian_noise",
    kind="dropout",  # nothing at inference, like dropout
    keras=Keras(("GaussianNoise",), ignore=("stddev", "seed")),
    fields=(Field("p", otherwise=0.0, effect="training"),),
    layout=ELEMENTWISE,
)

IDENTITY = Rule(
    "identity",
    torch=Torch(
        ("Identity",),
        ("alias", "clone", "contiguous", "detach", "detach_", "lift_fresh_copy"),
        ignore=("memory_format",),
        make=Arguments(),
    ),
    keras=Keras(
        ("Identity", "ActivityRegularization"),
        ("Identity", "ConvertToTensor", "StopGradient"),
        {"linear": {}},
        ignore=("l1", "l2", "sparse", "ragged", "dtype"),
        make=Arguments(),
    ),
    layout=ELEMENTWISE,
)


RULES = (DROPOUT, NOISE, IDENTITY)

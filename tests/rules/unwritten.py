"""What cannot be written as a layer, with the reasons; ``tree`` is PyTorch. Both lists can only shrink."""

from __future__ import annotations

PARTS = "is taken apart when it is read, and its parts are written"
LATER = "not yet: what it hands on depends on who reads it, which a pass has to tell"
UNWRITTEN = {
    "keras": {
        **dict.fromkeys(
            ("reversible_embedding", "einsum_dense", "multihead_attention", "grouped_query_attention"), PARTS
        ),
        **dict.fromkeys(("simple_rnn", "lstm", "gru"), LATER),
        **dict.fromkeys(("simple_rnn_cell", "lstm_cell", "gru_cell"), "not yet: it stands in an RNN of Keras's"),
        **dict.fromkeys(("attention", "additive_attention"), "not yet: use_scale, whose default the rule has not"),
        "gaussian_noise": "is read as dropout, without its deviation",
    },
    "tree": {
        **dict.fromkeys(("simple_rnn_stack", "lstm_stack", "gru_stack"), LATER),
        **dict.fromkeys(("simple_rnn_cell", "lstm_cell", "gru_cell"), "not yet: two biases that were read as one"),
        **dict.fromkeys(("instance_norm", "packed_attention"), PARTS),
    },
}
"""Rules with a class that is not written, with the reason."""
BESIDE = "takes a padding or cropping layer beside it, which a pass will put there"
RUN = "what units become: see UNWRITTEN"
CONSTANT = "a constant is an operand, and no setting of a layer"
NAMED = "Keras has it with a setting as an operation only"
OPERATION = "an operation, for which PyTorch has no module"
FLAT = "the axes that are dropped take a flatten behind it"
RECURRENT = ("simple_rnn", "lstm", "gru", "simple_rnn_cell", "lstm_cell", "gru_cell")
REFUSED = {
    "keras": [
        *((kind, "", RUN) for kind in RECURRENT),
        *((f"conv{rank}d", "padding", BESIDE) for rank in (2, 3)),
        *((f"conv_transpose{rank}d", "padding", BESIDE) for rank in (1, 2)),
        *((f"{way}_pool2d", "padding", BESIDE) for way in ("avg", "max")),
        *((kind, "right", CONSTANT) for kind in ("add", "multiply", "subtract")),
        ("subtract", "left", CONSTANT),
        ("divide", "", NAMED),
        *((kind, name, NAMED) for kind, name in (("celu", "alpha"), ("gelu", "approximate"))),
        *((kind, name, "Keras has it at one value") for kind, name in (("hard_tanh", "min_val"), ("softplus", "beta"))),
        ("dropout", "stddev", "noise is read without its deviation"),
        ("flatten", "start_dim", "Keras flattens everything behind the batch: a reshape does it"),
        ("max_pool2d", "dilation", "Keras pools without gaps"),
        *(("pad", name, "Keras's layers pad with zeros") for name in ("mode", "value")),
        *(("upsample", name, "Keras has other grids and another cubic kernel") for name in ("align_corners", "mode")),
    ],
    "tree": [
        *((kind, "", RUN) for kind in RECURRENT),
        *((f"conv{rank}d", "padding", BESIDE) for rank in (1, 2)),
        *((f"conv_transpose{rank}d", "padding", BESIDE) for rank in (1, 2)),
        *((f"{way}_pool2d", "padding", BESIDE) for way in ("avg", "max")),
        *((kind, "", OPERATION) for kind in ("add", "subtract", "multiply", "divide", "maximum", "minimum")),
        *((kind, "", OPERATION) for kind in ("concat", "permute")),
        ("reshape", "shape", OPERATION),
        *((f"global_avg_pool{rank}d", "keepdims", FLAT) for rank in (1, 2)),
        *((f"global_max_pool{rank}d", "keepdims", FLAT) for rank in (2, 3)),
        *(("dropout", name, "PyTorch has no Gaussian noise") for name in ("GaussianDropout", "GaussianNoise")),
        ("layer_norm", "rms_scaling", "PyTorch always takes the mean off"),
        *(("relu", name, "PyTorch has it as a hard tanh, or not") for name in ("max_value", "threshold")),
        ("upsample", "mode", "PyTorch has another cubic kernel"),
    ],
}
"""Kinds and settings that no case can write, with the reason; no setting where there is no class at all."""

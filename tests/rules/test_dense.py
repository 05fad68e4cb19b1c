"""Dense layers and embeddings."""

from __future__ import annotations

from .laws import Laws, case


class TestDense(Laws):
    CASES = (
        case("Linear(5, 7)", "Dense(7)", (2, 5)),
        case("Linear(5, 7, bias=False)", "Dense(7, use_bias=False)", (2, 5)),
        case("Linear(5, 7)", "Dense(7)", (2, 3, 5), moved=False),
        case("Linear(5, 7, bias=False)", "Dense(7, use_bias=False)", (2, 3, 4, 5), moved=False),
        case("Embedding(11, 5)", "Embedding(11, 5)", (2, 3), ids=11),
        case("Embedding(11, 5, padding_idx=0)", "Embedding(11, 5)", (2, 3), ids=11),
        case("(Embedding(11, 5), Linear(5, 7))", "(Embedding(11, 5), Dense(7))", (2, 3), ids=11),
    )

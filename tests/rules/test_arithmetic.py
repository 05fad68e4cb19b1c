"""Operations on several values, and on a value and a constant."""

from __future__ import annotations

from .laws import Laws, case

A = (2, 4, 7)


class TestArithmetic(Laws):
    CASES = (
        case("lambda x, y: x + y", "Add()", A, A, moved=False),
        case("lambda x, y: x - y", "Subtract()", A, A, moved=False),
        case("lambda x, y: x * y", "Multiply()", A, A, moved=False),
        case("lambda x, y: x.maximum(y)", "Maximum()", A, A, moved=False),
        case("lambda x, y: x.minimum(y)", "Minimum()", A, A, moved=False),
        case("lambda x, y: x + y", "lambda x, y: x + y", A, A, moved=False),
        case("lambda x, y: x / y", "lambda x, y: x / y", A, A, moved=False),
        case("lambda x: x * 0.5", "lambda x: 0.5 * x", A, moved=False),
        case("lambda x: 2 - x", "lambda x: 2 - x", A, moved=False),
        case("lambda x: x - 2", "lambda x: x - 2", A, moved=False),
        case("lambda x: x / 3", "lambda x: x / 3", A, moved=False),
        case("lambda x: x + 1", "lambda x: keras.ops.add(1.0, x)", A, moved=False),
        case("lambda x: x * 0.5", "lambda x: x * 0.25", A, moved=False, differs=("right",)),
        case("lambda x: 2 - x", "lambda x: x - 2", A, moved=False, differs=("left", "right")),
        case("lambda x, y: __import__('torch').cat([x, y], 1)", "Concatenate(1)", (2, 4), (2, 3)),
        case("lambda x, y: __import__('torch').cat([x, y], 1)", "Concatenate(1)", A, (2, 3, 7), moved=False),
        case("lambda x, y: __import__('torch').cat([x, y], -1)", "Concatenate()", A, (2, 4, 3), moved=False),
    )

"""What one logger says with a word in it is held back, for as long as it is asked."""

from __future__ import annotations

import logging

import pytest

from homolog.keras.silence import without


def test_what_holds_the_word_is_held_back_and_all_else_is_said(caplog: pytest.LogCaptureFixture) -> None:
    one, other = logging.getLogger("one"), logging.getLogger("other")

    with caplog.at_level("INFO"):
        with without("one", "advice"):
            one.warning("advice on %s", "files")
            one.warning("a fault")
            other.warning("advice of another")
        one.warning("advice afterwards")

    assert caplog.messages == ["a fault", "advice of another", "advice afterwards"]


def test_the_filter_goes_when_the_body_fails() -> None:
    held = logging.getLogger("one")
    before = list(held.filters)

    with pytest.raises(ValueError, match="broke"), without("one", "advice"):
        raise ValueError("broke")

    assert held.filters == before

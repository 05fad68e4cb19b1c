"""What Python's collector is spared."""

from __future__ import annotations

import gc

import pytest

from homolog.collecting import few_collections


def test_what_exists_is_set_aside_and_put_back() -> None:
    with few_collections():
        assert gc.get_freeze_count() > 1000
        assert gc.isenabled()

    assert gc.get_freeze_count() == 0


def test_it_is_put_back_behind_an_error() -> None:
    with pytest.raises(ZeroDivisionError), few_collections():
        1 / 0  # noqa: B018

    assert gc.get_freeze_count() == 0


def test_what_a_caller_has_set_aside_stays_so() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        later: list[list[object]] = [[] for _ in range(1000)]
        with few_collections():
            assert abs(gc.get_freeze_count() - count) < len(later) / 2  # some are freed, by other threads too
        assert abs(gc.get_freeze_count() - count) < len(later) / 2
    finally:
        gc.unfreeze()

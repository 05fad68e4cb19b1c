"""The pytest plugin. Every pytest in an environment with homolog loads it, so that it costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from homolog.proof import Proof


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.getgroup("homolog").addoption(
        "--homolog-report",
        metavar="FILE",
        help="write every proof of assert_same_network to this file: Markdown for .md, JSON for .json",
    )


def pytest_configure(config: pytest.Config) -> None:
    """What makes the report is imported only where one was asked for."""
    path = config.getoption("--homolog-report")
    if path is not None:
        from homolog.testing.report import register

        register(config, path)


@pytest.fixture(scope="session")
def assert_same_network() -> Callable[..., Proof]:
    """``homolog.testing.assert_same_network``: two networks are the same, or the test fails with the proof."""
    from homolog.testing import assert_same_network

    return assert_same_network

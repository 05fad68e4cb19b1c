"""Runs the laws over the cases of each test class, one pair of twins at a time."""

from __future__ import annotations

import pytest

from .laws import Laws, Twins


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "twins" in metafunc.fixturenames and metafunc.cls is not None and issubclass(metafunc.cls, Laws):
        metafunc.parametrize("twins", metafunc.cls.CASES, indirect=True, ids=str, scope="class")


@pytest.fixture(scope="class")
def twins(request: pytest.FixtureRequest) -> Twins:
    return Twins(request.param)

"""Runs the laws over the cases of each test class, one pair of twins at a time."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.rules.laws")

from .laws import Laws, Twins  # noqa: E402  # after the line that has its assertions explained


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "twins" in metafunc.fixturenames and metafunc.cls is not None and issubclass(metafunc.cls, Laws):
        metafunc.parametrize("twins", metafunc.cls.CASES, indirect=True, ids=str, scope="class")


@pytest.fixture(scope="class")
def twins(request: pytest.FixtureRequest) -> Twins:
    return Twins(request.param)

"""``--homolog-report``: the proofs of a session of pytest in one file.

Each test's proofs travel on its reports, which pytest-xdist hands from its workers to the process that writes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from homolog.proof import Proof
from homolog.reporting.json import plain, to_json
from homolog.reporting.markdown import Section, document, section
from homolog.reporting.versions import versions
from homolog.testing import listening

_FORMATS = (".md", ".json")
_PROOFS = "homolog_proofs"  # the attribute of a test's report
_key = pytest.StashKey[list[dict[str, Any]]]()


def register(config: pytest.Config, path: str) -> None:
    """Record in every process that runs tests; write in the one that pytest was started as."""
    out = Path(path).absolute()
    if out.suffix not in _FORMATS:
        raise pytest.UsageError(f"--homolog-report {path}: expected a name that ends in {' or '.join(_FORMATS)}")
    if out.is_dir():
        raise pytest.UsageError(f"--homolog-report {path}: it is a folder")
    config.pluginmanager.register(Recorder(), "homolog-recorder")
    if not hasattr(config, "workerinput"):  # set by pytest-xdist in its workers
        config.pluginmanager.register(Writer(out), "homolog-writer")


class Recorder:
    """Puts the proofs that a test makes on its reports."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Listen while a test and its fixtures run."""
        item.stash[_key] = made = []

        def listen(proof: Proof, holds: bool) -> None:
            made.append(
                {
                    "test": item.nodeid,
                    "accepted": holds,
                    "proof": plain(proof.to_dict()),
                    "versions": versions(),
                    "section": asdict(section(proof, item.nodeid, accepted=holds)),
                }
            )

        with listening(listen):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand over what was made since the last phase of the test."""
        report = yield
        setattr(report, _PROOFS, [*item.stash[_key]])
        item.stash[_key].clear()
        return report


class Writer:
    """Collects what the tests' reports bring, and writes it when the session ends."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.found: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self.found += getattr(report, _PROOFS, ())

    def pytest_sessionfinish(self) -> None:
        """Write, whatever the tests came to; a report of an earlier session is replaced."""
        from homolog.files.atomic import atomic

        self.found.sort(key=lambda one: str(one["test"]))  # workers finish in any order
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with atomic(self.out, force=True, inputs=()) as draft:
            draft.write_text(self._text(), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where it was written."""
        terminalreporter.write_line(f"homolog: {self._words()}, in {self.out}")

    def _text(self) -> str:
        if self.out.suffix == ".md":
            return document([Section(**one["section"]) for one in self.found], f"homolog: {self._words()}")
        proofs = [{key: value for key, value in one.items() if key != "section"} for one in self.found]
        return to_json({"accepted": all(one["accepted"] for one in self.found), "proofs": proofs}) + "\n"

    def _words(self) -> str:
        if not self.found:
            return "no networks were compared"
        count, failed = len(self.found), sum(not one["accepted"] for one in self.found)
        return f"{count} {'proof' if count == 1 else 'proofs'}, {failed or 'none'} failed"

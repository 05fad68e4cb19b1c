"""The parent's end of the process that HDF5 files are read in: one for all files, started when the first is opened."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

from homolog import errors
from homolog.errors import HomologError, Unreadable

SECONDS = 60.0  # a request may take, at most, by the clock: the process itself is held to much less of its own time
RATE = 4 << 20  # bytes a second that a request with an array may take beside
_TRUSTED = 200  # damaged files that one process may look at: what they did to its memory is not known
_CHILD = Path(__file__).with_name("hdf5_child.py")
# A process without numpy's threads starts faster, and locks on files are no help to somebody who only looks.
_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}

Fetch = Callable[[int, int], bytes]
"""The bytes from one position to another, all of them."""


class Worker:
    """A child process, and the one request at a time that it is given."""

    def __init__(self) -> None:
        # Without site, and with the parent's own path: what the parent can import, the child can, and it starts sooner.
        paths = [str(_CHILD.parents[2]), *(path for path in sys.path if path)]
        start = f"import sys, runpy; sys.path[:] = {paths!r}"
        run = f"runpy.run_path({str(_CHILD)!r}, run_name='__main__')"
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-c", f"{start}; {run}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_SETTINGS},
        )
        self.owner = os.getpid()
        self.damaged = 0
        self.asked = 0

    def ask(
        self, request: Mapping[str, Any], data: bytes | memoryview = b"", fetch: Fetch | None = None
    ) -> tuple[dict[str, Any], bytearray]:
        """What the child answers: a line of JSON, and the bytes behind it. See the function ``ask``.

        Raises:
            BrokenPipeError, EOFError, ValueError: it ended before it had.
        """
        self.asked += 1
        stdin, stdout = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)
        watch = threading.Timer(SECONDS + request.get("nbytes", 0) / RATE, self.process.kill)
        watch.daemon = True
        watch.start()
        try:
            stdin.write(json.dumps(dict(request)).encode() + b"\n")
            stdin.write(data)
            stdin.flush()
            answer = json.loads(stdout.readline() or "null")
            while isinstance(answer, dict) and "want" in answer and fetch is not None:
                match answer["want"]:
                    case [int(start), int(size)] if 0 <= start <= start + size <= request["size"]:
                        stdin.write(fetch(start, start + size))
                        stdin.flush()
                    case _:
                        raise EOFError
                answer = json.loads(stdout.readline() or "null")
            if not isinstance(answer, dict):
                raise EOFError
            values = bytearray(answer["nbytes"])
            if stdout.readinto(values) != len(values):  # type: ignore[attr-defined]  # a BufferedReader
                raise EOFError
        finally:
            watch.cancel()
        self.damaged += "damaged" in answer
        return answer, values

    def end(self, patience: float = 0.0) -> int:
        """Ends the child, unless it ends by itself so soon. Returns its exit status: below zero, the signal."""
        for stream in (self.process.stdin, self.process.stdout):
            try:
                cast(IO[bytes], stream).close()
            except OSError:  # what was left to be written has no reader any more
                continue
        try:
            return self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


_lock = threading.RLock()
_worker: Worker | None = None


def prepare() -> None:
    """Starts the child, if there is none, without waiting: it is ready by the time the reader has been imported."""
    global _worker  # noqa: PLW0603  # one process for all files
    # A process that was forked off this one must not share its parent's child.
    with _lock:
        if _worker is None or _worker.owner != os.getpid() or _worker.damaged >= _TRUSTED:
            stop()
            _worker = Worker()


@atexit.register
def stop() -> None:
    """Ends the child, if there is one."""
    if _worker is not None and _worker.owner == os.getpid():
        _worker.end()
    _forget()


def _forget() -> None:
    global _worker  # noqa: PLW0603
    _worker = None


def ask(
    what: str, where: str, request: Mapping[str, Any], data: bytes | memoryview = b"", fetch: Fetch | None = None
) -> tuple[dict[str, Any], bytearray]:
    """Asks the child, once more if it ended and an earlier file may have been the cause.

    Args:
        what, where: for errors.
        request: see ``hdf5_child``.
        data: the bytes of an array to be written.
        fetch: gives stretches of a file that the child cannot open itself.

    Raises:
        Unreadable: the library could not read it, crashed, did not come to an end, or asked for too much memory.
        Unsafe: see ``hdf5_child``.
    """
    with _lock:
        for _ in range(2):
            prepare()
            worker = cast(Worker, _worker)
            try:
                answer, values = worker.ask(request, data, fetch)
            except HomologError:  # a stretch could not be fetched, and the child waits for it
                worker.end()
                _forget()
                raise
            except (OSError, EOFError, ValueError):
                fresh = worker.asked == 1
                status = worker.end(patience=1.0)
                _forget()
                if fresh:
                    raise Unreadable(_ended(status), where=where, found=_status(status)) from None
            else:
                return _checked(what, where, answer), values
    raise AssertionError("the second child is fresh")


def _checked(what: str, where: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "damaged" in answer:
        raise Unreadable(what, where=where, found=answer["damaged"])
    if "error" in answer:
        kind: type[HomologError] = getattr(errors, answer["error"])
        raise kind(answer["what"], where=answer["where"], expected=answer["expected"], found=answer["found"])
    return answer


def _ended(status: int) -> str:
    if -status in (getattr(signal, "SIGPROF", 0), getattr(signal, "SIGKILL", 0)):
        return "the HDF5 library did not come to an end with this file, and was stopped"
    return "the HDF5 library crashed on this file, in a process of its own"


def _status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit code {status}"

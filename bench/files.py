"""What it takes to look into a file of a gigabyte, and to read one: beside the loaders of the frameworks.

    python -m bench files

Looking reads a header and nothing else, so the time may not grow with the tensors. The files are written by the
frameworks' own writers, or after their format where that writer would have to hold all in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from bench.commands import HOMOLOG, Command
from bench.figure import Broken, Figure

COUNT, LENGTH = 64, 1 << 22  # 64 float32 tensors of 16 MiB: one GiB
ROUNDS = 5
SECONDS, BYTES = 0.3, 100 << 20


def measured(command: Command) -> tuple[float, int]:
    """Seconds by the clock, and the bytes of memory at the peak, of a command that succeeds."""
    started = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    said = b"" if process.stderr is None else process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = perf_counter() - started
    if process.returncode != 0:
        last = (said.decode(errors="replace").strip() or "no word on stderr").splitlines()[-1]
        raise Broken(f"{' '.join(command)[:200]}: exit code {process.returncode}: {last}")
    return taken, usage.ru_maxrss << 10


def arrays() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """One array under many names: what is written is a gigabyte, what is held is not."""
    values = np.random.default_rng(0).standard_normal(LENGTH, np.float32).reshape(2048, 2048)
    return {f"layers.{index}.weight": values for index in range(COUNT)}


def torch_file(path: Path) -> None:
    import torch

    torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays().items()}, path)


def safetensors_file(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(arrays(), path)


def keras_h5_file(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([f"dense_{index}" for index in range(COUNT)], "S")
        for index, array in enumerate(arrays().values()):
            group = file.create_group(f"dense_{index}")
            group.attrs["weight_names"] = np.array([f"dense_{index}/kernel:0"], "S")
            group[f"dense_{index}/kernel:0"] = array


def keras_file(path: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((2048,))])
    for _ in range(COUNT):
        model.add(keras.layers.Dense(2048, use_bias=False, kernel_initializer="zeros"))
    model.save(path)


def numpy_file(path: Path) -> None:
    np.savez(path, **arrays())  # type: ignore[arg-type]


FILES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "torch-state": ("x.pt", torch_file, "import torch; torch.load({path!r}, weights_only=True)"),
    "safetensors": (
        "x.safetensors",
        safetensors_file,
        "import safetensors; f = safetensors.safe_open({path!r}, 'np'); [f.get_slice(k).get_shape() for k in f.keys()]",
    ),
    "keras-h5": ("x.h5", keras_h5_file, "import h5py; f = h5py.File({path!r}); f.visititems(lambda name, item: None)"),
    "keras": ("x.keras", keras_file, "import keras; keras.models.load_model({path!r})"),
    "numpy": ("x.npz", numpy_file, "import numpy; f = numpy.load({path!r}); [f[name].shape for name in f]"),
}
"""For each format the name of a file, what writes it, and what a user would do without homolog."""


def written(write: Callable[[Path], None], path: Path) -> None:
    """Writes a file in a process of its own, so that nothing of it stays in this one's memory."""
    code = f"from bench import files; from pathlib import Path; files.{write.__name__}(Path({str(path)!r}))"
    measured([sys.executable, "-c", code])


def inspecting(format: str) -> Callable[[Path], Figure]:
    """The benchmark of one format: seconds of ``homolog inspect`` above those of a Python that does nothing."""
    name, write, beside = FILES[format]

    def benchmark(folder: Path) -> Figure:
        path = folder / name
        written(write, path)
        inspect, nothing = [HOMOLOG, "inspect", str(path)], [sys.executable, "-c", "pass"]
        seconds: tuple[list[float], list[float]] = ([], [])
        peak = 0
        for turn in range(ROUNDS + 1):
            for times, command in zip(seconds, (inspect, nothing), strict=True):
                taken, most = measured(command)
                if turn > 0:
                    times.append(taken)
                    peak = max(peak, most)
        ours = median(seconds[0]) - median(seconds[1])
        theirs, their_peak = measured([sys.executable, "-c", beside.format(path=str(path))])
        other = beside.partition(";")[0].removeprefix("import ")
        note = f"peak {peak >> 20} MB (at most {BYTES >> 20}); {other}: {theirs:.2f} s, {their_peak >> 20} MB"
        if peak > BYTES:
            raise Broken(f"homolog inspect of {format} took {peak >> 20} MB")
        return Figure(f"inspect 1 GB {format}, above Python's start", ours, SECONDS, "s", note)

    benchmark.__name__ = f"inspecting {format}"
    return benchmark


_READ = """
import sys, time
from pathlib import Path
path = Path(sys.argv[1])
start = time.perf_counter()
with path.open("rb") as file:
    while file.read(1 << 22):
        pass
plain = time.perf_counter() - start
from homolog.files import open_checkpoint
start = time.perf_counter()
for ref in open_checkpoint(path).tensors.values():
    ref.read()
print(plain, time.perf_counter() - start, file=sys.stderr)
"""


def _reading(folder: Path) -> tuple[float, float, int]:
    """Seconds for the bytes alone, seconds for the tensors, and the peak of memory."""
    path = folder / "x.pt"
    if not path.exists():
        written(torch_file, path)
    script = folder / "read.py"
    script.write_text(_READ, encoding="utf-8")
    found: list[tuple[float, float]] = []
    peak = 0
    for _ in range(ROUNDS):
        process = subprocess.Popen([sys.executable, str(script), str(path)], stderr=subprocess.PIPE, text=True)
        said = "" if process.stderr is None else process.stderr.read()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        peak = max(peak, usage.ru_maxrss << 10)
        plain, tensors = map(float, said.split())
        found.append((plain, tensors))
    return median(plain for plain, _ in found), median(tensors for _, tensors in found), peak


def reading_memory(folder: Path) -> Figure:
    """Peak memory while every tensor of a .pt is read once, with its checksum."""
    _, tensors, peak = _reading(folder)
    _, theirs = measured(
        [sys.executable, "-c", f"import torch; torch.load({str(folder / 'x.pt')!r}, weights_only=True)"]
    )
    return Figure(
        "read 1 GB .pt, peak memory", peak / 2**20, 300, "MB", f"{tensors:.2f} s; torch.load {theirs >> 20} MB"
    )


def reading_speed(folder: Path) -> Figure:
    """Seconds for every tensor of a .pt, with its checksum, to those of reading the bytes."""
    plain, tensors, _ = _reading(folder)
    return Figure("read 1 GB .pt, to reading its bytes", tensors / plain, 2, "×", f"{tensors:.2f} s to {plain:.2f} s")


BENCHMARKS = (*map(inspecting, FILES), reading_memory, reading_speed)

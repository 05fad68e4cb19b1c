"""What it takes to look into a file of a gigabyte, and to read one: beside the loaders of the frameworks.

    python -m bench files

Looking reads a header and nothing else, so the time may not grow with the tensors: beside each figure stands that of a
file of the same many tensors with hardly anything in them. The files are written by the
frameworks' own writers, or after their format where that writer would have to hold all in memory.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from math import isqrt
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.commands import AS_INSTALLED, HOMOLOG, Command
from bench.figure import Broken, Figure

COUNT, LENGTH = 64, 1 << 22  # 64 float32 tensors of 16 MiB: one GiB
SMALL = 256  # elements of each tensor of a file that is as long as a header
ROUNDS = 5
SECONDS, BYTES = 0.3, 100 << 20


def measured(command: Command) -> tuple[float, int]:
    """Seconds by the clock, and the bytes of memory at the peak, of a command that succeeds."""
    started = perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=AS_INSTALLED
    )
    said = b"" if process.stderr is None else process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = perf_counter() - started
    if process.returncode != 0:
        last = (said.decode(errors="replace").strip() or "no word on stderr").splitlines()[-1]
        raise Broken(f"{' '.join(command)[:200]}: exit code {process.returncode}: {last}")
    return taken, usage.ru_maxrss << 10


def side() -> int:
    """Rows, and columns, of each tensor."""
    return isqrt(LENGTH)


def array() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """One array that stands under many names: what is written is a gigabyte, what is held is not."""
    return np.random.default_rng(0).standard_normal(LENGTH, np.float32).reshape(side(), side())


def arrays() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return dict.fromkeys((f"layers.{index}.weight" for index in range(COUNT)), array())


def torch_file(path: Path) -> None:
    import torch

    torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays().items()}, path)


def safetensors_file(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(arrays(), path)


def safetensors_shards(path: Path) -> None:
    from safetensors.numpy import save_file

    names = list(arrays())
    shards = {"x-1.safetensors": names[: COUNT // 2], "x-2.safetensors": names[COUNT // 2 :]}
    for shard, held in shards.items():
        save_file(dict.fromkeys(held, array()), path.with_name(shard))
    index = {"weight_map": {name: shard for shard, held in shards.items() for name in held}}
    path.write_text(json.dumps(index), encoding="utf-8")


def keras_h5_file(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([f"dense_{index}" for index in range(COUNT)], "S")
        for index, values in enumerate(arrays().values()):
            group = file.create_group(f"dense_{index}")
            group.attrs["weight_names"] = np.array([f"dense_{index}/kernel:0"], "S")
            group[f"dense_{index}/kernel:0"] = values


def _keras_model() -> Any:
    import keras

    model = keras.Sequential([keras.layers.Input((side(),))])
    for _ in range(COUNT):
        model.add(keras.layers.Dense(side(), use_bias=False, kernel_initializer="zeros"))
    return model


def keras_file(path: Path) -> None:
    _keras_model().save(path)


def keras_shards(path: Path) -> None:
    gigabytes = 4 * LENGTH * COUNT / 2**30
    _keras_model().save_weights(path, max_shard_size=gigabytes / 2)


def numpy_file(path: Path) -> None:
    np.savez(path, **arrays())  # type: ignore[arg-type]


def tensorflow_file(path: Path) -> None:
    import tensorflow as tf

    held, values = arrays(), tf.constant(array())
    tf.raw_ops.SaveV2(
        prefix=str(path.with_suffix("")),
        tensor_names=list(held),
        shape_and_slices=[""] * COUNT,
        tensors=[values] * COUNT,
    )


def saved_model(path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.kernels = [tf.Variable(values) for values in arrays().values()]
    tf.saved_model.save(module, str(path))


def onnx_file(path: Path) -> None:
    """After the format: a message in memory takes as much as the file, several times over."""
    from bench.fuzz_seeds import varint

    def field(number: int, *parts: bytes) -> list[bytes]:
        return [bytes([number << 3 | 2]) + varint(sum(map(len, parts))), *parts]

    values = array().tobytes()
    graph = field(1, b"node")
    for name in arrays():
        graph += field(5, b"\x10\x01", *field(1, varint(side()) * 2), *field(8, name.encode()), *field(9, values))
    with path.open("wb") as file:
        file.writelines([b"\x08\x08", *field(7, *graph)])


def flax_file(path: Path) -> None:
    """After the format, as above."""
    values = array().tobytes()
    shape = b"\x92" + (b"\xcd" + struct.pack(">H", side())) * 2
    inner = b"\x93" + shape + b"\xa7float32" + b"\xc6" + struct.pack(">I", len(values))
    with path.open("wb") as file:
        file.write(b"\xde" + struct.pack(">H", COUNT))
        for name in arrays():
            file.write(bytes([0xA0 | len(name)]) + name.encode())
            file.writelines([b"\xc9" + struct.pack(">IB", len(inner) + len(values), 1), inner, values])


FILES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "torch-state": ("x.pt", torch_file, "import torch; torch.load({path!r}, weights_only=True)"),
    "safetensors": (
        "x.safetensors",
        safetensors_file,
        "import safetensors; f = safetensors.safe_open({path!r}, 'np'); [f.get_slice(k).get_shape() for k in f.keys()]",
    ),
    "sharded": ("x.safetensors.index.json", safetensors_shards, ""),
    "keras-h5": ("x.h5", keras_h5_file, "import h5py; f = h5py.File({path!r}); f.visititems(lambda name, item: None)"),
    "keras": ("x.keras", keras_file, "import keras; keras.models.load_model({path!r})"),
    "sharded-keras": ("x.weights.json", keras_shards, ""),
    "numpy": ("x.npz", numpy_file, "import numpy; f = numpy.load({path!r}); [f[name].shape for name in f]"),
    "tensorflow": (
        "x.index",
        tensorflow_file,
        "import tensorflow; tensorflow.train.load_checkpoint({path!r}[:-6]).get_variable_to_shape_map()",
    ),
    "SavedModel": ("x", saved_model, "import tensorflow; tensorflow.saved_model.load({path!r})"),
    "onnx": ("x.onnx", onnx_file, ""),
    "flax": ("x.msgpack", flax_file, ""),
}
"""For each format the name of a file, what writes it, and what a user would do without homolog, where that is here."""


def written(write: Callable[[Path], None], path: Path, length: int = LENGTH) -> None:
    """Writes a file in a process of its own, so that nothing of it stays in this one's memory."""
    code = f"from bench import files; from pathlib import Path; files.LENGTH = {length}"
    measured([sys.executable, "-c", f"{code}; files.{write.__name__}(Path({str(path)!r}))"])


def inspecting(format: str) -> Callable[[Path], Figure]:
    """The benchmark of one format: seconds of ``homolog inspect`` above those of a Python that does nothing."""
    name, write, beside = FILES[format]

    def benchmark(folder: Path) -> Figure:
        small, path = folder / "small" / name, folder / name
        small.parent.mkdir(exist_ok=True)
        written(write, small, SMALL)
        written(write, path)
        commands = [[sys.executable, "-c", "pass"], *([HOMOLOG, "inspect", str(file)] for file in (small, path))]
        seconds: list[list[float]] = [[] for _ in commands]
        peak = 0
        for turn in range(ROUNDS + 1):  # the first of which finds everything in the page cache for the others
            for times, command in zip(seconds, commands, strict=True):
                taken, most = measured(command)
                if turn > 0:
                    times.append(taken)
                    peak = max(peak, most)
        nothing, little, ours = map(median, seconds)
        note = f"{little - nothing:.3f} s for 64 KB; peak {peak >> 20} MB (at most {BYTES >> 20})"
        if beside:
            theirs, their_peak = measured([sys.executable, "-c", beside.format(path=str(path))])
            other = beside.partition(";")[0].removeprefix("import ")
            note += f"; {other}: {theirs:.2f} s, {their_peak >> 20} MB"
        if peak > BYTES:
            raise Broken(f"homolog inspect of {format} took {peak >> 20} MB")
        return Figure(f"inspect 1 GB {format}, above Python's start", ours - nothing, SECONDS, "s", note)

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
import numpy
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

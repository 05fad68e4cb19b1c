"""Files by URL: headers by range, values when they are read, and clear words where that cannot be."""

from __future__ import annotations

import json
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import homolog
from homolog.errors import MissingFramework, Unreadable
from homolog.files import Format, open_checkpoint, write_new
from homolog.files.remote import BLOCK, Remote

fsspec = pytest.importorskip("fsspec")

LARGE = np.random.default_rng(0).standard_normal((1000, 1500)).astype("f4")
SMALL = np.arange(6, dtype="f4").reshape(2, 3)


class Server(BaseHTTPRequestHandler):
    """Serves a folder by range, and counts what it sent."""

    folder: Path
    sent = 0
    ranges = True

    def do_HEAD(self) -> None:
        self.answer(send=False)

    def do_GET(self) -> None:
        self.answer(send=True)

    def answer(self, *, send: bool) -> None:
        file = self.folder / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = data
        if asked and self.ranges:
            part = data[int(asked[1]) : int(asked[2]) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {asked[1]}-{asked[2]}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if send:
            type(self).sent += len(part)
            self.wfile.write(part)

    def log_message(self, *words: Any) -> None:
        return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, type[Server]]]:
    """The address of a server of the folder, and its class, which counts."""
    pytest.importorskip("aiohttp")
    handler = type("Handler", (Server,), {"folder": tmp_path, "sent": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", handler
        running.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same two tensors in three formats."""
    torch = pytest.importorskip("torch")
    write_new(Format.SAFETENSORS, tmp_path / "x.safetensors", [("large", LARGE), ("small", SMALL)])
    torch.save({"large": torch.from_numpy(LARGE), "small": torch.from_numpy(SMALL)}, tmp_path / "x.pt")
    np.savez(tmp_path / "x.npz", large=LARGE, small=SMALL)
    (tmp_path / "x.index.json").write_text(
        json.dumps({"weight_map": {"large": "x.safetensors", "small": "x.safetensors"}}), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "x.npz", "x.index.json"])
def test_a_header_is_read_by_range_and_a_tensor_when_it_is_asked_for(
    name: str, server: tuple[str, type[Server]], folder: Path
) -> None:
    url, counts = server
    found = open_checkpoint(f"{url}/{name}")
    assert {key: ref.shape for key, ref in found.tensors.items()} == {"large": (1000, 1500), "small": (2, 3)}
    assert counts.sent < 6 * BLOCK < LARGE.nbytes / 10
    assert np.array_equal(found.tensors["small"].read(), SMALL)
    assert counts.sent < 12 * BLOCK
    assert np.array_equal(found.tensors["large"].read(), LARGE)


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "x.npz"])
def test_any_file_system_of_fsspec_will_do(name: str, folder: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/models/{name}", (folder / name).read_bytes())
    try:
        found = homolog.inspect(f"memory://models/{name}")
        assert found.tensors is not None
        assert {row.name for row in found.tensors} == {"large", "small"}
        assert found.size == (folder / name).stat().st_size
        assert homolog.compare(f"memory://models/{name}", folder / "x.safetensors").same
    finally:
        memory.rm("/models", recursive=True)


def test_a_url_may_be_followed_by_the_factory_of_its_model() -> None:
    from homolog.source import parse

    plain = parse("memory://a@b/x.pt")
    assert (str(plain.file), plain.factory) == ("memory://a@b/x.pt", None)
    made = parse("memory://a@b/x.pt@twins:make(n=2)")
    assert (str(made.file), str(made.factory)) == ("memory://a@b/x.pt", "twins:make(n=2)")


def test_what_is_not_there_is_said_so(server: tuple[str, type[Server]]) -> None:
    with pytest.raises(Unreadable, match="no such file"):
        open_checkpoint(f"{server[0]}/missing.pt")
    with pytest.raises(Unreadable, match="no such file"):
        open_checkpoint("memory://missing.pt")
    with pytest.raises(Unreadable, match=r"no such file|cannot be read") as refused:
        open_checkpoint("http://127.0.0.1:9/x.pt")
    assert refused.value.found


def test_a_server_that_sends_everything_is_found_out(server: tuple[str, type[Server]], folder: Path) -> None:
    server[1].ranges = False
    with pytest.raises(Unreadable, match=r"did not send the part|cannot be read"):
        open_checkpoint(f"{server[0]}/x.safetensors")


def test_a_file_that_changed_elsewhere_is_not_read_on(folder: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/x.safetensors", (folder / "x.safetensors").read_bytes())
    ref = open_checkpoint("memory://x.safetensors").tensors["small"]
    memory.pipe_file("/x.safetensors", (folder / "x.safetensors").read_bytes() + b"\0")
    with pytest.raises(Unreadable, match="changed while it was being read"):
        ref.read()
    memory.rm("/x.safetensors")


@pytest.fixture
def hdf5_folder(tmp_path: Path) -> Path:
    """The same two tensors in a Keras 3 file of weights, one of them packed, and in a ``.keras`` and an index of it."""
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        group["0"] = LARGE
        group.create_dataset("1", data=SMALL, compression="gzip")
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        dense = {"class_name": "Dense", "config": {"name": "dense", "units": 1500}}
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": [dense]}}
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.write(tmp_path / "x.weights.h5", "model.weights.h5")
    (tmp_path / "x.weights.json").write_text(
        json.dumps({"weight_map": {"/layers/dense/vars": ["x.weights.h5"]}}), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("name", ["x.weights.h5", "x.keras", "x.weights.json"])
def test_the_child_that_reads_hdf5_is_handed_what_it_asks_for(
    name: str, server: tuple[str, type[Server]], hdf5_folder: Path
) -> None:
    url, counts = server
    found = open_checkpoint(f"{url}/{name}")
    kernel, bias = found.tensors.values()
    assert (kernel.shape, bias.shape) == ((1000, 1500), (2, 3))
    assert counts.sent < 6 * BLOCK < LARGE.nbytes / 10
    assert np.array_equal(bias.read(), SMALL)
    assert np.array_equal(kernel.read(), LARGE)


def test_hdf5_on_any_file_system(hdf5_folder: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name in ("x.weights.h5", "x.keras"):
        memory.pipe_file(f"/{name}", (hdf5_folder / name).read_bytes())
        assert homolog.compare(f"memory://{name}", hdf5_folder / name).same
        memory.rm(f"/{name}")


def test_a_file_of_hdf5_that_goes_away_is_an_error_and_the_next_one_is_read(
    hdf5_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/x.h5", (hdf5_folder / "x.weights.h5").read_bytes())
    fetch = Remote.fetch

    def gone(self: Remote, start: int, end: int) -> bytes:
        if start > 1000:
            raise Unreadable("the connection was lost", where=self.url)
        return fetch(self, start, end)

    monkeypatch.setattr(Remote, "fetch", gone)
    with pytest.raises(Unreadable, match="connection was lost"):
        open_checkpoint("memory://x.h5")
    monkeypatch.undo()
    assert open_checkpoint("memory://x.h5").tensors
    memory.rm("/x.h5")


def test_a_protocol_that_nothing_reads_is_named() -> None:
    with pytest.raises(MissingFramework, match="what reads such a URL"):
        open_checkpoint("nonsense://x/y.pt")


def test_blocks_are_kept_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homolog.files.remote.KEPT", 2)
    data = np.random.default_rng(1).integers(0, 256, 5 * BLOCK + 77, dtype=np.uint8).tobytes()
    fsspec.filesystem("memory").pipe_file("/blocks", data)
    remote = Remote.at("memory://blocks")
    for start, end in ((0, 10), (BLOCK - 5, BLOCK + 5), (4 * BLOCK, 5 * BLOCK), (5 * BLOCK, 6 * BLOCK), (7, 9)):
        assert remote.fetch(start, end) == data[start:end]
        assert len(remote._blocks) <= 2
    assert remote.fetch(3, 3 * BLOCK) == data[3 : 3 * BLOCK]
    fsspec.filesystem("memory").rm("/blocks")

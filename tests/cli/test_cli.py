"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shell import Run


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ── what works ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        ("lenet5.pt", "lenet5.h5", "o.h5"),
        ("lenet5.h5", "lenet5.pt", "o.pt"),
        ("lenet5.pt", "lenet5.keras", "o.keras"),
        ("lenet5.keras", "lenet5.pt", "o.pth"),
        ("lenet5.keras", "lenet5.h5", "o.h5"),
    ],
)
def test_copy_writes_a_proven_copy_and_touches_neither_input(
    run: Run, nets: Path, tmp_path: Path, a: str, b: str, out: str
) -> None:
    before = bytes_of(nets)
    done = run("copy", nets / a, nets / b, "-o", tmp_path / out, "--json")
    assert done.code == 0, done.err
    assert done.json["schema_version"] == 1
    assert done.json["proof"]["passed"] is True
    assert done.json["output"] == str(tmp_path / out)
    assert len(done.json["plan"]["rows"]) == 10
    assert bytes_of(nets) == before
    assert list(tmp_path.iterdir()) == [tmp_path / out]
    again = run("verify", nets / a, tmp_path / out)
    assert (again.code, "NOT" in again.out) == (0, False)


def test_match_prints_every_pair_and_writes_a_plan_that_copy_runs(run: Run, nets: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    done = run("match", nets / "lenet5.pt", nets / "lenet5.h5", "-o", plan)
    assert done.code == 0
    for name in ("0.weight", "11.bias", "conv2d/kernel", "dense_1/bias"):
        assert name in done.out
    copied = run("copy", nets / "lenet5.pt", nets / "lenet5.h5", "--plan", plan, "-o", tmp_path / "o.h5")
    assert copied.code == 0
    assert (tmp_path / "o.h5").exists()


def test_dry_run_writes_nothing(run: Run, nets: Path, tmp_path: Path) -> None:
    done = run("copy", nets / "lenet5.pt", nets / "lenet5.h5", "-o", tmp_path / "o.h5", "--dry-run")
    assert done.code == 0
    assert "conv2d/kernel" in done.out
    assert list(tmp_path.iterdir()) == []


def test_verify_of_different_networks_exits_1_and_names_the_first_layer(run: Run, nets: Path) -> None:
    done = run("verify", nets / "lenet5.pt", nets / "lenet5.h5", "--json")
    assert done.code == 1
    assert done.json["passed"] is False
    details = [line for part in done.json["parts"] for line in part["details"]]
    assert any(line.startswith("first difference: 0 (Conv2d) and conv2d") for line in details)


def test_verify_lists_every_layer_on_request(run: Run, nets: Path) -> None:
    done = run("verify", nets / "lenet5.h5", nets / "lenet5.keras", "--layers", "--seed", 5, "--json")
    assert done.code == 0
    layers = next(part for part in done.json["parts"] if part["name"] == "layers")
    assert layers["figures"] == {"pairs": 13, "differ": 0}


def test_inspect_counts_parameters(run: Run, nets: Path) -> None:
    for name in ("lenet5.pt", "lenet5.h5", "lenet5.keras"):
        done = run("inspect", nets / name, "--json")
        assert done.code == 0
        assert done.json["summary"]["parameters"] == 61706, name


def test_inspect_shows_output_shapes_once_the_input_is_known(run: Run, nets: Path) -> None:
    assert "14, 14" not in run("inspect", nets / "lenet5.pt").out
    done = run("inspect", nets / "lenet5.pt", "--input", "1,1,28,28")
    assert "14, 14" in done.out


def test_weights_lists_names_shapes_and_types(run: Run, nets: Path) -> None:
    done = run("weights", nets / "lenet5.h5", "-k", "kernel", "--json")
    assert [row["name"] for row in done.json["tensors"]] == [
        "conv2d/kernel",
        "conv2d_1/kernel",
        "conv2d_2/kernel",
        "dense/kernel",
        "dense_1/kernel",
    ]


def test_members_is_a_session_in_the_interpreter(run: Run, nets: Path) -> None:
    listed = run("members", nets / "lenet5.pt", "-k", "state")
    assert "state_dict" in listed.out
    assert "__setstate__" not in listed.out
    assert "__setstate__" in run("members", nets / "lenet5.pt", "-k", "state", "--private").out
    kernel = run("members", f"{nets / 'lenet5.h5'}:layers[0].kernel", "--json").json
    assert kernel["figures"]["shape"] == [5, 5, 1, 6]
    source = run("members", f"{nets / 'lenet5.pt'}:forward", "--source").out
    assert "for module in self" in source
    called = run("members", f"{nets / 'lenet5.pt'}:state_dict", "--call")
    assert "11.bias" in called.out


def test_doctor_tells_versions(run: Run) -> None:
    done = run("doctor", "--json")
    assert done.code == 0
    assert any(package["name"] == "torch" for package in done.json["packages"])


def test_quiet_prints_nothing(run: Run, nets: Path) -> None:
    done = run("verify", nets / "lenet5.h5", nets / "lenet5.keras", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.slow
def test_demo_runs_from_training_to_accuracy(run: Run, tmp_path: Path) -> None:
    done = run("demo", "-o", tmp_path / "demo", "--epochs", 1, "--json")
    assert done.code == 0, done.err
    last = done.json["steps"][-1]["result"]
    assert last["digits"] == 360
    assert set(last["disagreements"].values()) == {0}
    files = {"lenet5.pt", "lenet5.h5", "lenet5.keras", "lenet5-keras.pt", "lenet5-torch.h5"}
    assert {path.name for path in (tmp_path / "demo").iterdir()} == files
    assert run("demo", "-o", tmp_path / "demo", "--epochs", 1).code == 2


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


class Evil:
    """A pickle that would make a file if it were loaded."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def evil_file(folder: Path, form: str) -> Path:
    """A file whose pickle calls os.system: bare, or in a PyTorch archive as a state_dict, beside one, or alone."""
    import torch

    path = folder / "evil.pt"
    evil = Evil(folder / "canary")
    if form == "bare":
        path.write_bytes(pickle.dumps(evil))
        return path
    if form in ("old", "beside"):
        held = {"state_dict": torch.nn.Linear(2, 3).state_dict(), "extra": evil}
        torch.save(held, path, _use_new_zipfile_serialization=form == "beside")
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps({"weight": Evil(folder / "canary")}, protocol=2))
        archive.writestr("evil/version", "3\n")
        archive.writestr("evil/byteorder", "little")
    return path


@pytest.mark.parametrize("form", ["bare", "old", "alone", "beside"])
@pytest.mark.parametrize("command", ["inspect", "weights", "members", "verify", "copy", "match"])
def test_a_pickle_that_names_other_code_is_never_run(
    run: Run, nets: Path, tmp_path: Path, command: str, form: str
) -> None:
    path = evil_file(tmp_path, form)
    words: list[object] = [command, path]
    if command in ("verify", "copy", "match"):
        words.append(nets / "lenet5.h5")
    if command == "copy":
        words += ["-o", tmp_path / "o.h5"]
    done = run(*words)
    assert done.code == 4
    assert "system" in done.out + done.err
    assert not (tmp_path / "canary").exists()
    assert not (tmp_path / "o.h5").exists()
    assert "Traceback" not in done.err


def truncated(nets: Path, folder: Path, name: str) -> Path:
    path = folder / f"short-{name}"
    path.write_bytes((nets / name).read_bytes()[:3000])
    return path


@pytest.mark.parametrize("command", ["inspect", "weights", "verify", "copy"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda nets, folder: folder / "nothing.pt", "nothing.pt"),
        (lambda nets, folder: folder, "folder"),
        (lambda nets, folder: (folder / "empty.pt").write_bytes(b"") or folder / "empty.pt", "empty"),
        (lambda nets, folder: (folder / "a.h5").write_text("<html>hello</html>") and folder / "a.h5", "a web page"),
        (lambda nets, folder: truncated(nets, folder, "lenet5.pt"), "short-lenet5.pt"),
        (lambda nets, folder: truncated(nets, folder, "lenet5.h5"), "short-lenet5.h5"),
        (lambda nets, folder: truncated(nets, folder, "lenet5.keras"), "short-lenet5.keras"),
    ],
    ids=["missing", "folder", "empty", "html", "short pt", "short h5", "short keras"],
)
def test_what_is_no_model_is_refused_in_words(
    run: Run, nets: Path, tmp_path: Path, command: str, make: Callable[[Path, Path], Path], words: str
) -> None:
    path = make(nets, tmp_path)
    before = bytes_of(tmp_path)
    arguments: list[object] = [command, path]
    if command in ("verify", "copy"):
        arguments.append(nets / "lenet5.h5")
    if command == "copy":
        arguments += ["-o", tmp_path / "o.h5"]
    done = run(*arguments)
    assert done.code == 3, done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert bytes_of(tmp_path) == before


def test_networks_that_do_not_correspond_are_listed_on_both_sides(run: Run, nets: Path, tmp_path: Path) -> None:
    import torch

    torch.save(torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.Linear(5, 3)), tmp_path / "other.pt")
    done = run("copy", tmp_path / "other.pt", nets / "lenet5.h5", "-o", tmp_path / "o.h5")
    assert done.code == 1
    for name in ("0.weight", "1.bias", "conv2d/kernel", "dense_1/bias"):
        assert name in done.err, name
    assert not (tmp_path / "o.h5").exists()


def test_an_existing_output_needs_force(run: Run, nets: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.h5"
    out.write_text("precious")
    words = ("copy", nets / "lenet5.pt", nets / "lenet5.h5", "-o", out)
    done = run(*words)
    assert (done.code, out.read_text()) == (2, "precious")
    assert "--force" in done.err
    assert run(*words, "--force").code == 0
    assert out.stat().st_size > 100_000


def test_an_output_that_is_an_input_is_refused_even_with_force(run: Run, nets: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.h5"
    link.symlink_to(nets / "lenet5.h5")
    before = bytes_of(nets)
    for out in (nets / "lenet5.h5", link):
        done = run("copy", nets / "lenet5.pt", nets / "lenet5.h5", "-o", out, "--force")
        assert done.code == 2
        assert "input" in done.err
    assert bytes_of(nets) == before


def test_an_output_of_another_format_is_refused(run: Run, nets: Path, tmp_path: Path) -> None:
    done = run("copy", nets / "lenet5.pt", nets / "lenet5.h5", "-o", tmp_path / "o.keras")
    assert done.code == 2
    assert "keras-h5" in done.err


def test_a_missing_framework_names_the_extra(nets: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['homolog', *sys.argv[1:]]; "
        "from homolog.cli import main; main()"
    )
    words = ["copy", nets / "lenet5.h5", nets / "lenet5.pt", "-o", tmp_path / "o.pt"]
    done = subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "homolog[pytorch]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failed_proof_writes_nothing(run: Run, nets: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    run("match", nets / "lenet5.pt", nets / "lenet5.h5", "-o", plan, "-q")
    text = plan.read_text()
    swapped = text.replace("out inp h w -> h w inp out", "out inp h w -> w h inp out")
    assert swapped != text
    plan.write_text(swapped)
    done = run("copy", nets / "lenet5.pt", nets / "lenet5.h5", "--plan", plan, "-o", tmp_path / "o.h5", "--json")
    assert done.code == 1
    assert done.json["proof"]["passed"] is False
    assert not (tmp_path / "o.h5").exists()


def test_usage_errors_exit_2(run: Run, nets: Path) -> None:
    assert run("copy", nets / "lenet5.pt").code == 2
    assert run("nonsense").code == 2
    assert run("inspect", nets / "lenet5.pt", "--input", "1,two").code == 2
    assert run("weights", nets / "lenet5.pt", "-k", "(").code == 2


def test_errors_are_json_too(run: Run, tmp_path: Path) -> None:
    done = run("inspect", tmp_path / "nothing.pt", "--json")
    assert done.code == 3
    assert done.json["exit_code"] == 3
    assert done.json["help"]


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['homolog', '--help']\n"
        "from homolog.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('numpy', 'rich', 'h5py', 'torch', 'keras', 'einops') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_inspecting_safetensors_imports_no_framework(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"layer.weight": np.zeros((3, 5), np.float32)}, tmp_path / "w.safetensors")
    script = (
        "import sys; from homolog.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "print([name for name in ('torch', 'keras', 'tensorflow', 'jax', 'h5py') if name in sys.modules])"
    )
    words = [sys.executable, "-c", script, "inspect", str(tmp_path / "w.safetensors")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "layer" in done.stdout
    assert done.stdout.strip().endswith("[]")


def test_output_is_plain_when_piped(nets: Path) -> None:
    words = [sys.executable, "-m", "homolog", "inspect", str(nets / "lenet5.pt")]
    done = subprocess.run(words, capture_output=True, check=True)
    assert b"\x1b[" not in done.stdout
    assert b"Conv2d" in done.stdout

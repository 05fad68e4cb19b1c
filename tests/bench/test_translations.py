"""The harness of the zoo, without the zoo."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from bench.record import Record
from bench.translations import applications, backbones, catalogue, functional, memory, outputs, runner, table, vision
from bench.translations.direction import DIRECTIONS, ROOT, Direction
from bench.translations.judge import is_fine, judged, rejected, takes_too_much
from bench.translations.model import Entry, Model
from bench.translations.sources import keras as source
from bench.translations.words import WORDS

MODEL = Model("toy", "toys", lambda: None, (Entry((3, 8, 8)),))  # type: ignore[arg-type, return-value]
PARTS = (
    {"name": "float64", "passed": True, "figure": "", "figures": {"relative": 3e-15}},
    {"name": "float32", "passed": True, "figure": "", "figures": {"ratio": 1.5}},
)
FILE = {"share": 0.1, "relative": 1e-7, "problem": ""}
FRESH = {
    "stage": "done",
    "ended": "",
    "loaded": [],
    "alone": True,
    "taken": 50e6,
    "transposes": {"model": 1, "graph": 2, "layout": 0},
    "files": {"model.keras": FILE, "model.py": FILE},
}
REFUSED = {"error": "Unsupported", "what": "no rule", "where": "roi_heads", "found": "nms. And\nso on", "refused": True}


def record(**facts: Any) -> dict[str, Any]:
    """A translation that went well."""
    whole = {
        "stage": "done",
        "ended": "",
        "seconds": {"translating": 7.0},
        "weights": 100e6,
        "taken": 200e6,
        "passed": True,
        "parts": list(PARTS),
        "lines": 120,
        "parameters": {"source": 10, "used": 8, "translation": 8},
        "fresh": FRESH,
    }
    return {**whole, **facts}


def fresh(**facts: Any) -> dict[str, Any]:
    return record(fresh={**FRESH, **facts})


def row(name: str, **facts: Any) -> dict[str, Any]:
    """A row as the runner makes it."""
    verdict, reason = judged(record(**facts))
    identity = {"model": name, "group": "toys", "reduced": "", "takes": "3×8×8", "verdict": verdict, "reason": reason}
    return {**identity, "ok": is_fine(verdict, refused=False), **record(**facts)}


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        (record(), "pass", ""),
        (record(error=REFUSED), "refused", "no rule (roi_heads): nms"),
        (record(error={**REFUSED, "error": "Mismatch", "where": None, "refused": False}), "FAIL", "Mismatch: no rule"),
        (record(stage="translating", ended="stopped after 600 s"), "FAIL", "translating: stopped"),
        (record(parts=[{**PARTS[1], "passed": False, "figure": "far"}]), "FAIL", "proof, float32: far"),
        (record(passed=False), "FAIL", "the proof does not pass"),
        (record(parameters={"source": 10, "used": 8, "translation": 9}), "FAIL", "9 trainable parameters for 10 (8 of"),
        (record(parameters={"source": 10, "used": 8, "translation": 10}), "pass", ""),
        (record(fresh=None), "FAIL", "start on its own: was not run"),
        (fresh(files={"model.keras": {**FILE, "problem": "apart"}}), "FAIL", "model.keras on its own: apart"),
        (fresh(stage="model.py", ended="exit code 1: no"), "FAIL", "model.py on its own: exit code 1: no"),
        (fresh(loaded=["torch"]), "FAIL", "torch was imported"),
        (record(gradients={"passed": False, "figure": "3 differ"}), "FAIL", "gradients: 3 differ"),
        (record(gradients={"passed": None, "figure": "not matched"}), "pass", ""),
        (record(taken=440e6), "pass", ""),
        (record(taken=500e6, weights=40e6), "pass", ""),
    ],
)
def test_a_translation_is_judged(facts: dict[str, Any], verdict: str, reason: str) -> None:
    found, why = judged(facts)
    assert found == verdict
    assert reason in why
    assert bool(why) == (verdict != "pass")


def test_a_refusal_is_fine_where_one_is_expected() -> None:
    assert is_fine("pass", refused=False)
    assert is_fine("refused", refused=True)
    assert not is_fine("refused", refused=False)
    assert not is_fine("FAIL", refused=True)


def test_rows_of_all_runs_are_kept_in_order() -> None:
    models = catalogue.OF_PYTORCH
    before = {"bert": {"model": "bert"}, "gone": {"model": "gone"}}
    known = runner.merged(models, before, {"model": "resnet18", "ok": False})
    assert list(known) == ["resnet18", "bert"]
    known = runner.merged(models, known, {"model": "resnet18", "ok": True})
    assert known["resnet18"]["ok"]
    assert list(known) == ["resnet18", "bert"]


@pytest.mark.parametrize(("to", "names"), [("keras", ("resnet18", "resnet34")), ("torch", ("ResNet50", "unet"))])
def test_a_run_goes_on_where_it_was_stopped(
    to: str, names: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direction = replace(DIRECTIONS[to], packages=("numpy",))
    monkeypatch.setitem(DIRECTIONS, to, direction)
    monkeypatch.setattr("bench.translations.direction.ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    (tmp_path / "docs").mkdir()
    ran: list[str] = []

    def made(direction: Direction, model: Model) -> dict[str, Any]:
        ran.append(model.name)
        return row(model.name, passed=model.name != names[1] or len(ran) > 2)

    monkeypatch.setattr(runner, "row", made)
    assert runner.main([*names, "--to", to, "--jobs", "1"]) == 1
    assert runner.main([*names, "--to", to, "--resume"]) == 0
    assert ran == [*names, names[1]]
    kept = json.loads(direction.results.read_text(encoding="utf-8"))
    assert [entry["verdict"] for entry in kept["models"]] == ["pass", "pass"]
    page = direction.docs.read_text(encoding="utf-8")
    assert page.startswith(WORDS[to].title)
    assert "2 of 2 translated" in page


def test_places_on_this_machine_are_left_out() -> None:
    folder = Path(np.__file__).parents[1]
    assert runner.without_places(f"at {folder}/torch/nn.py:3, {ROOT}/bench/x.py") == "at torch/nn.py:3, bench/x.py"


def test_an_unknown_model_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["resnet17"]) == 2
    assert "resnet18" in capsys.readouterr().err


def test_the_page_shows_every_row() -> None:
    bad = row("bad", stage="building", ended="exit code 1: died", seconds={}, parts=[], fresh=None, taken=0, weights=0)
    page = table.page([row("good"), bad, row("odd", error=REFUSED)], {"torch": "2.13.0"}, WORDS["keras"])
    assert "- toys: 1 of 3 translated and proven, 1 refused, 1 failed" in page
    assert "| good | 3×8×8 | pass | 1.50 × | 3e-15 |  | 1 / 2 / 0 | 7.0 | 2.0 × / 1.5 × | 120 |" in page
    assert "Of 2 files `model.keras`, 2 load without `model.py`" in page
    assert "- bad, FAIL: building: exit code 1: died" in page
    assert "- odd, refused: no rule (roi_heads): nms" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert "died" in table.line(bad)


ACCEPTS = {
    "export": {"ended": "", "problem": "", "transposes": {"graph": 3, "layout": 1, "copies": 0}},
    "compile": {"ended": "", "problem": "outputs 1e-2 of the largest apart"},
    "script": {"ended": "exit code 1: no", "problem": ""},
}


def test_the_page_shows_who_takes_a_module() -> None:
    taken = {way: {"ended": "", "problem": ""} for way in ACCEPTS}
    rows = [row("good", turns=5, accepts=taken), row("odd", turns=5, accepts=ACCEPTS)]
    page = table.page(rows, {}, WORDS["torch"])
    assert "Of 2 modules export takes 2, compile takes 1, script takes 1." in page
    assert "| 3 / 1 / 0 / 5 | 7.0 | 2.0 × / 1.5 × | 120 | export |" in page
    assert "- odd, compile: outputs 1e-2" in page
    assert "- odd, script: exit code 1: no" in page
    assert rejected(rows[0]) == {"export": "", "compile": "", "script": ""}


def test_models_are_chosen_by_name_or_tier() -> None:
    models = catalogue.OF_PYTORCH
    found = catalogue.chosen(models, ["swin_t", "levit_128s"], "required")
    assert [model.name for model in found] == ["swin_t", "levit_128s"]
    required = catalogue.chosen(models, [], "required")
    assert {"resnet18", "raft_small", "bert", "wav2vec2", "ssd300_vgg16"} <= {model.name for model in required}
    assert len(catalogue.chosen(models, [], "all")) == len(required) + len(catalogue.chosen(models, [], "others"))


def test_no_two_models_of_a_direction_have_one_name() -> None:
    of_pytorch = (vision.MODELS, catalogue.language.MODELS, catalogue.breadth.MODELS)
    of_keras = (applications.MODELS, backbones.MODELS, functional.MODELS)
    assert len(catalogue.OF_PYTORCH) == sum(map(len, of_pytorch))
    assert len(catalogue.OF_KERAS) == sum(map(len, of_keras))


def test_every_model_of_keras_applications_has_a_row() -> None:
    import keras

    made = {name for name in dir(keras.applications) if name[:1].isupper()}
    assert {model.name for model in applications.MODELS} == made


@pytest.mark.slow
@pytest.mark.parametrize("model", functional.MODELS, ids=lambda model: model.name)
def test_a_model_of_peoples_own_tells_its_inputs_apart(model: Model) -> None:
    made = source.built(model)
    one, two = (source.outputs(made, model, model.arrays(2, seed=seed)) for seed in (1, 2))
    assert all(np.abs(array - two[name]).max() > 1e-3 * np.abs(array).max() for name, array in one.items())
    counts = source.trained(made, model)
    assert counts["used"] == counts["source"] > 0


@pytest.mark.skipif(find_spec("torchvision") is None, reason="the zoo is not installed")
def test_every_model_of_torchvision_has_a_row() -> None:
    from bench.zoo import declare_boxes

    declare_boxes()
    from torchvision import models

    lists = (models, models.segmentation, models.video, models.optical_flow, models.detection)
    names = {name for module in lists for name in models.list_models(module=module)}
    assert names == {model.name for model in vision.MODELS}


def test_inputs_are_of_their_kind() -> None:
    assert MODEL.given() == [(2, 3, 8, 8)]
    text = (Entry((7,), "ids", below=5), Entry((7,), "mask", mask=True))
    given = Model("toy", "toys", MODEL.make, text).given()
    assert isinstance(given, dict)
    ids, mask = given["ids"], given["mask"]
    assert isinstance(ids, np.ndarray)
    assert isinstance(mask, np.ndarray)
    assert ids.shape == (2, 7)
    assert ids.max() < 5
    assert mask.sum(axis=1).tolist() == [7, 6]
    assert Entry((3, 8, 8)).array(3).dtype == np.float32


def test_outputs_are_laid_out_and_compared() -> None:
    wide = np.random.default_rng(0).standard_normal((3, 4, 5, 6))
    theirs = {"0": wide.astype(np.float32)}
    own = outputs.errors(theirs, {"0": wide})
    assert 0 < own["0"] < 1e-7
    moved = {"out": np.moveaxis(theirs["0"], 1, -1)}
    assert not outputs.compared(moved, theirs, own).problem
    assert not outputs.compared(moved, theirs, {}).problem
    off = {"out": moved["out"] + 1e-3}
    assert "apart" in outputs.compared(off, theirs, own).problem
    assert not outputs.compared(off, theirs, {"0": 1e-3}).problem  # where float32 itself is that far off
    assert "apart" in outputs.compared(off, theirs, {}).problem
    assert "apart" in outputs.compared({"out": moved["out"] * np.nan}, theirs, {}).problem
    assert "shape" in outputs.compared({"out": wide[:2]}, theirs, {}).problem
    assert "2 outputs for 1" in outputs.compared({"a": wide, "b": wide}, theirs, {}).problem
    assert "0 outputs for 0" in outputs.compared({}, {}, {}).problem


def test_what_float32_does_not_tell_is_settled_in_float64(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).standard_normal((3, 4))
    shaken = wide.astype(np.float32) + np.float32(3e-3)
    np.savez(tmp_path / "samples.npz", **{"in:0": wide, "out:": shaken, "own:": 1e-4, "wide:": wide})
    samples, record = outputs.Samples.read(tmp_path / "samples.npz"), Record(tmp_path / "record.json")
    samples.note("one", wide, record)
    samples.note("two", wide, record, lambda: wide + 1e-9)
    samples.note("three", wide, record, lambda: wide + 1e-7)
    found = record.facts["files"]
    assert ["apart" in found[name]["problem"] for name in ("one", "two", "three")] == [True, False, True]


def test_outputs_are_paired_by_name_before_by_place() -> None:
    one, two = np.ones((3, 4)), np.zeros((3, 4))
    assert not outputs.compared({"b": one, "a": two}, {"a": two, "b": one}, {}).problem
    assert not outputs.compared({"0": two, "1": one}, {"a": two, "b": one}, {}).problem
    assert outputs.compared({"0": one, "1": two}, {"a": two, "b": one}, {}).problem


def test_outputs_are_taken_apart() -> None:
    assert outputs.flat(5) == {"": 5}
    assert outputs.flat({"a": 1, "b": [2, (3, None)]}) == {"a": 1, "b.0": 2, "b.1.0": 3}


@pytest.mark.skipif(not memory.RESET.exists(), reason="not Linux")
def test_memory_that_is_held_and_given_back_is_seen() -> None:
    before = memory.settled()
    np.ones(20_000_000, np.uint8).sum()
    assert 19e6 < memory.peak() - before < 60e6


def _saved(folder: Path) -> None:
    """A translation as it is saved, made by hand: a convolution, a transpose, the mean."""
    import keras

    folder.mkdir()
    entry = keras.Input((6, 5, 3))
    x = keras.layers.Dense(4)(keras.layers.Conv2D(4, 3)(entry))  # which TensorFlow transposes by nothing
    x = keras.ops.transpose(keras.layers.Permute((3, 1, 2))(x), (0, 2, 3, 1))
    model = keras.Model(entry, keras.ops.mean(x, axis=(1, 2)))
    model.save(folder / "model.keras")
    samples = np.random.default_rng(0).standard_normal((3, 3, 6, 5)).astype(np.float32)
    result = np.asarray(model(np.moveaxis(samples, 1, -1)))
    np.savez(folder.parent / "samples.npz", **{"in:0": samples, "out:": result})
    code = """
    from pathlib import Path

    import keras


    def load_model():
        return keras.models.load_model(Path(__file__).with_name("model.keras"))
    """
    (folder / "model.py").write_text(dedent(code), encoding="utf-8")
    (folder / "test_parity.py").write_text(PARITY, encoding="utf-8")


PARITY = "from model import load_model\n\n\ndef test_parity():\n    assert load_model() is not None\n"


def _saved_module(folder: Path, **instead: str) -> None:
    """The same from Keras: a convolution, a permute, a loop."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    code = """
    from pathlib import Path

    import torch
    from safetensors.torch import load_file
    from torch import nn


    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            x = self.conv(image).permute(0, 2, 3, 1).transpose(1, 2).contiguous()
            BODY
            return x.mean(2)


    def build_model() -> nn.Module:
        return Net()


    def load_model() -> nn.Module:
        model = build_model()
        model.load_state_dict(load_file(Path(__file__).with_name("model.safetensors")))
        return model.eval()
    """
    (folder / "model.py").write_text(dedent(code).replace("BODY", instead.get("body", "")), encoding="utf-8")
    (folder / "test_parity.py").write_text(PARITY, encoding="utf-8")
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 4, 3)
    weights = {f"conv.{name}": tensor for name, tensor in conv.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    torch.save(weights, folder / "model.pt")
    samples = np.random.default_rng(0).standard_normal((3, 3, 6, 5)).astype(np.float32)
    with torch.no_grad():
        result = conv(torch.from_numpy(samples)).permute(0, 3, 2, 1).mean(2).numpy()
    np.savez(folder.parent / "samples.npz", **{"in:image": samples, "out:": result})


@pytest.mark.slow
def test_what_was_saved_runs_on_its_own(tmp_path: Path) -> None:
    _saved(tmp_path / "saved")
    found = runner._process("fresh", tmp_path / "fresh.json", "keras", str(tmp_path))
    assert found["ended"] == ""
    assert found["alone"]
    assert found["transposes"] == {"model": 2, "graph": 2, "layout": 2}
    assert [file["problem"] for file in found["files"].values()] == ["", ""]
    assert judged(record(fresh=found)) == ("pass", "")


@pytest.mark.slow
def test_what_needs_homolog_does_not(tmp_path: Path) -> None:
    _saved(tmp_path / "saved")
    (tmp_path / "saved" / "model.py").write_text("import homolog\n", encoding="utf-8")
    found = runner._process("fresh", tmp_path / "fresh.json", "keras", str(tmp_path))
    verdict, reason = judged(record(fresh=found))
    assert verdict == "FAIL"
    assert "test_parity.py on its own" in reason
    assert "homolog is kept out" in reason
    assert "homolog" in sys.modules or find_spec("homolog") is not None  # here it can be imported


def test_memory_over_the_bound_is_said_and_is_no_verdict() -> None:
    greedy = record(taken=500e6)
    assert judged(greedy) == ("pass", "")
    assert takes_too_much(greedy)
    assert not takes_too_much(record())


@pytest.mark.slow
def test_a_module_that_was_saved_runs_and_is_taken_on_its_own(tmp_path: Path) -> None:
    _saved_module(tmp_path / "saved")
    found = runner._process("fresh", tmp_path / "fresh.json", "torch", str(tmp_path))
    assert found["ended"] == ""
    assert {name: file["problem"] for name, file in found["files"].items()} == {"model.safetensors": "", "model.pt": ""}
    answers = {way: runner._process("accepted", tmp_path / f"{way}.json", way, str(tmp_path)) for way in ACCEPTS}
    assert rejected(record(accepts=answers)) == dict.fromkeys(ACCEPTS, "")
    assert answers["export"]["transposes"] == {"graph": 2, "layout": 1, "copies": 1}


@pytest.mark.slow
def test_a_module_that_no_compiler_takes_says_why(tmp_path: Path) -> None:
    _saved_module(tmp_path / "saved", body="x = x + 1 if bool(x.sum() > 0) else x")
    for way in ("export", "compile"):
        answer = runner._process("accepted", tmp_path / f"{way}.json", way, str(tmp_path))
        assert rejected(record(accepts={way: answer}))[way]

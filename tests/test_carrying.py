"""Plain settings that go from the source into the target, live and in files, and those that do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog import cli, rules
from homolog.errors import Mismatch, Usage
from homolog.opening import open_network
from homolog.plan import Plan

INPUTS = [(2, 3, 6, 5)]
OURS = {"eps": 3e-2, "momentum": 0.2, "slope": 0.07, "rate": 0.35, "alpha": 0.6}
THEIRS = {"eps": 1e-3, "momentum": 0.04, "slope": 0.3, "rate": 0.15, "alpha": 1.4}


def torch_net(settings: dict[str, float], seed: int = 0) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 4, (3, 2)),
        nn.BatchNorm2d(4, eps=settings["eps"], momentum=settings["momentum"]),
        nn.LeakyReLU(settings["slope"]),
        nn.Dropout(settings["rate"]),
        nn.Flatten(),
        nn.Linear(64, 5),
        nn.ELU(settings["alpha"]),
    )
    for tensor in (*net[1].parameters(), net[1].running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(net[1].running_var, 0.02, 0.2)
    return net


def keras_net(settings: dict[str, float], seed: int = 1) -> Any:
    from homolog.keras.framework import require

    keras = require()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((6, 5, 3)),
            layers.Conv2D(4, (3, 2), name="conv"),
            layers.BatchNormalization(epsilon=settings["eps"], momentum=1 - settings["momentum"], name="bn"),
            layers.LeakyReLU(settings["slope"], name="leaky"),
            layers.Dropout(settings["rate"], name="drop"),
            layers.Flatten(name="flat"),
            layers.Dense(5, name="dense"),
            layers.ELU(settings["alpha"], name="elu"),
        ]
    )
    net.get_layer("bn").moving_variance.assign(np.linspace(0.02, 0.2, 4))
    return net


def of_torch(net: Any) -> dict[str, float]:
    return {
        "eps": net[1].eps,
        "momentum": net[1].momentum,
        "slope": net[2].negative_slope,
        "rate": net[3].p,
        "alpha": net[6].alpha,
    }


def of_keras(net: Any) -> dict[str, float]:
    return {
        "eps": net.get_layer("bn").epsilon,
        "momentum": round(1 - net.get_layer("bn").momentum, 12),
        "slope": net.get_layer("leaky").negative_slope,
        "rate": net.get_layer("drop").rate,
        "alpha": net.get_layer("elu").alpha,
    }


def opened(path: Path) -> dict[str, float]:
    """The settings of a file, as the framework's own loader makes the model."""
    model = open_network(path).live.model
    return of_torch(model) if path.suffix == ".pt" else of_keras(model)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Both nets as files: ``ours.pt`` with our settings, ``theirs.*`` with the others and other weights."""
    import torch

    torch.save(torch_net(OURS), tmp_path / "ours.pt")
    torch.save(torch_net(THEIRS, seed=2), tmp_path / "theirs.pt")
    for suffix in (".h5", ".keras"):
        open_network(keras_net(OURS)).live.save(tmp_path / f"ours{suffix}", f"keras{'-h5' * (suffix == '.h5')}")
        open_network(keras_net(THEIRS)).live.save(tmp_path / f"theirs{suffix}", f"keras{'-h5' * (suffix == '.h5')}")
    return tmp_path


@pytest.mark.parametrize("to", ["keras", "torch"])
def test_a_live_target_gets_the_settings_and_only_if_asked(to: str) -> None:
    source, target = (
        (torch_net(OURS), keras_net(THEIRS)) if to == "keras" else (keras_net(OURS), torch_net(THEIRS, seed=3))
    )
    read = of_keras if to == "keras" else of_torch

    with pytest.raises(Mismatch, match="--carry-config"):
        homolog.copy(source, into=target)
    assert read(target) == THEIRS

    copy = homolog.copy(source, into=target, carry_config=True)

    assert copy.model is target
    assert read(target) == OURS
    assert copy.proof.passed, str(copy.proof)
    assert not copy.plan.differences
    assert len(copy.plan.carried) == len(OURS)
    assert homolog.verify(source, target).passed
    assert "the settings of Sequential itself were changed" in copy.notes


def test_every_setting_is_said_in_the_words_of_the_target(saved: Path) -> None:
    said = {str(item) for item in homolog.copy(saved / "ours.pt", saved / "theirs.h5", carry_config=True).plan.carried}
    back = {str(item) for item in homolog.copy(saved / "ours.h5", saved / "theirs.pt", carry_config=True).plan.carried}

    assert said == {
        "epsilon 0.001 → 0.03 in bn",
        "momentum 0.96 → 0.8 in bn",
        "negative_slope 0.3 → 0.07 in leaky",
        "rate 0.15 → 0.35 in drop",
        "alpha 1.4 → 0.6 in elu",
    }
    assert back == {
        "eps 0.001 → 0.03 in 1",
        "momentum 0.04 → 0.2 in 1",
        "negative_slope 0.3 → 0.07 in 2",
        "p 0.15 → 0.35 in 3",
        "alpha 1.4 → 0.6 in 6",
    }


@pytest.mark.parametrize(
    ("a", "b"), [("pt", "h5"), ("pt", "keras"), ("h5", "pt"), ("keras", "pt"), ("keras", "h5"), ("pt", "pt")]
)
def test_a_written_copy_has_the_settings_when_it_is_loaded_again(saved: Path, a: str, b: str) -> None:
    source, target, out = saved / f"ours.{a}", saved / f"theirs.{b}", saved / f"out.{b}"
    before = target.read_bytes()

    copy = homolog.copy(source, target, inputs=INPUTS if a == "pt" else None, carry_config=True)
    copy.save(out)

    assert copy.proof.passed
    assert opened(out) == OURS
    assert homolog.verify(source, out, INPUTS if a == "pt" else None).passed
    assert target.read_bytes() == before
    assert opened(target) == THEIRS


def test_training_settings_alone_are_carried_too(saved: Path) -> None:
    target = keras_net({**OURS, "momentum": 0.5, "rate": 0.0})

    untouched = homolog.copy(saved / "ours.pt", keras_net({**OURS, "momentum": 0.5, "rate": 0.0}))
    copy = homolog.copy(saved / "ours.pt", target, carry_config=True)

    assert untouched.proof.passed
    assert not untouched.plan.carried
    assert of_keras(untouched.model) == {**OURS, "momentum": 0.5, "rate": 0.0}
    assert [item.setting for item in copy.plan.carried] == ["momentum", "rate"]
    assert of_keras(target) == OURS
    dropped = np.asarray(target(np.ones((1, 6, 5, 3), np.float32), training=True))
    assert not np.array_equal(dropped, np.asarray(target(np.ones((1, 6, 5, 3), np.float32), training=False)))


def test_a_compiled_prediction_is_made_anew() -> None:
    source, target = torch_net(OURS), keras_net(THEIRS)
    image = np.random.default_rng(0).standard_normal((2, 6, 5, 3)).astype(np.float32)
    target.predict(image, verbose=0)

    homolog.copy(source, target, carry_config=True)

    np.testing.assert_allclose(target.predict(image, verbose=0), target(image, training=False), rtol=1e-5, atol=1e-6)


def test_files_get_the_settings_without_being_run(saved: Path) -> None:
    for suffix in ("h5", "keras", "pt"):
        out = saved / f"unrun.{suffix}"
        homolog.copy(saved / "ours.keras", saved / f"theirs.{suffix}", carry_config=True, run=False).save(out)
        assert opened(out) == OURS
        assert homolog.verify(saved / "ours.keras", out).passed


class TestWhatIsNotPlain:
    def test_the_mode_of_padding_is_refused_and_nothing_is_touched(self) -> None:
        from torch import nn

        source, target = torch_net(OURS), torch_net(THEIRS, seed=4)
        source[0] = nn.Conv2d(3, 4, (3, 2), padding_mode="reflect")
        kept = {name: tensor.clone() for name, tensor in target.state_dict().items()}

        with pytest.raises(Mismatch) as error:
            homolog.copy(source, target, inputs=INPUTS, carry_config=True)

        assert [line.split(":")[0] for line in error.value.details] == ["differs in padding_mode"]
        assert of_torch(target) == THEIRS
        assert all(tensor.equal(kept[name]) for name, tensor in target.state_dict().items())

    def test_what_is_plain_is_carried_where_differences_are_allowed(self) -> None:
        from torch import nn

        source, target = torch_net(OURS), torch_net(THEIRS, seed=4)
        source[0] = nn.Conv2d(3, 4, (3, 2), padding_mode="reflect")

        copy = homolog.copy(source, target, inputs=INPUTS, carry_config=True, allow_differences=True)

        assert [item.setting for item in copy.plan.differences] == ["padding_mode"]
        assert of_torch(target) == OURS

    def test_another_activation(self) -> None:
        from torch import nn

        source = torch_net(OURS)
        source[6] = nn.Tanh()

        with pytest.raises(Mismatch, match="differs in activation"):
            homolog.copy(source, keras_net(THEIRS), carry_config=True)

    def test_a_layer_called_twice_for_two_settings_keeps_its_own(self) -> None:
        from torch import nn

        class Shared(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.one, self.two, self.act = nn.Linear(3, 4), nn.Linear(4, 5), nn.LeakyReLU(0.1)

            def forward(self, x: Any) -> Any:
                return self.act(self.two(self.act(self.one(x))))

        source = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 5), nn.LeakyReLU())
        target = Shared()
        for slopes in ((0.1, 0.4), (0.4, 0.1), (0.4, 0.7)):
            source[1].negative_slope, source[3].negative_slope = slopes
            with pytest.raises(Mismatch) as error:
                homolog.copy(source, target, inputs=[(2, 3)], carry_config=True)
            assert len(error.value.details) == sum(slope != 0.1 for slope in slopes)
            assert target.act.negative_slope == 0.1

        source[1].negative_slope = source[3].negative_slope = 0.4
        assert homolog.copy(source, target, inputs=[(2, 3)], carry_config=True).proof.passed
        assert target.act.negative_slope == 0.4

    def test_a_module_in_two_places_of_a_chain(self) -> None:
        from torch import nn

        act = nn.ELU(1.5)
        source = nn.Sequential(nn.Linear(3, 4), nn.ELU(0.4), nn.Linear(4, 5), nn.ELU(1.5))
        target = nn.Sequential(nn.Linear(3, 4), act, nn.Linear(4, 5), act)
        with pytest.raises(Mismatch, match="stands in several places"):
            homolog.copy(source, target, inputs=[(2, 3)], carry_config=True)
        assert act.alpha == 1.5

        source[3].alpha = 0.4
        assert homolog.copy(source, target, inputs=[(2, 3)], carry_config=True).proof.passed
        assert act.alpha == 0.4

    def test_an_average_over_all_batches_has_no_momentum(self) -> None:
        source, target = torch_net(OURS), keras_net(OURS)
        source[1].momentum = None

        copy = homolog.copy(source, target, carry_config=True)

        assert not copy.plan.carried
        assert of_keras(target) == OURS
        assert "not carried: momentum: None in 1, 0.2 in bn" in copy.notes

    def test_a_value_that_keras_refuses(self) -> None:
        with pytest.raises(Mismatch, match="does not accept"):
            homolog.copy(torch_net({**OURS, "slope": -0.2}), keras_net(OURS), carry_config=True)


class TestFilesOfWeights:
    def test_as_target(self, saved: Path) -> None:
        import torch

        torch.save(torch_net(THEIRS).state_dict(), saved / "weights.pt")
        made = open_network(saved / "weights.pt")
        made._make = lambda: torch_net(THEIRS)
        for target in (saved / "weights.pt", made):
            with pytest.raises(Usage, match="holds no settings"):
                homolog.copy(saved / "ours.pt", target, inputs=INPUTS, carry_config=True)

    def test_as_source(self, saved: Path) -> None:
        import torch

        torch.save(torch_net(OURS).state_dict(), saved / "weights.pt")
        with pytest.raises(Usage, match="does not say its settings"):
            homolog.copy(saved / "weights.pt", saved / "theirs.pt", carry_config=True)

    def test_as_what_is_written(self, tmp_path: Path) -> None:
        copy = homolog.copy(keras_net(OURS), torch_net(THEIRS), carry_config=True)

        with pytest.raises(Usage, match="the output holds weights alone"):
            copy.save(tmp_path / "out.safetensors")
        assert not list(tmp_path.iterdir())


def test_a_live_keras_model_keeps_them_when_it_is_saved(tmp_path: Path) -> None:
    copy = homolog.copy(torch_net(OURS), keras_net(THEIRS), carry_config=True)

    assert opened(copy.save(tmp_path / "out.keras")) == OURS
    assert opened(copy.save(tmp_path / "out.h5")) == OURS


def test_a_plan_says_what_is_carried_and_reads_again(saved: Path) -> None:
    plan = homolog.match(saved / "ours.pt", saved / "theirs.h5", carry_config=True)
    (saved / "plan.toml").write_text(plan.to_toml(), encoding="utf-8")

    again = Plan.from_toml(saved / "plan.toml")
    assert [str(item) for item in again.carried] == [str(item) for item in plan.carried]
    copy = homolog.copy(saved / "ours.pt", saved / "theirs.h5", saved / "plan.toml", carry_config=True)
    assert [str(item) for item in copy.plan.carried] == [str(item) for item in plan.carried]
    with pytest.raises(Mismatch, match="differs in eps"):
        homolog.copy(saved / "ours.pt", saved / "theirs.h5", saved / "plan.toml")


def test_the_command_line(saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: object) -> tuple[object, str]:
        monkeypatch.setattr("sys.argv", ["homolog", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code, said.out + said.err

    words = ("copy", saved / "ours.pt", saved / "theirs.keras", "-o", saved / "out.keras")
    code, said = run(*words)
    assert (code, "--carry-config" in said) == (1, True)
    code, said = run(*words, "--carry-config", "--dry-run")
    assert (code, "epsilon 0.001 → 0.03 in bn" in said) == (0, True)
    assert not (saved / "out.keras").exists()
    code, said = run(*words, "--carry-config", "--json")
    carried = json.loads(said)["plan"]["carried"]
    assert (code, {item["setting"]: item["after"] for item in carried}["momentum"]) == (0, 0.8)
    assert opened(saved / "out.keras") == OURS
    code, said = run(*words, "--carry-config", "--force")
    assert "carried: alpha 1.4 → 0.6 in elu" in said


FORMS = [(rule.name, field) for rule in rules.TABLE for field in rule.fields if field.carried and rule.name != "gelu"]


@pytest.mark.parametrize(("rule", "field"), FORMS, ids=[f"{rule}.{field.name}" for rule, field in FORMS])
def test_the_way_back_of_every_carried_field_is_the_inverse(rule: str, field: rules.Field) -> None:
    for value in (0.125, 0.75):
        assert field.form.from_keras(field.form.to_keras(value)) == value
        assert field.form.from_torch(field.form.to_torch(value)) == value


def test_words_go_both_ways() -> None:
    (field,) = (field for rule in rules.TABLE if rule.name == "gelu" for field in rule.fields)
    assert field.carried
    for value in ("tanh", "none"):
        assert field.form.from_keras(field.form.to_keras(value)) == value

"""Random networks: whatever the tree of modules and however it is wired, the structured source computes the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homolog.writing import Program, outlining, structured
from writing.programs import Trace, outcome, source, structured_outcome

WORDS = ("conv", "norm", "proj", "layer1", "layer10", "0", "1", "10")


class Maker:
    """A random network of a few classes of modules, each with a body or two that its instances share."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.trace = Trace(("left", "right"))
        self.made = ["left", "right"]
        self.bodies = {
            type: [self._body(depth) for _ in range(2)] for depth, type in enumerate(("Leaf", "Block", "Sequential"))
        }

    def _body(self, depth: int) -> list[tuple[str, int, object]]:
        """What a class does: (what, which of the last values it reads, what else)."""
        steps: list[tuple[str, int, object]] = []
        for _ in range(self.random.randint(1, 4)):
            what = self.random.choice(
                ["layer", "layer", "join", "several", "shared", "list", "outer"] + ["child"] * (2 * depth)
            )
            steps.append((what, self.random.randint(1, 3), self.random.randint(0, 2)))
        return steps

    def module(self, path: str, type: str, body: int, setting: int) -> None:
        depth = ("Leaf", "Block", "Sequential").index(type)
        with self.trace.module(path, type) as name:
            for number, (what, back, extra) in enumerate(self.bodies[type][body]):
                self.step(what, back, int(extra), name, number, setting, path, depth)

    def step(
        self, what: str, back: int, extra: int, name: str, number: int, setting: int, path: str, depth: int
    ) -> None:
        x, y = self.made[-min(back, len(self.made))], self.made[-1]
        if what == "layer":
            self.made.append(
                self.trace(f'layers.Conv2D({setting * 2**extra}, 3, strides={extra}, name="{name}_{number}")({y})')
            )
        elif what == "join":
            self.made.append(self.trace(f"{y} + {x}"))
        elif what == "several":
            self.made += self.trace.several(f"ops.unpack({y}, 2)", 2)
        elif what == "shared":
            self.made.append(self.trace(f'shared["head_{extra}"]({y})'))
        elif what == "list":
            last = self.made[-self.random.randint(1, 4) :]
            self.made.append(self.trace(f"ops.concatenate([{', '.join(last)}], axis={extra})"))
        elif what == "outer":
            self.made.append(self.trace(f"{self.random.choice(self.made)} * {y}"))
        elif depth:
            child = ("Leaf", "Block")[self.random.randint(0, depth - 1)]
            for repetition in range(extra + 1):
                inner = f"{path}.{self.random.choice(WORDS) if self.random.random() < 0.2 else number}.{repetition}"
                self.module(inner, child, extra % 2, setting)

    def program(self, length: int) -> Program:
        for number in range(length):
            kind = self.random.random()
            if kind < 0.2:
                self.step("layer", 1, 1, "stem", number, 8, "", 0)
            elif kind < 0.3 and number:
                again = self.random.choice(
                    [call for item in self.trace.statements for call in item.calls[:1]] or [None]
                )
                if again is not None:
                    self.module(again.path, again.type, number % 2, 4)
            else:
                type = self.random.choice(("Leaf", "Block", "Sequential"))
                body, setting = self.random.choice([0, 0, 0, 1]), self.random.choice([2, 4, 8])
                for repetition in range(self.random.randint(1, 4)):
                    self.module(f"{self.random.choice(WORDS)}.{number}.{repetition}", type, body, setting)
        outputs = [self.made[-1], *self.random.sample(self.made, min(len(self.made), self.random.randint(0, 3)))]
        return self.trace.program(*outputs)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), length=st.integers(1, 6))
def test_a_random_network_computes_the_same(seed: int, length: int) -> None:
    program = Maker(seed).program(length)
    found = structured(program)
    assert structured_outcome(found, program) == outcome(program), source(found)


def lines(seed: int) -> Program:
    """Statements of few patterns over recent variables, a good part of them repeated as a loop would repeat them."""
    rng = random.Random(seed)
    t = Trace(("left", "right"))
    made = ["left", "right"]
    for _ in range(rng.randint(1, 3)):
        state = [rng.choice(made) for _ in range(rng.randint(1, 3))]
        grown = [rng.choice(made)]
        fixed = [rng.choice(made) for _ in range(2)]
        steps = [
            (
                rng.choice(["unary", "binary", "several", "outer", "other", "list", "grow", "past"]),
                rng.random(),
                rng.random(),
            )
            for _ in range(rng.randint(1, 5))
        ]
        past: list[str] = []
        order = [rng.randrange(len(state)) for _ in state]
        for repetition in range(rng.randint(1, 6)):
            local, new = list(state), []
            for what, one, two in steps:
                x, y = local[int(one * len(local))], local[int(two * len(local))]
                if what == "unary":
                    local.append(t(f'layers.Dense({8 + repetition // 3}, name="part_{repetition}_fc")({x})'))
                elif what == "binary":
                    local.append(t(f"{x} + {y}"))
                elif what == "several":
                    local += t.several(f"ops.unpack({x}, 2)", 2)
                elif what == "outer":
                    local.append(t(f"{x} * {fixed[int(two * 2)]}"))
                elif what == "other":
                    local.append(t(f"{x} * {made[repetition % len(made)]}"))
                elif what == "list":
                    local.append(t(f"ops.concatenate([{x}, {y}], axis=1)"))
                elif what == "grow":
                    grown.append(t(f"ops.concatenate([{', '.join(grown)}])"))
                    local.append(grown[-1])
                else:
                    before = ", ".join([fixed[int(one * 2)], *past] if two < 0.5 else [*past, *new, fixed[0]])
                    local.append(t(f"ops.concatenate([{before}])"))
                    new.append(local[-1])
            made += local[len(state) :]
            past += new[: 1 + (seed % 2)]
            state = [local[-1 - min(number, len(local) - 1)] for number in order]
        if rng.random() < 0.5:
            made.append(t(f"ops.stack([{', '.join(grown)}])"))
    several = rng.random() < 0.5
    return t.program(made[-1], *(rng.sample(made, min(len(made), 4)) if several else ()))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**9), length=st.integers(1, 6))
def test_a_random_network_computes_the_same_in_short_functions(seed: int, length: int) -> None:
    program = Maker(seed).program(length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlining, "LONG", 4)
        patch.setattr(outlining, "WORTH", 2)
        found = structured(program)
    assert structured_outcome(found, program) == outcome(program), source(found)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_random_lines_compute_the_same(seed: int) -> None:
    program = lines(seed)
    found = structured(program)
    assert structured_outcome(found, program) == outcome(program), source(found)

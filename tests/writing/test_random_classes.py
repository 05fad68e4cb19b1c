"""Random networks: whatever the scopes, the names and the wiring, the classes compute what the statements do."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from homolog.writing import Program, classes
from writing.modules import Modules, flat_outcome, outcome

WORDS = ("conv", "norm", "proj", "layer1", "layer10", "type", "0", "1_2", "forward", "half_2", "BN")
KINDS = ("Leaf", "Block", "Sequential")


class Maker:
    """A random network of a few classes of modules, each with a body or two that its instances share."""

    def __init__(self, seed: int, flat: bool = False) -> None:
        self.random = random.Random(seed)
        self.flat = flat
        self.separator = self.random.choice("._/")
        self.trace = Modules(("left", "right"))
        self.made = ["left", "right"]
        self.names: list[str] = []
        self.bodies = {type: [self._body(depth) for _ in range(2)] for depth, type in enumerate(KINDS)}

    def _body(self, depth: int) -> list[tuple[str, int, int, str]]:
        """What a class does: (what, which of the last values it reads, what else, what it is called)."""
        steps = []
        for _ in range(self.random.randint(1, 4)):
            what = self.random.choice(
                ["layer", "layer", "plain", "join", "reshape", "several", "tensor", "tied", "list", "outer", "again"]
                + ["child"] * (2 * depth)
            )
            steps.append((what, self.random.randint(1, 3), self.random.randint(0, 2), self.random.choice(WORDS)))
        return steps

    def module(self, path: str, type: str, body: int, setting: int) -> None:
        """One call of a module."""
        if self.flat:
            self._inside(path, type, body, setting)
        else:
            with self.trace.module(path, type):
                self._inside(path, type, body, setting)

    def _inside(self, path: str, type: str, body: int, setting: int) -> None:
        for number, (what, back, extra, word) in enumerate(self.bodies[type][body]):
            self.step(
                what, back, extra, f"{path}{self.separator}{word}{number}{what[:2]}", setting, path, KINDS.index(type)
            )

    def step(self, what: str, back: int, extra: int, name: str, setting: int, path: str, depth: int) -> None:
        """One or more statements."""
        t = self.trace
        x, y = self.made[-min(back, len(self.made))], self.made[-1]
        linear = f"nn.Linear({setting}, {setting * 2**extra}, bias={extra == 1})"
        expressions = {
            "plain": f"F.relu({y})",
            "join": f"{y} + {x}",
            "reshape": f"torch.reshape({y}, (-1, {setting}))",
            "list": f"torch.cat([{', '.join(self.made[-self.random.randint(1, 4) :])}], dim={extra})",
            "outer": f"{self.random.choice(self.made)} * {y}",
        }
        if what in expressions:
            self.made.append(t(expressions[what]))
        elif what == "layer":
            self.made.append(t.make(name, linear, f"made({y})"))
        elif what == "tied":
            self.made.append(t.make(name, linear, f"torch.matmul(made({y}), made.weight)"))
        elif what == "several":
            self.made += t.made(name, "nn.GRU(8, 8)", f"made({y}, {x})", 2)
        elif what == "tensor":
            self.tensor(name, setting, extra, back)
        elif what == "again":
            for _ in range(2):
                shared = f"shared{extra}" if back == 1 else name
                self.made.append(t.make(shared, f"nn.Conv2d({extra}, 3, 1)", f"made({self.made[-1]})"))
        elif depth:
            for repetition in range(extra + 1):
                self.module(f"{name}{self.separator}{repetition}", KINDS[back % depth], extra % 2, setting)

    def tensor(self, name: str, setting: int, extra: int, back: int) -> None:
        """Tensors of the module, one of which may be another's as well."""
        module = f"Buffer(torch.zeros({setting}))" if extra % 2 else f"nn.Parameter(torch.empty({setting}, 3))"
        if extra == 2:
            name, module = "a/tensor", "nn.Parameter(torch.empty(9))"
        self.made.append(self.trace.make(name, module, f"made + {self.made[-1]}"))
        if back == 2:
            self.made.append(self.trace.make(f"{name}_alone", "nn.Parameter(torch.empty(2))", "made"))

    def program(self, length: int) -> Program:
        """A network of so many parts."""
        made: list[tuple[str, str, int]] = []
        for number in range(length):
            if made and self.random.random() < 0.3:
                self.module(*self.random.choice(made), 4)
                continue
            type, body = self.random.choice(KINDS), self.random.choice([0, 0, 0, 1])
            setting = self.random.choice([2, 4, 8]) if self.random.random() < 0.5 else 4
            word = self.random.choice(WORDS)
            for repetition in range(self.random.randint(1, 4)):
                made.append((f"{word}{self.separator}{number}{self.separator}{repetition}", type, body))
                self.module(*made[-1], setting)
        outputs = [self.made[-1], *self.random.sample(self.made, min(len(self.made), self.random.randint(0, 3)))]
        return settled(self.trace.program(*outputs))


def settled(program: Program) -> Program:
    """The program with each layer made in the way it was made first."""
    modules: dict[str, str] = {}
    statements = []
    for item in program.statements:
        module = modules.setdefault(item.layer, item.module) if item.layer else ""
        statements.append(type(item)(item.targets, item.expression, item.calls, item.layer, module))
    return Program(program.inputs, tuple(statements), program.outputs)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**9), length=st.integers(1, 6), flat=st.booleans())
def test_a_random_network_computes_the_same(seed: int, length: int, flat: bool) -> None:
    program = Maker(seed, flat).program(length)
    found = classes(program, "Net")
    assert outcome(found, program) == flat_outcome(program), found.text
    assert set(found.names) <= {item.layer for item in program.statements}
    assert len(set(found.names.values())) == len(found.names)


def lines(seed: int) -> Program:
    """Statements without scopes, a good part of them repeated as a loop would repeat them."""
    rng = random.Random(seed)
    t = Modules(("left", "right"))
    made = ["left", "right"]
    layer = 0
    stem = rng.choice(["dense_{}", "block_{}_fc", "stage{}_dense", "block_{}/fc", "words{}", ""])
    for _ in range(rng.randint(1, 3)):
        state = [rng.choice(made) for _ in range(rng.randint(1, 2))]
        fixed = [rng.choice(made) for _ in range(2)]
        kinds = ["layer", "layer", "unary", "binary", "several", "outer", "other", "shared", "list", "bias"]
        steps = [(rng.choice(kinds), rng.random(), rng.random()) for _ in range(rng.randint(1, 6))]
        for repetition in range(rng.randint(1, 6)):
            local = list(state)
            for number, (what, one, two) in enumerate(steps):
                x, y = local[int(one * len(local))], local[int(two * len(local))]
                name = f"{stem.format(f'{layer}')}_{number}" if stem else f"{layer}"
                layer += what in ("layer", "several", "bias")
                if what == "layer":
                    local.append(t.make(name, f"nn.Linear({8 + repetition // 3}, {2 + int(4 * two)})", f"made({x})"))
                elif what == "several":
                    local += t.made(name, "nn.GRU(8, 8)", f"made({x}, {y})", 2)
                elif what == "shared":
                    local.append(t.make("shared", "nn.Linear(8, 8, bias=False)", f"made({x})"))
                elif what == "bias":
                    local.append(t.make(name, f"nn.Parameter(torch.empty({repetition}))", f"{x} + made"))
                else:
                    expressions = {
                        "unary": f"F.relu({x})",
                        "binary": f"{x} + {y}",
                        "outer": f"{x} * {fixed[int(two * 2)]}",
                        "other": f"{x} * {made[repetition % len(made)]}",
                        "list": f"torch.cat([{x}, {y}], dim={repetition % 2})",
                    }
                    local.append(t(expressions[what]))
            made += local[len(state) :]
            state = [local[-1 - number] for number in range(len(state))]
    several = rng.random() < 0.5
    return t.program(made[-1], *(rng.sample(made, min(len(made), 3)) if several else ()))


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_random_lines_compute_the_same(seed: int) -> None:
    program = lines(seed)
    found = classes(program, "Net")
    assert outcome(found, program) == flat_outcome(program), found.text

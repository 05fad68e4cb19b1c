"""What may import what: the core without a framework, the package without a cost, and imports only downwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "homolog"
WINGS = ("pytorch", "keras")
FRAMEWORKS = {"torch", "keras", "tensorflow", "jax", "tf_keras", "torchvision"}

# The house of shared/DESIGN.md, from the ground up: a part imports from its own floor or from one below.
FLOORS = (
    ("errors", "contiguity", "collecting"),
    ("tensors", "roomy"),
    ("transforms",),
    ("modules", "graph", "plan"),
    ("rules",),
    ("signature", "trace", "writing"),
    ("results",),
    ("files", "live"),
    ("passes", "transfer", "source"),
    ("matching",),
    ("emitting",),
    ("pytorch", "keras"),
    ("stored",),
    ("network",),
    ("opening",),
    ("reading",),
    ("proof", "inspecting", "doctor"),
    ("proving", "inputs"),
    ("planning", "comparing", "translating"),
    ("copying", "verifying"),
    ("scripts",),
    ("api",),
    ("demo", "reporting"),
    ("cli", "testing"),
    ("__main__",),
)
CORE = {"errors", "tensors", "transforms", "modules", "graph", "plan", "rules", "files", "live", "passes", "transfer"}
CORE |= {"signature", "results", "contiguity", "planning", "proving", "inputs", "opening", "copying", "verifying"}
CORE |= {
    "source",
    "matching",
    "stored",
    "network",
    "reading",
    "proof",
    "reporting",
    "inspecting",
    "comparing",
    "api",
    "cli",
}
CORE |= {"collecting", "roomy", "testing", "trace", "writing", "emitting", "translating", "scripts"}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> list[tuple[str, bool]]:
    """Names of the modules that a file imports, and whether only for the type checker or when called."""
    found: list[tuple[str, bool]] = []

    def visit(node: ast.AST, late: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend((alias.name, late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.extend((f"{node.module}.{alias.name}", late) for alias in node.names)
        inside = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        inside |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return found


def floor(module: str) -> int:
    """The floor of a module; each wing's half of the demo belongs to the demo."""
    name = "demo" if module.endswith(".demo") else part(module)
    return next(number for number, parts in enumerate(FLOORS) if name in parts)


def test_every_part_has_its_floor() -> None:
    assert {part(name) for name in modules()} - {""} == {name for parts in FLOORS for name in parts}


@pytest.mark.parametrize("module", modules())
def test_imports_only_go_down(module: str) -> None:
    if not part(module):
        return  # the package itself offers the names of all floors, late
    for name, late in imported(modules()[module]):
        if not name.startswith("homolog.") or name == "homolog.__version__" or part(name) == part(module):
            continue
        if late and part(name) in WINGS and part(module) in CORE:
            continue  # the wings are entered only when a network is theirs
        if late and part(name) == "reporting":
            continue  # results say themselves in words and in HTML
        assert floor(name) <= floor(module), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize("module", modules())
def test_only_the_wings_import_frameworks_and_only_when_needed(module: str) -> None:
    for name, late in imported(modules()[module]):
        if name.split(".")[0] in FRAMEWORKS:
            assert part(module) in WINGS, f"{module} imports {name}"
            assert late, f"{module} imports {name} before it is needed"
            assert name.split(".")[0] in {"pytorch": ("torch",), "keras": ("keras",)}[part(module)]


def run(code: str) -> str:
    """What Python prints in a process of its own, in which the frameworks cannot be imported."""
    blocked = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted(FRAMEWORKS)!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
"""
    done = subprocess.run(
        [sys.executable, "-c", blocked + code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_needs_no_framework() -> None:
    names = [name for name in modules() if part(name) in CORE or part(name) in WINGS]

    assert run(f"import importlib\nfor name in {names!r}: importlib.import_module(name)\nprint('done')") == "done\n"


def test_the_package_costs_nothing_to_import() -> None:
    loaded = run("import homolog\nprint(*sys.modules)").split()

    heavy = {"numpy", "h5py", "einops", "rich", "click", "safetensors", "ml_dtypes"}
    assert not heavy & {name.split(".")[0] for name in loaded}
    assert [name for name in loaded if name.startswith("homolog")] == ["homolog"]


def test_the_public_names_are_all_there() -> None:
    import homolog

    assert all(hasattr(homolog, name) for name in homolog.__all__)
    assert set(homolog.__all__) <= set(dir(homolog))
    with pytest.raises(AttributeError):
        _ = homolog.nothing  # type: ignore[attr-defined]

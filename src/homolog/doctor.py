"""What is installed here, whether it fits, and what cannot be done without what is missing. Imports none of it."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion

_GIB = 1 << 30


@dataclass(frozen=True)
class _Optional:
    name: str
    extra: str | None
    without: str
    also: tuple[str, ...] = ()  # other distributions that install the same package


_OPTIONAL = (
    _Optional("torch", "pytorch", ".pt files are still read; running, translating and proving PyTorch models is not"),
    _Optional("keras", "keras", ".h5 and .keras files are still read; running, translating and proving Keras is not"),
    _Optional(
        "tensorflow",
        "keras",
        "Keras needs another backend, and the float64 proof is not possible",
        also=("tensorflow-cpu",),
    ),
    _Optional("jax", None, "Keras on the JAX backend is not possible; nothing else needs it"),
    _Optional("scikit-learn", "demo", "the demo finds no handwritten digits to train on; nothing else needs it"),
    _Optional("scipy", "demo", "the demo cannot be run; nothing else needs it"),
)
_BACKENDS = ("tensorflow", "torch", "jax", "numpy", "openvino")  # each named as the distribution it needs


@dataclass(frozen=True)
class Package:
    """One distribution.

    Attributes:
        name: as pip knows it.
        installed: its version, None if it is not installed.
        required: the versions that homolog is made for, e.g. ``>=2.9``; ``""`` for any.
        fits: whether the installed version is one of them; None if none is installed.
        extra: the extra of homolog that brings it, None for one that is always needed or never brought.
        without: what is not possible without it, None for one that is always needed.
    """

    name: str
    installed: str | None
    required: str
    fits: bool | None
    extra: str | None = None
    without: str | None = None


@dataclass(frozen=True)
class Backend:
    """The backend that Keras would use, and who says so."""

    name: str
    source: str


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be. A severe one makes homolog, or a part of it, fail."""

    what: str
    help: str
    severe: bool = True


@dataclass(frozen=True)
class Report:
    """What ``homolog doctor`` found. Sizes are in bytes; None where the system does not tell."""

    homolog: str | None
    python: str
    platform: str
    packages: tuple[Package, ...]
    backend: Backend
    folder: str
    disk_free: int
    memory_free: int | None
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem is severe. That a framework is not installed is none: reading files needs neither."""
        return not any(problem.severe for problem in self.problems)

    def __str__(self) -> str:
        memory = "unknown" if self.memory_free is None else f"{self.memory_free / _GIB:.1f} GiB free"
        lines = [
            f"homolog {self.homolog or '(not installed)'}, Python {self.python}, {self.platform}",
            *(_line(package) for package in self.packages),
            f"Keras backend  {self.backend.name} ({self.backend.source})",
            f"memory         {memory}",
            f"disk           {self.disk_free / _GIB:.1f} GiB free in {self.folder}",
        ]
        for problem in self.problems:
            lines += [f"{'problem' if problem.severe else 'note'}: {problem.what}", f"  help: {problem.help}"]
        return "\n".join([*lines, "all is well" if self.ok else "something is wrong: see the problems above"])

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-safe data."""
        return asdict(self) | {"ok": self.ok}


def examine() -> Report:
    """Looks at this Python, its packages and this machine, without importing a framework."""
    packages = tuple(_packages())
    backend, doubts = _backend()
    folder = Path.cwd()
    disk, memory = shutil.disk_usage(folder).free, _memory_free()
    problems = [*_python_problems(), *_package_problems(packages), *doubts, *_backend_problems(backend, packages)]
    for what, free in ((f"disk space in {folder}", disk), ("memory", memory)):
        if free is not None and free < _GIB:
            amount = f"only {free / _GIB:.2f} GiB of {what} is free"
            problems.append(Problem(amount, "free some before converting a model of more than that", severe=False))
    return Report(
        homolog=_installed("homolog"),
        python=platform.python_version(),
        platform=platform.platform(),
        packages=packages,
        backend=backend,
        folder=str(folder),
        disk_free=disk,
        memory_free=memory,
        problems=tuple(problems),
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _requirements() -> list[Requirement]:
    try:
        return [Requirement(text) for text in metadata("homolog").get_all("Requires-Dist") or ()]
    except PackageNotFoundError:
        return []  # run from a bare source tree; _python_problems says so


def _packages() -> Iterator[Package]:
    requirements = _requirements()
    ranges = {requirement.name: requirement.specifier for requirement in requirements}
    for requirement in requirements:
        if requirement.marker is None:
            installed = _installed(requirement.name)
            fits = _fits(installed, requirement.specifier)
            yield Package(requirement.name, installed, str(requirement.specifier), fits)
    for one in _OPTIONAL:
        names = (one.name, *one.also)
        installed = next((found for found in map(_installed, names) if found is not None), None)
        required = next((ranges[name] for name in names if name in ranges), SpecifierSet())
        yield Package(one.name, installed, str(required), _fits(installed, required), one.extra, one.without)


def _fits(installed: str | None, required: SpecifierSet) -> bool | None:
    if installed is None:
        return None
    try:
        return required.contains(installed, prereleases=True)
    except InvalidVersion:
        return False


def _python_problems() -> Iterator[Problem]:
    try:
        required = (metadata("homolog").get_all("Requires-Python") or [""])[0]
    except PackageNotFoundError:
        yield Problem("homolog is run without being installed, so nothing tells what it needs", "pip install homolog")
        return
    if not _fits(platform.python_version(), SpecifierSet(required)):
        yield Problem(f"Python {platform.python_version()} is not {required}", "install homolog into a newer Python")


def _package_problems(packages: tuple[Package, ...]) -> Iterator[Problem]:
    for package in packages:
        origin = "homolog" if package.extra is None else f"homolog[{package.extra}]"
        if package.installed is None and package.without is None:
            yield Problem(f"{package.name} is missing", f"pip install '{package.name}{package.required}'")
        elif package.installed is None and package.extra is not None:
            yield Problem(f"no {package.name}: {package.without}", f"pip install '{origin}'", severe=False)
        elif package.fits is False:
            what = f"{package.name} {package.installed} is not {package.required}"
            yield Problem(what, f"pip install --upgrade '{origin}'")


def _backend() -> tuple[Backend, list[Problem]]:
    """As ``keras.backend.config`` decides, which would have to be imported to be asked."""
    home = os.environ.get("KERAS_HOME")
    # Keras itself keeps its file in /tmp where the home folder cannot be written to.
    base = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")
    file = (Path(home).expanduser() if home else base / ".keras") / "keras.json"
    named, doubts = None, []
    if file.exists():
        try:
            settings = json.loads(file.read_text(encoding="utf-8"))
            named = settings.get("backend") if isinstance(settings, dict) else None
        except (OSError, ValueError) as error:
            doubts = [Problem(f"{file} cannot be read: {error}", "delete it; Keras writes a new one", severe=False)]
    if variable := os.environ.get("KERAS_BACKEND"):
        return Backend(variable, "$KERAS_BACKEND"), doubts
    if named:
        return Backend(str(named), str(file)), doubts
    return Backend("tensorflow", "the default"), doubts


def _backend_problems(backend: Backend, packages: tuple[Package, ...]) -> Iterator[Problem]:
    versions = {package.name: package.installed for package in packages}
    if versions["keras"] is None:
        return
    if backend.name not in _BACKENDS:
        known = ", ".join(_BACKENDS)
        yield Problem(f"Keras knows no backend {backend.name!r} ({backend.source})", f"set KERAS_BACKEND to {known}")
        return
    if versions.get(backend.name, _installed(backend.name)) is None:
        others = [name for name in ("tensorflow", "torch", "jax") if versions.get(name)]
        remedy = f"export KERAS_BACKEND={others[0]}" if others else "pip install 'homolog[keras]'"
        yield Problem(f"Keras would use {backend.name} ({backend.source}), which is not installed", remedy)
    elif backend.name != "tensorflow":
        yield Problem(
            f"Keras would use {backend.name} ({backend.source}), and the float64 proof needs TensorFlow",
            "export KERAS_BACKEND=tensorflow",
            severe=False,
        )


def _memory_free() -> int | None:
    """Of the machine; a container's own limit may be lower."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return None


def _line(package: Package) -> str:
    state = package.installed or "-"
    if package.fits is False:
        state += f" (needs {package.required})"
    return f"{package.name:<13}  {state}"

"""What a traced program computes from its shapes alone: it is computed once, and becomes a constant.

Ranges, masks and positions; where they depend on the number of rows, for one row and for several: rows that are all
alike are one row that is repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from homolog.pytorch.entries import short

if TYPE_CHECKING:
    import torch

SEVERAL = 3
"""How many rows what depends on their number is computed for, beside one."""
ROUNDING = 1e-5
"""Of float32, relative to the largest number; what depends on the rows in any other way differs by more."""
LIKES = {
    *("new_zeros", "new_ones", "new_full", "new_empty"),
    *("zeros_like", "ones_like", "full_like", "empty_like"),
}
"""Operators that take of a tensor its shape and its element type alone."""
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
EMPTY = ("empty", "new_empty")
"""Operators that leave in memory what was there; a network gives none of it."""


def sources(entry: Any) -> list[Any]:
    """The entries whose values are in the value of this one."""
    given = list(entry.all_input_nodes)
    return [source for source in given if source is not entry.args[0]] if short(entry) in LIKES else given


class Statics:
    """The static part of a program.

    Attributes:
        static: names of the entries that the inputs' values do not reach.
        arrays: by name what those hold that no parameter reaches either, for a batch of one.
        unlike: names of those that depend on the number of rows in another way than by repeating them.
        counted: by name, for those that number the rows, the axis along which they do.
    """

    def __init__(self, program: torch.export.ExportedProgram, batch: Collection[str]) -> None:
        """
        Args:
            program: without changes in place where the inputs' values reach.
            batch: names of the symbols that stand for the number of rows.
        """
        self.program = program
        self._batch = batch
        self.static: set[str] = set()
        self.arrays: dict[str, torch.Tensor] = {}
        self.unlike: set[str] = set()
        self.counted: dict[str, int] = {}
        self._trained: set[str] = set()
        self._tell()
        one, several = self._computed(1), self._computed(SEVERAL)
        for name in self.static:
            if name not in one or not hasattr(one[name], "shape"):
                continue
            if not _alike(one[name], several[name]):
                self.unlike.add(name)
            axis = _counted(one[name], several[name])
            if axis is not None:
                self.counted[name] = axis
        self._spread_unlike()
        for name in (self.static - self._trained - self.unlike) | self._first_states(one, several):
            if name in one and hasattr(one[name], "shape"):
                self.arrays[name] = one[name]

    def _tell(self) -> None:
        """Which entries the inputs' values reach, and which the parameters."""
        signature = self.program.graph_signature  # it makes its lists anew whenever it is asked
        given, parameters = {*signature.user_inputs}, {*signature.inputs_to_parameters}
        for entry in self.program.graph.nodes:
            if entry.op == "placeholder":
                if entry.name not in given:
                    self.static.add(entry.name)
                if entry.name in parameters:
                    self._trained.add(entry.name)
            elif entry.op == "call_function":
                names = [source.name for source in sources(entry)]
                told = not _symbols(entry) - set(self._batch)
                known = all(name in self.static for name in names) and not _is_random(entry)
                if (_is_size(entry) or known) and told:
                    self.static.add(entry.name)
                if any(name in self._trained for name in names):
                    self._trained.add(entry.name)

    def _spread_unlike(self) -> None:
        for entry in self.program.graph.nodes:
            if entry.name not in self.static:
                continue
            given = [source.name for source in sources(entry) if source.name in self.unlike]
            if given and not self._picks_each(entry, given):
                self.unlike.add(entry.name)

    def _first_states(self, *computed: Mapping[str, Any]) -> set[str]:
        """First states of zeros, which are zeros for any number of rows."""

        def is_zero(entry: Any) -> bool:
            return entry.name in self.static and not any(held[entry.name].any() for held in computed)

        def begins(user: Any) -> bool:
            states = user.args[1] if short(user) in RECURRENT else ()
            return bool(states) and all(map(is_zero, states if isinstance(states, list | tuple) else [states]))

        def only_state(entry: Any, user: Any) -> bool:
            return list(user.all_input_nodes).count(entry) == 1 and entry is not user.args[0] and begins(user)

        entries = (entry for entry in self.program.graph.nodes if entry.name in self.unlike and entry.users)
        return {entry.name for entry in entries if all(only_state(entry, user) for user in entry.users)}

    def _picks_each(self, entry: Any, unlike: list[str]) -> bool:
        """Whether it does no more with the numbers of the rows than to pick each row of what has rows all alike."""
        if short(entry) != "index" or entry.name in self.unlike:
            return False
        first, rest = entry.args[1][0], entry.args[1][1:]
        others = [entry.args[0], *(index for index in rest if index is not None)]
        known = first is not None and first.name in self.counted
        return known and all(index.name not in unlike for index in others)

    def _computed(self, rows: int) -> dict[str, Any]:
        """What the static entries that depend on no parameter, or on the rows, hold; tensors as they are when they
        are last read."""
        import torch

        signature = self.program.graph_signature
        constants = {**self.program.constants, **self.program.state_dict}
        names = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        held: dict[str, Any] = {}
        snapshots: dict[str, Any] = {}
        with torch.no_grad():
            for entry in self.program.graph.nodes:
                if entry.op == "placeholder" and entry.name in names:
                    held[entry.name] = constants[names[entry.name]].detach()
                elif entry.op == "call_function" and entry.name in self.static:
                    held[entry.name] = self._one(entry, held, rows)
                elif entry.op in ("call_function", "output"):
                    for source in entry.all_input_nodes:
                        if source.name in held and source.op != "placeholder":
                            snapshots[source.name] = _snapshot(held[source.name])
        return {**held, **snapshots}

    def _one(self, entry: Any, held: dict[str, Any], rows: int) -> Any:
        import torch

        if _is_size(entry):
            return _length(entry.meta["val"], rows)
        if short(entry) in LIKES and entry.args[0].name not in held:
            like = entry.args[0].meta["val"]
            held = {**held, entry.args[0].name: torch.empty([_length(n, rows) for n in like.shape], dtype=like.dtype)}
        args, kwargs = torch.fx.node.map_arg((entry.args, entry.kwargs), lambda source: held[source.name])
        if entry.target is torch.ops.aten.lift_fresh_copy.default or entry.target is torch.ops.aten.detach_.default:
            return args[0].clone()
        made = entry.target(*args, **kwargs)
        return made.zero_() if short(entry).startswith(EMPTY) else made


def _length(value: Any, rows: int) -> int:
    """A length for so many rows."""
    if isinstance(value, int):
        return value
    return int(value.node.expr.subs(dict.fromkeys(value.node.expr.free_symbols, rows)))


def _is_random(entry: Any) -> bool:
    """Whether it draws random numbers, at inference too."""
    import torch

    drawing = torch.Tag.nondeterministic_seeded in getattr(entry.target, "tags", ())
    return drawing and "dropout" not in short(entry)


def _is_size(entry: Any) -> bool:
    return str(entry.target).startswith("aten.sym_size")


def _symbols(entry: Any) -> set[str]:
    """The symbols in a number, or in the shape of a value."""
    value = entry.meta.get("val")
    lengths = getattr(value, "shape", [value])
    return {str(symbol) for n in lengths if hasattr(n, "node") for symbol in n.node.expr.free_symbols}


def _snapshot(value: Any) -> Any:
    return value.clone() if hasattr(value, "clone") else value


def _alike(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Whether the second is the first, or the first repeated along an axis of one."""
    if one.dtype != two.dtype or one.dim() != two.dim():
        return False
    if (one.data_ptr(), one.shape, one.stride()) == (two.data_ptr(), two.shape, two.stride()):
        return True  # one parameter
    if any(a not in (b, 1) for a, b in zip(one.shape, two.shape, strict=True)):
        return False
    wide = one.expand(two.shape)
    return bool(wide.equal(two)) or (one.is_floating_point() and _rounded_alike(wide, two))


def _rounded_alike(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Whether they differ as sums do that are taken in another order: kernels choose it by the number of rows."""
    import torch

    largest = float(two.abs().amax()) if two.numel() and bool(two.isfinite().all()) else 0.0
    return torch.allclose(one, two, rtol=0.0, atol=ROUNDING * largest)


def _counted(one: torch.Tensor, several: torch.Tensor) -> int | None:
    """The axis along which a tensor numbers the rows: 0, 1, 2 … for as many as there are, whatever the other axes."""
    import torch

    if one.is_floating_point() or one.dtype == torch.bool or one.dim() != several.dim():
        return None
    axes = [axis for axis, (a, b) in enumerate(zip(one.shape, several.shape, strict=True)) if a != b]
    if len(axes) != 1 or one.shape[axes[0]] != 1 or several.shape[axes[0]] != SEVERAL or one.any():
        return None
    numbers = torch.arange(SEVERAL).reshape([SEVERAL if axis == axes[0] else 1 for axis in range(several.dim())])
    return axes[0] if bool((several == numbers).all()) else None

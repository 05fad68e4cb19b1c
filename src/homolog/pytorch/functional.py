"""An exported program without changes in place.

Most operators that work in place change a value that nobody reads under another name: there it is enough that later
readers read the result. Where a part of a value is changed (a slice that is filled), PyTorch's own functionalisation
rewrites the whole program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homolog.pytorch.entries import short
from homolog.pytorch.statics import sources

if TYPE_CHECKING:
    import torch

SAME = {"to", "_to_copy", "detach", "alias", "clone", "contiguous"}
"""Operators that give the numbers that they are given, but for their element type."""
VIEWS = {
    *("view", "reshape", "permute", "transpose", "slice", "select", "expand", "squeeze", "unsqueeze", "unbind"),
    *("split", "split_with_sizes", "chunk", "alias", "detach", "flatten", "unflatten", "t", "narrow", "as_strided"),
    *("diagonal", "movedim", "contiguous", "to", "lift_fresh_copy", "view_as", "expand_as", "getitem", "dropout"),
}
"""Operators whose result may share memory with what they read."""


def functional(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same program without changes in place; where that is simple, changed itself.

    What neither the inputs' values nor the parameters reach is left as it is: it is computed, not written.
    """
    moving = depending(program)
    changing = [entry for entry in program.graph.nodes if entry in moving and _changes(entry)]
    if not all(_simple(entry) for entry in changing):
        from homolog.pytorch.functionalise import functionalised

        return functionalised(program)
    order = {entry: place for place, entry in enumerate(program.graph.nodes)}
    for entry in changing:
        changed = entry.args[0]
        changed.replace_all_uses_with(entry, delete_user_cb=lambda user, entry=entry: order[user] > order[entry])
    for spec in program.graph_signature.output_specs:
        later = next((entry for entry in changing if entry.args[0].name == spec.arg.name), None)
        if later is not None:
            spec.arg = type(spec.arg)(name=later.name)
    return program


def changed_state(program: torch.export.ExportedProgram) -> list[str]:
    """Names of the parameters and buffers that the program changes."""
    signature = program.graph_signature
    held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    found = list(signature.buffers_to_mutate.values())
    for entry in program.graph.nodes:
        if _changes(entry):
            root = entry.args[0]
            while root.op == "call_function" and short(root) in VIEWS:
                root = root.args[0]
            if root.op == "placeholder" and root.name in held:
                found.append(held[root.name])
    return found


def without_idle_copies(program: torch.export.ExportedProgram) -> None:
    """Take away what copies a value into itself: ``self.table = self.table.to(x.device)`` changes nothing."""
    for entry in list(program.graph.nodes):
        if entry.op == "call_function" and short(entry) == "copy_" and _root(entry.args[1]) is entry.args[0]:
            entry.replace_all_uses_with(entry.args[0])
            program.graph.erase_node(entry)


def _root(entry: Any) -> Any:
    """What an entry gives as it is."""
    while entry.op == "call_function" and short(entry) in SAME and _is_alike(entry, entry.args[0]):
        entry = entry.args[0]
    return entry


def _is_alike(one: Any, two: Any) -> bool:
    return bool(one.meta["val"].dtype == two.meta["val"].dtype)


def depending(program: torch.export.ExportedProgram) -> set[Any]:
    """What the inputs' values reach, or the parameters: all that is written."""
    inputs = {*program.graph_signature.user_inputs, *program.graph_signature.inputs_to_parameters}
    found: set[Any] = set()
    for entry in program.graph.nodes:
        if entry.name in inputs or (
            entry.op == "call_function"
            and not str(entry.target).startswith("aten.sym_size")
            and any(source in found for source in sources(entry))
        ):
            found.add(entry)
    return found


def _changes(entry: Any) -> bool:
    schema = getattr(entry.target, "_schema", None)
    return schema is not None and schema.is_mutable and bool(entry.args)


def _simple(entry: Any) -> bool:
    """Whether the operator gives what it changes, changes the whole of a value that shares its memory with no other,
    and has a functional twin of the same name."""
    import torch

    name = short(entry)
    changed = entry.args[0]
    if not name.endswith("_") or not hasattr(torch.ops.aten, name[:-1]) or changed.op == "placeholder":
        return False
    if short(changed) in VIEWS and not _private(changed):
        return False
    return not any(short(user) in VIEWS and _read_later(user, entry) for user in changed.users)


def _private(view: Any) -> bool:
    """Whether nobody but the view reads what it is a view of."""
    source = view.args[0]
    if source.op == "placeholder" or len(source.users) > 1:
        return False
    return short(source) not in VIEWS or _private(source)


def _read_later(view: Any, entry: Any) -> bool:
    order = {item: place for place, item in enumerate(entry.graph.nodes)}
    return any(order[user] > order[entry] for user in view.users)

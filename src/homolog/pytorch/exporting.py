"""The call of ``torch.export`` for a translation: with an open batch, and with refusals that say where."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from homolog.errors import HomologError, Unsupported
from homolog.pytorch import packed
from homolog.pytorch.attention import plain_attention
from homolog.pytorch.bags import plain_bags
from homolog.pytorch.chunks import open_chunks
from homolog.pytorch.entries import is_open
from homolog.pytorch.experts import plain_experts
from homolog.pytorch.export import giving_tensors
from homolog.pytorch.idle import first_call
from homolog.pytorch.inference import at_inference
from homolog.pytorch.quick import quick_norms, quick_shapes, without_leavings, without_lines
from homolog.pytorch.rows import open_rows
from homolog.pytorch.sequences import quick_sequences
from homolog.signature import Free
from homolog.trace import BATCH

if TYPE_CHECKING:
    import torch

FIXED = "to be a constant"
"""In PyTorch's words for a number of rows that a forward fixes."""
GUARD = "generated guard"
"""In PyTorch's words for what a number of rows has to be for a forward to do what it did."""
FIXED_HELP = "int(x.shape[0]), loops over rows and lists of their number fix it: compute with x.shape[0]"
GUARD_HELP = "decide nothing by the number of rows, and reshape to shapes that every number of them fits"
HELP = "check the shapes given with --input; say what depends on values with torch.where, not with if"
OTHER = (2.0, 0.5)
"""Times the length that it is traced with, at which a network is tried that is to take any."""
UNREADABLE = ("complex", "quint", "qint", "float8")


def _two_rows(tensor: torch.Tensor) -> torch.Tensor:
    """With a batch of two at least: a length of one is never taken for open."""
    import torch

    return torch.cat([tensor, tensor]) if tensor.dim() and tensor.shape[0] == 1 else tensor


def _rows_of(by_name: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: _two_rows(item) for name, item in by_name.items()}


def refuse_types(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> None:
    named = [*module.named_parameters(), *module.named_buffers(), *((f"input {n}", t) for n, t in enumerate(inputs))]
    for name, tensor in named:
        word = str(tensor.dtype).removeprefix("torch.")
        kind = next((kind for kind in UNREADABLE if word.startswith(kind)), None)
        if tensor.layout is not _strided() or tensor.is_quantized or kind:
            raise Unsupported(
                "a tensor is of a type that Keras has no layers for",
                where=name,
                expected="dense tensors of float, integer or bool",
                found=f"{word}, {str(tensor.layout).removeprefix('torch.')}",
                help="convert the model to float32 with dense weights before it is translated",
            )


def _strided() -> object:
    import torch

    return torch.strided


def exported(
    module: torch.nn.Module,
    by_place: Sequence[torch.Tensor],
    by_name: Mapping[str, torch.Tensor],
    free: Free,
    *,
    settled: bool = False,
    lines: bool = True,
) -> tuple[torch.export.ExportedProgram, list[str]]:
    """The program, with an open batch, and the names of the tensors that it gives.

    Args:
        module: as it is at inference.
        by_place, by_name: what ``forward`` is called with.
        free: axes besides the batch that are to stay open, by the place or name of their input.
        settled: whether the module keeps nothing that its first call makes. Any other is run once before it is traced:
            tables that it makes then and keeps, of positions say, would be symbols of the trace.
        lines: whether each operator is to say which lines of the source it comes from, which takes a tenth of the time.

    Raises:
        Unsupported: the module cannot be exported so, with PyTorch's reason and the line of the user's source.
    """
    import torch

    by_place, by_name = [_two_rows(item) for item in by_place], _rows_of(by_name)
    batch = torch.export.Dim(BATCH, min=1)
    given = [*by_place, *by_name.values()]

    def axes(key: int | str, item: torch.Tensor) -> dict[int, object]:
        opened = free.get(key, free.get(len(by_place) + list(by_name).index(key), ()) if key in by_name else ())
        return {**({0: batch} if item.dim() else {}), **dict.fromkeys(opened, torch.export.Dim.AUTO)}

    args: Any = tuple(axes(place, item) for place, item in enumerate(by_place))
    kwargs: Any = {name: axes(name, item) for name, item in by_name.items()}
    try:
        if not settled:
            with at_inference(module):
                first_call(module, by_place, by_name)
        # the order of more than two factors would be chosen by their lengths, the batch among them
        plainly = torch.backends.opt_einsum.flags(enabled=False)
        # with an open batch, to look a shape up takes longer than to find it out again
        anew = torch._dynamo.config.patch(fake_tensor_cache_enabled=False)
        reading = (
            at_inference(module),
            open_chunks(module),
            open_rows(module),
            plain_attention(),
            plain_bags(),
            plain_experts(module),
            packed.told_of_packing(),
            quick_norms(),
            quick_shapes(),
            quick_sequences(),
            without_leavings(),
            plainly,
            anew,
            nullcontext() if lines else without_lines(),
        )
        with ExitStack() as stack, warnings.catch_warnings():
            for manager in reading:
                stack.enter_context(manager)
            names = stack.enter_context(giving_tensors(module))
            warnings.filterwarnings("ignore", message="The tensor attribute")
            shapes = _by_argument(module, by_place, by_name, args, kwargs)
            program = torch.export.export(module, tuple(by_place), dict(by_name), dynamic_shapes=shapes, strict=False)
    except HomologError:
        raise
    except Exception as error:  # whatever the user's forward raises while it is traced
        raise _not_exported(module, given, error) from error
    _refuse_fixed(program, [*args, *kwargs.values()])
    if any(max(axes, default=0) for axes in (*args, *kwargs.values())):
        _refuse_one_size(module, program, given, list(by_name), [*args, *kwargs.values()])
    return program, names


def _refuse_fixed(program: torch.export.ExportedProgram, wanted: Sequence[Mapping[int, object]]) -> None:
    """Refuse axes that were to stay open and that the network fixes."""
    values = {entry.name: entry.meta.get("val") for entry in program.graph.nodes if entry.op == "placeholder"}
    for name, axes in zip(program.graph_signature.user_inputs, wanted, strict=False):
        shape = getattr(values.get(str(name)), "shape", ())
        fixed = [axis for axis in axes if axis < len(shape) and not is_open(shape[axis])]
        if fixed:
            raise Unsupported(
                "the network fixes a length that is to stay open",
                where=str(name),
                expected=f"an open length along axis {', '.join(map(str, fixed))}",
                found=f"{', '.join(str(shape[axis]) for axis in fixed)}, whatever comes in",
                help="fix it in --input too, or compute with x.shape in the source",
            )


def _refuse_one_size(
    module: torch.nn.Module,
    program: torch.export.ExportedProgram,
    given: Sequence[torch.Tensor],
    names: Sequence[str],
    wanted: Sequence[Mapping[int, object]],
) -> None:
    """Refuse lengths that are to stay open where the module runs at none but the one it was traced with: an addend
    behind a stride, say, which a trace shows as nothing that is fixed."""
    import torch

    def runs(factor: float) -> bool:
        sizes = [
            [int(n * factor) if axis and axis in axes else n for axis, n in enumerate(item.shape)]
            for item, axes in zip(given, wanted, strict=True)
        ]
        changed = [item.new_zeros(size) for item, size in zip(given, sizes, strict=True)]
        count = len(changed) - len(names)
        try:
            module(*changed[:count], **dict(zip(names, changed[count:], strict=True)))
        except Exception:  # noqa: BLE001 - whatever the user's forward raises at a size that it was not made for
            return False
        return True

    with at_inference(module), torch.no_grad():
        if any(runs(factor) for factor in OTHER):
            return
    entries = list(zip(program.graph_signature.user_inputs, given, wanted, strict=False))
    told = [(name, item, [axis for axis in axes if axis]) for name, item, axes in entries]
    raise Unsupported(
        "the network takes one length alone where several are to stay open",
        where=", ".join(str(name) for name, _, axes in told if axes),
        expected="; ".join(f"open lengths along axis {', '.join(map(str, axes))}" for _, _, axes in told if axes),
        found="; ".join(f"{', '.join(str(item.shape[axis]) for axis in axes)}" for _, item, axes in told if axes)
        + f", and it fails at {' and '.join(f'{factor:g} times' for factor in OTHER)} as much",
        help="fix it in --input too, or compute with x.shape in the source",
    )


def _by_argument(
    module: torch.nn.Module,
    by_place: Sequence[torch.Tensor],
    by_name: Mapping[str, torch.Tensor],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> Any:
    """Which axes are open, in the form that ``torch.export`` wants: as the arguments are given."""
    import inspect

    parameters = inspect.signature(module.forward).parameters.values()
    rest = next((part.name for part in parameters if part.kind is part.VAR_POSITIONAL), None)
    if rest is not None:
        count = sum(part.kind in (part.POSITIONAL_ONLY, part.POSITIONAL_OR_KEYWORD) for part in parameters)
        named = zip((part.name for part in parameters), args[:count], strict=False)
        return {**dict(named), rest: tuple(args[count:]), **kwargs}
    names = list(inspect.signature(module.forward).bind(*by_place, **by_name).arguments)
    if len(names) == len(args) + len(kwargs):
        return {**dict(zip(names, args, strict=False)), **kwargs}
    return tuple(args)


def _not_exported(module: torch.nn.Module, given: Sequence[torch.Tensor], error: Exception) -> Unsupported:
    place = _user_place(error)
    lines = str(error).strip().splitlines()
    first = [line.removeprefix("  - ") for line in lines if FIXED in line or GUARD in line] or lines
    return Unsupported(
        f"torch.export cannot trace {type(module).__name__}",
        where=place or None,
        found=f"{type(error).__name__}: {first[0] if first else ''}",
        expected=f"a forward that runs on shapes {', '.join(str(tuple(item.shape)) for item in given)} and for every "
        "number of rows, and makes no decision by values",
        help=_help(error),
    )


def _help(error: Exception) -> str:
    if isinstance(error, packed.Packed):
        return packed.HELP
    if FIXED in str(error):
        return FIXED_HELP
    return GUARD_HELP if GUARD in str(error) else HELP


def _user_place(error: BaseException) -> str:
    """The innermost line of the traceback that is no library's; else the innermost that is not PyTorch's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    libraries = [frame for frame in frames if "site-packages" in frame.filename]
    own = [frame for frame in frames if not any(part in frame.filename for part in ("/homolog/", "/lib/python"))]
    found = own or [frame for frame in libraries if "/site-packages/torch/" not in frame.filename]
    return f"{found[-1].filename}:{found[-1].lineno}" if found else ""

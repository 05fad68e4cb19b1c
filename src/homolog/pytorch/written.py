"""The text of ``model.py`` → a live PyTorch module, to be filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homolog.emitting.imported import built
from homolog.live import Run
from homolog.pytorch.framework import require
from homolog.pytorch.run import LiveTorch
from homolog.signature import Given

if TYPE_CHECKING:
    import torch


def build(source: str) -> torch.nn.Module:
    """Import the text as a module and let it build its network, in eval mode. What it would draw at random is zero:
    every weight is filled, and drawing takes long."""
    require()
    from torch.nn import init
    from torch.overrides import TorchFunctionMode

    drawing = {
        init.uniform_,
        init.normal_,
        init.trunc_normal_,
        init.xavier_uniform_,
        init.xavier_normal_,
        init.kaiming_uniform_,
        init.kaiming_normal_,
    }

    class Undrawn(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = kwargs or {}
            if func in drawing:
                tensor: torch.Tensor = args[0] if args else given["tensor"]
                return init.zeros_(tensor)
            return func(*args, **given)

    with Undrawn():
        model: torch.nn.Module = built(source)
    return model.eval()


def in_float64(source: str, model: torch.nn.Module, inputs: Given) -> Run | None:
    """What the text computes in float64, as whoever has the file can make it compute.

    Args:
        source: the text.
        model: what it was built to, filled.
        inputs: real numbers in float64.

    Returns:
        None where it makes tensors of a type of its own, which do not go with float64.
    """
    torch = require()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        wide = build(source).double()
        wide.load_state_dict(model.state_dict())
        return LiveTorch(wide).run(inputs)
    except RuntimeError:
        return None
    finally:
        torch.set_default_dtype(before)

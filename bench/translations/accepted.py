"""Whether one of PyTorch's own compilers takes what was saved: ``python -m bench.translations.accepted WAY FOLDER``.

WAY is export (``torch.export`` with an open batch), compile (``torch.compile`` without a break in the graph, by the
backend ``aot_eager``, which traces as inductor does and generates no code; recurrent layers are allowed) or script
(``torch.jit.script``). What it makes of the module must give what the module gives. Whatever is raised ends the
process, and is the reason. Writes FOLDER/WAY.json.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.translations.outputs import Samples, compared, flat
from bench.translations.transposes import in_program
from bench.translations.written.importing import imported
from bench.translations.written.pytorch import tensors


def run(way: str, folder: Path, record: Record) -> None:
    """Let the module be taken, and compare."""
    import torch

    model = imported(folder / "saved" / "model.py").load_model()
    given = tensors(Samples.read(folder / "samples.npz"))
    with torch.no_grad(), record.stage(way):
        plain = flat(model(*given))
        made = flat(taken(way, model, given, record)(*given))
    ours, theirs = ({name: tensor.numpy() for name, tensor in results.items()} for results in (made, plain))
    record.note(stage="done", problem=compared(ours, theirs, {}).problem)


def taken(way: str, model: Any, given: list[Any], record: Record) -> Any:
    """What the compiler makes of the module; a call that gives outputs as the module does."""
    import torch

    if way == "export":
        batch = tuple({0: torch.export.Dim.DYNAMIC} for _ in given)
        program = torch.export.export(model, tuple(given), dynamic_shapes=batch)
        record.note(transposes=in_program(program))
        return program.module()
    if way == "compile":
        torch._dynamo.config.allow_rnn = True  # else nn.LSTM and its like break the graph
        return torch.compile(model, backend="aot_eager", fullgraph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(model)


if __name__ == "__main__":
    word, place = sys.argv[1:]
    run(word, Path(place), Record(Path(place) / f"{word}.json"))

"""Statements → the text of ``model.py``: imports, functions of the repeated parts, ``build_model``, ``load_model``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homolog.emitting.assembled import Assembled, Held
from homolog.emitting.words import written
from homolog.keras.emitting.sampling import GRID_SAMPLE
from homolog.rules.training import Compiled
from homolog.writing import Structured, structured

WIDTH = 100
DEEP = 600
"""Operations from which a model may be deeper than Python's calls, 1,000 by default and some of them taken: Keras
follows a functional model from its outputs to its inputs one call within another (keras/src/ops/function.py)."""

PARAMETER = '''
@keras.saving.register_keras_serializable(package="{package}")
class Parameter(layers.Layer):
    """A tensor of the model that is no part of another layer; called on anything, it gives the tensor."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        dtype = self.variable_dtype
        trainable = keras.backend.is_float_dtype(dtype)
        self.value = self.add_weight(shape=self.shape, dtype=dtype, trainable=trainable, name="value")

    def call(self, inputs):
        return ops.convert_to_tensor(self.value)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {{**super().get_config(), "shape": self.shape}}

'''


@dataclass(frozen=True)
class Names:
    """What the written file says of itself.

    Attributes:
        model: name of the Keras model.
        origin: what it was translated from, for people.
    """

    model: str
    origin: str


def source(assembled: Assembled, names: Names, compiled: Compiled | None = None) -> str:
    """The text of ``model.py``, formatted.

    Args:
        assembled: the model.
        names: what it says of itself.
        compiled: body of ``compile_model``, where the training setup is given.
    """
    import black

    text = structured(assembled.program)
    return black.format_str(
        "\n".join(
            [
                _head(assembled, names, text, () if compiled is None else compiled.imports),
                PARAMETER.format(package=names.model) if _has_parameters(assembled) else "",
                GRID_SAMPLE.format(package=names.model) if _samples(text) else "",
                *(f"\n{function}\n" for function in text.functions),
                _build(assembled, names, text),
                _load(compiled is not None),
                *([] if compiled is None else [_compile(compiled.lines)]),
            ]
        ),
        mode=black.Mode(line_length=WIDTH),
    )


def _has_parameters(assembled: Assembled) -> bool:
    return any(held.cls == "Parameter" for held in assembled.held.values())


def _samples(text: Structured) -> bool:
    return any("GridSample(" in part for part in (*text.functions, text.body))


def _head(assembled: Assembled, names: Names, text: Structured, imports: Sequence[str]) -> str:
    body = "\n".join([*text.functions, text.body])
    uses_ops = "ops." in body or _has_parameters(assembled) or _samples(text)
    lines = [
        f'"""{names.model}: a Keras model, translated from {names.origin}.',
        "",
        "The weights stand beside this file, in model.weights.h5; load_model() puts them in.",
        '"""',
        "",
        *(["import sys"] if _is_deep(assembled) else []),
        "from pathlib import Path",
        "",
        *(line for line in imports if line != "import keras"),
        "import keras",
        f"from keras import layers{', ops' if uses_ops else ''}",
        "",
        'WEIGHTS = Path(__file__).with_name("model.weights.h5")',
    ]
    if _is_deep(assembled):
        limit = 1000 + 2 * len(assembled.program.statements)
        lines += [
            "# Keras follows a model from its outputs to its inputs one call within another, a call for each layer",
            f"sys.setrecursionlimit(max(sys.getrecursionlimit(), {limit}))",
        ]
    return "\n".join(lines)


def _is_deep(assembled: Assembled) -> bool:
    return len(assembled.program.statements) > DEEP


def _build(assembled: Assembled, names: Names, text: Structured) -> str:
    lines = ["def build_model() -> keras.Model:", f'    """{names.model}, with weights drawn at random."""']
    for name, settings in zip(text.inputs, assembled.inputs.values(), strict=True):
        lines.append(f"    {name} = keras.Input({written(_by_place(settings))})")
    if assembled.shared:
        lines.append("    # layers that are called more than once")
        lines.append("    shared = {")
        lines += [f"        {name!r}: {made(assembled.held[name])}," for name in assembled.shared]
        lines.append("    }")
    lines += [f"    {line}" for line in text.body.splitlines()]
    outputs = dict(zip(assembled.outputs, text.outputs, strict=True))
    lines.append(f"    return keras.Model({_inputs(text.inputs)}, {_outputs(outputs)}, name={names.model!r})")
    return "\n".join(lines)


def made(held: Held) -> str:
    """The expression that makes a layer."""
    return f"{held.cls}({written({**held.arguments, 'name': held.name})})"


def _by_place(settings: Mapping[str, object]) -> dict[str, object]:
    return {"0" if key == "shape" else key: value for key, value in settings.items()}


def _inputs(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _outputs(outputs: Mapping[str, str]) -> str:
    """One as it is; those that a tuple holds as a list; those with names as a dict."""
    if len(outputs) == 1 and next(iter(outputs)) in ("output", "0"):
        return next(iter(outputs.values()))
    if all(name.isdigit() for name in outputs):
        return f"[{', '.join(outputs.values())}]"
    return "{" + ", ".join(f"{name!r}: {variable}" for name, variable in outputs.items()) + "}"


def _load(compiles: bool) -> str:
    lines = [
        "",
        "def load_model() -> keras.Model:",
        '    """The model with its trained weights."""',
        "    model = build_model()",
        "    model.load_weights(WEIGHTS)",
        *(["    compile_model(model)"] if compiles else []),
        "    return model",
    ]
    return "\n".join(lines)


def _compile(lines: Sequence[str]) -> str:
    return "\n".join(
        [
            "",
            "def compile_model(model: keras.Model) -> dict:",
            '    """Set up training as the source had it; gives the arguments that fit() takes besides the data."""',
            *(f"    {line}" for line in lines),
            "    return fit",
        ]
    )

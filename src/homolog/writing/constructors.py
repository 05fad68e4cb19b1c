"""Arguments that modules of PyTorch take for granted: filled in to compare modules, left out to write them."""

from __future__ import annotations

import ast

CONV = "stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros'"
TRANSPOSED = "stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros'"
BATCH = "eps=1e-05, momentum=0.1, affine=True, track_running_stats=True"
SIGNATURES = {
    **{f"nn.Conv{rank}d": f"in_channels, out_channels, kernel_size, {CONV}" for rank in (1, 2, 3)},
    **{f"nn.ConvTranspose{rank}d": f"in_channels, out_channels, kernel_size, {TRANSPOSED}" for rank in (1, 2, 3)},
    **{f"nn.BatchNorm{rank}d": f"num_features, {BATCH}" for rank in (1, 2, 3)},
    "nn.LayerNorm": "normalized_shape, eps=1e-05, elementwise_affine=True, bias=True",
    "nn.GroupNorm": "num_groups, num_channels, eps=1e-05, affine=True",
    "nn.Linear": "in_features, out_features, bias=True",
}
"""Parameters in order; the rest of the modules are compared as they are written."""


def _signature(text: str) -> tuple[list[str], dict[str, ast.expr]]:
    """The parameters, and which of them have defaults."""
    (function,) = ast.parse(f"def f({text}): ...").body
    assert isinstance(function, ast.FunctionDef)
    names = [parameter.arg for parameter in function.args.args]
    defaults = function.args.defaults
    return names, dict(zip(names[-len(defaults) :], defaults, strict=True))


KNOWN = {name: _signature(text) for name, text in SIGNATURES.items()}


def filled(source: str) -> str:
    """The expression that makes a module, with all arguments that it takes for granted."""
    call = _call(source)
    if call is None:
        return source
    names, defaults = KNOWN[ast.unparse(call.func)]
    given = {word.arg: word.value for word in call.keywords if word.arg is not None}
    given.update(zip(names, call.args, strict=False))
    if len(call.args) > len(names) or not set(given) <= set(names) or len(given) < len(call.args) + len(call.keywords):
        return source
    required = [name for name in names if name not in defaults]
    by_place = [name for name in required[: len(call.args)] if name in given]
    words = [name for name in names if name not in by_place and (name in given or name in defaults)]
    arguments = [given[name] for name in by_place]
    keywords = [ast.keyword(name, given.get(name, defaults.get(name))) for name in words]  # type: ignore[arg-type]
    return ast.unparse(ast.Call(call.func, arguments, keywords))


def plain(source: str) -> str:
    """The expression that makes a module, without what it takes for granted."""
    call = _call(source)
    if call is None:
        return source
    _, defaults = KNOWN[ast.unparse(call.func)]
    kept = [word for word in call.keywords if word.arg not in defaults or not _same(word.value, defaults[word.arg])]
    # The text of what is kept stays as it was written.
    parts = [ast.get_source_segment(source, argument) for argument in call.args]
    parts += [f"{word.arg}={ast.get_source_segment(source, word.value)}" for word in kept]
    return f"{ast.unparse(call.func)}({', '.join(part or '' for part in parts)})"


def _call(source: str) -> ast.Call | None:
    """The call of a module whose parameters are known, None for anything else."""
    tree = ast.parse(source, mode="eval").body
    if not isinstance(tree, ast.Call) or ast.unparse(tree.func) not in KNOWN:
        return None
    plain = not any(isinstance(item, ast.Starred) for item in tree.args) and all(word.arg for word in tree.keywords)
    return tree if plain else None


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.dump(one) == ast.dump(other)

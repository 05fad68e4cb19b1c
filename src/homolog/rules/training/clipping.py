"""Clipping of gradients: arguments of the optimiser in Keras, in PyTorch a line of the loop in front of each step."""

from __future__ import annotations

from homolog.rules.training.setup import Fields, Setting

KERAS = {"norm": "clipnorm", "global_norm": "global_clipnorm", "value": "clipvalue"}
"""Kinds, in the order in which Keras takes the first that is set, and Keras's names for their one number."""
FIELDS = {"norm": "max_norm", "global_norm": "max_norm", "value": "clip_value"}
CALLS = {
    "norm": "for parameter in parameters: torch.nn.utils.clip_grad_norm_([parameter], {limit})",
    "global_norm": "torch.nn.utils.clip_grad_norm_(parameters, {limit})",
    "value": "torch.nn.utils.clip_grad_value_(parameters, {limit})",
}
NORMS = (
    "{name}={limit}: PyTorch divides by the norm + 1e-6, Keras by the norm, so that clipped gradients differ by the "
    "share of 1e-6 in their norm"
)


def from_keras(config: Fields) -> Setting | None:
    """What the configuration of an optimiser says, None if it does not clip."""
    for kind, name in KERAS.items():
        if config.get(name):
            return Setting(kind, {FIELDS[kind]: config[name]})
    return None


def keras_clip(clip: Setting | None) -> tuple[dict[str, object], tuple[str, ...]]:
    """Arguments of the optimiser, and differences."""
    if clip is None:
        return {}, ()
    limit = clip.fields[FIELDS[clip.kind]]
    return {KERAS[clip.kind]: limit}, _differences(clip, limit)


def torch_clip(clip: Setting | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines that clip in front of each step of ``optimizer``, and differences."""
    if clip is None:
        return (), ()
    limit = clip.fields[FIELDS[clip.kind]]
    head, _, tail = CALLS[clip.kind].format(limit=repr(limit)).rpartition(": ")
    lines = (
        "def clip(optimizer, args, kwargs):",
        '    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]',
        *([f"    {head}:", f"        {tail}"] if head else [f"    {tail}"]),
        "optimizer.register_step_pre_hook(clip)",
    )
    return lines, _differences(clip, limit)


def _differences(clip: Setting, limit: object) -> tuple[str, ...]:
    return () if clip.kind == "value" else (NORMS.format(name=KERAS[clip.kind], limit=limit),)

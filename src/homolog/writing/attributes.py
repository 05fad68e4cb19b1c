"""Names for the attributes of a module, after the layers that they hold."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Sequence

from homolog.writing.lines import Line
from homolog.writing.modules import Class, Making, target

MODULE = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules
mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
state_dict to to_empty train training type xpu zero_grad
"""
FORBIDDEN = frozenset({*MODULE.split(), "self", "super"})
"""What every module of PyTorch has already, and what its methods need to read."""
IN_SEQUENTIAL = FORBIDDEN | {"append", "extend", "insert", "pop"}
"""What a chain of modules has already."""
FEW = 3
"""With fewer attributes, what their names begin with is no matter of the module."""
NUMBER = re.compile(r"_?(\d+[a-z]?)$")
"""The number at the end of a name: ``7`` of ``block_7``, ``3a`` of ``block3a``."""
RUN = re.compile(r"(?<=s)_\d+[a-z]?_\d+[a-z]?$")
"""The numbers of a run: ``_7_10`` of ``blocks_7_10``."""
CONSTRUCTED = re.compile(r"(?:\w+\.)*(\w+)\(")


def attributes(cls: Class, paths: dict[str, str]) -> dict[str, str]:
    """The name of each attribute that a class makes, by what is made.

    Args:
        cls: the class.
        paths: of everything that is made, the path of its layer.
    """
    used = {*FORBIDDEN, *cls.parameters}
    found: dict[str, str] = {}
    words = []
    for item in cls.making:
        ends = [
            relative(paths.get(made[target(item)], ""), paths.get(instance, ""))
            for instance, made in cls.instances.items()
        ]
        words.append(common(ends) or kind(item))
    for item, word in zip(cls.making, _without_common_start(_runs(words)), strict=True):
        found[target(item)] = distinct(word, used)
        used.add(found[target(item)])
    return found


def _runs(words: Sequence[str]) -> list[str]:
    """The names, that of the only run of its kind without its numbers: ``blocks_1_16`` is ``blocks``."""
    heads = [RUN.sub("", word) for word in words]
    return [head if heads.count(head) == 1 else word for head, word in zip(heads, words, strict=True)]


def _without_common_start(words: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin with."""
    found = list(words)
    while len(found) >= FEW and len({word.partition("_")[0] for word in found}) == 1:
        shorter = [word.partition("_")[2] for word in found]
        if not all(word.isidentifier() for word in shorter):
            break
        found = shorter
    return found


def relative(path: str, scope: str) -> str:
    """The name of a layer inside its module: what its path has in addition, as an identifier, "" if there is none.

    ``conv2_block1_1_conv`` in ``conv2_block1`` is ``conv_1``; ``encoder/attention/query`` in ``encoder`` is
    ``attention_query``. Where the paths have nothing in common, the last part of the layer's is its name.
    """
    path, scope = path.replace("/", "."), scope.replace("/", ".")
    if scope and re.match(rf"{re.escape(scope)}(?![A-Za-z0-9])", path):
        return identifier(path[len(scope) :])
    return identifier(path.rpartition(".")[2] if scope else path)


def identifier(text: str) -> str:
    """The text as a name, numbers in front of it behind it; "" if it has no letters."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", snaked(text)) if word]
    first = next((place for place, word in enumerate(words) if not word.isdigit()), len(words))
    found = "_".join([*words[first:], *words[:first]]) if first < len(words) else ""
    return f"layer_{found}" if found[:1].isdigit() else found


def snaked(text: str) -> str:
    """``LayerNorm`` → ``layer_norm``, ``expand_BN`` → ``expand_bn``, ``ReLU`` → ``relu``."""
    text = text.replace("ReLU", "Relu")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).lower()


def common(names: Sequence[str]) -> str:
    """The name that all have, numbers left out if they differ in these alone, "" if they differ in more."""
    for told in (lambda name: name, lambda name: re.sub(r"_?\d+(?![\dd])", "", name)):
        found = {told(name) for name in names}
        if len(found) == 1:
            return found.pop()
    return ""


def kind(item: Making) -> str:
    """A word for what is made."""
    if not isinstance(item, Line):
        kinds = {kind(member) if isinstance(member, Line) else "layer" for member in item.items}
        return f"{kinds.pop() if len(kinds) == 1 else 'layer'}s"
    if item.pattern.callee is not None:
        return identifier(item.pattern.callee.type) or "block"
    found = CONSTRUCTED.match(str(item.pattern.pieces[0]))
    return identifier(re.sub(r"\d[dD]$", "", found[1] if found else "")) or "layer"


def distinct(name: str, used: Collection[str], before: str = "_") -> str:
    """The name, or the first numbered one, that is neither used nor a word of Python.

    Args:
        name: the name.
        used: those that are used.
        before: what stands before a number.
    """
    found, number = name, 2
    while found in used or keyword.iskeyword(found):
        found, number = f"{name}{before}{number}", number + 1
    return found


def camel(name: str) -> str:
    """``conv_block`` → ``ConvBlock``; what has no letters is a ``Block``."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    found = "".join(word[0].upper() + word[1:] for word in words).lstrip("0123456789")
    return found or "Block"


def numbered(ends: Sequence[str]) -> str:
    """A name for a run of modules: ``block_7`` to ``block_10`` are ``blocks_7_10``; "" if they differ in more."""
    heads = {NUMBER.sub("", end) for end in ends}
    numbers = [NUMBER.search(end) for end in ends]
    head = identifier(heads.pop())
    if heads or not head or None in numbers:
        return ""
    first, last = (found[1] if found else "" for found in (numbers[0], numbers[-1]))
    return f"{head}{'' if head.endswith('s') else 's'}_{first}_{last}"

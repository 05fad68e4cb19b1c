from __future__ import annotations

import pytest

from homolog.files.globals import DTYPES, STORAGES, is_allowed


@pytest.mark.parametrize(
    "name",
    [
        "torch.nn.modules.conv.Conv2d",
        "torch.nn.modules.container.Sequential",
        "torch.nn.functional.relu",
        "torch._C._nn.gelu",
        "torch.FloatStorage",
        "torch.bfloat16",
        "collections.OrderedDict",
        "builtins.set",
        "torch._utils._rebuild_tensor_v2",
    ],
)
def test_what_plain_models_use_is_allowed(name: str) -> None:
    assert is_allowed(name)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.getattr",
        "builtins.print",
        "torch.load",
        "torch.hub.load",
        "torch.nn.modules.module.os.system",
        "torch.nn.modules.conv.F.torch.hub.load",
        "torch.nn.modules.module.warnings",
        "torch.nn.functional.torch.load",
        "torch.nn.functional.importlib",
        "torch.storage._load_from_bytes",
        "torch.jit._script.RecursiveScriptModule",
        "torch._utils._rebuild_anything",
        "numpy.load",
        "pathlib.Path.touch",
        "argparse.ArgumentParser",
        "mypackage.models.Net",
        "torch.nn.modules.conv.Conv2d\n",
    ],
)
def test_all_else_is_not(name: str) -> None:
    assert not is_allowed(name)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")
def test_the_tables_say_what_torch_says() -> None:
    import torch

    for name in DTYPES:
        assert isinstance(getattr(torch, name.removeprefix("torch.")), torch.dtype)
    for name, dtype in STORAGES.items():
        if dtype is not None:
            assert getattr(torch, name.removeprefix("torch.")).dtype is getattr(torch, dtype)

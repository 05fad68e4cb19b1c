"""Networks as programs whose statements make modules: the shapes that those of Keras come in."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.writing import Program
from writing.modules import Modules


def conv(t: Modules, x: str, name: str, widths: tuple[int, int], kernel: int = 1, settings: str = "") -> str:
    return t.make(name, f"nn.Conv2d({widths[0]}, {widths[1]}, kernel_size={kernel}{settings})", f"made({x})")


def norm(t: Modules, x: str, name: str, width: int) -> str:
    return t.make(name, f"nn.BatchNorm2d({width}, eps=1.001e-05)", f"made({x})")


def resnet(depths: Sequence[int] = (3, 4, 6, 3)) -> Program:
    """Flat, with the names of keras.applications."""
    t = Modules()
    x = conv(t, t("F.pad(image, (3, 3, 3, 3))"), "conv1_conv", (3, 64), 7, ", stride=2")
    x = t(f"F.relu({norm(t, x, 'conv1_bn', 64)})")
    x = t(f"F.max_pool2d({x}, 3, stride=2)")
    width = 64
    for stage, depth in enumerate(depths):
        inner = 64 * 2**stage
        for number in range(1, depth + 1):
            name = f"conv{stage + 2}_block{number}"
            settings = ", stride=2" if stage and number == 1 else ""
            y = x
            if number == 1:
                y = norm(t, conv(t, x, f"{name}_0_conv", (width, 4 * inner), 1, settings), f"{name}_0_bn", 4 * inner)
            x = norm(t, conv(t, x, f"{name}_1_conv", (width, inner), 1, settings), f"{name}_1_bn", inner)
            x = t(f"F.relu({x})")
            x = norm(t, conv(t, x, f"{name}_2_conv", (inner, inner), 3, ", padding=1"), f"{name}_2_bn", inner)
            x = t(f"F.relu({x})")
            x = norm(t, conv(t, x, f"{name}_3_conv", (inner, 4 * inner)), f"{name}_3_bn", 4 * inner)
            x = t(f"F.relu({t(f'{y} + {x}')})")
            width = 4 * inner
    x = t(f"torch.mean({x}, (2, 3))")
    return t.program(t.make("predictions", f"nn.Linear({width}, 1000)", f"made({x})"))


def densenet(depths: Sequence[int] = (6, 12, 48, 32)) -> Program:
    """Flat, with the names of keras.applications."""
    t = Modules()
    x = norm(t, conv(t, "image", "conv1_conv", (3, 64), 7, ", stride=2"), "conv1_bn", 64)
    width = 64
    for stage, depth in enumerate(depths, 2):
        for number in range(1, depth + 1):
            name = f"conv{stage}_block{number}"
            y = t(f"F.relu({norm(t, x, f'{name}_0_bn', width)})")
            y = norm(t, conv(t, y, f"{name}_1_conv", (width, 128)), f"{name}_1_bn", 128)
            y = conv(t, t(f"F.relu({y})"), f"{name}_2_conv", (128, 32), 3, ", padding=1")
            x = t(f"torch.cat([{x}, {y}], dim=1)")
            width += 32
        if stage - 1 < len(depths):
            x = t(f"F.relu({norm(t, x, f'pool{stage}_bn', width)})")
            x = t(f"F.avg_pool2d({conv(t, x, f'pool{stage}_conv', (width, width // 2))}, 2)")
            width //= 2
    x = t(f"F.relu({norm(t, x, 'bn', width)})")
    return t.program(t.make("predictions", f"nn.Linear({width}, 1000)", f"made({t(f'torch.mean({x}, (2, 3))')})"))


def inception(blocks: int = 4) -> Program:
    """Flat, with names that say nothing, and one statement of each branch after another."""
    t = Modules()
    number = 0

    def units(xs: Sequence[str], widths: Sequence[tuple[int, int]], kernels: Sequence[int]) -> list[str]:
        nonlocal number
        names = [f"{number + n}" for n in range(len(xs))]
        number += len(xs)
        xs = [
            conv(t, x, f"conv2d_{n}", width, kernel, f", padding={kernel // 2}, bias=False")
            for x, n, width, kernel in zip(xs, names, widths, kernels, strict=True)
        ]
        xs = [norm(t, x, f"batch_normalization_{n}", w[1]) for x, n, w in zip(xs, names, widths, strict=True)]
        return [t(f"F.relu({x})") for x in xs]

    (x,) = units(["image"], [(3, 32)], [3])
    width = 32
    for _ in range(blocks):
        pool = t(f"F.avg_pool2d({x}, 3, stride=1, padding=1)")
        a, b, c, d = units([x, x, x, pool], [(width, 64), (width, 48), (width, 96), (width, 32)], [1, 1, 1, 1])
        b, c = units([b, c], [(48, 64), (96, 96)], [5, 3])
        (c,) = units([c], [(96, 96)], [3])
        x = t(f"torch.cat([{a}, {b}, {c}, {d}], dim=1)")
        width = 256
    return t.program(t.make("predictions", "nn.Linear(256, 1000)", f"made({t(f'torch.mean({x}, (2, 3))')})"))


def transformer(depth: int = 12, tokens: int = 197, width: int = 768) -> Program:
    """With scopes inside scopes."""
    t = Modules()
    x = conv(t, "image", "patches", (3, width), 16, ", stride=16")
    x = t(f"{x}.flatten(2).transpose(1, 2)")
    with t.module("encoder", "Encoder"):
        x = t.make("encoder/position", f"nn.Parameter(torch.empty(1, {tokens - 1}, {width}))", f"{x} + made")
        for number in range(depth):
            with t.module(f"encoder.layer_{number}", "EncoderLayer"):
                path = f"encoder/layer_{number}"
                y = t.make(f"{path}/ln_1", f"nn.LayerNorm({width}, eps=1e-06)", f"made({x})")
                with t.module(f"encoder.layer_{number}.attention", "Attention"):
                    q, k, v = (
                        t.make(f"{path}/attention/{name}", f"nn.Linear({width}, {width})", f"made({y})")
                        for name in ("query", "key", "value")
                    )
                    q, k, v = (t(f"torch.unflatten({z}, 2, (12, {width // 12})).transpose(1, 2)") for z in (q, k, v))
                    y = t(f"torch.matmul({q}, {k}.transpose(2, 3)) * 0.125")
                    y = t(f"torch.matmul(F.softmax({y}, dim=-1), {v})")
                    y = t(f"torch.flatten({y}.transpose(1, 2), 2)")
                    y = t.make(f"{path}/attention/output", f"nn.Linear({width}, {width})", f"made({y})")
                x = t(f"{x} + {y}")
                y = t.make(f"{path}/ln_2", f"nn.LayerNorm({width}, eps=1e-06)", f"made({x})")
                with t.module(f"encoder.layer_{number}.mlp", "MLP"):
                    y = t.make(f"{path}/mlp/fc1", f"nn.Linear({width}, {4 * width})", f"made({y})")
                    y = t.make(f"{path}/mlp/fc2", f"nn.Linear({4 * width}, {width})", f"made(F.gelu({y}))")
                x = t(f"{x} + {y}")
        x = t.make("encoder/ln", f"nn.LayerNorm({width}, eps=1e-06)", f"made({x})")
    return t.program(t.make("head", f"nn.Linear({width}, 1000)", f"made({x}[:, 0])"))


def siamese() -> Program:
    """One encoder, called twice."""
    t = Modules(("left", "right"))

    def encoded(x: str) -> str:
        with t.module("encoder", "Functional"):
            for number in range(3):
                widths = ((3, 8), (8, 8), (8, 16))[number]
                x = conv(t, x, f"encoder/conv_{number}", widths, 3, ", padding=1")
                x = t(f"F.relu({norm(t, x, f'encoder/bn_{number}', widths[1])})")
            return t.make("encoder/embedding", "nn.Linear(16, 32)", f"made({t(f'torch.mean({x}, (2, 3))')})")

    distance = t(f"{encoded('left')} * {encoded('right')}")
    return t.program(t.make("score", "nn.Linear(32, 1)", f"made({distance})"))


def two_ways() -> Program:
    """Two inputs, two outputs."""
    t = Modules(("title", "body"))
    x = t.make("words", "nn.Embedding(1000, 16)", "made(title)")
    y = t.make("words", "nn.Embedding(1000, 16)", "made(body)")
    x = t(f"torch.cat([{x}, {y}], dim=1)")
    priority = t.make("priority", "nn.Linear(16, 1)", f"made({x})")
    return t.program(priority, t.make("department", "nn.Linear(16, 4)", f"made({x})"))


def recurrent(depth: int = 3) -> Program:
    """Layers that give a tuple."""
    t = Modules(("sequence",))
    x, states = "sequence", []
    for number in range(depth):
        x, state = t.made(f"gru_{number}", f"nn.GRU({8 if number else 5}, 8, batch_first=True)", f"made({x})", 2)
        states.append(state)
    x = t(f"{x}[:, -1]")
    return t.program(t.make("dense", "nn.Linear(8, 2)", f"made({x})"), *states)


def vgg() -> Program:
    """Blocks of two and of three convolutions."""
    t = Modules()
    x, width = "image", 3
    for number, (depth, new) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512)], 1):
        for place in range(1, depth + 1):
            x = t(f"F.relu({conv(t, x, f'block{number}_conv{place}', (width, new), 3, ', padding=1')})")
            width = new
        x = t(f"F.max_pool2d({x}, 2)")
    return t.program(t.make("fc", "nn.Linear(512, 10)", f"made({t(f'torch.mean({x}, (2, 3))')})"))


def tied() -> Program:
    """Tokens are told by the weights that embed them; the blocks get tensors that they do not own."""
    t = Modules(("tokens", "mask"))
    x = t.make("backbone/embedding", "nn.Embedding(50, 8)", "made(tokens)")
    with t.module("backbone", "Backbone"):
        for number in range(4):
            with t.module(f"backbone.block_{number}", "Block"):
                y = t.make(f"backbone/block_{number}/dense", "nn.Linear(8, 8)", f"made({x})")
                y = t.make("backbone/bias", "Buffer(torch.zeros(8))", f"{y} * mask + made")
                x = t(f"{x} + {y}")
    return t.program(t.make("backbone/embedding", "nn.Embedding(50, 8)", f"torch.matmul({x}, made.weight.T)"))


NETWORKS = {
    "resnet": resnet(),
    "densenet": densenet(),
    "inception": inception(),
    "transformer": transformer(),
    "siamese": siamese(),
    "two_ways": two_ways(),
    "recurrent": recurrent(),
    "vgg": vgg(),
    "tied": tied(),
}

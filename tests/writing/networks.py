"""Networks as programs: the shapes that real ones come in."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.writing import Program
from writing.programs import Trace


def conv_norm(t: Trace, x: str, name: str, norm: str, filters: int, kernel: int, strides: int = 1) -> str:
    padding = '"same"' if kernel > 1 else '"valid"'
    x = t(
        f'layers.Conv2D({filters}, {kernel}, strides={strides}, padding={padding}, use_bias=False, name="{name}")({x})'
    )
    return t(f'layers.BatchNormalization(epsilon=1e-05, name="{norm}")({x})')


def basic_block(t: Trace, x: str, path: str, filters: int, strides: int, down: bool) -> str:
    with t.module(path, "BasicBlock") as name:
        before = x
        x = conv_norm(t, x, f"{name}_conv1", f"{name}_bn1", filters, 3, strides)
        x = t(f'layers.Activation("relu", name="{name}_relu")({x})')
        x = conv_norm(t, x, f"{name}_conv2", f"{name}_bn2", filters, 3)
        if down:
            with t.module(f"{path}.downsample", "Sequential") as inner:
                before = conv_norm(t, before, f"{inner}_0", f"{inner}_1", filters, 1, strides)
        x = t(f"{x} + {before}")
        return t(f'layers.Activation("relu", name="{name}_relu_1")({x})')


def bottleneck(t: Trace, x: str, path: str, filters: int, strides: int, down: bool) -> str:
    with t.module(path, "Bottleneck") as name:
        before = x
        x = conv_norm(t, x, f"{name}_conv1", f"{name}_bn1", filters, 1)
        x = t(f'layers.Activation("relu", name="{name}_relu")({x})')
        x = conv_norm(t, x, f"{name}_conv2", f"{name}_bn2", filters, 3, strides)
        x = t(f'layers.Activation("relu", name="{name}_relu_1")({x})')
        x = conv_norm(t, x, f"{name}_conv3", f"{name}_bn3", filters * 4, 1)
        if down:
            with t.module(f"{path}.downsample", "Sequential") as inner:
                before = conv_norm(t, before, f"{inner}_0", f"{inner}_1", filters * 4, 1, strides)
        x = t(f"{before} + {x}")
        return t(f'layers.Activation("relu", name="{name}_relu_2")({x})')


def resnet(block: str = "basic", depths: Sequence[int] = (2, 2, 2, 2)) -> Program:
    t = Trace()
    x = conv_norm(t, "image", "conv1", "bn1", 64, 7, 2)
    x = t(f'layers.Activation("relu", name="relu")({x})')
    x = t(f'layers.MaxPooling2D(3, strides=2, padding="same", name="maxpool")({x})')
    for stage, depth in enumerate(depths):
        with t.module(f"layer{stage + 1}", "Sequential"):
            for number in range(depth):
                strides = 2 if stage and not number else 1
                if block == "basic":
                    x = basic_block(t, x, f"layer{stage + 1}.{number}", 64 * 2**stage, strides, strides > 1)
                else:
                    x = bottleneck(t, x, f"layer{stage + 1}.{number}", 64 * 2**stage, strides, number == 0)
    x = t(f'layers.GlobalAveragePooling2D(name="avgpool")({x})')
    return t.program(t(f'layers.Dense(1000, name="fc")({x})'))


def vit(depth: int = 12, tokens: int = 197, width: int = 768) -> Program:
    t = Trace()
    x = t(f'layers.Conv2D({width}, 16, strides=16, name="conv_proj")(image)')
    x = t(f"ops.reshape({x}, (-1, {tokens - 1}, {width}))")
    token = t(f'Parameter((1, 1, {width}), name="class_token")({x})')
    x = t(f"ops.concatenate([{token}, {x}], axis=1)")
    with t.module("encoder", "Encoder"):
        position = t(f'Parameter((1, {tokens}, {width}), name="encoder_pos_embedding")({x})')
        x = t(f"{x} + {position}")
        with t.module("encoder.layers", "Sequential"):
            for number in range(depth):
                with t.module(f"encoder.layers.encoder_layer_{number}", "EncoderBlock") as name:
                    before = x
                    x = t(f'layers.LayerNormalization(epsilon=1e-06, name="{name}_ln_1")({x})')
                    with t.module(f"encoder.layers.encoder_layer_{number}.self_attention", "MultiheadAttention"):
                        q = t(f'layers.Dense({width * 3}, name="{name}_self_attention_in_proj")({x})')
                        q = t(f"ops.reshape({q}, (-1, {tokens}, 3, 12, {width // 12}))")
                        q, k, v = t.several(f"ops.unpack({q}, 3)", 3)
                        q = t(f"ops.matmul({q}, ops.transpose({k}, (0, 1, 3, 2)))")
                        q = t(f"ops.softmax({q} * 0.125, axis=-1)")
                        q = t(f"ops.matmul({q}, {v})")
                        q = t(f"ops.reshape({q}, (-1, {tokens}, {width}))")
                        q = t(f'layers.Dense({width}, name="{name}_self_attention_out_proj")({q})')
                    x = t(f"{q} + {before}")
                    y = t(f'layers.LayerNormalization(epsilon=1e-06, name="{name}_ln_2")({x})')
                    with t.module(f"encoder.layers.encoder_layer_{number}.mlp", "MLPBlock"):
                        y = t(f'layers.Dense({width * 4}, name="{name}_mlp_0")({y})')
                        y = t(f'layers.Activation("gelu", name="{name}_mlp_1")({y})')
                        y = t(f'layers.Dense({width}, name="{name}_mlp_3")({y})')
                    x = t(f"{x} + {y}")
        x = t(f'layers.LayerNormalization(epsilon=1e-06, name="encoder_ln")({x})')
    x = t(f"{x}[:, 0]")
    return t.program(t(f'layers.Dense(1000, name="heads_head")({x})'))


def unet(depth: int = 4) -> Program:
    t = Trace()

    def double(x: str, path: str, filters: int) -> str:
        with t.module(path, "DoubleConv") as name:
            for number in (0, 3):
                x = conv_norm(t, x, f"{name}_{number}", f"{name}_{number + 1}", filters, 3)
                x = t(f'layers.Activation("relu", name="{name}_{number + 2}")({x})')
            return x

    x = double("image", "inc", 64)
    skips = [x]
    for number in range(1, depth + 1):
        with t.module(f"down{number}", "Down"):
            x = t(f'layers.MaxPooling2D(2, name="down{number}_pool")({x})')
            x = double(x, f"down{number}.conv", 64 * 2**number)
            skips.append(x)
    for number in range(1, depth + 1):
        with t.module(f"up{number}", "Up"):
            filters = 64 * 2 ** (depth - number)
            x = t(f'layers.Conv2DTranspose({filters}, 2, strides=2, name="up{number}_up")({x})')
            x = t(f"ops.concatenate([{skips[-1 - number]}, {x}], axis=-1)")
            x = double(x, f"up{number}.conv", filters)
    return t.program(t(f'layers.Conv2D(2, 1, name="outc")({x})'))


def raft(iterations: int = 12) -> Program:
    t = Trace(("left", "right"))
    one = t('shared["features"](left)')
    two = t('shared["features"](right)')
    hidden = t(f'layers.Conv2D(96, 3, name="context")({one})')
    corr = t(f"ops.matmul({one}, {two})")
    grid = t(f"ops.grid({one})")
    flow = grid
    flows = []
    for _ in range(iterations):
        with t.module("corr_block", "CorrBlock"):
            near = t(f"ops.sample({corr}, {flow}, radius=4)")
            near = t(f"ops.reshape({near}, (-1, 55, 128, 324))")
        change = t(f"{flow} + {grid}")
        with t.module("update_block", "UpdateBlock"):
            with t.module("update_block.gru", "GRU"):
                joined = t(f"ops.concatenate([{hidden}, {near}, {change}], axis=-1)")
                gate = t(f'shared["update_block_gru_convz"]({joined})')
                hidden = t(f"{hidden} * {gate}")
            step = t(f'shared["update_block_head"]({hidden})')
        flow = t(f"{flow} + {step}")
        flows.append(t(f"ops.upsample({flow}, factor=8)"))
    return t.program(*flows)


def densenet(depths: Sequence[int] = (6, 12, 24, 16)) -> Program:
    t = Trace()
    x = t('layers.Conv2D(64, 7, strides=2, name="features_conv0")(image)')
    for stage, depth in enumerate(depths, 1):
        with t.module(f"features.denseblock{stage}", "_DenseBlock"):
            made = [x]
            for number in range(1, depth + 1):
                with t.module(f"features.denseblock{stage}.denselayer{number}", "_DenseLayer") as name:
                    y = t(f"ops.concatenate([{', '.join(made)}], axis=-1)")
                    y = t(f'layers.BatchNormalization(epsilon=1e-05, name="{name}_norm1")({y})')
                    y = t(f'layers.Activation("relu", name="{name}_relu1")({y})')
                    made.append(t(f'layers.Conv2D(32, 3, name="{name}_conv2")({y})'))
            x = t(f"ops.concatenate([{', '.join(made)}], axis=-1)")
        if stage < len(depths):
            with t.module(f"features.transition{stage}", "_Transition") as name:
                x = t(f'layers.BatchNormalization(epsilon=1e-05, name="{name}_norm")({x})')
                x = t(f'layers.Conv2D({32 * 2**stage}, 1, name="{name}_conv")({x})')
                x = t(f'layers.AveragePooling2D(2, strides=2, name="{name}_pool")({x})')
    return t.program(t(f'layers.Dense(1000, name="classifier")({x})'))


NETWORKS = {
    "resnet18": resnet(),
    "resnet50": resnet("bottleneck", (3, 4, 6, 3)),
    "vit": vit(),
    "unet": unet(),
    "raft": raft(),
    "densenet": densenet(),
}

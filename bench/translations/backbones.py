"""keras-hub: backbones in small configurations with random weights, in which few sizes are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.translations.model import Entry, Model, Tier

HIDDEN, HEADS, GROUPS, LAYERS, INNER = 48, 6, 2, 2, 80
WORDS, LENGTH, PLACES, MELS = 101, 20, 64, 12
GAIN = 5

SIZES: dict[str, Any] = {
    "vocabulary_size": WORDS,
    "num_layers": LAYERS,
    "num_heads": HEADS,
    "hidden_dim": HIDDEN,
    "intermediate_dim": INNER,
}
"""What most call their sizes."""
PLACED = {**SIZES, "max_sequence_length": PLACES}
GROUPED = {**SIZES, "num_query_heads": HEADS, "num_key_value_heads": GROUPS}
del GROUPED["num_heads"]
PATCHES: dict[str, Any] = {"image_shape": (32, 48, 3), "patch_size": 8, **SIZES}
del PATCHES["vocabulary_size"]
RESNET: dict[str, Any] = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 96],
    "stackwise_num_blocks": [2, 2],
    "stackwise_num_strides": [1, 2],
    "image_shape": (64, 96, 3),
}
MIX: dict[str, Any] = {
    "layerwise_depths": [1, 1],
    "num_layers": 2,
    "layerwise_num_heads": [1, 2],
    "layerwise_sr_ratios": [2, 1],
    "max_drop_path_rate": 0.1,
    "layerwise_patch_sizes": [7, 3],
    "layerwise_strides": [4, 2],
    "hidden_dims": [16, 24],
    "image_shape": (64, 64, 3),
}


def without(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    """These settings less some."""
    return {name: value for name, value in settings.items() if name not in names}


def factory(kind: str, **settings: Any) -> Callable[[], Any]:
    """What makes a backbone of keras-hub."""

    def make() -> Any:
        import keras_hub

        made = {name: value() if callable(value) else value for name, value in settings.items()}
        return getattr(keras_hub.models, f"{kind}Backbone")(**made)

    return make


def text(prefix: str = "") -> tuple[Entry, ...]:
    """Ids and how many of them count."""
    ids = Entry((LENGTH,), f"{prefix}token_ids", below=WORDS)
    return (ids, Entry((LENGTH,), f"{prefix}padding_mask", mask=True))


SEGMENTS = Entry((LENGTH,), "segment_ids", below=2)
WHOLE = text()[:1]
PAIRED = (*text("encoder_"), *text("decoder_"))


def image(shape: tuple[int, ...] = (32, 48, 3)) -> tuple[Entry, ...]:
    return (Entry(shape),)


def _row(name: str, make: Callable[[], Any], inputs: tuple[Entry, ...], tier: Tier = "required") -> Model:
    group = "keras-hub" if tier == "required" else "further keras-hub"
    return Model(name, group, make, inputs, tier, reduced="small configuration", gain=GAIN, told=False)


REQUIRED = (
    _row("bert", factory("Bert", **PLACED), (*text(), SEGMENTS)),
    _row("gpt2", factory("GPT2", **PLACED), text()),
    _row("llama", factory("Llama", **GROUPED), text()),
    _row("vit", factory("ViT", **without(PATCHES, "intermediate_dim"), mlp_dim=INNER), image()),
    _row("gemma", factory("Gemma", **GROUPED, head_dim=16), text()),
    _row("t5", factory("T5", **SIZES), PAIRED),
    _row(
        "whisper",
        factory(
            "Whisper", **SIZES, num_mels=MELS, max_encoder_sequence_length=PLACES, max_decoder_sequence_length=PLACES
        ),
        (Entry((2 * LENGTH, MELS), "encoder_features"), *text("decoder_")),
    ),
    _row("deberta_v3", factory("DebertaV3", **PLACED, bucket_size=8), text()),
    _row("resnet", factory("ResNet", **RESNET, block_type="basic_block"), image((64, 96, 3))),
)

OTHERS = tuple(
    _row(name, make, inputs, "others")
    for name, make, inputs in (
        ("albert", factory("Albert", **PLACED, embedding_dim=32), (*text(), SEGMENTS)),
        ("bart", factory("Bart", **PLACED), PAIRED),
        ("bloom", factory("Bloom", **SIZES), text()),
        ("distilbert", factory("DistilBert", **PLACED), text()),
        (
            "electra",
            factory("Electra", **without(PLACED, "vocabulary_size"), vocab_size=WORDS, embedding_dim=32),
            (*text(), SEGMENTS),
        ),
        ("esm2", factory("ESM2", **PLACED), WHOLE),
        ("falcon", factory("Falcon", **without(SIZES, "num_heads"), num_attention_heads=HEADS), text()),
        ("fnet", factory("FNet", **without(PLACED, "num_heads")), (*WHOLE, SEGMENTS)),
        ("gemma3", factory("Gemma3", **GROUPED, image_size=None, head_dim=16), text()),
        ("gpt_neo_x", factory("GPTNeoX", **PLACED), text()),
        ("mistral", factory("Mistral", **GROUPED, sliding_window=8), text()),
        ("opt", factory("OPT", **PLACED), text()),
        ("phi3", factory("Phi3", **GROUPED), text()),
        ("qwen2", factory("Qwen2", **GROUPED), text()),
        ("qwen3", factory("Qwen3", **GROUPED, head_dim=8), text()),
        ("roberta", factory("Roberta", **PLACED), text()),
        ("roformer_v2", factory("RoformerV2", **SIZES, head_size=8), (*WHOLE, SEGMENTS)),
        ("xlnet", factory("XLNet", **SIZES), (*text(), SEGMENTS)),
        ("deit", factory("DeiT", **PATCHES), image()),
        (
            "swin",
            factory(
                "SwinTransformer",
                image_shape=(64, 64, 3),
                embed_dim=24,
                depths=[2, 2],
                num_heads=[2, 4],
                window_size=4,
            ),
            image((64, 64, 3)),
        ),
        ("mit", factory("MiT", **MIX), image((64, 64, 3))),
        (
            "segformer",
            factory("SegFormer", image_encoder=factory("MiT", **MIX), projection_filters=20),
            image((64, 64, 3)),
        ),
        (
            "deeplab_v3",
            factory(
                "DeepLabV3",
                image_encoder=factory("ResNet", **RESNET, block_type="bottleneck_block"),
                spatial_pyramid_pooling_key="P3",
                upsampling_size=8,
                dilation_rates=[2, 3],
                image_shape=(64, 96, 3),
            ),
            image((64, 96, 3)),
        ),
        (
            "densenet",
            factory("DenseNet", stackwise_num_repeats=[2, 3], growth_rate=12, image_shape=(64, 96, 3)),
            image((64, 96, 3)),
        ),
    )
)

MODELS = (*REQUIRED, *OTHERS)

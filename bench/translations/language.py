"""transformers: small configurations with random weights, in which few sizes are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.translations.model import Entry, Model, Tier

if TYPE_CHECKING:
    import torch

HIDDEN, HEADS, GROUPS, LAYERS, INNER = 48, 6, 2, 2, 80
WORDS, LENGTH, PLACES = 101, 20, 64
GAIN = 5
TEXT = (Entry((LENGTH,), "input_ids", below=WORDS),)
MASK = Entry((LENGTH,), "attention_mask", mask=True)

BERT: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": PLACES,
}
"""What most encoders call their sizes."""
LLAMA: dict[str, Any] = {**BERT, "num_key_value_heads": GROUPS, "use_cache": False, "tie_word_embeddings": False}
GPT: dict[str, Any] = {"vocab_size": WORDS, "n_layer": LAYERS, "n_head": HEADS, "use_cache": False}
IMAGE: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "image_size": 40,
    "patch_size": 8,
}


def factory(kind: str, **settings: Any) -> Callable[[], torch.nn.Module]:
    """What makes a model of transformers; ``Bert:Model`` is a ``BertModel`` of a ``BertConfig``."""
    family, _, head = kind.partition(":")

    def make() -> torch.nn.Module:
        import transformers

        module: torch.nn.Module = getattr(transformers, family + head)(
            getattr(transformers, family + "Config")(**settings)
        )
        return module

    return make


def clip() -> torch.nn.Module:
    from transformers import CLIPConfig, CLIPModel

    text = {**BERT, "num_attention_heads": 4, "eos_token_id": WORDS - 1, "bos_token_id": 0, "pad_token_id": 1}
    scale = 2.66 / GAIN  # the gain is on it too
    return CLIPModel(CLIPConfig(text_config=text, vision_config=IMAGE, projection_dim=32, logit_scale_init_value=scale))


def whisper_encoder() -> torch.nn.Module:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    sizes = {"d_model": HIDDEN, "encoder_layers": LAYERS, "encoder_attention_heads": HEADS, "encoder_ffn_dim": INNER}
    return WhisperEncoder(WhisperConfig(**sizes, num_mel_bins=16, max_source_positions=PLACES // 2))


def _pixels(size: int = 40) -> tuple[Entry, ...]:
    return (Entry((3, size, size), "pixel_values"),)


def _row(
    name: str,
    make: Callable[[], torch.nn.Module],
    inputs: tuple[Entry, ...] = TEXT,
    tier: Tier = "required",
) -> Model:
    group = "transformers" if tier == "required" else "further transformers"
    return Model(name, group, make, inputs, tier, reduced="small configuration", gain=GAIN)


REQUIRED = (
    _row("bert", factory("Bert:Model", **BERT)),
    _row("gpt2", factory("GPT2:LMHeadModel", **GPT, n_embd=HIDDEN, n_positions=PLACES)),
    _row("llama", factory("Llama:ForCausalLM", **LLAMA)),
    _row(
        "t5_encoder",
        factory("T5:EncoderModel", vocab_size=WORDS, d_model=HIDDEN, d_kv=8, d_ff=INNER, num_layers=2, num_heads=HEADS),
    ),
    _row("vit", factory("ViT:Model", **IMAGE), _pixels()),
    _row("clip", clip, (*TEXT, *_pixels())),
    _row(
        "swin",
        factory("Swin:Model", image_size=56, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[2, 4]),
        _pixels(56),
    ),
    _row(
        "wav2vec2",
        factory(
            "Wav2Vec2:Model",
            **{**BERT, "hidden_size": 48},
            conv_dim=(32, 32, 40),
            conv_stride=(5, 2, 2),
            conv_kernel=(10, 3, 3),
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
        ),
        (Entry((1600,), "input_values"),),
    ),
)

OTHERS = tuple(
    _row(name, make, inputs, "others")
    for name, make, inputs in (
        ("bert_masked", factory("Bert:Model", **BERT), (*TEXT, MASK)),
        (
            "distilbert",
            factory("DistilBert:Model", vocab_size=WORDS, dim=48, n_layers=2, n_heads=6, hidden_dim=80),
            TEXT,
        ),
        ("roberta", factory("Roberta:Model", **BERT), TEXT),
        ("albert", factory("Albert:Model", **BERT, embedding_size=32), TEXT),
        ("electra", factory("Electra:Model", **BERT, embedding_size=32), TEXT),
        (
            "deberta_v2",
            factory("DebertaV2:Model", **BERT, relative_attention=True, pos_att_type=["p2c", "c2p"]),
            TEXT,
        ),
        ("mistral", factory("Mistral:ForCausalLM", **LLAMA, sliding_window=8), TEXT),
        ("qwen2", factory("Qwen2:ForCausalLM", **LLAMA), TEXT),
        ("gemma", factory("Gemma:ForCausalLM", **{**LLAMA, "tie_word_embeddings": True}, head_dim=16), TEXT),
        ("phi", factory("Phi:ForCausalLM", **LLAMA), TEXT),
        (
            "opt",
            factory(
                "OPT:ForCausalLM",
                vocab_size=WORDS,
                hidden_size=HIDDEN,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                ffn_dim=INNER,
                max_position_embeddings=PLACES,
                use_cache=False,
            ),
            TEXT,
        ),
        ("bloom", factory("Bloom:ForCausalLM", **GPT, hidden_size=HIDDEN), TEXT),
        (
            "falcon",
            factory(
                "Falcon:ForCausalLM",
                vocab_size=WORDS,
                hidden_size=HIDDEN,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                use_cache=False,
            ),
            TEXT,
        ),
        ("whisper_encoder", whisper_encoder, (Entry((16, PLACES), "input_features"),)),
        ("beit", factory("Beit:Model", **IMAGE, use_relative_position_bias=True), _pixels()),
        ("deit", factory("DeiT:Model", **IMAGE), _pixels()),
        ("dinov2", factory("Dinov2:Model", **{**IMAGE, "intermediate_size": 192}), _pixels()),
        (
            "convnext_hf",
            factory("ConvNext:Model", hidden_sizes=[16, 24, 32, 40], depths=[1, 1, 2, 1], image_size=64),
            _pixels(64),
        ),
        (
            "segformer",
            factory(
                "Segformer:ForSemanticSegmentation",
                hidden_sizes=[16, 24, 32, 48],
                depths=[1, 1, 1, 1],
                num_attention_heads=[1, 2, 4, 6],
                decoder_hidden_size=40,
            ),
            _pixels(64),
        ),
        ("mobilevit", factory("MobileViT:Model", image_size=64), _pixels(64)),
    )
)

MODELS = (*REQUIRED, *OTHERS)

"""keras-hub against transformers: small configurations in which no two sizes are equal.

The two projects call their networks differently: Keras's backbones take named inputs, sorted by name, and the modules
of transformers arguments, most of them optional. Nobody tells homolog which is which.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.pairs.pair import Pair

if TYPE_CHECKING:
    import torch

HIDDEN, HEADS, GROUPS, LAYERS, INNER = 48, 6, 2, 3, 80
WORDS, LENGTH = 101, 64
GAIN = 5


def bert() -> torch.nn.Module:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=LENGTH,
    )
    return BertModel(config)


def keras_bert() -> Any:
    from keras_hub.models import BertBackbone

    return BertBackbone(
        vocabulary_size=WORDS,
        num_layers=LAYERS,
        num_heads=HEADS,
        hidden_dim=HIDDEN,
        intermediate_dim=INNER,
        max_sequence_length=LENGTH,
    )


def gpt2() -> torch.nn.Module:
    from transformers import GPT2Config, GPT2Model

    config = GPT2Config(vocab_size=WORDS, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=LENGTH)
    return GPT2Model(config)


def keras_gpt2() -> Any:
    from keras_hub.models import GPT2Backbone

    return GPT2Backbone(
        vocabulary_size=WORDS,
        num_layers=LAYERS,
        num_heads=HEADS,
        hidden_dim=HIDDEN,
        intermediate_dim=4 * HIDDEN,
        max_sequence_length=LENGTH,
    )


def llama() -> torch.nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=GROUPS,
        intermediate_size=INNER,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config)


def keras_llama() -> Any:
    from keras_hub.models import LlamaBackbone, LlamaCausalLM

    backbone = LlamaBackbone(
        vocabulary_size=WORDS,
        num_layers=LAYERS,
        num_query_heads=HEADS,
        num_key_value_heads=GROUPS,
        hidden_dim=HIDDEN,
        intermediate_dim=INNER,
    )
    return LlamaCausalLM(backbone)


def vit() -> torch.nn.Module:
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        image_size=40,
        patch_size=8,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        layer_norm_eps=1e-6,
    )
    return ViTModel(config, add_pooling_layer=False)


def keras_vit() -> Any:
    from keras_hub.models import ViTBackbone

    return ViTBackbone(
        image_shape=(40, 40, 3), patch_size=8, num_layers=LAYERS, num_heads=HEADS, hidden_dim=HIDDEN, mlp_dim=INNER
    )


def by_keras_hub(name: str, whole: Callable[[Any], Any] = lambda network: network) -> Callable[[Any, Path], Any]:
    """keras-hub's own converter: reads the folder that transformers writes.

    Args:
        name: of the backbone's class.
        whole: the module that the converter knows, for the one that is called.
    """

    def convert(module: Any, folder: Path) -> dict[str, np.ndarray[Any, Any]]:
        import keras_hub

        import keras

        whole(module).save_pretrained(folder)
        backbone = getattr(keras_hub.models, name).from_preset(str(folder))
        return {variable.path: keras.ops.convert_to_numpy(variable) for variable in backbone.variables}

    return convert


def whole_vit(network: Any) -> Any:
    """A classifier around a network without one: the converter reads its names."""
    from transformers import ViTForImageClassification

    classifier = ViTForImageClassification(network.config)
    classifier.vit = network
    return classifier


PAIRS = (
    Pair(
        "bert",
        bert,
        keras_bert,
        known=("approximate",),  # keras-hub's BERT approximates GELU, the original does not
        gain=GAIN,
        oracle=by_keras_hub("BertBackbone"),
    ),
    Pair("gpt2", gpt2, keras_gpt2, gain=GAIN, oracle=by_keras_hub("GPT2Backbone")),
    Pair("llama", llama, keras_llama, gain=GAIN, oracle=by_keras_hub("LlamaBackbone")),
    Pair("vit", vit, keras_vit, gain=GAIN, oracle=by_keras_hub("ViTBackbone", whole_vit)),
)

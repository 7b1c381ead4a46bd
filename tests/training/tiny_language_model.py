"""A language model of a few thousand weights with a tokenizer of whole words, in transformers' layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

PLACES = ["harbour", "garden", "forest", "market", "bridge", "castle"]
LIGHTS = ["dawn", "dusk", "noon", "fog"]
PROMPTS = [f"a quiet {place} by the river, {light}, calm water" for place in PLACES for light in LIGHTS]


def build_language_model(folder: Path, prompts: Sequence[str] = PROMPTS) -> Path:
    """Untrained, its vocabulary the words of `prompts`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = sorted({word.strip(",") for prompt in prompts for word in prompt.split()})
    vocabulary = {word: number for number, word in enumerate(["<end>", "<unknown>", ",", *words])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    torch.manual_seed(0)
    config: Any = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, eos_token_id=0, bos_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unknown>").save_pretrained(folder)
    return folder

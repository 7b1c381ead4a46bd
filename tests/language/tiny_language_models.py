"""The papers' kinds of language models, untrained and a few thousand weights large, saved as their authors would."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

_SAID = """boats on a river at dawn with red sails and the old bridge in fog over water near trees people walk slowly under
    lamps harbour city street market snow night painting shows london paris monday"""
WORDS = _SAID.split()
MARKS = [".", ",", ":"]


def _randomize(model: Any, scale: float = 0.5) -> None:
    """Weights so large that each prompt gives another text."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)


def t5(folder: Path) -> Path:
    """An encoder-decoder with T5's tokenizer: pieces of words, and marks for gaps."""
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -3.0) for word in WORDS)]
    pieces += [(mark, -4.0) for mark in MARKS] + [("▁", -6.0)] + [(letter, -8.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer: Any = T5Tokenizer(vocab=list(dict(pieces).items()), extra_ids=4)
    config: Any = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(config)
    _randomize(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def gpt2(folder: Path, *, template: str | None = None, pickled: bool = False) -> Path:
    """A causal model with GPT-2's tokenizer of bytes, as GPT-2 and DialoGPT are. `pickled`: weights in torch's own file."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

    letters = sorted(ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*letters, "<|endoftext|>"])}
    tokenizer: Any = GPT2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.chat_template = template
    end = vocabulary["<|endoftext|>"]
    config: Any = GPT2Config(
        vocab_size=len(vocabulary), n_positions=128, n_embd=32, n_layer=2, n_head=4, bos_token_id=end, eos_token_id=end
    )
    torch.manual_seed(0)
    model: Any = GPT2LMHeadModel(config)
    # Only letters, spaces and marks are ever written, so that its texts have words.
    said = [vocabulary[letter] for letter in "abcdeghilmnorstuĠĠĠ.," if letter in vocabulary]
    with torch.no_grad():
        model.transformer.wte.weight.mul_(0.2)
        model.transformer.ln_f.bias.copy_(torch.ones(32))
        for number in range(len(vocabulary)):
            model.transformer.wte.weight[number] += 0.3 if number in said else -0.3
    if pickled:
        folder.mkdir(parents=True, exist_ok=True)
        model.config.architectures = ["GPT2LMHeadModel"]
        model.config.save_pretrained(folder)
        torch.save(dict(model.state_dict()), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def bert_ner(folder: Path, labels: Sequence[str], said: dict[str, str]) -> Path:
    """A token classifier that labels each word of `said` as it says, and every other word with the first label.

    It has no layers, so a word's state is its embedding; the classifier is solved for, not trained.
    """
    from transformers import BertConfig, BertForTokenClassification, BertTokenizer

    words = [*WORDS, *(word for word in said if word not in WORDS)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words), *MARKS, "##s"]
    tokenizer: Any = BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, do_lower_case=True)
    config: Any = BertConfig(
        vocab_size=len(pieces), hidden_size=128, num_hidden_layers=0, num_attention_heads=4, intermediate_size=16,
        max_position_embeddings=64, id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )  # fmt: skip
    torch.manual_seed(0)
    model: Any = BertForTokenClassification(config).eval()
    with torch.no_grad():
        embeddings = model.bert.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        ids = torch.arange(len(pieces))[None]
        states = torch.cat([embeddings(ids[:, start : start + 32])[0] for start in range(0, len(pieces), 32)])
        wanted = torch.zeros(len(pieces), len(labels))
        for number, piece in enumerate(pieces):
            wanted[number, list(labels).index(said.get(piece, labels[0]))] = 1.0
        model.classifier.weight.copy_(torch.linalg.lstsq(states, wanted).solution.T)
        model.classifier.bias.zero_()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def put_in_cache(folder: Path, cache: Path, name: str) -> None:
    """Puts the model into a Hugging Face cache, as if it had been downloaded as `name`."""
    repository = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)

"""The encoder and the tokens for reading are transformers' own, bit for bit."""

import copy
import json
from pathlib import Path

import pytest
import torch
from transformers.models.bert.modeling_bert import BertModel

from impasto.errors import ImpastoError
from impasto.language.bert import BertEncoder, BertShape
from impasto.language.bert_tokens import BertTokens
from impasto.language.minilm import MAX_TOKENS, load_bert, load_bert_tokenizer, load_text_encoder, minilm_folder

TEXTS = [
    "boats at sunset, by Claude Monet", "", "Éluard über ﬁ 漢字 a cat 🐱 [MASK] [SEP] x", "word " * 200,
    "don't — it’s 19th-century", "\u200b a\tb", "ЗИМА снег", "İstanbul", "a" * 500,
]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_states_are_those_of_transformers(dtype: torch.dtype) -> None:
    theirs, ours = load_text_encoder(dtype=dtype), load_text_encoder(dtype=dtype, learns=False)
    assert isinstance(theirs.model, BertModel) and isinstance(ours.model, BertEncoder)
    assert torch.equal(ours.states(TEXTS), theirs.states(TEXTS))
    assert torch.equal(ours.states([TEXTS[3]]), theirs.states([TEXTS[3]]))  # no padding, so no mask
    names = dict(theirs.model.named_modules())
    assert [name for name, _ in ours.model.named_modules() if name not in names] == []
    assert ours.width == theirs.width
    assert ours.model.get_input_embeddings().weight.shape == theirs.model.get_input_embeddings().weight.shape


@pytest.mark.parametrize(
    "other", [{"hidden_act": "relu"}, {"is_decoder": True}, {"hidden_size": "384"}, {"num_attention_heads": 7}]
)
def test_another_kind_of_bert_is_left_to_transformers(other: dict[str, object]) -> None:
    config = json.loads((minilm_folder() / "config.json").read_text())
    assert BertShape.from_config(config) is not None
    assert BertShape.from_config({**config, **other}) is None


def test_a_pooler_is_left_away(tmp_path: Path) -> None:
    from transformers.models.bert.configuration_bert import BertConfig

    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(tmp_path)
    numbers, mask = torch.tensor([[3, 4, 0]]), torch.tensor([[1, 1, 0]])
    made = [load_bert(tmp_path, torch.device("cpu"), torch.float32, learns=learns) for learns in (True, False)]
    assert torch.equal(*(one(numbers, attention_mask=mask)[0] for one in made))


def test_tokens_are_those_of_transformers(tmp_path: Path) -> None:
    folder = minilm_folder()
    theirs = load_bert_tokenizer(folder)
    ours = BertTokens(folder / "tokenizer.json", MAX_TOKENS, lambda: theirs)
    padded = {"padding": "max_length", "max_length": 77, "truncation": True, "return_tensors": "pt"}
    read, expected = ours(TEXTS, **padded), theirs(TEXTS, **padded)
    assert torch.equal(read.input_ids, expected.input_ids)
    assert torch.equal(read.attention_mask, expected.attention_mask)
    places = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    for options in (
        {"truncation": False, "verbose": False, **places}, {"truncation": True, "max_length": 9},
        {"padding": "max_length", "max_length": 77, "truncation": True, **places}, {"truncation": True},
    ):  # fmt: skip
        for text in (*TEXTS, TEXTS):
            read, expected = ours(text, **options), theirs(text, **options)
            assert {"offset_mapping", "special_tokens_mask"} <= read.keys() or "return_offsets_mapping" not in options
            assert all(read[name] == expected[name] for name in read)
    assert ours.unk_token_id == theirs.unk_token_id and ours.tokenize("boats") == ["boats"]
    assert ours(["a b"], padding=True, return_tensors="np")["input_ids"].shape == (1, 4)
    assert copy.deepcopy(ours).add_tokens(["<mine>"]) == 1 and len(theirs) == len(load_bert_tokenizer(folder))
    broken = tmp_path / "tokenizer.json"
    broken.write_text("{")
    with pytest.raises(ImpastoError, match="holds no tokenizer that can be read"):
        BertTokens(broken, 77, lambda: theirs)

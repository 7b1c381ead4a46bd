"""BERT's encoder (Devlin et al. 2019), for texts that are only read: pocket's MiniLM while it paints.

It has the names of transformers' `BertModel`, so that weights, LoRAs and concepts fit both, and gives the same states bit
for bit. Importing transformers' modelling code takes two seconds of a core, more than painting a picture; training keeps it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class BertShape:
    """The fields of a BERT's config.json that its encoder needs.

    Attributes:
        use_attention_mask: whether painters pass the mask of padding.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    model_type: str = "bert"
    use_attention_mask: bool = True

    @classmethod
    def from_config(cls, content: dict[str, Any]) -> "BertShape | None":
        """Returns the shape that a config.json describes; None if it asks for what `BertEncoder` does not do."""
        usual = {"model_type": "bert", "hidden_act": "gelu", "is_decoder": False, "add_cross_attention": False}
        names = [name for name in cls.__dataclass_fields__ if name not in ("model_type", "use_attention_mask")]
        known = {name: content[name] for name in names if name in content}
        if any(content.get(name, value) != value for name, value in usual.items()):
            return None
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known.values()):
            return None
        try:
            shape = cls(**known)
        except TypeError:  # a field is missing: transformers knows its usual value
            return None
        return shape if shape.num_attention_heads > 0 and shape.hidden_size % shape.num_attention_heads == 0 else None


class BertEncoder(nn.Module):
    """The encoder of a BERT: token ids and a mask to the states of its last layer. It has no dropout and no pooler."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.config = shape
        self.embeddings = _Embeddings(shape)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(shape) for _ in range(shape.num_hidden_layers))

    def get_input_embeddings(self) -> nn.Embedding:
        """Returns the table of the words' vectors."""
        return self.embeddings.word_embeddings

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> tuple[torch.Tensor]:
        """input_ids and attention_mask, int64 [n, tokens] (1 for words, 0 for padding) -> (states [n, tokens, width],)."""
        seen = None
        if attention_mask is not None and not bool(attention_mask.all()):
            count, length = input_ids.shape
            seen = attention_mask.bool()[:, None, None, :].expand(count, 1, length, length)
        states = self.embeddings(input_ids)
        for layer in self.encoder.layer:  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]
            states = layer(states, seen)
        return (states,)


class _Embeddings(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.position_embeddings = nn.Embedding(shape.max_position_embeddings, shape.hidden_size)
        self.token_type_embeddings = nn.Embedding(shape.type_vocab_size, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, shape.layer_norm_eps)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        # A single text has token type 0 everywhere.
        words = self.word_embeddings(input_ids) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(words + self.position_embeddings.weight[: input_ids.shape[1]])


class _Layer(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.attention = nn.Module()
        self.attention.self = _SelfAttention(shape)
        self.attention.output = _Output(shape.hidden_size, shape)
        self.intermediate = nn.Module()
        self.intermediate.dense = nn.Linear(shape.hidden_size, shape.intermediate_size)
        self.output = _Output(shape.intermediate_size, shape)

    def forward(self, states: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
        attention: Any = self.attention
        inner: Any = self.intermediate
        states = attention.output(attention.self(states, seen), states)
        return self.output(F.gelu(inner.dense(states)), states)


class _SelfAttention(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self._heads = shape.num_attention_heads
        self.query = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.key = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.value = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, states: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
        query, key, value = (
            part(states).unflatten(-1, (self._heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        return F.scaled_dot_product_attention(query, key, value, attn_mask=seen).transpose(1, 2).flatten(2)


class _Output(nn.Module):
    """A linear layer, added to what the layer began with and normalised."""

    def __init__(self, width: int, shape: BertShape) -> None:
        super().__init__()
        self.dense = nn.Linear(width, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, shape.layer_norm_eps)

    def forward(self, states: torch.Tensor, begun: torch.Tensor) -> torch.Tensor:
        return self.LayerNorm(self.dense(states) + begun)

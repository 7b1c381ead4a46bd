"""The networks of RAM (Zhang et al. 2023), RAM++ (Huang et al. 2023b) and Tag2Text (Huang et al. 2023a).

They are put together from transformers' Swin and from the layers of BLIP's text models, which have the same equations.

Checked against the authors' code (commit 7cb804a, transformers 4.30) with files of random weights that it saved: all three
models small, RAM (Swin-L) and Tag2Text (Swin-B) also in their published sizes, with the published lists of tags. Tags,
captions by beam search and the names of all weights are the same; logits of tags and of words differ by at most 4e-6.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.models.blip.configuration_blip import BlipTextConfig
from transformers.models.blip.modeling_blip_text import (
    BlipTextAttention,
    BlipTextIntermediate,
    BlipTextLMHeadModel,
    BlipTextModel,
    BlipTextOutput,
)
from transformers.models.swin.configuration_swin import SwinConfig
from transformers.models.swin.modeling_swin import SwinModel

from impasto.vision.recognize_anything.keys import (
    RAM,
    RAM_PLUS,
    TAGGING_HEADS,
    TEXT_HEADS,
    Layout,
    SwinShape,
)


class TaggingLayer(nn.Module):
    """Cross-attention of the tags to the picture, then a feed-forward layer; without self-attention, as in Query2Label."""

    def __init__(self, config: BlipTextConfig) -> None:
        super().__init__()
        self.crossattention = BlipTextAttention(config, is_cross_attention=True)
        self.intermediate = BlipTextIntermediate(config)
        self.output = BlipTextOutput(config)

    def forward(self, queries: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        attended, _ = self.crossattention(queries, encoder_hidden_states=picture)
        return self.output(self.intermediate(attended), attended)


class TaggingHead(nn.Module):
    """Maps queries [n, tags, hidden], one for each tag, and a picture's vectors [n, places, width] to [n, tags, hidden]."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        config = _text_config(layout.hidden, layout.inner, TAGGING_HEADS, layout.looked_at, layout.layers)
        self.layers = nn.ModuleList([TaggingLayer(config) for _ in range(layout.layers)])

    def forward(self, queries: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            queries = layer(queries, picture)
        return queries


class TagNetwork(nn.Module, ABC):
    """The common part: the image encoder and the tagging head; `logits` depends on the kind."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.vision: Any = SwinModel(_swin_config(layout.swin), add_pooling_layer=False)
        self.head = TaggingHead(layout)

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns a picture's vectors [n, 1 + places, channels], the mean first, from pixels [n, 3, side, side]."""
        places = self.vision(pixel_values=pixels).last_hidden_state
        return torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)

    @abstractmethod
    def logits(self, seen: torch.Tensor) -> torch.Tensor:
        """Returns the logit of each tag [n, tags]; `seen`: the result of `see`."""


class RamNetwork(TagNetwork):
    """RAM: the queries are CLIP's embeddings of the tags' names, which the file holds (section 3.3)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.image_proj = nn.Linear(layout.swin.outputs, layout.looked_at)
        self.label_embed = nn.Parameter(torch.zeros(layout.labels, layout.words))
        same = layout.words == layout.hidden
        self.wordvec_proj = nn.Identity() if same else nn.Linear(layout.words, layout.hidden)
        self.fc = nn.Linear(layout.hidden, 1)

    def logits(self, seen: torch.Tensor) -> torch.Tensor:
        picture = self.image_proj(seen)
        queries = F.relu(self.wordvec_proj(self.embeddings(picture)))
        return self.fc(self.head(queries, picture)).squeeze(-1)

    def embeddings(self, picture: torch.Tensor) -> torch.Tensor:
        """Returns the embedding of each tag [n, tags, words]; `picture`: projected vectors [n, 1 + places, words]."""
        return self.label_embed.expand(len(picture), -1, -1)


class RamPlusNetwork(RamNetwork):
    """RAM++: each tag has several descriptions, weighted by their similarity to the picture (section 3.4)."""

    def __init__(self, layout: Layout, tags: int) -> None:
        super().__init__(layout)
        self.reweight_scale = nn.Parameter(torch.zeros([]))
        self._tags = tags

    def embeddings(self, picture: torch.Tensor) -> torch.Tensor:
        whole = F.normalize(picture[:, 0], dim=-1)
        described = self.label_embed.view(self._tags, -1, self.label_embed.shape[1])
        similarity = self.reweight_scale.exp() * torch.einsum("nw,tdw->ntd", whole, described)
        return torch.einsum("ntd,tdw->ntw", similarity.softmax(dim=-1), described)


class _PerTag(nn.Module):
    """One linear output for each tag."""

    def __init__(self, tags: int, hidden: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.zeros(1, tags, hidden))
        self.b = nn.Parameter(torch.zeros(1, tags))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.W * x).sum(-1) + self.b


class Tag2TextNetwork(TagNetwork):
    """Tag2Text: learned queries; with `texts` also an encoder of tags and a text decoder, which caption (section 3)."""

    def __init__(self, layout: Layout, *, texts: bool) -> None:
        super().__init__(layout)
        self.label_embed = nn.Embedding(layout.labels, layout.hidden)
        self.fc = _PerTag(layout.labels, layout.hidden)
        if texts:
            sizes = layout.hidden, layout.text_inner, TEXT_HEADS
            reading = {"vocab_size": layout.vocabulary, "max_position_embeddings": layout.places}
            tags = _text_config(*sizes, layout.looked_at, layout.text_layers, **reading)
            words = _text_config(*sizes, layout.hidden, layout.text_layers, **reading)
            self.tag_encoder: Any = BlipTextModel(tags, add_pooling_layer=False)
            self.text_decoder: Any = BlipTextLMHeadModel(words)

    def logits(self, seen: torch.Tensor) -> torch.Tensor:
        return self.fc(self.head(self.label_embed.weight.expand(len(seen), -1, -1), seen))

    def read_tags(self, tokens: torch.Tensor, mask: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Returns vectors [n, length, hidden] of tags as tokens [n, length], which attend to the picture."""
        everywhere = torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device)
        return self.tag_encoder(
            input_ids=tokens, attention_mask=mask, encoder_hidden_states=seen, encoder_attention_mask=everywhere
        ).last_hidden_state


def build(layout: Layout, tags: int, *, texts: bool) -> TagNetwork:
    """Returns the network of a layout, with random weights; `tags`: the number of tags; `texts`: with the text models."""
    if layout.kind == RAM:
        return RamNetwork(layout)
    if layout.kind == RAM_PLUS:
        return RamPlusNetwork(layout, tags)
    return Tag2TextNetwork(layout, texts=texts)


def _swin_config(shape: SwinShape) -> SwinConfig:
    config: Any = SwinConfig
    return config(
        image_size=shape.side,
        patch_size=shape.patch,
        embed_dim=shape.width,
        depths=list(shape.depths),
        num_heads=list(shape.heads),
        window_size=shape.window,
        mlp_ratio=shape.mlp_ratio,
        drop_path_rate=0.0,
    )


def _text_config(hidden: int, inner: int, heads: int, looked_at: int, layers: int, **sizes: int) -> BlipTextConfig:
    config: Any = BlipTextConfig
    return config(
        hidden_size=hidden,
        intermediate_size=inner,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        encoder_hidden_size=looked_at,
        is_decoder=True,
        **sizes,
    )

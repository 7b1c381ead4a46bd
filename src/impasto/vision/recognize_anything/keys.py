"""The published files of RAM, RAM++ and Tag2Text: which kind a file is, its sizes, and our names of its weights.

The authors publish one pickle for each model (github.com/xinyu1205/recognize-anything): a Swin image encoder, a tagging head
of two layers, and, for Tag2Text, an encoder of tags and a text decoder. All sizes follow from the weights' shapes.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError

if TYPE_CHECKING:
    import torch

Weights = dict[str, "torch.Tensor"]
RAM, RAM_PLUS, TAG2TEXT = "ram", "ram++", "tag2text"
KINDS = (RAM, RAM_PLUS, TAG2TEXT)
# Fixed in the authors' q2l_config.json and med_config.json; the shapes do not show the number of heads.
TAGGING_HEADS, TEXT_HEADS = 4, 12

# Buffers, which are computed from the sizes, and parts that the authors' code deletes or never saved.
_IGNORED = re.compile(
    r"\.(relative_position_index|attn_mask|position_ids)$|^visual_encoder\.head\."
    r"|^head\.(embeddings|pooler)\.|^head\.layers\.\d+\.attention\."
)
_RENAMED: tuple[tuple[str, str], ...] = (
    (r"^module\.", ""),  # saved around torch's data-parallel wrapper
    (r"^(tagging_head|vision_multi)\.", "head."),  # the second: Tag2Text's first release
    (r"^head\.encoder\.layer\.", "head.layers."),
    (r"^visual_encoder\.patch_embed\.proj\.", "vision.embeddings.patch_embeddings.projection."),
    (r"^visual_encoder\.patch_embed\.norm\.", "vision.embeddings.norm."),
    (r"^visual_encoder\.norm\.", "vision.layernorm."),
    (r"^visual_encoder\.layers\.", "vision.encoder.layers."),
    (r"^(vision\..*)\.norm1\.", r"\1.layernorm_before."),
    (r"^(vision\..*)\.norm2\.", r"\1.layernorm_after."),
    (r"^(vision\..*)\.attn\.proj\.", r"\1.attention.o_proj."),
    (r"^(vision\..*)\.attn\.(relative_position_bias)_table$", r"\1.attention.\2.\2_table"),
)
_RULES = tuple((re.compile(pattern), new) for pattern, new in _RENAMED)
_QKV = re.compile(r"^(vision\..*)\.attn\.qkv\.(weight|bias)$")
_TEXTS = ("tag_encoder.", "text_decoder.")
_PARTS = {
    RAM: ("vision.", "head.", "image_proj.", "label_embed", "wordvec_proj.", "fc."),
    RAM_PLUS: ("vision.", "head.", "image_proj.", "label_embed", "wordvec_proj.", "fc.", "reweight_scale"),
    TAG2TEXT: ("vision.", "head.", "label_embed.", "fc."),
}


@dataclass(frozen=True)
class SwinShape:
    """The sizes of the Swin encoder (Liu et al. 2021).

    Attributes:
        patch: px of a patch's side.
        width: channels of the first stage; each later stage has twice those of the one before.
        depths, heads: blocks and attention heads of each stage.
        window: patches of an attention window's side.
        mlp_ratio: hidden channels of a block's MLP, in its channels.
    """

    patch: int
    width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    window: int
    mlp_ratio: float

    @property
    def side(self) -> int:
        """Px of the pictures' side: the last stage is one window, so 384 for window 12, 224 for window 7."""
        return self.patch * 2 ** (len(self.depths) - 1) * self.window

    @property
    def outputs(self) -> int:
        """Channels of the last stage."""
        return self.width * 2 ** (len(self.depths) - 1)


@dataclass(frozen=True)
class Layout:
    """What a file's weights describe.

    Attributes:
        kind: one of `KINDS`.
        swin: the image encoder.
        hidden, inner, layers: width, hidden units and layers of the tagging head.
        looked_at: width of what the tagging head attends to.
        words: width of the embeddings of tags; for Tag2Text it is `hidden`.
        labels: rows of the embeddings: the number of tags, or for RAM++ tags times descriptions of each.
        text_layers, text_inner, vocabulary, places: sizes of Tag2Text's text models; 0 for the others.
    """

    kind: str
    swin: SwinShape
    hidden: int
    inner: int
    layers: int
    looked_at: int
    words: int
    labels: int
    text_layers: int = 0
    text_inner: int = 0
    vocabulary: int = 0
    places: int = 0


def renamed(weights: "Mapping[str, torch.Tensor]") -> Weights:
    """Returns a published file's weights by our modules' names, without buffers. The joint q, k, v become three."""
    found: Weights = {}
    for old, value in weights.items():
        name = old
        for pattern, new in _RULES:
            name = pattern.sub(new, name)
        if _IGNORED.search(name):
            continue
        joint = _QKV.match(name)
        if joint:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                found[f"{joint[1]}.attention.{letter}_proj.{joint[2]}"] = part
        else:
            found[name] = value
    return found


def layout_of(weights: Weights, file: Path) -> Layout:
    """Returns what renamed weights describe.

    Raises:
        ImpastoError: they are of another kind of model, or some that every file has are missing.
    """
    if "visual_encoder.pos_embed" in weights:
        raise ImpastoError(f"{file} has a ViT as its image encoder; the published RAM and Tag2Text have a Swin")
    if "reweight_scale" in weights:
        kind = RAM_PLUS
    elif "label_embed" in weights:
        kind = RAM
    elif "label_embed.weight" in weights and "fc.W" in weights:
        kind = TAG2TEXT
    else:
        first = next(iter(weights), "no weights")
        raise ImpastoError(
            f"{file} is not RAM, RAM++ or Tag2Text, it begins with {first}: use the authors' file, for instance "
            "ram_swin_large_14m.pth"
        )
    try:
        return _layout(weights, kind)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise ImpastoError(f"{file} is not a whole {kind}: the weights {error} are missing or of another shape") from None


def _layout(weights: Weights, kind: str) -> Layout:
    swin = _swin(weights)
    hidden, looked_at = weights["head.layers.0.crossattention.self.key.weight"].shape
    head = {
        "kind": kind,
        "swin": swin,
        "hidden": hidden,
        "inner": weights["head.layers.0.intermediate.dense.weight"].shape[0],
        "layers": _count(weights, lambda n: f"head.layers.{n}.crossattention.self.query.weight"),
        "looked_at": looked_at,
    }
    if kind != TAG2TEXT:
        labels, words = weights["label_embed"].shape
        return Layout(**head, words=words, labels=labels)
    labels, words = weights["label_embed.weight"].shape
    vocabulary = weights["text_decoder.bert.embeddings.word_embeddings.weight"].shape[0]
    return Layout(
        **head,
        words=words,
        labels=labels,
        text_layers=_count(weights, lambda n: f"text_decoder.bert.encoder.layer.{n}.intermediate.dense.weight"),
        text_inner=weights["text_decoder.bert.encoder.layer.0.intermediate.dense.weight"].shape[0],
        vocabulary=vocabulary,
        places=weights["text_decoder.bert.embeddings.position_embeddings.weight"].shape[0],
    )


def _swin(weights: Weights) -> SwinShape:
    width, _, patch, _ = weights["vision.embeddings.patch_embeddings.projection.weight"].shape

    def table(stage: int, block: int) -> str:
        return f"vision.encoder.layers.{stage}.blocks.{block}.attention.relative_position_bias.relative_position_bias_table"

    stages = _count(weights, lambda n: table(n, 0))
    tables = [weights[table(stage, 0)].shape for stage in range(max(1, stages))]
    window = (math.isqrt(tables[0][0]) + 1) // 2
    return SwinShape(
        patch=patch,
        width=width,
        depths=tuple(_count(weights, lambda block, stage=stage: table(stage, block)) for stage in range(stages)),
        heads=tuple(heads for _, heads in tables),
        window=window,
        mlp_ratio=weights["vision.encoder.layers.0.blocks.0.mlp.fc1.weight"].shape[0] / width,
    )


def _count(weights: Weights, name: Callable[[int], str]) -> int:
    number = 0
    while name(number) in weights:
        number += 1
    return number


def parts_of(weights: Weights, layout: Layout, *, texts: bool) -> Weights:
    """Returns the weights that a network of this layout needs; `texts`: with Tag2Text's text models.

    RAM's file also holds the text models that it was trained with, which tagging does not need.
    """
    wanted = _PARTS[layout.kind] + (_TEXTS if texts else ())
    found = {name: value for name, value in weights.items() if name.startswith(wanted)}
    if texts:
        # Saved once or twice, as the version of transformers had it: the output layer shares the embeddings and its bias.
        head, embeddings = "text_decoder.cls.predictions.", "text_decoder.bert.embeddings.word_embeddings.weight"
        for one, other in ((f"{head}bias", f"{head}decoder.bias"), (embeddings, f"{head}decoder.weight")):
            for name, twin in ((one, other), (other, one)):
                if name not in found and twin in found:
                    found[name] = found[twin]
    return found

"""RAM, RAM++ and Tag2Text in their authors' layout, with random weights and of tiny size.

The authors' code loads these weights without one missing or unexpected name (`load_state_dict`, strict), at these sizes.
"""

from pathlib import Path

import numpy as np
import torch

TAGS = ("boat", "sea", "woman", "red", "man")
HIDDEN, INNER, WORDS, PLACES = 24, 32, 512, 64
VOCABULARY = 30524  # BERT's, and the two marks
WINDOW, WIDTH, HEADS, SIDE = 4, 6, (1, 2), 32
DESCRIPTIONS = 3  # of each tag, RAM++
_OUTPUTS = WIDTH * 2
_TEXT_LAYERS = 2


def published(kind: str, tags: int = len(TAGS), seed: int = 0) -> dict[str, torch.Tensor]:
    """All weights and buffers of "ram", "ram++" or "tag2text", by the authors' names."""
    make = _Maker(seed)
    make.swin()
    looked_at = _OUTPUTS if kind == "tag2text" else WORDS
    if kind != "ram++":
        make.text("tag_encoder.", looked_at)
        make.text("text_decoder.bert.", HIDDEN)
        make.predictions("text_decoder.cls.predictions.")
    for layer in range(2):
        make.block(f"tagging_head.encoder.layer.{layer}.", "crossattention", looked_at)
    if kind != "ram++":  # shared with the encoder's first two layers
        for name in [name for name in make.found if name.startswith("tagging_head.")]:
            make.found["tag_encoder." + name.removeprefix("tagging_head.")] = make.found[name]
    if kind == "tag2text":
        make.add("label_embed.weight", tags, HIDDEN)
        make.add("fc.W", 1, tags, HIDDEN)
        make.add("fc.b", 1, tags)
        return make.found
    make.add("label_embed", tags * (DESCRIPTIONS if kind == "ram++" else 1), WORDS)
    make.linear("wordvec_proj.", WORDS, HIDDEN)
    make.linear("fc.", HIDDEN, 1)
    make.linear("image_proj.", _OUTPUTS, WORDS)
    if kind == "ram++":
        make.found["reweight_scale"] = torch.tensor(0.5)
    return make.found


def save(folder: Path, kind: str, tags: tuple[str, ...] = TAGS, *, seed: int = 0) -> Path:
    """The published file as its authors save it, beside an optimizer's state, with its lists; returns the file."""
    names = {"ram": "ram_swin_large_14m", "ram++": "ram_plus_swin_large_14m", "tag2text": "tag2text_swin_14m"}
    folder.mkdir(parents=True, exist_ok=True)
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    state = {"model": published(kind, len(tags), seed), "optimizer": optimizer, "config": {"k": 4}, "epoch": 4}
    torch.save(state, folder / f"{names[kind]}.pth")
    write_lists(folder, tags)
    return folder / f"{names[kind]}.pth"


def write_lists(folder: Path, tags: tuple[str, ...] = TAGS) -> None:
    (folder / "ram_tag_list.txt").write_text("\n".join(tags), "utf-8")
    (folder / "tag2text_ori_tag_list.txt").write_text("\n".join(tags), "utf-8")
    (folder / "ram_tag_list_threshold.txt").write_text("\n".join(["0.5"] * len(tags)) + "\n", "utf-8")


class _Maker:
    def __init__(self, seed: int) -> None:
        self.found: dict[str, torch.Tensor] = {}
        self._random = np.random.default_rng(seed)

    def add(self, name: str, *shape: int, scale: float = 0.3) -> None:
        self.found[name] = torch.from_numpy(self._random.normal(size=shape).astype(np.float32) * scale)

    def linear(self, name: str, inputs: int, outputs: int, *, bias: bool = True) -> None:
        self.add(f"{name}weight", outputs, inputs)
        if bias:
            self.add(f"{name}bias", outputs)

    def norm(self, name: str, width: int) -> None:
        self.add(f"{name}weight", width, scale=0.1)
        self.found[f"{name}weight"] += 1
        self.add(f"{name}bias", width, scale=0.1)

    def swin(self) -> None:
        eyes = "visual_encoder."
        self.add(f"{eyes}patch_embed.proj.weight", WIDTH, 3, 4, 4)
        self.add(f"{eyes}patch_embed.proj.bias", WIDTH)
        self.norm(f"{eyes}patch_embed.norm.", WIDTH)
        for stage, heads in enumerate(HEADS):
            width, places = WIDTH * 2**stage, SIDE // 4 // 2**stage
            for block in range(2):
                name = f"{eyes}layers.{stage}.blocks.{block}."
                if block % 2 and places > WINDOW:
                    windows = (places // WINDOW) ** 2
                    self.found[f"{name}attn_mask"] = _shifted_mask(places, windows)
                self.norm(f"{name}norm1.", width)
                self.add(f"{name}attn.relative_position_bias_table", (2 * WINDOW - 1) ** 2, heads)
                self.found[f"{name}attn.relative_position_index"] = _relative_index()
                self.linear(f"{name}attn.qkv.", width, 3 * width)
                self.linear(f"{name}attn.proj.", width, width)
                self.norm(f"{name}norm2.", width)
                self.linear(f"{name}mlp.fc1.", width, 4 * width)
                self.linear(f"{name}mlp.fc2.", 4 * width, width)
            if stage < len(HEADS) - 1:
                self.linear(f"{eyes}layers.{stage}.downsample.reduction.", 4 * width, 2 * width, bias=False)
                self.norm(f"{eyes}layers.{stage}.downsample.norm.", 4 * width)
        self.norm(f"{eyes}norm.", _OUTPUTS)

    def block(self, name: str, attention: str, looked_at: int) -> None:
        """One attention and the feed-forward layer after it."""
        self.attention(f"{name}{attention}.", looked_at)
        self.linear(f"{name}intermediate.dense.", HIDDEN, INNER)
        self.linear(f"{name}output.dense.", INNER, HIDDEN)
        self.norm(f"{name}output.LayerNorm.", HIDDEN)

    def attention(self, name: str, looked_at: int) -> None:
        self.linear(f"{name}self.query.", HIDDEN, HIDDEN)
        self.linear(f"{name}self.key.", looked_at, HIDDEN)
        self.linear(f"{name}self.value.", looked_at, HIDDEN)
        self.linear(f"{name}output.dense.", HIDDEN, HIDDEN)
        self.norm(f"{name}output.LayerNorm.", HIDDEN)

    def text(self, name: str, looked_at: int) -> None:
        self.add(f"{name}embeddings.word_embeddings.weight", VOCABULARY, HIDDEN, scale=0.05)
        self.add(f"{name}embeddings.position_embeddings.weight", PLACES, HIDDEN, scale=2.0)
        self.found[f"{name}embeddings.position_ids"] = torch.arange(PLACES)[None]
        self.norm(f"{name}embeddings.LayerNorm.", HIDDEN)
        for layer in range(_TEXT_LAYERS):
            self.attention(f"{name}encoder.layer.{layer}.attention.", HIDDEN)
            self.block(f"{name}encoder.layer.{layer}.", "crossattention", looked_at)

    def predictions(self, name: str) -> None:
        self.add(f"{name}bias", VOCABULARY, scale=0.05)
        self.linear(f"{name}transform.dense.", HIDDEN, HIDDEN)
        self.norm(f"{name}transform.LayerNorm.", HIDDEN)
        self.found[f"{name}decoder.weight"] = self.found["text_decoder.bert.embeddings.word_embeddings.weight"]
        self.found[f"{name}decoder.bias"] = self.found[f"{name}bias"]


def _relative_index() -> torch.Tensor:
    rows, columns = np.indices((WINDOW, WINDOW)).reshape(2, -1)
    down, right = (axis[:, None] - axis[None] + WINDOW - 1 for axis in (rows, columns))
    return torch.from_numpy(down * (2 * WINDOW - 1) + right)


def _shifted_mask(places: int, windows: int) -> torch.Tensor:
    """-100 between places that only the cyclic shift brought into one window (Liu et al. 2021, figure 4)."""
    edge = np.zeros(places, int)
    edge[-WINDOW:] += 1
    edge[-WINDOW // 2 :] += 1
    region = edge[:, None] * 3 + edge
    split = region.reshape(places // WINDOW, WINDOW, places // WINDOW, WINDOW).transpose(0, 2, 1, 3).reshape(windows, -1)
    return torch.from_numpy(np.where(split[:, :, None] == split[:, None], 0.0, -100.0).astype(np.float32))

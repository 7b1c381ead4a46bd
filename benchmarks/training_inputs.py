"""What `benchmarks/training.py` trains: checkpoints that both sides can load, and catalogues."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from impasto.checkpoints.load import load_components
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out

ARTIST = "A Painter"
WORDS = ("quiet", "harbour", "under", "red", "evening", "clouds", "three", "boats", "an", "old", "stone", "mill", "river")


def small_tokenizer() -> Any:
    """CLIP's tokenizer with the 256 bytes and `WORDS` for words, so that drawn texts have about as many tokens as by CLIP's.

    The texts of your own catalogue have more tokens than there.
    """
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [*map(chr, visible), *(chr(256 + n) for n in range(256 - len(visible)))]
    merges: dict[tuple[str, str], str] = {}
    for word in (*WORDS, "painter"):
        begun = word[0]
        for letter in (*word[1:-1], f"{word[-1]}</w>"):
            merges[begun, letter] = begun + letter
            begun += letter
    words = [*letters, *(f"{letter}</w>" for letter in letters), *merges.values(), "<|startoftext|>", "<|endoftext|>"]
    places = {word: n for n, word in enumerate(dict.fromkeys(words))}
    return CLIPTokenizer(vocab=places, merges=list(merges), model_max_length=77)


def clip_text_encoder(width: int, layers: int, words: int) -> CLIPTextModel:
    """CLIP's text encoder, untrained, with heads of 64."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=width // 64, bos_token_id=words - 2, eos_token_id=words - 1, pad_token_id=words - 1,
        )
    )  # fmt: skip


def stable_diffusion(share: float = 1.0, side: int = 512) -> tuple[Any, Any, int]:
    """Stable Diffusion v1's U-Net and VAE, untrained, with `share` of each width, and the width of its text."""

    def widths(*of: int) -> tuple[int, ...]:
        return tuple(int(width * share) for width in of)

    unet = UNet2DConditionModel(
        sample_size=side // 8, block_out_channels=widths(320, 640, 1280, 1280), cross_attention_dim=int(768 * share)
    )
    levels: dict[str, Any] = {
        "block_out_channels": widths(128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    }
    vae = AutoencoderKL(**levels, layers_per_block=2, sample_size=side, scaling_factor=0.18215)
    return unet, vae, int(768 * share)


def write_checkpoint(kind: str, side: int, folder: Path) -> Path:
    """A checkpoint in the diffusers layout, with CLIP's tokenizer and text encoder.

    `kind`: `pocket`, its own U-Net and VAE, and an encoder of MiniLM's size; or `sd-half`, Stable Diffusion v1's shape with
    half of every width, so that its parts cost what they cost there in proportion, untrained.
    """
    torch.manual_seed(0)
    tokenizer = small_tokenizer()
    if kind == "pocket":
        own = load_components("pocket", dtype=torch.float32)
        unet, vae, scheduler = own.unet, own.vae, DDIMScheduler.from_config(own.scheduler_config)
        encoder = clip_text_encoder(384, 6, len(tokenizer))
    else:
        unet, vae, width = stable_diffusion(0.5, side)
        scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
        encoder = clip_text_encoder(width, 12, len(tokenizer))
    make: Any = StableDiffusionPipeline  # which needs no safety checker, whatever its types say
    pipeline = make(
        vae, encoder, tokenizer, unet, scheduler, None, None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder)
    return folder


def draw_catalogue(folder: Path, count: int, width: int, height: int) -> Path:
    """`count` JPEGs of soft colours under a fine grain, about as many bytes as a photograph of a painting has."""
    folder.mkdir()
    draw, rows = np.random.default_rng(0), []
    for name in _names(count, "jpg"):
        soft = Image.fromarray(draw.integers(0, 256, (9, 12, 3), np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
        grain = draw.normal(0, 9, (height, width, 1)).astype(np.float32)
        Image.fromarray((np.asarray(soft) + grain).clip(0, 255).astype(np.uint8)).save(folder / name, quality=90)
        rows.append({"file_name": name, "artist": ARTIST, "text": " ".join(draw.permutation(WORDS)[:12])})
    return _described(folder, rows)


def copy_catalogue(source: Path, folder: Path, count: int) -> Path:
    """`count` pictures of a catalogue of yours, drawn from all of it, as works of one artist."""
    folder.mkdir()
    entries = read_catalogue(source, check_images=False).entries
    chosen = np.random.default_rng(0).permutation(len(entries))[:count]
    rows = []
    for number, place in enumerate(chosen):
        entry = entries[place]
        name = _names(1, entry.file.suffix.lstrip("."), number * 1000)[0]
        shutil.copyfile(entry.file, folder / name)
        rows.append({"file_name": name, "artist": ARTIST, "text": entry.caption or entry.title or "a painting"})
    return _described(folder, rows)


def _names(count: int, suffix: str, start: int = 0) -> list[str]:
    """File names that Impasto holds none of out from training, so that both sides train on the same pictures."""
    names, number = [], start
    while len(names) < count:
        name = f"{number:08}.{suffix}"
        number += 1
        if not is_held_out(name):
            names.append(name)
    return names


def _described(folder: Path, rows: list[dict[str, str]]) -> Path:
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    return folder

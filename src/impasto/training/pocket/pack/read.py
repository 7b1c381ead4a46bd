"""Reads a pack and prepares the training data of pocket's denoiser from it, all on one device."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors import safe_open

from impasto.checkpoints.memory import MemoryEncoder, PaintingMemory, latent_moments, nearest_codes
from impasto.training.losses.alignment import load_network, normalised, read_maps
from impasto.training.methods.autoencoder import posterior_of, to_tensor
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.data import PocketData
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.pack.squares import LEVELS, ResidentSquares, read_squares
from impasto.training.pocket.pack.text_encoder import unpack_text_encoder
from impasto.training.pocket.pack.words import words_from_bytes
from impasto.training.pocket.prepare import Prepared, encode_resident, works_of
from impasto.training.pocket.texts import PictureWords, TextDrawer

_AT_ONCE = 256  # pictures through autoencoder and classifier
_SAMPLED_TEXTS = 3000  # texts to whose states the whitening is fitted


@dataclass
class Pack:
    """The content of a pack.

    Attributes:
        squares, held_out: pictures, uint8 [n, s, s, 3], on the device.
        told: metadata: sizes and prompts, see `write_pack`.
        tensors: principal components, neighbours.
    """

    folder: Path
    squares: ResidentSquares
    held_out: ResidentSquares
    words: list[PictureWords]
    told: dict[str, Any]
    tensors: dict[str, torch.Tensor]


def read_pack(folder: Path, machine: Machine, subset: int | None = None) -> Pack:
    """Reads the pack in `folder`, or only its first `subset` pictures; replaces their neighbours outside of the subset."""
    with safe_open(folder / "data.safetensors", "pt") as opened:
        told = json.loads(opened.metadata()["impasto"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    count = min(subset or len(tensors["square_ends"]), len(tensors["square_ends"]))
    words = words_from_bytes((folder / "words.jsonl.xz").read_bytes())[:count]
    ends = tensors.pop("square_ends").tolist()[:count]
    squares = read_squares((folder / "squares.webps").read_bytes(), ends)
    held_out = read_squares((folder / "held_out.webps").read_bytes(), tensors.pop("held_out_ends").tolist())
    if count < len(tensors["components"]):  # replaces neighbours outside of the subset: a subset is for trials
        tensors["components"] = tensors["components"][:count]
        tensors["by_text"] = tensors["by_text"][:count].long() % count
        told["prompts_works"] = [[number % count for number in row] for row in told["prompts_works"]]
    device = machine.device
    return Pack(folder, ResidentSquares(squares, device), ResidentSquares(held_out, device), words, told, tensors)


@torch.inference_mode()
def _encode(autoencoder: AutoencoderKL, squares: torch.Tensor, flipped: bool) -> tuple[torch.Tensor, torch.Tensor]:
    means, deviation = [], torch.zeros((), device=squares.device)
    for part in squares.split(_AT_ONCE):
        posterior = posterior_of(autoencoder, to_tensor(part.flip(2) if flipped else part))
        means.append(posterior.mean)
        deviation = deviation + posterior.std.mean(dim=(2, 3)).sum(dim=0)
    return torch.cat(means), deviation / len(squares)


@torch.inference_mode()
def _feature_maps(squares: torch.Tensor, machine: Machine) -> tuple[torch.Tensor, ...]:
    network = load_network().to(machine.device)
    found = []
    for part in squares.split(_AT_ONCE if machine.device.type == "cuda" else 16):
        with machine.autocast():
            found.append([maps.half() for maps in read_maps(network, part)])
    return tuple(normalised(torch.cat(maps).float()).half() for maps in zip(*found, strict=True))


def prepare_packed(
    pack: Pack, autoencoder: AutoencoderKL, choices: PocketChoices, machine: Machine, *, aligned: bool = True
) -> Prepared:
    """Does the work of `prepare` from the pack's squares; `autoencoder` is on the machine's device."""
    count, device = len(pack.squares), machine.device
    latents, deviation = _encode(autoencoder, pack.squares.all, False)
    mirrored, _ = _encode(autoencoder, pack.squares.all, True)
    moments = latent_moments(latents).cpu()
    encoder = MemoryEncoder(choices.memory, len(pack.tensors["mean"]))
    encoder.mean.copy_(pack.tensors["mean"])
    encoder.basis.copy_(pack.tensors["basis"])
    encoder.fit_moments(moments)
    rest = ((moments - encoder.latent_mean) / encoder.latent_scale).clamp(-4, 4)
    codes = torch.cat([pack.tensors["components"].float() / LEVELS, rest], dim=1)
    drawer = TextDrawer()
    texts = [drawer.variants(word, choices.text_variants) for word in pack.words]
    text_encoder = unpack_text_encoder(pack.folder / "minilm", device)
    unique = list(dict.fromkeys(["", *(text for row in texts for text in row)]))
    numbers = {text: n for n, text in enumerate(unique)}
    states = encode_resident(unique, text_encoder, choices.short_tokens, machine)
    picked = states[:: max(1, len(states) // _SAMPLED_TEXTS)][:_SAMPLED_TEXTS]
    held_out = _encode(autoencoder, pack.held_out.all, False)[0] if len(pack.held_out) else None
    data = PocketData(
        latents=torch.stack([latents, mirrored]).half(),
        latent_scale=torch.ones(latents.shape[1]),
        deviation=deviation,
        codes=codes,
        by_features=torch.from_numpy(nearest_codes(codes.to(device), min(choices.neighbours, count - 1))),
        by_text=pack.tensors["by_text"].long(),
        states=states,
        variants=torch.tensor([[numbers[text] for text in row] for row in texts]),
        empty=numbers[""],
        features=_feature_maps(pack.squares.all, machine) if aligned else (),
        held_out=held_out,
    )
    sample = picked.float().flatten(0, 1).cpu()
    return Prepared(data, PaintingMemory(encoder, codes, works_of(pack.words)), pack.words, sample, text_encoder)

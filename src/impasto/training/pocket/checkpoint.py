"""Writes pocket's models as a checkpoint folder: U-Net, autoencoder, scheduler, artists, memory."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.export.components import save_parts
from impasto.checkpoints.memory import MemoryEncoder, PaintingMemory, Work, save_memory
from impasto.files import write_atomically
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import make_sampler, make_unet
from impasto.training.pocket.choices import PocketChoices

States = Mapping[str, Mapping[str, torch.Tensor]]  # "unet", "memory" -> their weights


def save_pocket(
    states: States,
    whitening: TextWhitening,
    autoencoder: AutoencoderKL,
    choices: PocketChoices,
    codes: torch.Tensor,
    works: list[Work],
    artists: Sequence[Mapping[str, Any]],
    folder: Path,
) -> Path:
    """Writes the checkpoint folder and returns it; the whitening is folded into copies of the weights.

    Args:
        codes: the codes of the memory's works, [works, code].
    """
    cpu = torch.device("cpu")
    fold = deepcopy(whitening).to(cpu)
    fold.detach_hooks()
    weights = {
        name: {key: value.detach().to(cpu, torch.float32) for key, value in state.items()}
        for name, state in states.items()
    }
    side = int(autoencoder.config["sample_size"]) // 8
    unet = make_unet(choices.unet, int(autoencoder.config["latent_channels"]), side)
    unet.load_state_dict(weights["unet"])
    fold.fold_into(unet)
    network = MemoryEncoder(choices.memory, len(weights["memory"]["mean"]))
    network.load_state_dict(weights["memory"])
    fold.fold_into_tokens(network.outer)
    schedule: dict[str, Any] = json.loads(make_sampler(choices.unet).to_json_string())
    vae = torch.nn.Module.to(deepcopy(autoencoder), cpu)
    saved = save_parts({"unet": unet, "vae": vae}, folder, schedule, artists)
    save_memory(PaintingMemory(network, codes.cpu(), works), saved / "memory")
    write_atomically(saved / "choices.json", json.dumps(asdict(choices), indent=1).encode())
    return saved

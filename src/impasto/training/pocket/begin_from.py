"""Makes a run that begins with the weights of a pocket checkpoint folder, so that training goes on in another session."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError
from impasto.training.pocket.autoencoder_run import save_autoencoder
from impasto.training.pocket.carry_over import shape_of
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.half_size import is_doubled
from impasto.training.pocket.layout import AUTOENCODER, BEGIN, FACTOR, LARGE_AUTOENCODER
from impasto.training.pocket.pack.result import states_to_tensors, write_weights
from impasto.weights.header import read_json

CHOICES = "choices.json"


def begin_from(checkpoint: str, run: Path) -> None:
    """Writes the autoencoder and the initial weights of `run`; nothing if the run has been begun already.

    The weights are those of a painter: the whitening of the texts is folded into them. `begin_run` takes it out again. The
    learning rate, the averages and the count of steps begin anew.

    The autoencoder of a checkpoint that paints twice the size (f = 16) is halved when the run has its pictures.

    A checkpoint that was made before pocket had a memory gets one whose encoder begins untrained.

    Args:
        checkpoint: a checkpoint of pocket, by name or folder.

    Raises:
        ImpastoError: it has no folder, or its texts are not encoded as pocket's are.
        UsageError: there is no such checkpoint.
    """
    if (run / BEGIN).is_dir() or any(run.glob("state-*.pt")):
        return
    parts = load_components(checkpoint, device=torch.device("cpu"), dtype=torch.float32)
    if parts.folder is None or parts.unet.config["cross_attention_dim"] != PocketChoices().unet.text_width:
        raise ImpastoError(f"--from {checkpoint}: it is no folder of a checkpoint like pocket")
    file, memory = parts.folder / CHOICES, parts.memory
    choices = asdict(PocketChoices())
    choices["unet"]["block_out_channels"] = shape_of(parts.unet)
    told: dict[str, Any] = {
        "choices": {**choices, **(read_json(file) if file.is_file() else {})},
        "autoencoder": {name: value for name, value in parts.vae.config.items() if not name.startswith("_")},
        "step": 0,
    }
    states = {"unet": parts.unet.state_dict(), **({} if memory is None else {"memory": memory.encoder.state_dict()})}
    tensors = {name: value for name, value in states_to_tensors(states, states).items() if name.startswith("averaged/")}
    doubled = latent_factor(parts.vae.config) == 2 * FACTOR and is_doubled(parts.vae)
    save_autoencoder(parts.vae, run / (LARGE_AUTOENCODER if doubled else AUTOENCODER))
    write_weights(run / BEGIN, tensors, told)

"""Unpacks the result of a pack's training into a run: its checkpoint, and weights from which the run can resume."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.memory import MemoryConfig, MemoryEncoder
from impasto.errors import ImpastoError
from impasto.training.loop.ema import EMA
from impasto.training.loop.state import save_state
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import DenoiserChoices
from impasto.training.pocket.autoencoder_run import save_autoencoder
from impasto.training.pocket.checkpoint import save_pocket
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.layout import AUTOENCODER, BEGIN
from impasto.training.pocket.pack.result import LOG, SHEET, read_weights, states_from_tensors, write_weights
from impasto.training.pocket.pack.words import words_from_bytes
from impasto.training.pocket.prepare import works_of
from impasto.training.pocket.task import PocketTask
from impasto.training.recipes.pocket_denoiser import artists_of


def choices_of(told: dict[str, Any]) -> PocketChoices:
    """Restores the options from their JSON form."""
    row = dict(told["choices"])
    unet, memory = row.pop("unet"), row.pop("memory")
    unet["block_out_channels"] = tuple(unet["block_out_channels"])
    row["memory_shares"] = tuple((int(count), float(share)) for count, share in row["memory_shares"])
    return PocketChoices(unet=DenoiserChoices(**unet), memory=MemoryConfig(**memory), **row)


def unpack(out: Path, run: Path) -> Path:
    """Writes `run/checkpoint`, `run/raw` and the initial data of a training in `run`; returns the checkpoint's folder.

    Raises:
        ImpastoError: `out` holds no whole weights.
    """
    tensors, told = read_weights(out)
    choices = choices_of(told)
    averaged, raw = states_from_tensors(tensors)
    config = {name: value for name, value in told["autoencoder"].items() if not name.startswith("_")}
    vae: Any = AutoencoderKL.from_config(config)
    vae.load_state_dict(_named(tensors, "vae/"))
    vae.eval()
    words = words_from_bytes(tensors["words"].numpy().tobytes())
    entries = [word.entry for word in words]
    whitening = TextWhitening(torch.randn(2, tensors["whitening/mean"].shape[0]))
    whitening.load_state_dict(_named(tensors, "whitening/"))
    save_autoencoder(vae, run / AUTOENCODER)
    for name, states in (("raw", raw), ("checkpoint", averaged)):
        if states:
            save_pocket(
                states, whitening, vae, choices, tensors["codes"].float(), works_of(words), artists_of(entries), run / name
            )
    write_weights(run / BEGIN, tensors, told)
    for name in (LOG, SHEET):
        if (out / name).is_file():
            (run / BEGIN / name).write_bytes((out / name).read_bytes())
    return run / "checkpoint"


def _named(tensors: dict[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(start): value.float() for name, value in tensors.items() if name.startswith(start)}


def memory_of(begin_from: Path) -> MemoryEncoder | None:
    """Returns the encoder of the memory, which makes the codes that the U-Net was trained with; None if there is none."""
    tensors, told = read_weights(begin_from)
    state = states_from_tensors(tensors)[0].get("memory")
    if state is None:
        return None
    encoder = MemoryEncoder(choices_of(told).memory, len(state["mean"]))
    encoder.load_state_dict(state)
    return encoder


def begin_run(task: PocketTask, begin_from: Path, run: Path, seed: int) -> None:
    """Writes the state that `run` resumes from: the unpacked weights, averages with their step counts, fresh optimizers.

    The task has no alignment, which was done in the training that the weights come from. The unpacked encoder makes the
    codes of works.

    Raises:
        ImpastoError: the weights have another shape.
    """
    tensors, told = read_weights(begin_from)
    averaged, raw = states_from_tensors(tensors)
    step = int(told["step"])
    plain = "whitening/mean" not in tensors  # weights of a painter: they take plain states of texts
    try:
        averages = {}
        for name in task.averaged:
            average = EMA(task.models[name], lambda count: 0.0)
            if name in averaged:  # the others begin untrained
                average.module.load_state_dict(averaged[name])
                task.models[name].load_state_dict((raw or averaged)[name])
                if plain:
                    for model in (average.module, task.models[name]):
                        _unfold(task.whitening, name, model)
            average.n_averaged += step
            averages[name] = average.state_dict()
        if not plain:
            task.whitening.load_state_dict(_named(tensors, "whitening/"))
    except (KeyError, RuntimeError) as error:
        raise ImpastoError(f"{begin_from} holds weights of another shape: {str(error).splitlines()[0]}") from None
    save_state(
        run,
        step,
        {
            "step": step,
            "elapsed": 0.0,
            "seed": seed,
            "models": {name: model.state_dict() for name, model in task.models.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in task.optimizers.items()},
            "averages": averages,
        },
    )


def _unfold(whitening: TextWhitening, name: str, model: Any) -> None:
    if name == "unet":
        whitening.unfold_from(model)
    else:
        whitening.unfold_from_tokens(model.outer)


def choices_to_go_on(run: Path, choices: PocketChoices) -> PocketChoices:
    """Returns `choices` with the network shapes of the weights that were unpacked in `run`."""
    if not (run / BEGIN).is_dir():
        return choices
    was = choices_of(read_weights(run / BEGIN)[1])
    return replace(choices, unet=was.unet, memory=was.memory)

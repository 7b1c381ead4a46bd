"""Exports a checkpoint as one `.safetensors` file in Stable Diffusion v1's own keys, for A1111, ComfyUI and InvokeAI."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.checkpoints.formats.sd_v1_keys import FORMER_ATTENTION, clip_keys, unet_keys, vae_keys
from impasto.checkpoints.formats.single_file import CLIP, UNET, VAE, convert_weights, infer_configs
from impasto.checkpoints.source import CONFIGS, find_source
from impasto.errors import ImpastoError, UsageError
from impasto.files import sync_folder
from impasto.weights.header import read_json, weight_files

if TYPE_CHECKING:
    import torch

STEMS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
# Settings that a reader of the file assumes, since they do not follow from any shape.
_SCHEDULE = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type")
_CLIP = ("hidden_act", "layer_norm_eps", "num_attention_heads")
# Settings that pictures do not depend on: the default size, and the VAE's use of fp32 on a device with fp16.
_FREE = ("sample_size", "force_upcast")


def export_single_file(name: str, file: Path) -> Path:
    """Writes the checkpoint called `name` into the new `file`, in its stored precision; returns the file.

    Before anything is written, the weights are converted back as `load_components` does it, and must be the same.

    Raises:
        UsageError: `file` exists already, has another suffix than .safetensors, or its folder does not exist.
        MissingPart: the source is incomplete.
        ImpastoError: it does not have Stable Diffusion v1's architecture, or the file cannot be written.
    """
    file = Path(file).expanduser()
    if file.suffix != ".safetensors":
        raise UsageError(f"{file}: a single file's name ends in .safetensors")
    if file.exists():
        raise UsageError(f"{file} is there already: choose another name")
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent}")
    source = find_source(name)
    weights = _of_folder(source.path, name) if source.kind == "folder" else _of_file(source.path)
    _write(file, weights)
    return file


def _of_file(file: Path) -> dict[str, "torch.Tensor"]:
    """Returns the weights needed for painting from a single file, which may be a pickle and hold averages and optimizers."""
    from impasto.weights.files import read_weights

    weights = {key: value for key, value in read_weights([file]).items() if key.startswith((UNET, VAE, CLIP))}
    infer_configs({key: tuple(value.shape) for key, value in weights.items()}, file)
    return weights


def _of_folder(folder: Path, name: str) -> dict[str, "torch.Tensor"]:
    from impasto.weights.files import read_weights

    otherwise = f"{name} is not of Stable Diffusion v1's shape: leave --format out for a folder"
    encoder = folder / "text_encoder" / "config.json"
    if not encoder.is_file() or read_json(encoder).get("model_type") not in ("clip_text_model", "clip"):
        raise ImpastoError(f"{otherwise} (its text encoder is no CLIP)")
    parts = {part: read_weights(weight_files(folder / part, stem)) for part, stem in STEMS.items()}
    try:
        weights = {
            **{UNET + key: value for key, value in unet_keys(parts["unet"]).items()},
            **{VAE + key: value for key, value in vae_keys(parts["vae"]).items()},
            **{CLIP + key: value for key, value in clip_keys(parts["text_encoder"]).items()},
        }
    except KeyError as error:
        raise ImpastoError(f"{otherwise} (it has no place for {error.args[0]})") from None
    configs = infer_configs({key: tuple(value.shape) for key, value in weights.items()}, folder)
    _check_configs(folder, configs, otherwise)
    _check_round_trip(weights, configs, parts, name)
    return weights


def _check_configs(folder: Path, inferred: dict[str, dict[str, Any]], otherwise: str) -> None:
    """Raises ImpastoError if a config has a setting that a reader of the file could not infer."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clip.configuration_clip import CLIPTextConfig

    schedule, usual = (read_json(at / "scheduler" / "scheduler_config.json") for at in (folder, CONFIGS))
    _compare("schedule", {key: schedule.get(key, usual[key]) for key in _SCHEDULE}, usual, otherwise)
    for part, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        ours, theirs = (_whole_config(kind, c) for c in (read_json(folder / part / "config.json"), inferred[part]))
        _compare(part, ours, theirs, otherwise)
    clip = read_json(folder / "text_encoder" / "config.json")
    usual = CLIPTextConfig()
    ours = {key: clip.get(key, getattr(usual, key)) for key in _CLIP}
    _compare("text_encoder", ours, inferred["text_encoder"], otherwise)


def _whole_config(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the config completed with the model's defaults."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        return {key: value for key, value in kind.from_config(config).config.items() if not key.startswith("_")}


def _compare(part: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], otherwise: str) -> None:
    for key, value in ours.items():
        if key not in _FREE and _plain(value) != _plain(theirs.get(key)):
            raise ImpastoError(f"{otherwise} (its {part} has {key} {value!r}, and such a file means {theirs.get(key)!r})")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_round_trip(
    weights: Mapping[str, "torch.Tensor"], configs: dict[str, Any], parts: dict[str, Any], name: str
) -> None:
    """Raises ImpastoError if converting back gives other weights, as for architectures that the names cannot distinguish."""
    import torch

    back = convert_weights(weights, configs)
    for part, ours in parts.items():
        ours = {_present_name(part, key): value for key, value in ours.items()}
        for key in ours.keys() | back[part].keys():
            one, other = ours.get(key), back[part].get(key)
            # A VAE's attention comes back as a linear layer, as diffusers stores it.
            if one is None or other is None or not torch.equal(one.flatten(), other.flatten()):
                raise ImpastoError(f"{name} cannot be one file of Stable Diffusion v1: {part}'s {key} does not come back")


def _present_name(part: str, key: str) -> str:
    if part == "text_encoder":
        return key.removeprefix("text_model.")
    for former, present in FORMER_ATTENTION.items():
        key = key.replace(f".mid_block.attentions.0.{former}.", f".mid_block.attentions.0.{present}.")
    return key


def _write(file: Path, weights: Mapping[str, "torch.Tensor"]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        save_file({key: value.contiguous() for key, value in weights.items()}, temporary, {"format": "pt"})
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except (OSError, SafetensorError) as error:
        raise ImpastoError(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    finally:
        temporary.unlink(missing_ok=True)

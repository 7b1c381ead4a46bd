"""Loads a checkpoint by name into its components."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.checkpoints.model_card import read_artists, read_license
from impasto.checkpoints.model_folder import load_model
from impasto.checkpoints.size import only_edits, paints, picture_size
from impasto.checkpoints.source import CONFIGS, find_source
from impasto.errors import ImpastoError
from impasto.weights.content_hash import MINILM_PART, files_that_count, hash_files
from impasto.weights.file_hash import hash_file
from impasto.weights.header import read_header, read_json

if TYPE_CHECKING:
    import torch

    from impasto.checkpoints.components import Components

def load_components(
    name: str = "pocket",
    *,
    device: "torch.device | str" = "cpu",
    dtype: "torch.dtype | None" = None,
    editing: bool = False,
    learns: bool = True,
) -> "Components":
    """Loads the checkpoint called `name`: `pocket`, a diffusers folder, a hub name `org/name`, or a single
    `.safetensors` or `.ckpt` file in the Stable Diffusion v1 key layout. The default dtype is fp32.

    Args:
        editing: accepts a checkpoint that was trained for inpainting or for instructions, whose U-Net takes more channels
            than the latents'.
        learns: False for a checkpoint that only paints; its text encoder may then be `BertEncoder`.

    Raises:
        UsageError: the kind of checkpoint is not supported.
        MissingPart: it, or a part of it, is not on this machine.
        ImpastoError: a file is truncated, broken, refused, or does not fit its config.
    """
    import torch

    # Tokenizing a prompt needs no threads, and the tokenizer's warning about forks would reach the user.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    source = find_source(name)
    where, precision = torch.device(device), dtype or torch.float32
    if source.kind == "folder":
        loaded = _load_folder(source.name, source.path, where, precision, learns)
    else:
        loaded = _load_file(source.name, source.path, where, precision)
    instead = only_edits(loaded.unet.config["in_channels"], loaded.vae.config["latent_channels"])
    if instead and not editing:
        raise ImpastoError(f"{source.name} {instead}, or a text-to-image checkpoint")
    return loaded


def _load_folder(
    name: str, folder: Path, device: "torch.device", dtype: "torch.dtype", learns: bool
) -> "Components":
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from impasto.checkpoints.components import Components
    from impasto.language.minilm import load_text_encoder
    from impasto.language.text_encoders import load_text_encoder_folder, load_tokenizer, token_limit

    check_pipeline(folder)
    scheduler_config = read_json(folder / "scheduler" / "scheduler_config.json")
    check_schedule(scheduler_config, folder / "scheduler" / "scheduler_config.json")
    if (folder / "text_encoder").is_dir():
        kind = read_json(folder / "text_encoder" / "config.json").get("model_type", "")
        tokenizer = load_tokenizer(folder / "tokenizer", kind)
        text_encoder = load_text_encoder_folder(folder / "text_encoder", device, dtype, learns=learns)
        max_tokens = token_limit(tokenizer, text_encoder.config)
        known = {}
    else:
        minilm = load_text_encoder(device=device, dtype=dtype, learns=learns)
        text_encoder, tokenizer, max_tokens = minilm.model, minilm.tokenizer, minilm.max_tokens
        known = MINILM_PART
    unet = load_model(UNet2DConditionModel, folder / "unet", device, dtype)
    vae = load_model(AutoencoderKL, folder / "vae", device, dtype)
    _check_widths(folder, unet.config, vae.config, text_encoder.config)
    return Components(
        name=name,
        content_hash=hash_files(files_that_count(folder), known),
        vae=vae,
        unet=unet,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler_config=scheduler_config,
        artists=read_artists(folder),
        folder=folder,
        default_size=picture_size(unet.config, vae.config, folder),
        max_tokens=max_tokens,
        license=read_license(folder),
    )


def check_pipeline(folder: Path) -> None:
    """Raises ImpastoError if the folder's index names another pipeline than Stable Diffusion v1 or v2."""
    if not (folder / "model_index.json").is_file():
        return
    index = read_json(folder / "model_index.json")
    kind = str(index.get("_class_name", ""))
    if "text_encoder_2" in index or "transformer" in index or not kind.startswith("StableDiffusion"):
        found = kind or "unnamed pipeline"
        raise ImpastoError(f"{folder} is a {found}, not a StableDiffusionPipeline: it cannot paint here")


def check_schedule(config: dict[str, Any], file: Path) -> None:
    """Raises ImpastoError if the scheduler's config is not one of a diffusion noise schedule."""
    steps = config.get("num_train_timesteps", 1000)
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= 100_000:
        raise ImpastoError(f"{file}: num_train_timesteps is {steps!r}, not a number of steps")
    if config.get("prediction_type", "epsilon") not in ("epsilon", "v_prediction", "sample"):
        kind = config["prediction_type"]
        raise ImpastoError(f"{file}: prediction_type {kind!r} is not epsilon, v_prediction or sample")


def _check_widths(where: Path, unet: Any, vae: Any, text_encoder: Any) -> None:
    if not paints(unet["in_channels"], vae["latent_channels"]):
        raise ImpastoError(
            f"{where}: its U-Net takes {unet['in_channels']} channels and its VAE gives "
            f"{vae['latent_channels']}, which is another kind of checkpoint: use one for text-to-image, inpainting or "
            "instructions"
        )
    if unet["cross_attention_dim"] != text_encoder.hidden_size:
        raise ImpastoError(
            f"{where}: its U-Net attends to states {unet['cross_attention_dim']} wide, "
            f"but its text encoder gives {text_encoder.hidden_size}"
        )


def _load_file(name: str, file: Path, device: "torch.device", dtype: "torch.dtype") -> "Components":
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from impasto.checkpoints.components import Components
    from impasto.checkpoints.formats.single_file import convert_weights, infer_configs
    from impasto.language.text_encoders import (
        clip_tokenizer_folder,
        load_tokenizer,
        make_clip,
        token_limit,
    )
    from impasto.weights.files import fill_module, one_line, read_weights

    if file.suffix.lower() == ".safetensors":
        infer_configs(read_header(file), file)  # reports an unsupported file before gigabytes are read
    weights = read_weights([file])
    configs = infer_configs({key: tuple(value.shape) for key, value in weights.items()}, file)
    try:
        states = convert_weights(weights, configs)
    except (KeyError, AttributeError, ValueError, IndexError) as error:
        raise ImpastoError(f"{file} is no whole Stable Diffusion v1 checkpoint: {one_line(error)}") from None
    tokenizer = load_tokenizer(clip_tokenizer_folder(file), "clip_text_model")
    text_encoder = make_clip(configs["text_encoder"], states["text_encoder"], file, device, dtype)
    kinds: dict[str, Any] = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}
    unet, vae = (
        fill_module(
            lambda part=part: kinds[part].from_config(configs[part]), states[part], file, dtype, device
        )
        for part in kinds
    )
    _check_widths(file, unet.config, vae.config, text_encoder.config)
    return Components(
        name=name,
        content_hash=hash_file(file),
        vae=vae,
        unet=unet,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler_config=read_json(CONFIGS / "scheduler" / "scheduler_config.json"),
        default_size=picture_size(unet.config, vae.config, file),
        max_tokens=token_limit(tokenizer, text_encoder.config),
    )

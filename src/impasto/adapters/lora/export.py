"""Writes LoRAs to files: to Impasto's LoRA folder, or to one `.safetensors` file in diffusers' or kohya's key format."""

import json
from pathlib import Path
from typing import Literal

from impasto.adapters.lora.files import CARD, OWN_METADATA, WEIGHTS, Lora, load_lora
from impasto.adapters.lora.keys import KeyProblem, diffusers_keys, is_clips, kohya_keys
from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically

LoraFormat = Literal["kohya", "diffusers"]
LORA_FORMATS: tuple[LoraFormat, ...] = ("kohya", "diffusers")


def save_lora(folder: Path, lora: Lora) -> Path:
    """Writes `lora` as a LoRA folder of Impasto's; returns the folder.

    It holds the weights in diffusers' keys, which diffusers' `load_lora_weights` reads too, and `lora.json`. Each file is
    replaced atomically, the weights first.

    Raises:
        ImpastoError: a file cannot be written.
    """
    folder = Path(folder).expanduser()
    card = json.dumps(lora.card(), ensure_ascii=False, indent=1) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / WEIGHTS, _serialized(lora, "diffusers"))
        write_atomically(folder / CARD, card.encode())
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be written: {error.strerror or error}") from None
    return folder


def export_lora(source: str | Path | Lora, file: Path, format: LoraFormat = "kohya") -> Path:
    """Writes the LoRA at `source` into the new `file`; returns the file. Its tensors and alphas stay as they are.

    Args:
        format: kohya, as A1111, ComfyUI, InvokeAI and diffusers read it; or diffusers (peft's keys).

    Raises:
        UsageError: an unknown format; `file` exists already, its folder does not exist, or it is not a `.safetensors` file.
        MissingPart, ImpastoError: as `load_lora`; it is no plain LoRA; or the file cannot be written.
    """
    file = Path(file).expanduser()
    if format not in LORA_FORMATS:
        raise UsageError(f"format {format}: a LoRA is written as {' or '.join(LORA_FORMATS)}")
    if file.suffix.lower() != ".safetensors":
        raise UsageError(f"{file}: a LoRA's file name ends in .safetensors")
    if file.exists():
        raise UsageError(f"{file} is there already: choose another name")
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent}")
    lora = source if isinstance(source, Lora) else load_lora(source)
    try:
        content = _serialized(lora, format)
    except KeyProblem as problem:
        raise ImpastoError(f"{lora.path or lora.name} {problem}") from None
    try:
        write_atomically(file, content)
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror or error}") from None
    return file


def only_ours_in_kohya(lora: Lora) -> list[str]:
    """Returns the layers that other tools ignore when they read kohya's keys: those that Stable Diffusion does not have."""
    unet = [f"unet.{name}" for name in lora.unet if name.startswith("add_embedding.")]
    return unet + [f"text_encoder.{name}" for name in lora.text_encoder if not is_clips(name)]


def _serialized(lora: Lora, format: LoraFormat) -> bytes:
    from safetensors.torch import save

    # For Impasto itself, and for tools that read the Stability metadata specification (modelspec).
    metadata = {
        "format": "pt",
        OWN_METADATA: json.dumps(lora.card(), ensure_ascii=False),
        "modelspec.title": lora.name,
        "modelspec.trigger_phrase": lora.trigger,
        "modelspec.license": lora.license,
        "ss_sd_model_name": lora.base_name,
    }
    if format == "kohya":
        keys = kohya_keys(lora.unet, lora.text_encoder)
        # kohya's numbers for the whole network, which A1111 shows; each layer's own alpha is a tensor.
        metadata |= {
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(lora.largest.rank),
            "ss_network_alpha": str(lora.largest.alpha),
        }
    else:
        keys, settings = diffusers_keys(lora.unet, lora.text_encoder)
        metadata |= settings
    tensors = {name: value.detach().cpu().contiguous() for name, value in keys.items()}
    return save(tensors, {name: text for name, text in metadata.items() if text})

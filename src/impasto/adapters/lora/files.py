"""Finds and loads LoRAs (Hu et al. 2021) from files: the low-rank changes of a checkpoint's layers, and their metadata."""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.adapters.lora.keys import ADAPTER_METADATA, TEXT_ENCODER, UNET, KeyProblem, parse_keys
from impasto.adapters.lora.low_rank import Change, Layers
from impasto.checkpoints.applied_adapters import AppliedLora, printable_path
from impasto.checkpoints.source import pocket_folder
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.weights.files import HostileFile, is_safetensors, one_line, read_weights
from impasto.weights.header import read_json

__all__ = ["CARD", "OWN_METADATA", "POCKET_STUDENT", "WEIGHTS", "Lora", "find_lora", "hash_layers", "load_lora"]

# The files in Impasto's LoRA folder: the weights under diffusers' file name, and the card.
WEIGHTS, CARD = "pytorch_lora_weights.safetensors", "lora.json"
# The files of a folder that others write: peft's `save_pretrained`, with its settings, and diffusers before safetensors.
PEFT_WEIGHTS, PEFT_SETTINGS = "adapter_model.safetensors", "adapter_config.json"
_FOLDER_FILES = (WEIGHTS, PEFT_WEIGHTS, "pytorch_lora_weights.bin", "adapter_model.bin")
WEIGHT_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
# The card inside a single file's metadata.
OWN_METADATA = "impasto"
# The name of pocket's few-step student model, which is in `lcm` beside pocket's weights.
POCKET_STUDENT = "pocket-lcm"
_LONGEST = 500
_MOST_STEPS = 50


@dataclass(frozen=True)
class Lora:
    """A LoRA, not yet applied.

    Attributes:
        name: the name in its card, else of its file or folder.
        unet, text_encoder: module name -> its change; either may be empty.
        content_hash: SHA-256, hexadecimal, of the layers: the same in every format.
        path: the path it was read from, as given; "" for one made in memory, or if the path does not print.
        trigger: its trigger words; "" if it has none.
        base_name, base_hash: the checkpoint that it was trained on; "" if unknown.
        license: an SPDX name, or "" if unknown.
        consent: who agreed to the training on the works of living artists; "" if it is not recorded.
        steps: for a few-step student model, the number of steps of the sampler `lcm`; 0 for any other LoRA.
    """

    name: str
    unet: Layers
    text_encoder: Layers
    content_hash: str
    path: str = ""
    trigger: str = ""
    base_name: str = ""
    base_hash: str = ""
    license: str = ""
    steps: int = 0
    consent: str = ""

    def applied(self, scale: float) -> AppliedLora:
        """Returns the record of this LoRA, merged at `scale` into a checkpoint's weights."""
        return AppliedLora(self.name, self.path, self.content_hash, float(scale))

    @property
    def largest(self) -> Change:
        """The layer of the highest rank. Its rank and alpha represent the LoRA where a single number is needed."""
        return max([*self.unet.values(), *self.text_encoder.values()], key=lambda layer: layer.rank)

    def card(self) -> dict[str, Any]:
        """Returns the content of `lora.json`."""
        card = {
            "name": self.name,
            "base": self.base_name,
            "base_hash": self.base_hash,
            "rank": self.largest.rank,
            "alpha": self.largest.alpha,
            "trigger": self.trigger,
            "license": self.license,
        }
        return card | ({"steps": self.steps} if self.steps else {}) | ({"consent": self.consent} if self.consent else {})


def find_lora(path: str | Path) -> Path | None:
    """Returns the weights file of the LoRA at `path`, or None if there is none.

    `path` is a file of weights, a LoRA's folder (ours, diffusers' or peft's), the folder of a run that made one, or the name
    of pocket's few-step student.
    """
    place = _student_folder() if str(path) == POCKET_STUDENT else Path(path).expanduser()
    try:
        if place.is_file():
            return place
        for folder in (place, place / "lora"):
            for name in _FOLDER_FILES:
                if (folder / name).is_file():
                    return folder / name
    except (OSError, ValueError):  # not a valid file name
        return None
    return None


def load_lora(path: str | Path) -> Lora:
    """Loads a LoRA from a LoRA folder, a run's folder, or one file in diffusers', peft's or kohya's keys.

    LoHa, LoKr, full differences and DoRA are read too. Files other than `.safetensors` are loaded weights-only.

    Raises:
        UsageError: `path` is empty or no file of weights.
        MissingPart: there is no LoRA.
        ImpastoError: the file is truncated, or holds something that cannot be read here, or values that are no numbers.
    """
    if not str(path).strip():
        raise UsageError("the LoRA's name is empty: give a run's folder or a .safetensors file")
    file = find_lora(path)
    if file is None and str(path) == POCKET_STUDENT:
        raise MissingPart(
            f"pocket's few-step student is not in {_student_folder()}: reinstall impasto, or let `impasto train distill`"
            " make one and name it with --lora"
        )
    if file is None:
        place = Path(path).expanduser()
        if place.is_dir():
            raise MissingPart(f"{path} holds no LoRA: there is no {WEIGHTS} in it, nor in its lora folder")
        raise MissingPart(f"{path} is not there: give a LoRA's folder, a run's folder or a .safetensors file")
    if file.suffix.lower() not in WEIGHT_ENDINGS:
        raise UsageError(f"{path} is no LoRA's file: LoRAs are read from {', '.join(WEIGHT_ENDINGS)} files")
    try:
        weights = read_weights([file])
    except HostileFile as hostile:  # what the user named with --lora
        raise UsageError(str(hostile)) from None
    metadata = _metadata(file)
    own = file.name == WEIGHTS and (file.parent / CARD).is_file()
    card = read_json(file.parent / CARD) if own else _object(metadata.get(OWN_METADATA))
    settings = _object(metadata.get(ADAPTER_METADATA)) | _peft_settings(file)
    try:
        unet, text_encoder = parse_keys(weights, settings, _usual_scale(card))
    except KeyProblem as problem:
        raise ImpastoError(f"{path} {problem}") from None
    return Lora(
        name=_text(card.get("name")) or _name(file),
        unet=unet,
        text_encoder=text_encoder,
        content_hash=hash_layers(unet, text_encoder),
        path=printable_path(path),
        trigger=_text(card.get("trigger", metadata.get("modelspec.trigger_phrase"))),
        base_name=_text(card.get("base", metadata.get("ss_sd_model_name"))),
        base_hash=_text(card.get("base_hash")),
        license=_text(card.get("license", metadata.get("modelspec.license"))),
        steps=_steps(card.get("steps")),
        consent=_text(card.get("consent")),
    )


def hash_layers(unet: Layers, text_encoder: Layers) -> str:
    """Returns the SHA-256, hexadecimal, over the layers' names, alphas, and tensors with their types and shapes."""
    digest = hashlib.sha256()
    for part, layers in ((UNET, unet), (TEXT_ENCODER, text_encoder)):
        for name in sorted(layers):
            layer = layers[name]
            digest.update(f"{part}.{name}\0".encode() + struct.pack("<f", layer.alpha))
            for tensor in layer.tensors:
                digest.update(f"{tensor.dtype}{list(tensor.shape)}\0".encode())
                digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def output_name(file: Path) -> str:
    """Returns the name that kohya's trainer wrote into the metadata, by which A1111 finds it too; "" if there is none."""
    try:
        return _text(_metadata(file).get("ss_output_name"))
    except ImpastoError:
        return ""


def _peft_settings(file: Path) -> dict[str, Any]:
    """Returns the settings beside peft's file as `lora_adapter_metadata` names them, for either part.

    Raises:
        ImpastoError: the settings are broken.
    """
    beside = file.parent / PEFT_SETTINGS
    if not file.name.startswith("adapter_model.") or not beside.is_file():
        return {}
    settings = read_json(beside)
    return {f"{part}.{name}": value for part in (UNET, TEXT_ENCODER) for name, value in settings.items()}


def _metadata(file: Path) -> dict[str, str]:
    """Reads the metadata in a safetensors file's header; empty for any other file."""
    from safetensors import SafetensorError, safe_open

    if not is_safetensors(file):
        return {}
    try:
        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ImpastoError(f"{file} cannot be read: {one_line(error)}") from None


def _object(text: str | None) -> dict[str, Any]:
    """Parses a JSON object from an untrusted text; returns an empty dict if it is not one."""
    try:
        content = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _usual_scale(card: dict[str, Any]) -> float:
    """Returns alpha / rank from the card; 1 if the card does not contain both."""
    rank, alpha = card.get("rank"), card.get("alpha")
    if isinstance(rank, int | float) and isinstance(alpha, int | float) and rank > 0:
        return alpha / rank
    return 1.0


def _student_folder() -> Path:
    return pocket_folder() / "lcm"


def _steps(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_STEPS else 0


def _text(value: Any) -> str:
    """Returns a card's text on one line and shortened, since it is written into pictures and to terminals."""
    return "".join(c if c.isprintable() else " " for c in value).strip()[:_LONGEST] if isinstance(value, str) else ""


def _name(file: Path) -> str:
    """Returns `monet` for monet.safetensors, runs/monet/lora/pytorch_lora_weights.safetensors and monet/pytorch_lora_...."""
    if file.name not in _FOLDER_FILES:
        return _text(file.stem)
    folder = file.resolve().parent
    return _text(folder.parent.name if folder.name == "lora" else folder.name)

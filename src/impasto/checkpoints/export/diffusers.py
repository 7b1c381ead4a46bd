"""Exports a checkpoint as a complete diffusers folder, for plain `StableDiffusionPipeline.from_pretrained`."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from impasto.checkpoints.control_files import control_files
from impasto.checkpoints.painting_defaults import PAINTING_FILE
from impasto.checkpoints.size import inpainting_channels, instruct_channels
from impasto.checkpoints.source import find_source
from impasto.errors import ImpastoError, UsageError
from impasto.files import with_usual_permissions
from impasto.weights.content_hash import files_that_count
from impasto.weights.header import is_int8, read_json, weight_files

BESIDE = ("README.md", "artists.json", "LICENSE", PAINTING_FILE)


def export_checkpoint(name: str, folder: Path) -> Path:
    """Writes the checkpoint called `name`, text encoder and tokenizer included, into `folder`; returns the folder.

    It is written to a temporary folder and renamed when complete, so that `folder` never holds a partial checkpoint. Files
    are copied as they are, and the export has the content hash of its source. Weights in int8 are an exception: they are
    written in fp16, which holds them exactly. Such an export paints the same pictures and has its own hash.

    Raises:
        UsageError: `folder` is a file, or is not empty.
        MissingPart, ImpastoError: the source is incomplete, or the folder cannot be written.
    """
    folder = Path(folder).expanduser()
    _refuse_full(folder)
    source = find_source(name)
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    try:
        temporary.mkdir(parents=True)
        if source.kind == "folder":
            _copy_folder(source.path, temporary)
        else:
            _save_file(name, temporary)
        write_index(temporary)
        with_usual_permissions(temporary)
        _sync(temporary)
        temporary.replace(folder)
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _refuse_full(folder: Path) -> None:
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: give a new folder to export to")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file: give a new folder to export to")
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be read: {error.strerror}") from None


def _copy_folder(source: Path, target: Path) -> None:
    parts = ["unet", "vae", *(["guide"] if (source / "guide").is_dir() else [])]
    stems = dict.fromkeys(parts, "diffusion_pytorch_model")
    if (source / "text_encoder").is_dir():
        parts += ["text_encoder", "tokenizer"]
        stems["text_encoder"] = "model"
    packed = []
    for part, stem in stems.items():
        found = [file for file in weight_files(source / part, stem) if file.suffix == ".safetensors"]
        if [file for file in found if is_int8(file)]:  # reads every header, which detects a broken file
            packed.append(part)
    files = files_that_count(source) | control_files(source)
    files |= {name: source / name for name in BESIDE if (source / name).is_file()}
    for part in ("text_encoder", "tokenizer"):
        files |= {f"{part}/{file.name}": file for file in (source / part).glob("*") if file.is_file()}
    for name, file in files.items():
        if name.partition("/")[0] in packed and ".int8" in file.name:
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)
    if "text_encoder" not in parts:
        _write_minilm(target)
    for part in packed:
        _write_plain(source / part, target / part)


def _write_plain(part: Path, target: Path) -> None:
    """Writes a diffusers model's int8 weights in fp16, as diffusers reads them."""
    from safetensors.torch import save_file

    from impasto.weights.files import read_model_weights
    from impasto.weights.int8 import STEM

    save_file(read_model_weights(part, STEM), target / f"{STEM}.safetensors", {"format": "pt"})


def _write_minilm(target: Path) -> None:
    from impasto.language.minilm import bert_config, check_minilm, load_bert_tokenizer, minilm_folder

    package = minilm_folder()
    check_minilm(package)
    config = bert_config(package)
    config.architectures = ["BertModel"]
    config.save_pretrained(target / "text_encoder")
    shutil.copyfile(package / "model.safetensors", target / "text_encoder" / "model.safetensors")
    load_bert_tokenizer(package).save_pretrained(target / "tokenizer")


def _save_file(name: str, target: Path) -> None:
    from impasto.checkpoints.load import load_components

    loaded = load_components(name, editing=True)
    parts: dict[str, Any] = {
        "unet": loaded.unet,
        "vae": loaded.vae,
        "text_encoder": loaded.text_encoder,
        "tokenizer": loaded.tokenizer,
    }
    for part, module in parts.items():
        module.save_pretrained(target / part)
    (target / "scheduler").mkdir()
    schedule = json.dumps(loaded.scheduler_config, indent=2)
    (target / "scheduler" / "scheduler_config.json").write_text(schedule, "utf-8")


def write_index(target: Path) -> None:
    """Writes `model_index.json` for the parts in a folder, with the pipeline that its U-Net's channels are for. A folder
    without a text encoder uses MiniLM.
    """
    from importlib.metadata import version

    encoder = target / "text_encoder" / "config.json"
    bert = not encoder.is_file() or read_json(encoder).get("model_type") == "bert"
    schedule = read_json(target / "scheduler" / "scheduler_config.json")
    unet, vae = (read_json(target / part / "config.json") for part in ("unet", "vae"))
    index = {
        "_class_name": pipeline_name(unet.get("in_channels", 4), vae.get("latent_channels", 4)),
        "_diffusers_version": version("diffusers"),
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", schedule.get("_class_name", "DDIMScheduler")],
        "text_encoder": ["transformers", "BertModel" if bert else "CLIPTextModel"],
        "tokenizer": ["transformers", "BertTokenizerFast" if bert else "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (target / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")


def pipeline_name(in_channels: int, latent_channels: int) -> str:
    """Returns diffusers' pipeline for a U-Net that takes so many channels."""
    if in_channels == inpainting_channels(latent_channels):
        return "StableDiffusionInpaintPipeline"
    if in_channels == instruct_channels(latent_channels):
        return "StableDiffusionInstructPix2PixPipeline"
    return "StableDiffusionPipeline"


def _sync(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())

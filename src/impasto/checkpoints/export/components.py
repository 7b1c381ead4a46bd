"""Writes a checkpoint's parts as a folder in diffusers' layout, which `load_components` reads."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.control_files import control_files
from impasto.checkpoints.export.diffusers import write_index
from impasto.checkpoints.guide import GUIDE
from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import PaintingMemory, save_memory
from impasto.checkpoints.model_folder import load_model
from impasto.checkpoints.painting_defaults import DOMAIN, PAINTING_FILE, domain_guided, without_guide
from impasto.files import replace_folder, with_usual_permissions, write_atomically
from impasto.weights.content_hash import MEMORY, memory_files
from impasto.weights.header import is_int8, weight_files
from impasto.weights.int8 import STEM, save_int8

SHARD = "15MB"  # every file of a small checkpoint stays below 16 MiB


def save_components(
    components: Components, folder: Path, card: str, *, text_encoder: bool, keeps_original: bool = False,
    memory: PaintingMemory | None = None,
) -> Path:
    """Writes loaded components with the license, memory, painting defaults and control networks of their folder.

    Args:
        text_encoder: whether to write the text encoder and the tokenizer too. Without them, the checkpoint uses MiniLM as
            its text encoder, as pocket does.
        keeps_original: whether the U-Net that the components were loaded with, before they were retrained, becomes the
            guide, in int8, and Domain Guidance the default guider; not if the folder asks for a guider that Domain Guidance
            cannot stand in for. If the folder holds a retrained checkpoint, its guide stays the guide.
        memory: in place of that of the components' folder.

    Returns:
        The new folder.
    """
    parts: dict[str, Any] = {"unet": components.unet, "vae": components.vae}
    if text_encoder:
        parts |= {"text_encoder": components.text_encoder}
    source = components.folder
    painting = domain_guided(source) if keeps_original else without_guide(source)
    return save_parts(
        parts,
        folder,
        components.scheduler_config,
        components.artists,
        card=card,
        tokenizer=components.tokenizer if text_encoder else None,
        license_file=source / "LICENSE" if source is not None and (source / "LICENSE").is_file() else None,
        further={**(memory_files(source) if memory is None else {}), **control_files(source)} if source is not None else {},
        painting_file=source / PAINTING_FILE if source is not None and (source / PAINTING_FILE).is_file() else None,
        guide_of=components if keeps_original and painting is not None else None,
        painting=painting,
        memory=memory,
    )


def save_parts(
    parts: Mapping[str, Any],
    folder: Path,
    scheduler_config: Mapping[str, Any],
    artists: Sequence[Mapping[str, Any]],
    *,
    card: str = "",
    tokenizer: Any = None,
    license_file: Path | None = None,
    further: Mapping[str, Path] = MappingProxyType({}),
    painting_file: Path | None = None,
    guide_of: Components | None = None,
    painting: Mapping[str, Any] | None = None,
    memory: PaintingMemory | None = None,
) -> Path:
    """Writes the models `parts` in fp16, each under its name, with the noise schedule and the artists; returns the folder.

    `card` becomes README.md; `further` maps relative names to files that are copied, such as those of a memory; `guide_of`
    is a checkpoint whose U-Net before all retraining, read from its files, becomes the guide; `painting` is written in place
    of `painting_file`, and `memory` beside them. The folder appears only when all files are on disk.
    """
    with replace_folder(folder) as temporary:
        for name, module in parts.items():
            dtype = module.dtype
            module.half().save_pretrained(temporary / name, safe_serialization=True, max_shard_size=SHARD)
            module.to(dtype)
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary / "tokenizer")
        (temporary / "scheduler").mkdir()
        write_atomically(
            temporary / "scheduler" / "scheduler_config.json", json.dumps(dict(scheduler_config), indent=2).encode()
        )
        rows = json.dumps(list(artists), ensure_ascii=False, indent=0)
        write_atomically(temporary / "artists.json", rows.encode())
        if card:
            write_atomically(temporary / "README.md", card.encode())
        if license_file is not None:
            shutil.copyfile(license_file, temporary / "LICENSE")
        if memory is not None:
            save_memory(memory, temporary / MEMORY)
        if guide_of is not None:
            _write_guide(guide_of, temporary / GUIDE)
        if painting is not None:
            write_atomically(temporary / PAINTING_FILE, json.dumps(dict(painting), indent=1).encode())
        elif painting_file is not None:
            shutil.copyfile(painting_file, temporary / PAINTING_FILE)
        for name, file in further.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, temporary / name)
        write_index(temporary)
        with_usual_permissions(temporary)
    return folder


def _write_guide(components: Components, target: Path) -> None:
    """Writes the guide of the components' folder, if it is painted by Domain Guidance, else its U-Net, as they are on disk.

    Int8 files are copied; of others the U-Net alone is loaded, in fp16.
    """
    folder = components.folder
    if folder is None:
        save_int8(load_components(components.base_name, dtype=torch.float16).unet, target)
        return
    source = folder / (GUIDE if components.painting_defaults.guider == DOMAIN else "unet")
    if not all(file.suffix == ".safetensors" and is_int8(file) for file in weight_files(source, STEM)):
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        save_int8(load_model(UNet2DConditionModel, source, torch.device("cpu"), torch.float16), target)
        return
    target.mkdir()
    for file in source.glob("*"):
        if file.name == "config.json" or (file.name.startswith(STEM) and ".int8" in file.name):
            shutil.copyfile(file, target / file.name)

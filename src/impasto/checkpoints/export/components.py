"""Writes a checkpoint's parts as a folder in diffusers' layout, which `load_components` reads."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from impasto.checkpoints.components import Components
from impasto.checkpoints.control_files import control_files
from impasto.checkpoints.export.diffusers import write_index
from impasto.checkpoints.painting_defaults import PAINTING_FILE
from impasto.files import replace_folder, write_atomically
from impasto.weights.content_hash import memory_files

SHARD = "15MB"  # every file of a small checkpoint stays below 16 MiB


def save_components(components: Components, folder: Path, card: str, *, text_encoder: bool) -> Path:
    """Writes loaded components with the license, memory, painting defaults and control networks of their folder.

    `text_encoder`: whether to write the text encoder and the tokenizer too. Without them, the checkpoint uses MiniLM as its
    text encoder, as pocket does.

    Returns:
        The new folder.
    """
    parts: dict[str, Any] = {"unet": components.unet, "vae": components.vae}
    if text_encoder:
        parts |= {"text_encoder": components.text_encoder}
    source = components.folder
    return save_parts(
        parts,
        folder,
        components.scheduler_config,
        components.artists,
        card=card,
        tokenizer=components.tokenizer if text_encoder else None,
        license_file=source / "LICENSE" if source is not None and (source / "LICENSE").is_file() else None,
        further={**memory_files(source), **control_files(source)} if source is not None else {},
        painting_file=source / PAINTING_FILE if source is not None and (source / PAINTING_FILE).is_file() else None,
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
) -> Path:
    """Writes the models `parts` in fp16, each under its name, with the noise schedule and the artists; returns the folder.

    `card` becomes README.md; `further` maps relative names to files that are copied, such as those of a memory. The folder
    appears only when all files are on disk.
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
        if painting_file is not None:
            shutil.copyfile(painting_file, temporary / PAINTING_FILE)
        for name, file in further.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, temporary / name)
        write_index(temporary)
    return folder

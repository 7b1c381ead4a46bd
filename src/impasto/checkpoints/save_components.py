"""Loaded components as a checkpoint folder in diffusers' layout, as `load_components` reads it."""

import json
import shutil
from pathlib import Path
from typing import Any

from impasto.checkpoints.components import Components
from impasto.checkpoints.export import write_index
from impasto.files import replace_folder, write_atomically

SHARD = "15MB"  # every file of a small checkpoint stays below 16 MiB


def save_components(components: Components, folder: Path, card: str, *, text_encoder: bool) -> Path:
    """Writes U-Net and VAE in fp16, the schedule, the artists and `card` as README.md; returns the folder.

    `text_encoder`: whether the text encoder and the tokenizer go with them; without, the checkpoint reads texts by
    MiniLM, as pocket does. The folder appears when all of it is on disk.
    """
    parts: dict[str, Any] = {"unet": components.unet, "vae": components.vae}
    if text_encoder:
        parts |= {"text_encoder": components.text_encoder}
    with replace_folder(folder) as temporary:
        for name, module in parts.items():
            dtype = module.dtype
            module.half().save_pretrained(temporary / name, safe_serialization=True, max_shard_size=SHARD)
            module.to(dtype)
        if text_encoder:
            components.tokenizer.save_pretrained(temporary / "tokenizer")
        (temporary / "scheduler").mkdir()
        write_atomically(
            temporary / "scheduler" / "scheduler_config.json", json.dumps(components.scheduler_config, indent=2).encode()
        )
        rows = json.dumps(components.artists, ensure_ascii=False, indent=0)
        write_atomically(temporary / "artists.json", rows.encode())
        write_atomically(temporary / "README.md", card.encode())
        if components.folder is not None and (components.folder / "LICENSE").is_file():
            shutil.copyfile(components.folder / "LICENSE", temporary / "LICENSE")
        write_index(temporary)
    return folder

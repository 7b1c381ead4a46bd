"""Writes the checkpoint of a `train pocket` run in the form in which it ships: U-Net in int8, autoencoder in fp16, memory.

    python ship_pocket.py --checkpoint runs/pocket/checkpoint --out src/impasto/checkpoints/pocket [--guidance 4]

The card (README.md), the few-step student (lcm/) and the control network (control/) of the folder stay; write and train them
anew. It prints each part's bytes and how far the shipped U-Net's answer is from the trained one's.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from impasto.checkpoints.guide import GUIDE
from impasto.checkpoints.load import load_components
from impasto.files import write_atomically
from impasto.weights.int8 import dequantize, quantize, save_int8

COPIED = ("model_index.json", "scheduler", "memory", "artists.json", "choices.json", "painting.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--guidance", type=float, help="the default, in painting.json")
    parser.add_argument("--guide", type=Path, help="a weaker snapshot for --guider auto: a checkpoint's folder")
    chosen = parser.parse_args()
    parts = load_components(str(chosen.checkpoint), device=torch.device("cpu"), dtype=torch.float32)
    for part in ("unet", "vae", "memory", GUIDE):
        shutil.rmtree(chosen.out / part, ignore_errors=True)
    unet: Any = parts.unet
    save_int8(unet, chosen.out / "unet")
    vae: Any = parts.vae
    vae.register_to_config(_name_or_path="pocket")  # not the folder of the run
    vae.half().save_pretrained(chosen.out / "vae", safe_serialization=True)
    for name in COPIED:
        source = chosen.checkpoint / name
        if source.is_dir():
            shutil.copytree(source, chosen.out / name, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copyfile(source, chosen.out / name)
    if chosen.guidance is not None:
        file = chosen.out / "painting.json"
        told = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        write_atomically(file, json.dumps({**told, "guidance": chosen.guidance}, indent=1).encode())
    if chosen.guide is not None:
        save_int8(load_components(str(chosen.guide), dtype=torch.float32).unet, chosen.out / GUIDE)
    for part in sorted(chosen.out.iterdir()):
        files = [part] if part.is_file() else [file for file in part.rglob("*") if file.is_file()]
        print(f"{part.name:24} {sum(file.stat().st_size for file in files) / 1e6:6.2f} MB")
    print(f"error of the int8 U-Net  {_apart(unet):.4f} of its answer's deviation")


@torch.inference_mode()
def _apart(unet: Any) -> float:
    torch.manual_seed(0)
    side, width = unet.config.sample_size, unet.config.cross_attention_dim
    latents = torch.randn(8, unet.config.in_channels, side, side)
    asked = (latents, torch.arange(60, 1000, 120), torch.randn(8, 24, width))
    wanted = unet(*asked, return_dict=False)[0]
    kept = {name: value.clone() for name, value in unet.state_dict().items()}
    unet.load_state_dict(dequantize(quantize(kept), torch.float32))
    found = unet(*asked, return_dict=False)[0]
    return float((found - wanted).square().mean().sqrt() / wanted.std())


if __name__ == "__main__":
    main()

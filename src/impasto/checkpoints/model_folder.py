"""Loads one diffusers model (a U-Net, a VAE) from its folder: `config.json` and weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.weights.header import read_json, weight_files

if TYPE_CHECKING:
    import torch

DIFFUSERS_STEM = "diffusion_pytorch_model"


def load_model(kind: Any, folder: Path, device: "torch.device", dtype: "torch.dtype") -> Any:
    """Loads the diffusers model of the class `kind` in `folder`.

    Raises:
        MissingPart, ImpastoError: as `load_components`.
    """
    from impasto.weights.files import fill_module, read_weights

    config = read_json(folder / "config.json")
    wanted = kind.__name__
    if config.get("_class_name", wanted) != wanted:
        raise ImpastoError(f"{folder / 'config.json'} describes a {config['_class_name']}, not a {wanted}")
    files = weight_files(folder, DIFFUSERS_STEM)
    return fill_module(lambda: kind.from_config(config), read_weights(files), files[0], dtype, device)

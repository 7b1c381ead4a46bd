"""Stable Diffusion's safety checker (Rombach et al. 2022; diffusers' `StableDiffusionSafetyChecker`).

CLIP's embedding of a picture is compared with 17 fixed concepts, mostly of sexual content, and 3 that need special care.
The weights are those of CompVis/stable-diffusion-safety-checker, or of `safety_checker` in a Stable Diffusion folder.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import choose_device
from impasto.vision.preprocessing import read_preprocessing
from impasto.vision.safety.checker_folder import find_checker
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, one_line, read_weights
from impasto.weights.header import read_json, weight_files

_CONFIGS = ("config.json", "preprocessor_config.json", "processor_config.json")
# CLIP's vision model had one more level of names before transformers 5.
_OLD, _NEW = "vision_model.vision_model.", "vision_model."


class StableDiffusionChecker:
    """A `SafetyChecker` from a folder, or a hub name whose files are in the Hugging Face cache.

    Attributes:
        name, identity: see `SafetyChecker`.
    """

    def __init__(self, name: str, *, device: str = "auto") -> None:
        """Loads the model in fp32.

        Raises:
            UsageError: the name is empty.
            MissingPart: there is no such folder, or it lacks a file.
            ImpastoError: the folder holds another model, or is broken.
        """
        folder, preparing = find_checker(name)
        self.name = name
        self._preprocessing = read_preprocessing(preparing)
        self._device = choose_device(device)
        files = weight_files(folder, "model")
        configs = [preparing / file if "processor" in file else folder / file for file in _CONFIGS]
        self.identity = hash_files({str(n): file for n, file in enumerate([*files, *configs]) if file.is_file()})
        self._model: Any = _load(folder, files, self._device)

    @torch.inference_mode()
    def flags(self, images: Sequence[Image.Image]) -> list[bool]:
        """Returns for each picture, of any size, whether it is flagged."""
        if not images:
            return []
        pixels = torch.from_numpy(self._preprocessing.prepare(images)).to(self._device)
        # It blackens the arrays of flagged pictures; these are placeholders, since what to do is not its decision here.
        shown = [np.zeros((1, 1, 3), np.float32) for _ in images]
        with _quietly():
            _, flagged = self._model(clip_input=pixels, images=shown)
        return [bool(one) for one in flagged]


def _load(folder: Path, files: list[Path], device: torch.device) -> torch.nn.Module:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers.models.clip.configuration_clip import CLIPConfig

    content = read_json(folder / "config.json")
    for left_by_others in ("transformers_version", "_name_or_path", "dtype", "torch_dtype"):
        content.pop(left_by_others, None)

    def make() -> StableDiffusionSafetyChecker:
        return StableDiffusionSafetyChecker(CLIPConfig.from_dict(content))

    try:
        with torch.device("meta"):
            has_old_names = any(key.startswith(_OLD) for key in make().state_dict())
    except Exception as error:  # a wrong config can make a constructor raise any exception
        raise ImpastoError(f"{folder}: its config describes no safety checker ({one_line(error)})") from None
    weights = {}
    for key, value in read_weights(files).items():
        if key.startswith(_OLD) and not has_old_names:
            key = _NEW + key.removeprefix(_OLD)
        elif key.startswith(_NEW) and not key.startswith(_OLD) and has_old_names:
            key = _OLD + key.removeprefix(_NEW)
        weights[key] = value
    return fill_module(make, weights, folder, torch.float32, device)


class _quietly:  # noqa: N801 - used like a function
    """Context manager without diffusers' warning that a black image is returned, which is not the case here."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("diffusers.pipelines.stable_diffusion.safety_checker")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)

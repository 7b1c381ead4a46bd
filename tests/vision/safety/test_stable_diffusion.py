"""Stable Diffusion's safety checker flags what diffusers' own flags, from folders as they are published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.vision.safety.tiny_checker import make_checker

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.vision.safety.stable_diffusion import StableDiffusionChecker

PICTURES = [Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)) for seed in range(3)] + [
    Image.new("RGB", (50, 50), colour) for colour in ("red", "white", "black")
]


@pytest.mark.parametrize("old_names", [False, True])
def test_it_flags_what_diffusers_flags(tmp_path: Path, old_names: bool) -> None:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    folder = make_checker(tmp_path / "a", 0.0)
    own: Any = StableDiffusionSafetyChecker.from_pretrained(folder).eval()
    ours = StableDiffusionChecker(str(folder), device="cpu")
    pixels = torch.from_numpy(ours._preprocessing.prepare(PICTURES))
    with torch.no_grad():
        pooled = own.visual_projection(own.vision_model(pixels)[1])
    cosines = torch.nn.functional.normalize(pooled) @ torch.nn.functional.normalize(own.concept_embeds).T
    # A threshold at which some pictures are flagged and some are not.
    most = cosines.max(dim=1).values.sort().values
    threshold = float(most[2] + most[3]) / 2
    checker = StableDiffusionChecker(str(make_checker(tmp_path / "b", threshold, old_names=old_names)), device="cpu")
    flags = checker.flags(PICTURES)
    assert flags == [bool(one > threshold) for one in cosines.max(dim=1).values] and 0 < sum(flags) < len(flags)
    assert checker.flags([]) == [] and len(checker.identity) == 64 != ours.identity


def test_a_stable_diffusion_folder_with_its_feature_extractor(tmp_path: Path) -> None:
    folder = make_checker(tmp_path / "sd" / "safety_checker", -1.0)
    (tmp_path / "sd" / "feature_extractor").mkdir()
    (folder / "preprocessor_config.json").rename(tmp_path / "sd" / "feature_extractor" / "preprocessor_config.json")
    assert StableDiffusionChecker(str(tmp_path / "sd"), device="cpu").flags(PICTURES[:2]) == [True, True]


def test_what_is_no_checker_is_named(tmp_path: Path, offline: Path) -> None:
    with pytest.raises(MissingPart, match="is not here: give a folder"):
        StableDiffusionChecker("nobody/nothing")
    with pytest.raises(UsageError, match="empty"):
        StableDiffusionChecker(" ")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text('{"architectures": ["CLIPModel"]}')
    with pytest.raises(ImpastoError, match="holds no safety checker"):
        StableDiffusionChecker(str(tmp_path / "x"))
    folder = make_checker(tmp_path / "y", 0.0)
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(ImpastoError, match="not a whole safetensors"):
        StableDiffusionChecker(str(folder))

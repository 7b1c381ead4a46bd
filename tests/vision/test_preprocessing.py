"""Pictures are prepared as transformers' own Pillow processors do it."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ImpastoError, MissingPart
from impasto.vision.preprocessing import read_preprocessing

KINDS = {
    "CLIP": "clip",
    "ChineseCLIP": "chinese_clip",
    "Bit": "bit",
    "Blip": "blip",
    "Siglip": "siglip",
    "ViT": "vit",
    "DeiT": "deit",
}
SIZES = [(64, 48), (33, 517), (300, 301), (224, 224), (1200, 90)]


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    coarse = [random.integers(0, 256, (5, 5, 3), dtype=np.uint8) for _ in SIZES]
    return [Image.fromarray(c).resize(size, Image.Resampling.BICUBIC) for c, size in zip(coarse, SIZES, strict=True)]


def write(folder: Path, **config: Any) -> Path:
    (folder / "preprocessor_config.json").write_text(json.dumps(config), "utf-8")
    return folder


@pytest.mark.parametrize("changed", [False, True], ids=["as named", "with sizes of its own"])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_transformers(kind: str, changed: bool, tmp_path: Path) -> None:
    module: Any = import_module(f"transformers.models.{KINDS[kind]}.image_processing_pil_{KINDS[kind]}")
    own: dict[str, Any] = {}
    if changed:
        own = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.9, 0.8, 0.7], "resample": 1, "rescale_factor": 0.01}
        own["size"] = {"height": 40, "width": 56} if kind in ("Blip", "Siglip", "ViT") else {"shortest_edge": 40}
        own["crop_size"] = {"height": 44, "width": 36}  # higher than what it crops: black is filled in
    theirs = getattr(module, f"{kind}ImageProcessorPil")(**own)
    # What an old repository holds is its type and a few numbers: the rest has to be known.
    preprocessing = read_preprocessing(write(tmp_path, image_processor_type=f"{kind}ImageProcessor", **own))
    for picture in pictures():
        expected = theirs(picture, return_tensors="np")["pixel_values"]
        found = preprocessing.prepare([picture])
        assert found.shape == expected.shape and found.dtype == np.float32
        assert np.abs(found - expected).max() < 2e-6


def test_as_transformers_saves_it_today(tmp_path: Path) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    made: Any = CLIPImageProcessorPil
    theirs = made(size={"shortest_edge": 20}, crop_size={"height": 16, "width": 16})
    theirs.save_pretrained(tmp_path)
    picture = pictures()[0]
    expected = theirs(picture, return_tensors="np")["pixel_values"]
    assert np.abs(read_preprocessing(tmp_path).prepare([picture]) - expected).max() < 2e-6
    content = json.loads((tmp_path / "preprocessor_config.json").read_text("utf-8"))
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": content}), "utf-8")
    assert np.abs(read_preprocessing(tmp_path).prepare([picture]) - expected).max() < 2e-6


def test_sizes_of_one_number_mean_what_they_meant(tmp_path: Path) -> None:
    """Repositories of 2021: CLIP's short side and crop, ViT's square."""
    old = read_preprocessing(write(tmp_path, feature_extractor_type="CLIPFeatureExtractor", size=20, crop_size=16))
    assert (old.size, old.crop) == (20, (16, 16))
    old = read_preprocessing(write(tmp_path, feature_extractor_type="ViTFeatureExtractor", size=20))
    assert (old.size, old.crop) == ((20, 20), None)
    still = read_preprocessing(write(tmp_path, image_processor_type="CLIPImageProcessorFast", do_normalize=False))
    assert still.prepare([Image.new("RGB", (9, 9), "white")]).max() == pytest.approx(1.0)


def test_a_long_strip_costs_no_memory_and_shows_its_middle(tmp_path: Path) -> None:
    preprocessing = read_preprocessing(write(tmp_path, image_processor_type="CLIPImageProcessor"))
    strip = Image.new("RGB", (200_000, 40), "red")
    strip.paste("blue", (99_000, 0, 101_000, 40))
    middle = preprocessing.prepare([strip])
    assert np.array_equal(middle, preprocessing.prepare([Image.new("RGB", (40, 40), "blue")]))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"image_processor_type": "Qwen2VLImageProcessor"}, "prepares pictures by 'Qwen2VLImageProcessor'; known are CLIP"),
        ({}, "prepares pictures by 'nothing named'"),
        ({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 0}}, "a side of 0 px"),
        ({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 10**9}}, "a side of 1000000000 px"),
        ({"image_processor_type": "CLIPImageProcessor", "size": {"longest_edge": 20}}, "a size of longest_edge"),
        ({"image_processor_type": "CLIPImageProcessor", "size": "large"}, "a side of 'large' px"),
        ({"image_processor_type": "CLIPImageProcessor", "crop_size": {"shortest_edge": 20}}, "crop_size is no height"),
        ({"image_processor_type": "CLIPImageProcessor", "do_center_crop": False}, "leaves pictures at different sizes"),
        ({"image_processor_type": "CLIPImageProcessor", "image_std": [0, 1, 1]}, "image_std is not above 0"),
        ({"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5]}, "each of red, green and blue"),
        ({"image_processor_type": "CLIPImageProcessor", "image_mean": 0.5}, "cannot be followed"),
        ({"image_processor_type": "CLIPImageProcessor", "resample": 77}, "cannot be followed"),
        ({"image_processor_type": "CLIPImageProcessor", "rescale_factor": "a"}, "cannot be followed"),
    ],
)
def test_what_cannot_be_followed_is_said(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match=message) as error:
        read_preprocessing(write(tmp_path, **config))
    assert "preprocessor_config.json" in str(error.value) and "\n" not in str(error.value)


def test_a_folder_that_says_nothing_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"preprocessor_config\.json is missing"):
        read_preprocessing(tmp_path)


def test_an_old_file_that_names_no_processor_is_that_of_its_model(tmp_path: Path) -> None:
    """As google/vit-base-patch16-224's, whose size is one number: the side of a square."""
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    found = read_preprocessing(write(tmp_path, do_normalize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3, size=224))
    assert (found.size, found.crop, found.resample) == ((224, 224), None, Image.Resampling.BILINEAR)
    (tmp_path / "config.json").write_text('{"model_type": "new-in-2031"}')
    with pytest.raises(ImpastoError, match="'nothing named'"):
        read_preprocessing(write(tmp_path, size=224))

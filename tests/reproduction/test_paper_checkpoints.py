"""Whether a checkpoint is the paper's is found out from its weights or its hub name, and else said to be unknown."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from impasto.reproduction.differences import Compared, compare, differences_section
from impasto.reproduction.paper_checkpoints import SD_V1_4, SD_V1_5, identify


def test_another_model_is_not_the_papers(tiny_diffusers: Path) -> None:
    found = identify(str(tiny_diffusers), SD_V1_5)
    assert found.same is False and found.words.startswith(f"{tiny_diffusers.name} (a U-Net of")
    assert found.words.endswith("not Stable Diffusion v1-5") and str(tiny_diffusers.parent) not in found.words


def test_the_hash_of_the_unet_decides(tiny_diffusers: Path) -> None:
    unet = tiny_diffusers / "unet" / "diffusion_pytorch_model.safetensors"
    ours = replace(SD_V1_5, files=frozenset({sha256(unet.read_bytes()).hexdigest()}))
    found = identify(str(tiny_diffusers), ours)
    assert found.same is True and "which is Stable Diffusion v1-5 by its SHA-256" in found.words


def test_a_folder_of_the_hubs_cache_is_known_by_its_name(
    tiny_diffusers: Path, tmp_path: Path, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del offline
    hub = tmp_path / "hub"
    folder = hub / "models--CompVis--stable-diffusion-v1-4" / "snapshots" / "abc"
    shutil.copytree(tiny_diffusers, folder)
    (folder.parents[1] / "refs").mkdir()
    (folder.parents[1] / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    for name in ("CompVis/stable-diffusion-v1-4", str(folder)):
        assert identify(name, SD_V1_4).same is True
        assert identify(name, SD_V1_5).same is False


def test_the_right_size_from_an_unknown_place_is_not_judged(tiny_diffusers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.checkpoints.listing import inspect_checkpoint

    info = inspect_checkpoint(str(tiny_diffusers))
    large = replace(info, parameters={**info.parameters, "unet": 859_520_964})
    monkeypatch.setattr("impasto.reproduction.paper_checkpoints.inspect_checkpoint", lambda name: large)
    found = identify(str(tiny_diffusers), SD_V1_5)
    assert found.same is None and "cannot be told" in found.words


def test_the_section_lists_only_what_differs_as_different() -> None:
    rows = [
        compare("batch", 1, 16), compare("learning rate", 1e-5, 1e-5, "{:g}"), Compared("sampler", "not said", "ddim", None),
    ]  # fmt: skip
    section = differences_section(rows)
    assert section.paragraphs[0] == (
        "Settings compared: 3. Different from the paper's: 1. The same: 1. Not said by the paper, or not known here: 1."
    )
    differs, untold, same = section.tables
    assert differs.rows == (("batch", "1", "16"),) and untold.rows == (("sampler", "not said", "ddim"),)
    assert same.rows == (("learning rate", "1e-05"),)
    everything = differences_section([compare("batch", 1, 1)])
    assert len(everything.tables) == 1 and everything.paragraphs[0] == (
        "Settings compared: 1. Different from the paper's: 0. The same: 1."
    )

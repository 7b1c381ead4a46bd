"""The list of what is here, and the hash that names it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from tests.checkpoints.stable_diffusion import to_ldm

from impasto.checkpoints.listing import inspect_checkpoint, list_checkpoints
from impasto.checkpoints.load import load_components
from impasto.weights.content_hash import files_that_count, hash_files


def test_everything_here_is_listed_and_the_broken_left_out(
    tiny_pocket: Path, tiny_diffusers: Path, own_caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [info.name for info in list_checkpoints() if info.kind != "bundled"] == []
    monkeypatch.setenv("IMPASTO_POCKET", str(tiny_pocket))
    shutil.copytree(tiny_pocket, own_caches / "checkpoints" / "mine")
    broken = Path(shutil.copytree(tiny_pocket, own_caches / "checkpoints" / "broken"))
    (broken / "unet" / "config.json").write_text("{")
    repository = Path(os.environ["HF_HUB_CACHE"]) / "models--someone--tiny-sd"
    shutil.copytree(tiny_diffusers, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    found = {info.name: info for info in list_checkpoints()}
    assert {name: info.kind for name, info in found.items()} == {
        "pocket": "bundled",
        "mine": "folder",
        "someone/tiny-sd": "hub",
    }
    assert found["pocket"].content_hash == found["mine"].content_hash
    assert found["someone/tiny-sd"].parameters["text_encoder"] is not None


def test_what_is_inspected_is_what_loads(tiny_pocket: Path) -> None:
    (info, loaded) = inspect_checkpoint(str(tiny_pocket)), load_components(str(tiny_pocket))
    assert info.content_hash == loaded.content_hash and len(info.content_hash) == 64
    assert info.parameters == {
        part: sum(p.numel() for p in module.parameters())
        for part, module in (("unet", loaded.unet), ("vae", loaded.vae))
    }
    assert (info.prediction_type, info.default_size, info.artists) == ("v_prediction", 64, 5)
    assert info.bytes == sum(file.stat().st_size for file in files_that_count(tiny_pocket).values())


def test_a_single_file_is_inspected_by_its_header(tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    save_file(to_ldm(tiny_parts), tmp_path / "tiny.safetensors")
    info = inspect_checkpoint(str(tmp_path / "tiny.safetensors"))
    assert (info.kind, info.default_size) == ("file", 512)
    assert info.parameters["unet"] == sum(p.numel() for p in tiny_parts["unet"].parameters())


def test_the_license_is_read_from_the_card(spoilt: Path) -> None:
    (spoilt / "README.md").write_text("---\nlicense: apache-2.0\n---\n# card\n")
    assert inspect_checkpoint(str(spoilt)).license == load_components(str(spoilt)).license == "apache-2.0"


def test_one_changed_byte_changes_the_hash(spoilt: Path) -> None:
    before = hash_files(files_that_count(spoilt))
    (spoilt / "README.md").write_text("the card does not count")
    assert hash_files(files_that_count(spoilt)) == before
    file = spoilt / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert hash_files(files_that_count(spoilt)) != before


def test_listing_needs_no_torch() -> None:
    code = "import sys; from impasto.checkpoints.listing import list_checkpoints; list_checkpoints()"
    asserting = f"{code}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", asserting], check=True, timeout=60)

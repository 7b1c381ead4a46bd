"""A checkpoint's memory: it counts, it is copied, and diffusers does not mind it."""

import json
from pathlib import Path

import pytest
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.memory.drawn_memory import drawn_memory

from impasto.checkpoints.export.components import save_components
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import save_memory
from impasto.errors import ImpastoError


def test_memory_counts_and_is_copied(tmp_path: Path) -> None:
    folder = make_tiny_pocket(tmp_path / "tiny")
    bare = inspect_checkpoint(str(folder))
    assert bare.works == 0 and load_components(str(folder)).memory is None
    save_memory(drawn_memory(), folder / "memory")
    info, loaded = inspect_checkpoint(str(folder)), load_components(str(folder))
    assert info.works == 60 and info.content_hash == loaded.content_hash != bare.content_hash
    assert loaded.memory is not None and len(loaded.memory.works) == 60
    exported = export_checkpoint(str(folder), tmp_path / "exported")
    assert load_components(str(exported)).content_hash == loaded.content_hash
    assert inspect_checkpoint(str(exported)).works == 60
    saved = save_components(loaded, tmp_path / "saved", "card", text_encoder=False)
    assert load_components(str(saved)).memory_hash == loaded.memory_hash != ""


def test_plain_diffusers_paints_with_an_export(tmp_path: Path) -> None:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    folder = make_tiny_pocket(tmp_path / "tiny")
    save_memory(drawn_memory(), folder / "memory")
    pipeline = StableDiffusionPipeline.from_pretrained(export_checkpoint(str(folder), tmp_path / "exported"))
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline("boats", num_inference_steps=2, height=64, width=64)
    assert made.images[0].size == (64, 64)  # pyright: ignore


def test_a_broken_memory_is_said(tmp_path: Path) -> None:
    folder = make_tiny_pocket(tmp_path / "tiny")
    save_memory(drawn_memory(width=16), folder / "memory")
    with pytest.raises(ImpastoError, match="16 wide"):
        _ = load_components(str(folder)).memory
    (folder / "memory" / "works.jsonl").write_text(json.dumps({"name": "a"}))
    with pytest.raises(ImpastoError, match="1 works"):
        _ = load_components(str(folder)).memory

"""What is exported is whole, paints under plain diffusers, and is the same checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.stable_diffusion import to_ldm

from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError


def test_plain_diffusers_paints_with_the_export(
    tiny_pocket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    monkeypatch.setenv("IMPASTO_POCKET", str(tiny_pocket))
    folder = export_checkpoint("pocket", tmp_path / "new" / "exported")
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.scheduler.config["prediction_type"] == "v_prediction"
    picture = pipeline("boats", num_inference_steps=2, generator=torch.Generator().manual_seed(1)).images[0]
    assert picture.size == (64, 64) and picture.getextrema() != ((0, 0), (0, 0), (0, 0))

    ours, again = load_components("pocket"), load_components(str(folder))
    states = ours.encode_text(["boats at sunset, by Claude Monet"])
    theirs, _ = pipeline.encode_prompt("boats at sunset, by Claude Monet", "cpu", 1, False)
    assert torch.allclose(states, theirs, atol=1e-6)
    assert torch.equal(states, again.encode_text(["boats at sunset, by Claude Monet"]))
    assert ours.content_hash == again.content_hash == inspect_checkpoint("pocket").content_hash
    assert again.artists == ours.artists
    assert [path.name for path in folder.parent.iterdir()] == ["exported"]


def test_a_single_file_becomes_a_folder(
    tiny_parts: dict[str, Any], with_tokenizer: Path, tmp_path: Path
) -> None:
    save_file(to_ldm(tiny_parts), with_tokenizer / "tiny.safetensors")
    folder = export_checkpoint(str(with_tokenizer / "tiny.safetensors"), tmp_path / "folder")
    loaded = load_components(str(folder))
    expected = tiny_parts["unet"].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.unet.state_dict().items())
    assert loaded.encode_text(["x"]).shape == (1, 77, 64)


def test_nothing_is_overwritten_and_nothing_half_written(spoilt: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="not empty"):
        export_checkpoint(str(spoilt), full)
    with pytest.raises(UsageError, match="is a file"):
        export_checkpoint(str(spoilt), full / "mine.txt")
    assert (full / "mine.txt").read_text() == "precious"
    with pytest.raises(ImpastoError, match="cannot be written"):
        export_checkpoint(str(spoilt), Path("/proc/nowhere/to/write"))
    weights = spoilt / "vae/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(ImpastoError, match="cut short"):
        export_checkpoint(str(spoilt), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_empty_folder_is_taken(tiny_pocket: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    folder = export_checkpoint(str(tiny_pocket), tmp_path / "empty")
    assert (folder / "text_encoder" / "model.safetensors").is_file()

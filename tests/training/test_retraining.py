"""Retraining a tiny checkpoint: that it learns, resumes to the bit, and does not depend on how many processes share it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.stable_diffusion import to_ldm
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.lora.files import load_lora
from impasto.adapters.lora.merge import apply_loras
from impasto.checkpoints.load import load_components
from impasto.checkpoints.painting_defaults import PaintingDefaults
from impasto.errors import ImpastoError, UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_training_set, entries_of
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.retraining import retrain

CHOICES = FineTuning(batch=4, learning_rate=2e-3, ema_decay=0.9, snr_gamma=5.0, validation_pictures=0)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return write_catalogue(tmp_path / "catalogue")


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(make_tiny_pocket(tmp_path / "base"))


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]


def test_the_loss_falls_and_the_run_is_a_checkpoint(catalogue: Path, base: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    choices = replace(CHOICES, learning_rate=5e-3, batch=8, snr_gamma=0.0)
    retrain(catalogue, run, choices, checkpoint=base, artist="monet", steps=60)
    found = losses(run)
    assert len(found) == 60 and sum(found[-15:]) < 0.92 * sum(found[:15])
    before, after = load_components(base), load_components(str(run))
    assert after.content_hash != before.content_hash and after.artists == before.artists
    changed = [
        name
        for (name, old), new in zip(before.unet.named_parameters(), after.unet.parameters(), strict=True)
        if not torch.equal(old, new)
    ]
    assert len(changed) > 20
    for old, new in zip(before.vae.parameters(), after.vae.parameters(), strict=True):
        assert torch.equal(old, new)
    assert "pictures by Claude Monet" in (run / "checkpoint" / "README.md").read_text()


def test_the_first_original_is_the_guide(catalogue: Path, base: str, tmp_path: Path) -> None:
    (Path(base) / "painting.json").write_text('{"guidance": 2.5}')
    first, second, without, encoder = (tmp_path / name for name in ("first", "second", "without", "encoder"))
    retrain(catalogue, first, CHOICES, checkpoint=base, artist="monet", steps=2)
    parts = load_components(str(first))
    assert parts.painting_defaults == PaintingDefaults("domain", 2.5)
    latents, states = torch.randn(2, 8, 8, 8), parts.encode_text(["boats", ""])
    predictions = []
    with torch.inference_mode():
        for unet in (load_components(base).unet, parts.guide, parts.unet):
            assert unet is not None
            predictions.append(unet(latents, 500, states).sample)
    original, guide, own = predictions
    assert (guide - original).abs().mean() < 0.02 * original.abs().mean() < (own - original).abs().mean()
    # Retrained again, it is led away from the same original.
    retrain(catalogue, second, CHOICES, checkpoint=str(first), artist="monet", steps=2)
    again = load_components(str(second))
    assert again.painting_defaults == parts.painting_defaults
    assert again.guide is not None and parts.guide is not None
    for one, other in zip(again.guide.parameters(), parts.guide.parameters(), strict=True):
        assert torch.equal(one, other)
    retrain(catalogue, without, replace(CHOICES, domain_guidance=False), checkpoint=base, artist="monet", steps=2)
    retrain(catalogue, encoder, replace(CHOICES, trained="both"), checkpoint=base, artist="monet", steps=2)
    left = tmp_path / "left"
    retrain(catalogue, left, replace(CHOICES, domain_guidance=False), checkpoint=str(first), artist="monet", steps=2)
    assert json.loads((left / "checkpoint" / "painting.json").read_text()) == {"guidance": 2.5}
    for run in (without, encoder, left):
        parts = load_components(str(run))
        assert parts.guide is None and parts.painting_defaults == PaintingDefaults(guidance=2.5)


def test_what_its_base_says_of_painting_is_read_first(catalogue: Path, base: str, tmp_path: Path) -> None:
    told: list[str] = []
    settings: dict[str, Any] = {"checkpoint": base, "artist": "monet", "steps": 2}
    file = Path(base) / "painting.json"
    file.write_text('{"guider": "domain"}')
    retrain(catalogue, tmp_path / "run", CHOICES, **settings, on_progress=lambda what, share, figures: told.append(what))
    assert told[0] == "lacking the guide of its base, whose own U-Net is taken for the original"
    file.write_text('{"guider": ')
    with pytest.raises(ImpastoError, match=r"painting\.json is not valid JSON"):
        retrain(catalogue, tmp_path / "other", CHOICES, **settings)
    assert not list(tmp_path.glob("other/state-*"))


@pytest.mark.parametrize(
    "choices",
    [CHOICES, replace(CHOICES, trained="both", accumulation=2), replace(CHOICES, lora_rank=2, ema_decay=0.0)],
    ids=["unet", "both", "lora"],
)
def test_a_stopped_run_goes_on_to_the_bit(catalogue: Path, base: str, tmp_path: Path, choices: FineTuning) -> None:
    train_whole_and_stopped(catalogue, base, tmp_path, choices)


def test_pictures_keep_their_shape(catalogue: Path, base: str, tmp_path: Path) -> None:
    shaped = write_catalogue(tmp_path / "shaped", sides=((64, 64), (160, 48), (40, 120)))
    data = encode_training_set(entries_of(shaped), load_components(base), 64, aspect_buckets=True)
    assert {mean.shape for mean in data.mean} == {(8, 8, 8), (8, 4, 16), (8, 16, 4)} and len(data.buckets()) == 3
    train_whole_and_stopped(shaped, base, tmp_path, replace(CHOICES, aspect_buckets=True))
    square = encode_training_set(entries_of(shaped), load_components(base), 64)
    with pytest.raises(UsageError, match="order of its own"):
        FineTuningTask(
            load_components(base), square, None, replace(CHOICES, aspect_buckets=True), Processes(), seed=0,
            order=ShuffledOrder(8, 4, 0),
        )  # fmt: skip


def train_whole_and_stopped(catalogue: Path, base: str, tmp_path: Path, choices: FineTuning) -> None:
    asked = 0

    def stop_at_third() -> bool:
        nonlocal asked
        asked += 1
        return asked == 3

    retrain(catalogue, tmp_path / "whole", choices, checkpoint=base, steps=6)
    with pytest.raises(KeyboardInterrupt):
        retrain(catalogue, tmp_path / "stopped", choices, checkpoint=base, steps=6, should_stop=stop_at_third)
    assert len(losses(tmp_path / "stopped")) == 3
    retrain(catalogue, tmp_path / "stopped", choices, checkpoint=base, steps=6)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")
    load = load_lora if choices.lora_rank else load_components
    assert load(str(tmp_path / "whole")).content_hash == load(str(tmp_path / "stopped")).content_hash


def test_a_lora_changes_the_picture_by_its_scale(catalogue: Path, base: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert retrain(catalogue, run, replace(CHOICES, lora_rank=2), checkpoint=base, steps=20) == run / "lora"
    lora, before = load_lora(run), load_components(base)
    assert (lora.base_hash, lora.largest.rank) == (before.content_hash, 2) and not lora.text_encoder
    trained = apply_loras(before, [(lora, 1.0)])
    latents, states = torch.randn(1, 8, 8, 8), before.encode_text(["a picture"])
    with torch.inference_mode():
        made = [parts.unet(latents, 500, states).sample for parts in (before, apply_loras(before, [(lora, 0.0)]), trained)]
    assert torch.equal(made[0], made[1]) and not torch.allclose(made[0], made[2], atol=1e-3)


def test_only_what_is_asked_for_is_trained(catalogue: Path, base: str, tmp_path: Path) -> None:
    retrain(catalogue, tmp_path / "run", replace(CHOICES, trained="text-encoder"), checkpoint=base, steps=2)
    before, after = load_components(base), load_components(str(tmp_path / "run"))
    for old, new in zip(before.unet.parameters(), after.unet.parameters(), strict=True):
        assert torch.equal(old, new)
    differ = [
        not torch.equal(old.half(), new.half())
        for old, new in zip(before.text_encoder.parameters(), after.text_encoder.parameters(), strict=True)
    ]
    assert sum(differ) > 50


def test_accumulated_parts_are_the_whole_batch(catalogue: Path, base: str, tmp_path: Path) -> None:
    for name, parts in (("one", 1), ("two", 2)):
        retrain(catalogue, tmp_path / name, replace(CHOICES, accumulation=parts), checkpoint=base, steps=4)
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)


def test_a_rate_that_is_far_too_high_is_named_and_the_last_state_stays(catalogue: Path, base: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(ImpastoError, match=r"diverged at step \d+"):
        retrain(catalogue, run, replace(CHOICES, learning_rate=1e3), checkpoint=base, steps=40, save_steps=1)
    assert list(run.glob("state-*.pt")) and not (run / "checkpoint").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"learning_rate": 0.0}, "learning_rate 0"), ({"batch": 0}, "batch 0"), ({"accumulation": 3}, "equal parts"),
        ({"precision": "int8"}, "int8"), ({"text_dropout": 2.0}, "text_dropout"), ({"trained": "vae"}, "vae"),
        ({"lora_rank": 4, "trained": "both"}, "LoRA"), ({"epochs": float("nan")}, "epochs"),
        ({"optimizer": "sgd"}, "optimizer 'sgd': use adamw, "), ({"validation_every": -1}, "validation_every -1"),
        ({"validation_pictures": -1}, "validation_pictures -1"), ({"keep_states": 0}, "keep_states 0"),
        ({"optimizer": "prodigy"}, "1 is usual"), ({"optimizer": "schedule-free"}, "ema_decay 0.9"),
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_named(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(CHOICES, **changes)  # pyright: ignore[reportArgumentType]


def test_missing_pictures_are_named(catalogue: Path, base: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Picasso"):
        retrain(catalogue, tmp_path / "run", CHOICES, checkpoint=base, artist="Picasso", steps=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ImpastoError, match="empty"):
        retrain(empty, tmp_path / "run", CHOICES, checkpoint=base, steps=1)


def test_an_artist_with_one_picture_is_trained_on_it(tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    catalogue = write_catalogue(tmp_path / "few", 4)
    (catalogue / "3.png").unlink()
    retrain(catalogue, tmp_path / "run", CHOICES, checkpoint=base, artist="rembrandt", steps=2)
    assert len(losses(tmp_path / "run")) == 2


def test_a_single_file_is_the_guide_of_what_it_becomes(
    catalogue: Path, tiny_parts: dict[str, Any], with_tokenizer: Path, tmp_path: Path
) -> None:
    save_file(to_ldm(tiny_parts), tmp_path / "tiny.safetensors")
    base = load_components(str(tmp_path / "tiny.safetensors"))
    choices = replace(CHOICES, size=64, batch=2)
    retrain(catalogue, tmp_path / "run", choices, checkpoint=str(tmp_path / "tiny.safetensors"), artist="monet", steps=1)
    guide = load_components(str(tmp_path / "run")).guide
    assert guide is not None
    for one, other in zip(guide.parameters(), base.unet.parameters(), strict=True):
        assert (one - other).abs().max() <= other.abs().max() / 100

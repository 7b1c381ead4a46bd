"""Validation: the same draws for everybody, pictures with fixed seeds, and no trace in the run that is validated."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.errors import UsageError
from impasto.painting.painter import Painter
from impasto.training.examples import validation_pictures
from impasto.training.examples.training_set import TrainingSet, encode_texts, encode_training_set, entries_of
from impasto.training.examples.validation import CheckpointValidation, validation_errors, validation_loss
from impasto.training.examples.validation_pictures import paint_sheet
from impasto.training.loop.figures import CLOCK
from impasto.training.loop.state import load_best
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes import retraining
from impasto.training.recipes.retraining import retrain

CHOICES = FineTuning(batch=4, learning_rate=3e-2, ema_decay=0.5, validation_pictures=0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue, a checkpoint and a cache for all tests here: what is encoded once need not be again."""
    folder = tmp_path_factory.mktemp("shared")
    write_catalogue(folder / "catalogue", 14)
    make_tiny_pocket(folder / "base")
    return folder


@pytest.fixture
def catalogue(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(shared / "cache"))
    monkeypatch.setattr(validation_pictures, "STEPS", 2)
    return shared / "catalogue"


@pytest.fixture
def base(shared: Path) -> str:
    return str(shared / "base")


@pytest.fixture
def components(base: str) -> Components:
    return load_components(base)


@pytest.fixture
def data(catalogue: Path, components: Components) -> TrainingSet:
    return encode_training_set(entries_of(catalogue)[:3], components, 64)


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "losses.jsonl").read_text().splitlines()]


def test_noise_and_timesteps_are_each_picture_s_own(components: Components, data: TrainingSet) -> None:
    states = encode_texts(data.all_texts, components)
    before = torch.random.get_rng_state()
    errors = validation_errors(components, data, states)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(errors) == 4 and all(0.1 < error < 3 for error in errors)
    assert validation_loss(components, data, states) == pytest.approx(np.mean(errors))
    assert validation_errors(components, data, states) == errors != validation_errors(components, data, states, seed=1)
    alone = [
        validation_errors(components, TrainingSet([entry], data.mean[n : n + 1], data.deviation[n : n + 1], [texts]), states)
        for n, (entry, texts) in enumerate(zip(data.entries, data.texts, strict=True))
    ]
    assert np.mean(alone, axis=0) == pytest.approx(errors, rel=1e-6)
    # The text encoder itself gives the same, but for the cache's half precision.
    assert validation_errors(components, data, None) == pytest.approx(errors, rel=1e-2)


@pytest.mark.usefixtures("catalogue")
def test_pictures_are_the_same_each_time_and_follow_the_weights(components: Components, tmp_path: Path) -> None:
    prompts = [f"picture {n}" for n in range(5)]
    components.vae.half()
    paint = CheckpointValidation(components, tmp_path, every=0, data=None, states=None, prompts=prompts, size=64)
    torch.nn.Module.train(components.unet)
    figures, sheet = paint(7)
    assert figures == {} and components.unet.training and components.vae.dtype == torch.float16
    assert sheet is not None and sheet.size == (4 * 64, 2 * 64)
    file = tmp_path / "validation" / "step-000000007.png"
    assert Image.open(file).tobytes() == sheet.tobytes()
    assert (tmp_path / "validation" / "prompts.txt").read_text().splitlines() == prompts
    # Each picture is painted alone.
    paint.prompts = prompts[:1]
    _, alone = paint(8)
    assert alone is not None and alone.tobytes() == sheet.crop((0, 0, 64, 64)).tobytes()
    with torch.no_grad():
        components.unet.conv_out.weight.mul_(0.5)
    _, other = paint(9)
    assert other is not None and other.tobytes() != alone.tobytes()


def test_a_validated_and_stopped_run_is_the_undisturbed_one(catalogue: Path, base: str, tmp_path: Path) -> None:
    retrain(catalogue, tmp_path / "calm", replace(CHOICES, learning_rate=2e-3), checkpoint=base, steps=5)
    choices = replace(CHOICES, learning_rate=2e-3, validation_every=2, validation_pictures=1)
    asked = iter(range(1, 100))
    with pytest.raises(KeyboardInterrupt):
        retrain(catalogue, tmp_path / "run", choices, checkpoint=base, steps=5, should_stop=lambda: next(asked) == 3)
    retrain(catalogue, tmp_path / "run", choices, checkpoint=base, steps=5)
    calm, run = rows(tmp_path / "calm"), rows(tmp_path / "run")
    assert [row["step"] for row in run if "validation" in row] == [2, 4, 5]
    assert calm[4]["validation"] == run[4]["validation"] < run[1]["validation"]
    for row in (*calm, *run):
        for name in [name for name in row if name in CLOCK or name.startswith("validation")]:
            del row[name]
    assert calm == run
    hashes = [load_components(str(tmp_path / name)).content_hash for name in ("calm", "run")]
    assert hashes[0] == hashes[1]
    sheets = sorted(path.name for path in (tmp_path / "run" / "validation").glob("*.png"))
    assert sheets == ["step-000000002.png", "step-000000004.png", "step-000000005.png"]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(tmp_path / "run")).Reload()
    assert [event.step for event in board.Scalars("loss")] == [1, 2, 3, 4, 5]
    assert [event.step for event in board.Scalars("validation/3")] == [2, 4, 5]
    assert [event.step for event in board.Images("validation/pictures")] == [2, 4, 5]
    assert {"validation", "learning_rate", "pictures_per_second", "gradient"} < set(board.Tags()["scalars"])


def test_the_best_weights_are_kept_where_that_is_asked_for(catalogue: Path, base: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    choices = replace(CHOICES, validation_every=1, keep_best=True, keep_states=2)
    retrain(catalogue, run, choices, checkpoint=base, steps=4, save_steps=1)
    judged = [row["validation"] for row in rows(run)]
    best = load_best(run)
    assert best is not None and best["measure"] == min(judged) < judged[-1]
    assert best["step"] == 1 + judged.index(min(judged)) == json.loads((run / "report.json").read_text())["best_step"]
    kept = list(load_components(str(run)).unet.parameters())
    weights = list(best["models"]["unet"].values())
    assert all(torch.equal(a.half(), b.half()) for a, b in zip(kept, weights, strict=True))
    assert sorted(path.name for path in run.glob("state-*.pt")) == ["state-000000003.pt", "state-000000004.pt"]


@pytest.mark.usefixtures("catalogue")
def test_a_picture_is_the_one_that_paint_gives(components: Components) -> None:
    sheet = paint_sheet(components, components.encode_text, ["boats", "snow"], 64, seed=3)
    steps, guidance = validation_pictures.STEPS, validation_pictures.GUIDANCE
    painted = Painter(components).paint("snow", seed=4, steps=steps, guidance=guidance)
    ours, theirs = (np.asarray(image, dtype=int) for image in (sheet.crop((64, 0, 128, 64)), painted.image))
    assert abs(ours - theirs).max() <= 1


@pytest.mark.usefixtures("catalogue")
def test_what_there_is_not_is_said_and_training_goes_on(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = write_catalogue(tmp_path / "seen", 4)
    monkeypatch.setattr(retraining, "has_tensorboard", lambda: False)
    said: list[str] = []
    choices = replace(CHOICES, validation_pictures=1, lora_rank=1)
    retrain(catalogue, tmp_path / "run", choices, checkpoint=base, artist="rembrandt", steps=1,
            on_progress=lambda stage, *_: said.append(stage))  # fmt: skip
    assert [stage for stage in said if stage.startswith(("skipped ", "lacking "))] == [
        "lacking captions: no picture has one, and titles stand for them; `impasto data caption` writes captions",
        f"skipped the validation loss: no picture of rembrandt in {catalogue} is held out",
        "skipped TensorBoard's files: pip install 'impasto[training]' for them",
    ]
    assert not list((tmp_path / "run").glob("events*"))
    assert "validation" not in rows(tmp_path / "run")[0] and (tmp_path / "run/validation/step-000000001.png").is_file()
    assert "Rembrandt" in (tmp_path / "run/validation/prompts.txt").read_text()
    with pytest.raises(UsageError, match="keep_best needs a validation loss"):
        retrain(catalogue, tmp_path / "best", replace(CHOICES, keep_best=True), checkpoint=base, artist="rembrandt", steps=1)

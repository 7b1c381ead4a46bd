"""Retraining from the command line: an artist of a catalogue, a run that is a checkpoint, a LoRA that paints."""

import shutil
from pathlib import Path

import pytest
from tests.checkpoints.tiny import make_tiny_pocket
from tests.journeys.conftest import Impasto
from tests.training.painted_catalogue import write_catalogue


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path / "catalogue")


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(make_tiny_pocket(tmp_path / "base"))


def test_a_retrained_checkpoint_and_a_lora_paint(impasto: Impasto, catalogue: Path, base: str, tmp_path: Path) -> None:
    runs = {name: str(tmp_path / name) for name in ("whole", "lora")}
    train = ("train", "wang2023-artist", "--catalogue", str(catalogue), "--artist", "monet", "--checkpoint", base)
    train += ("--steps", "3")
    whole = impasto(*train, "--batch", "4", "--learning-rate", "0.01", "--validation-pictures", "1", "--run", runs["whole"])
    assert whole.code == 0 and "given: batch=4 learning_rate=0.01 validation_pictures=1; the recipe's: " in whole.err
    shown = impasto("runs", "show", runs["whole"])
    assert "validation_3" in shown.out and "made validation" in shown.out and "pictures_per_second" not in shown.out
    lora = ("--lora-rank", "2", "--learning-rate", "0.05", "--optimizer", "schedule-free", "--ema-decay", "0")
    lora += ("--validation-pictures", "0")
    assert impasto(*train, *lora, "--run", runs["lora"]).code == 0
    pictures = {}
    for name, options in {
        "base": ("--checkpoint", base), "whole": ("--checkpoint", runs["whole"]),
        "cfg": ("--checkpoint", runs["whole"], "--guider", "cfg"),
        "lora": ("--checkpoint", base, "--lora", runs["lora"]),
        "none": ("--checkpoint", base, "--lora", f"{runs['lora']}:0"),
    }.items():  # fmt: skip
        file = tmp_path / f"{name}.png"
        painted = impasto("paint", "boats", "--seed", "1", "--steps", "2", "--out", str(file), *options)
        assert painted.code == 0, painted.err
        from PIL import Image

        pictures[name] = Image.open(file).tobytes()
    assert pictures["base"] == pictures["none"]
    assert len({pictures[name] for name in ("base", "whole", "lora", "cfg")}) == 4
    shown = [impasto("show", tmp_path / f"{name}.png").out.splitlines() for name in ("base", "whole", "cfg", "lora")]
    assert [next(line for line in lines if line.startswith("guider: ")) for lines in shown] == [
        "guider: cfg", "guider: domain", "guider: cfg", "guider: cfg",
    ]  # fmt: skip
    # Exported, the checkpoint keeps its guide.
    exported, out = tmp_path / "exported", tmp_path / "of-export.png"
    assert impasto("checkpoints", "export", runs["whole"], exported).code == 0
    assert impasto("paint", "boats", "--seed", "1", "--steps", "2", "--out", out, "--checkpoint", exported).code == 0
    assert Image.open(out).tobytes() == pictures["whole"]
    inspected = impasto("checkpoints", "inspect", exported).out.splitlines()
    assert "usual guider: domain" in inspected and any(line.startswith("guide parameters: ") for line in inspected)
    assert {file.stat().st_mode & 0o777 for file in exported.rglob("*") if file.is_file()} == {
        (exported / "model_index.json").stat().st_mode & 0o777
    }
    shutil.rmtree(exported / "guide")
    alone = impasto("paint", "boats", "--steps", "2", "--out", tmp_path / "alone.png", "--checkpoint", exported)
    assert alone.code == 0 and "names the guider domain, but has no guide/ for it: painted by cfg" in alone.err
    again = impasto(*train, "--batch", "4", "--learning-rate", "0.01", "--validation-pictures", "1", "--run", runs["whole"])
    assert again.code == 0 and "already complete" in again.err


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        (("--artist", "Picasso"), "Picasso", 2),
        (("--artist", " "), "--artist", 2),
        (("--artist", "monet", "--learning-rate", "0"), "learning_rate 0", 2),
        (("--artist", "monet", "--optimizer", "sgd"), "optimizer 'sgd'", 2),
        (("--artist", "monet", "--validation-every", "-1"), "validation_every -1", 2),
        (("--artist", "monet", "--steps", "2", "--minutes", "1"), "not both", 2),
        (("--artist", "monet", "--learning-rate", "1000", "--steps", "60"), "diverged at step", 1),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    impasto: Impasto, catalogue: Path, base: str, tmp_path: Path, options: tuple[str, ...], says: str, code: int
) -> None:
    train = ("train", "wang2023-artist", "--catalogue", str(catalogue), "--checkpoint", base, "--run", str(tmp_path / "run"))
    done = impasto(*train, *options)
    assert done.code == code and says in done.err and "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) <= 4  # what is trained, what it will take, what is lacking; and the fault


def test_a_dry_run_says_what_it_would_take_and_starts_nothing(
    impasto: Impasto, catalogue: Path, base: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    train = ("train", "wang2023-artist", "--catalogue", str(catalogue), "--artist", "monet", "--checkpoint", base)
    train += ("--run", str(tmp_path / "run"), "--dry-run")
    whole, lora, bad = (
        impasto(*train, *options) for options in (("--steps", "7"), ("--steps", "7", "--lora-rank", "2"), ("--batch", "0"))
    )
    assert whole.code == 0 and lora.code == 0 and "Traceback" not in whole.err
    lines = whole.out.splitlines()
    assert "batch=" in lines[0] and [line.split()[0] for line in lines[1:]] == ["memory", "time", "disk"]
    assert "7 steps of" in lines[2] and "pictures of 64 px" in lines[2]
    gradients = [answer.out.split("gradients ")[1].split(",")[0] for answer in (whole, lora)]
    assert gradients[0].endswith("MB") and gradients[1].endswith("kB")
    assert bad.code == 2 and "batch 0" in bad.err and len(bad.err.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_real_start_says_what_it_will_take(
    impasto: Impasto, catalogue: Path, base: str, tmp_path: Path
) -> None:
    train = ("train", "lora", "--catalogue", str(catalogue), "--checkpoint", base, "--steps", "1")
    first = impasto(*train, "--dry-run").out.splitlines()[2]
    assert "estimated: memory" in impasto(*train, "--run", str(tmp_path / "run")).err
    then = impasto(*train, "--dry-run").out.splitlines()[2]
    assert " 0 of " not in first and then.count(" 0 of ") == 2  # pictures and texts are in the cache now
    missing = impasto("train", "textual-inversion", str(tmp_path / "none"), "--concept", "<x>", "--dry-run")
    assert missing.code == 2 and "no such folder" in missing.err


def test_masters_are_trained_one_after_another(impasto: Impasto, catalogue: Path, base: str, tmp_path: Path) -> None:
    masters = ("train", "wang2023-masters", "--run", "nine", "--catalogue", str(catalogue), "--checkpoint", base)
    masters += ("--steps", "1", "--batch", "4", "--validation-pictures", "0")
    done = impasto(*masters)
    runs = [tmp_path / "nine" / name for name in ("claude-monet", "rembrandt")]
    assert done.code == 0 and done.out.splitlines() == [str(Path("nine") / run.name / "checkpoint") for run in runs]
    assert "Leonardo da Vinci" in done.err and "there is no run" in done.err
    assert all((run / "report.json").is_file() for run in runs)
    assert "Rembrandt" in (runs[1] / "checkpoint" / "README.md").read_text()
    again = impasto(*masters)
    assert again.code == 0 and again.err.count("already complete") == 2
    resumed = impasto("runs", "resume", "nine/rembrandt")
    assert resumed.code == 0 and resumed.err.count("already complete") == 1
    assert impasto(*masters, "--artist", "monet").code == 2
    absent = impasto("train", "wang2023-masters", "--catalogue", write_catalogue(tmp_path / "one", 0))
    assert absent.code == 1 and len(absent.err.splitlines()) == 1

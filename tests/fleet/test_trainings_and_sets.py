"""Trainings of several artists and the paintings of a reproduction, when their work is spread."""

from pathlib import Path
from typing import Any

import pytest
from tests.fleet.elsewhere import Elsewhere

from impasto.cli.train.retraining import command_without
from impasto.errors import ImpastoError, UsageError
from impasto.jobs import job_from_json
from impasto.jobs.context import Context
from impasto.jobs.events import Failure, Figures
from impasto.jobs.training.retraining import RetrainJob
from impasto.jobs.training.run import Trained
from impasto.jobs.training.several import ArtistsJob
from impasto.prompts.condition import Condition
from impasto.reproduction import retrainings
from impasto.reproduction.pictures import PaintingCheckpoint, PaintingPrompt, paint_sets, plan_set
from impasto.reproduction.protocols import Sampling
from impasto.reproduction.retrainings import Retraining, retrain_side_by_side
from impasto.spreading import HERE


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[RetrainJob]:
    """The retrainings that were asked for; whoever is called Nobody has no works."""
    jobs: list[RetrainJob] = []

    def run(self: RetrainJob, context: Context) -> Trained:
        jobs.append(self)
        if self.artist == "Nobody":
            raise UsageError("the catalogue holds no work by Nobody")
        assert self.out is not None
        return Trained(self.out, None if self.artist == "Rembrandt" else self.out)

    monkeypatch.setattr(RetrainJob, "run", run)
    return jobs


def test_each_artist_has_a_run_of_its_own(trained: list[RetrainJob], tmp_path: Path) -> None:
    job = ArtistsJob(
        catalogue=tmp_path, artists=("Claude Monet", "Rembrandt"), out=tmp_path / "runs", steps=3, seed=4,
        command=("train", "wang2023-artist", "--steps", "3"),
    )  # fmt: skip
    assert job_from_json(job.to_json()) == job
    runs = [tmp_path / "runs" / "claude-monet", tmp_path / "runs" / "rembrandt"]
    spread = Elsewhere()
    for how in (HERE, spread):
        trained.clear()
        events: list[Any] = []
        found = job.run(Context(on_event=events.append, spread=how))
        assert found == [Trained(runs[0], runs[0]), Trained(runs[1], None)]
        assert sorted((one.artist, one.out, one.steps, one.seed) for one in trained) == [
            ("Claude Monet", runs[0], 3, 4), ("Rembrandt", runs[1], 3, 4),
        ]  # fmt: skip
    assert spread.asked == [("trainings", 2, False)] and any(isinstance(event, Figures) for event in events)
    # By these words `runs resume` goes on with one run alone.
    assert trained[0].command[-4:] == ("--artist", "Rembrandt", "--run", str(runs[1]))


def test_a_training_that_fails_does_not_hinder_the_others(trained: list[RetrainJob], tmp_path: Path) -> None:
    events: list[Any] = []
    job = ArtistsJob(catalogue=tmp_path, artists=("Nobody", "Claude Monet"), out=tmp_path)
    with pytest.raises(ImpastoError, match="1 of 2 trainings failed"):
        job.run(Context(on_event=events.append, spread=Elsewhere()))
    assert len(trained) == 2
    assert [event.text for event in events if isinstance(event, Failure)] == [
        f"Nobody: {tmp_path / 'nobody'}: the catalogue holds no work by Nobody"
    ]


def test_which_artists_are_refused(tmp_path: Path) -> None:
    for artists in ((), ("",), ("Claude Monet", "claude  monet")):
        with pytest.raises(UsageError, match="--artist"):
            ArtistsJob(catalogue=tmp_path, artists=artists)


def test_what_a_run_records_of_the_command_line() -> None:
    words = ["train", "wang2023-artist", "--artist", "A", "--artist=B", "--steps", "3", "--on", "ray", "--gpus-per-run=1",
             "--run", "x", "--lora-rank", "4"]  # fmt: skip
    assert command_without(words) == ("train", "wang2023-artist", "--steps", "3", "--lora-rank", "4")


def test_the_retrainings_of_a_reproduction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Path] = []

    def retrained(what: Retraining, folder: Path, tell: Any) -> Path:
        done.append(folder)
        if what.artist == "B":
            raise UsageError("B has no works")
        return folder

    monkeypatch.setattr(retrainings, "retrained", retrained)
    told: list[str] = []
    wanted = [
        (Retraining("wang2023-artist", None, tmp_path, "pocket", artist), tmp_path / artist)  # pyright: ignore
        for artist in "ABC"
    ]
    with pytest.raises(UsageError, match="B has no works"):
        retrain_side_by_side(wanted, Elsewhere(), lambda what, share, figures: told.append(what))
    assert sorted(done) == [tmp_path / "A", tmp_path / "B", tmp_path / "C"] and told[-1] == "3 of 3 retrainings"


def test_the_paintings_of_a_reproduction(tiny_pocket: Path, tmp_path: Path) -> None:
    source = PaintingCheckpoint.of(str(tiny_pocket))
    sampling = Sampling(sampler="ddim", steps=2, guidance=2.0, eta=0.0)
    spread, bytes_of = Elsewhere(), dict[str, list[bytes]]()
    for name, how in (("here", HERE), ("there", spread)):
        asks = [PaintingPrompt(Condition(f"boats {n % 2}"), seed=n) for n in range(10)]
        planned = plan_set(tmp_path / name, source, sampling, asks)
        assert paint_sets([planned], lambda what, share: None, spread=how) == 10
        assert paint_sets([planned], lambda what, share: None, spread=how) == 0  # they are there
        bytes_of[name] = [file.read_bytes() for file in planned.files]
    assert bytes_of["here"] == bytes_of["there"]
    assert spread.asked[0] == ("paintings", 2, False)

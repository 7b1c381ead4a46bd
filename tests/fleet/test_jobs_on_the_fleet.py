"""Jobs on a cluster of three nodes give the same files and tables, byte for byte, as in this process."""

import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.fleet.works import ColourModels

from impasto.data.annotations.caption_work import CaptionWork
from impasto.data.annotations.captioning import Asked, write_captions
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.errors import ImpastoError, UsageError
from impasto.fleet.driver import RaySpread
from impasto.jobs.base import Job
from impasto.jobs.batch import BatchJob
from impasto.jobs.context import Context
from impasto.jobs.data.tag import TagJob
from impasto.jobs.events import Event, Failure, PictureDone
from impasto.jobs.judging.evaluate import EvaluateJob
from impasto.jobs.painting.paint import PaintJob
from impasto.spreading import HERE, Spread

COUNT, CHUNK = 40, 16  # pictures: two whole units and a part


@pytest.fixture(scope="module", autouse=True)
def small_units() -> Iterator[None]:
    """Small units, and as many threads as a worker has: with more, torch may round the last bit otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("annotations.captioning", "annotations.tagging", "caches.image_vectors"):
            patch.setattr(f"impasto.data.{module}.CHUNK", CHUNK)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coloured noise in several sizes; one file is no picture, one is cut."""
    folder, draw = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(COUNT):
        noise = draw.integers(0, 60, (6, 6, 3)) + draw.integers(0, 190, 3)
        Image.fromarray(noise.astype(np.uint8)).resize((40 + number % 3, 40)).save(folder / f"{number:03}.png")
    (folder / "003.png").write_bytes(b"no picture")
    whole = (folder / "020.png").read_bytes()
    (folder / "020.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture
def catalogue(pictures: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of the pictures, each a catalogue of its own."""
    return lambda name: Path(shutil.copytree(pictures, tmp_path / name))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def run(job: Job, spread: Spread, cache: Path) -> tuple[object, list[Event]]:
    """Runs a job with a cache that is empty, so that nothing is there already."""
    events: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(cache))
        return job.run(Context(on_event=events.append, spread=spread)), events


def test_captions(
    spread: RaySpread, catalogue: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {}
    for name, how in {"here": HERE, "there": spread}.items():
        monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / f"cache-{name}"))
        work = CaptionWork(ColourModels(), (Tag("red"), Tag("green"), Tag("blue")), 2, 5)
        outcomes[name] = write_captions(catalogue(name), work, work.names(), Asked(), spread=how)
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")  # and no journal is left
    assert outcomes["there"] == outcomes["here"] and outcomes["here"].captioned == COUNT - 2
    assert [one.file_name for one in outcomes["there"].report.skipped] == ["003.png", "020.png"]


def test_tags_while_workers_die(spread: RaySpread, catalogue: Callable[[str], Path], tmp_path: Path) -> None:
    done, draw = threading.Event(), random.Random(1)

    def kill() -> None:
        for _ in range(2):
            done.wait(draw.uniform(0.2, 1.0))
            ready = [member.pid for crew in spread._crews.values() for member in crew.members if member.is_ready]
            if ready and not done.is_set():
                with suppress(ProcessLookupError):
                    os.kill(draw.choice(ready), signal.SIGKILL)

    here, _ = run(TagJob(catalogue=catalogue("here")), HERE, tmp_path / "cache-here")
    killing = threading.Thread(target=kill)
    killing.start()
    there, _ = run(TagJob(catalogue=catalogue("there")), spread, tmp_path / "cache-there")
    done.set()
    killing.join()
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")
    assert there == here


def test_measures(spread: RaySpread, pictures: Path, catalogue: Callable[[str], Path], tmp_path: Path) -> None:
    made = catalogue("made")
    for file in sorted(made.glob("*.png"))[::2]:
        file.unlink()
    job = EvaluateJob(paintings=(made,), against=pictures, measures=("kernel", "precision", "diversity"), allow_few=True)
    found = [asdict(run(job, how, tmp_path / name)[0]) for name, how in (("here", HERE), ("there", spread))]  # pyright: ignore
    assert found[0] == found[1] and found[0]["real_pictures"] == COUNT - 2


def test_paintings(spread: RaySpread, tiny_pocket: Path, tmp_path: Path) -> None:
    def job(name: str) -> PaintJob:
        return PaintJob(prompt="boats", checkpoint=str(tiny_pocket), count=10, seed=3, steps=2, out=tmp_path / name)

    for name, how in {"here": HERE, "there": spread}.items():
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "boats-7.png")  # of another day: numbers go on after it
        made, events = run(job(name), how, tmp_path / f"cache-{name}")
        told = [event.path.name for event in events if isinstance(event, PictureDone)]
        assert told == [f"boats-{n}.png" for n in range(8, 18)] == [one.path.name for one in made]  # pyright: ignore
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_a_batch_with_a_failure(spread: RaySpread, tiny_pocket: Path, tmp_path: Path) -> None:
    failures = {}
    for name, how in {"here": HERE, "there": spread}.items():
        job = BatchJob(
            base={"checkpoint": str(tiny_pocket), "steps": 2}, prompts=("boats", "a hill", "boats"),
            artists=("none", "Nobody"), seed=1, out=tmp_path / name,
        )  # fmt: skip
        events: list[Event] = []
        with pytest.raises(ImpastoError, match="3 of 6 paintings failed"):
            job.run(Context(on_event=events.append, spread=how))
        failures[name] = [event.text for event in events if isinstance(event, Failure)]
    assert failures["here"] == failures["there"] and len(failures["here"]) == 3
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")
    assert sorted(files_of(tmp_path / "there")) == ["a-hill-1.png", "boats-1.png", "boats-2.png"]


def test_what_cannot_be_divided_is_refused(spread: RaySpread, tiny_pocket: Path, tmp_path: Path) -> None:
    series = PaintJob(prompt="x", checkpoint=str(tiny_pocket), artists=("none", "any"), any_artist=True, out=tmp_path)
    with pytest.raises(UsageError, match="a series has one sheet"):
        series.run(Context(spread=spread))
    assert not list(tmp_path.iterdir())

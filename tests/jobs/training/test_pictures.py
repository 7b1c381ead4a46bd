"""What a training tells about its folder of pictures: captions beside them, and what changed between two starts."""

from pathlib import Path

import pytest
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.painted_catalogue import write_catalogue

from impasto.data.catalogue.read import read_catalogue
from impasto.errors import StoppedError
from impasto.jobs import run
from impasto.jobs.context import Context
from impasto.jobs.events import Event, Note, Progress
from impasto.jobs.training.personal import LoraJob
from impasto.training.examples.training_set import condition_of, repeated, text_variants


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bare folder of pictures with kohya's repeats, some with captions beside them."""
    folder = write_catalogue(tmp_path / "catalogue", count=8)
    (folder / "metadata.jsonl").unlink()
    for number in range(8):
        inner = folder / ("4_boats" if number % 2 else "2_heaths")
        inner.mkdir(exist_ok=True)
        (folder / f"{number}.png").rename(inner / f"{number}.png")
    (folder / "4_boats" / "1.txt").write_text("boats at a quay\nthree boats")
    return folder


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


def test_pictures_that_change_between_two_starts_are_told(folder: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    job = LoraJob(
        catalogue=folder, checkpoint=str(make_tiny_pocket(tmp_path / "base")), steps=4, batch=2, out=tmp_path / "run"
    )

    def should_stop() -> bool:
        return any(isinstance(event, Progress) and event.stage == "step 1" for event in events)

    with pytest.raises(StoppedError):
        run(job, Context(on_event=events.append, should_stop=should_stop))
    told = notes(events)
    assert "files beside the pictures: 1 .txt" in told and "2 (4 pictures), 4 (4 pictures)" in told
    assert "changed" not in told

    Image.new("RGB", (64, 64), "lime").save(folder / "4_boats" / "3.png")
    Image.new("RGB", (64, 64), "navy").save(folder / "4_boats" / "new.png")
    (folder / "2_heaths" / "2.png").unlink()
    (folder / "4_boats" / "1.txt").write_text("a quay")
    events.clear()
    run(job, Context(on_event=events.append))
    assert (
        "the pictures have changed since the last start of this run: 1 edited (4_boats/3.png), "
        "1 with other captions or data (4_boats/1.png), 1 new (4_boats/new.png), 1 gone (2_heaths/2.png); it goes on"
        in notes(events)
    )

    events.clear()
    run(job, Context(on_event=events.append))
    assert notes(events).endswith("already complete")
    (folder / "4_boats" / "new.png").unlink()
    events.clear()
    run(job, Context(on_event=events.append))
    assert "1 gone (4_boats/new.png); to train on them, give another --run" in notes(events)


def test_repeats_and_all_captions_are_used(folder: Path) -> None:
    entries = read_catalogue(folder, check_images=False).entries
    counts = {entry.file_name: repeated(entries).count(entry) for entry in entries}
    assert set(counts.values()) == {1, 2} and counts["4_boats/1.png"] == 2
    (boats,) = [entry for entry in entries if entry.file_name == "4_boats/1.png"]
    assert [condition_of(boats, number).caption for number in range(3)] == [
        "boats at a quay", "three boats", "boats at a quay",
    ]  # fmt: skip
    assert {text for text in text_variants(boats, 8) if text} == {"boats at a quay", "three boats"}

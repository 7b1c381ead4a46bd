"""Uploads go when nothing needs them, and only then."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.gallery.index import Gallery
from impasto.jobs.editing.inpaint import InpaintJob
from impasto.painting.editing.record import EditNote, MaskedNote, MaskNote, SourceNote
from impasto.painting.provenance.record import Provenance, png_info
from impasto.queue.store import Queue
from impasto.queue.unused_uploads import delete_unused
from impasto.queue.worker import Worker
from impasto.workspace import Workspace

DAY = 86400.0


@pytest.fixture
def gallery(workspace: Workspace) -> Gallery:
    return Gallery.open(workspace)


def upload(workspace: Workspace, text: str, days: float) -> Path:
    """An upload that was last used so many days ago."""
    path = workspace.place("uploads") / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.png"
    path.write_bytes(text.encode())
    used = time.time() - days * DAY
    os.utime(path, (used, used))
    return path


def note(path: Path) -> SourceNote:
    return SourceNote(path.name, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 8, 8)


def painted(workspace: Workspace, start: Path, mask: Path) -> Path:
    """A picture that was painted from one upload with another as its mask."""
    edit = EditNote("inpaint", note(start), 0.5, masked=MaskedNote(MaskNote("file", note(mask))))
    record = Provenance(
        prompt="boats", condition={"caption": "boats"}, expansion=None, negative="", seed=1, sampler="ddim", steps=2,
        guidance=2.0, eta=0.0, width=8, height=8, checkpoint="pocket", checkpoint_hash="0" * 64, version="0.1.0",
        text="boats", edit=edit,
    )  # fmt: skip
    path = workspace.pictures / "boats.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=png_info(record))
    return path


def test_what_jobs_and_pictures_need_stays(queue: Queue, gallery: Gallery, workspace: Workspace) -> None:
    old, young = upload(workspace, "old", 31), upload(workspace, "young", 29)
    start, mask, waits = (upload(workspace, name, 400) for name in ("start", "mask", "waits"))
    picture = painted(workspace, start, mask)
    (entry,) = gallery.add_files([picture])
    job = queue.add(InpaintJob(file=waits, prompt="boats", box="0,0,4,4"))
    assert delete_unused(queue, gallery).count == 1
    assert not old.exists() and all(one.exists() for one in (young, start, mask, waits))
    queue.cancel(job.id)  # it can be tried again
    assert delete_unused(queue, gallery).count == 0
    queue.clear(job.id)
    gallery.bin(entry.id)  # it can be restored
    assert delete_unused(queue, gallery).count == 1 and not waits.exists()
    gallery.empty_bin()
    assert delete_unused(queue, gallery).count == 2 and young.exists()


def test_without_room_the_oldest_go_earlier(queue: Queue, gallery: Gallery, workspace: Workspace) -> None:
    files = [upload(workspace, f"{number}" * 100, days) for number, days in enumerate((3, 2, 1, 0))]
    assert delete_unused(queue, gallery, room=400).count == 0
    gone = delete_unused(queue, gallery, room=250)
    assert (gone.count, gone.size) == (2, 200) and [one.exists() for one in files] == [False, False, True, True]
    assert delete_unused(queue, gallery, room=0).count == 1 and files[3].exists()  # it was used just now


def test_an_index_of_an_older_version_is_read_again_first(queue: Queue, gallery: Gallery, workspace: Workspace) -> None:
    start, mask = upload(workspace, "start", 400), upload(workspace, "mask", 400)
    gallery.add_files([painted(workspace, start, mask)])
    with gallery.database.write() as link:  # as the migration leaves it
        link.execute("DELETE FROM sources")
        link.execute("UPDATE pictures SET file_time = -1")
    assert delete_unused(queue, gallery).count == 0 and start.exists() and mask.exists()


def test_the_worker_tidies_between_jobs_and_survives_its_errors(worker: Worker) -> None:
    said: list[str] = []

    def fail() -> None:
        raise ImpastoError("the folder cannot be read")

    worker.tidy, worker.on_line = fail, said.append
    assert worker.run(until_empty=True) == 0 and said == ["the folder cannot be read"]

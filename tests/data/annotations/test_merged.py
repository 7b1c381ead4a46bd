from pathlib import Path
from typing import Any

import pytest
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_catalogue(tmp_path / "catalogue", 3)


def say(folder: Path, kind: Any, name: str = "picture-0.png", **row: Any) -> None:
    AnnotationLog(folder, kind).append([{"file_name": name, "content": content_of(folder / name), **row}])


def entries(folder: Path) -> dict[str, CatalogueEntry]:
    return {entry.file_name: entry for entry in read_catalogue(folder, check_images=False).entries}


def skipped(folder: Path) -> dict[str, str]:
    return {s.file_name: s.reason for s in read_catalogue(folder, check_images=False).report.skipped}


def test_machines_add_what_the_metadata_lacks(folder: Path) -> None:
    say(folder, "captions", caption="an older text")
    say(folder, "captions", caption="a sun over a field")
    say(folder, "tags", tags=[["sun", 0.9], ["field", 0.4], ["sun", 0.1]])
    found = entries(folder)
    assert (found["picture-0.png"].caption, found["picture-0.png"].tags) == ("a sun over a field", ("sun", "field"))
    assert (found["picture-1.png"].caption, found["picture-1.png"].tags) == ("", ())
    row = '{"file_name": "picture-0.png", "text": "the museum\'s words", "tags": ["gold", " sky "]}'
    (folder / "metadata.jsonl").write_text(row + '\n{"file_name": "picture-1.png", "tags": "sea,  boats"}\n')
    found = entries(folder)
    assert (found["picture-0.png"].caption, found["picture-0.png"].tags) == ("the museum's words", ("gold", "sky"))
    assert found["picture-1.png"].tags == ("sea", "boats")


def test_a_person_wins_over_metadata_and_machine(folder: Path) -> None:
    (folder / "metadata.jsonl").write_text('{"file_name": "picture-0.png", "text": "the museum\'s words"}\n')
    say(folder, "captions", caption="a sun")
    say(folder, "review", decision="edit", text="a sun over Haarlem")
    say(folder, "review", decision="accept")
    assert entries(folder)["picture-0.png"].caption == "a sun over Haarlem"


def test_a_caption_that_a_person_accepted_stays_when_the_machine_has_another(folder: Path) -> None:
    say(folder, "captions", caption="a sun")
    say(folder, "review", decision="accept", text="a sun")
    say(folder, "captions", caption="two suns")
    assert entries(folder)["picture-0.png"].caption == "a sun"


def test_rejected_and_dropped_pictures_are_left_out_unless_a_person_wants_them(folder: Path) -> None:
    say(folder, "review", decision="reject")
    say(folder, "filter", "picture-1.png", kept=False, similarity=0.1, threshold=0.2, reason="similarity 0.1 is below 0.2")
    say(folder, "filter", "picture-2.png", kept=True, similarity=0.3, threshold=0.2, reason="")
    assert list(entries(folder)) == ["picture-2.png"]
    assert skipped(folder) == {"picture-0.png": "rejected in review", "picture-1.png": "similarity 0.1 is below 0.2"}
    say(folder, "review", "picture-1.png", decision="accept")
    say(folder, "review", "picture-0.png", decision="undo")
    assert list(entries(folder)) == ["picture-0.png", "picture-1.png", "picture-2.png"]
    say(folder, "review", "picture-1.png", decision="undo")
    say(folder, "review", "picture-1.png", decision="undo")  # of nothing
    assert list(entries(folder)) == ["picture-0.png", "picture-2.png"]


def test_another_caption_needs_another_filtering(folder: Path) -> None:
    say(folder, "captions", caption="a ship")
    say(folder, "filter", kept=False, similarity=0.1, threshold=0.2, reason="too little", text="a ship")
    assert "picture-0.png" not in entries(folder)
    say(folder, "captions", caption="a sun")
    assert entries(folder)["picture-0.png"].caption == "a sun"


def test_rows_about_another_content_count_as_not_there(folder: Path) -> None:
    say(folder, "captions", caption="a sun")
    say(folder, "review", decision="reject")
    say(folder, "review", "picture-1.png", decision="reject")
    draw_landscape(99).save(folder / "picture-0.png")
    assert entries(folder)["picture-0.png"].caption == "" and skipped(folder) == {"picture-1.png": "rejected in review"}


def test_the_twin_of_a_rejected_picture_stays_a_twin(folder: Path) -> None:
    (folder / "picture-1.png").write_bytes((folder / "picture-0.png").read_bytes())
    say(folder, "review", decision="reject")
    assert [entry.file_name for entry in read_catalogue(folder).entries] == ["picture-2.png"]
    everything = read_catalogue(folder, annotations=False)
    assert [entry.file_name for entry in everything.entries] == ["picture-0.png", "picture-2.png"]


def test_odd_values_in_a_log_are_not_used(folder: Path) -> None:
    say(folder, "captions", caption=["a sun"])
    say(folder, "captions", "picture-1.png", caption="x" * 5000)
    say(folder, "captions", "picture-2.png", caption="two\nlines\x1b[2J")
    say(folder, "tags", tags=[["sun", 1.0], 7, [], [None], "moon"])
    say(folder, "review", decision="burn", text=3)
    found = entries(folder)
    assert [found[f"picture-{n}.png"].caption for n in range(3)] == ["", "", "two lines [2J"]
    assert found["picture-0.png"].tags == ("sun",)


def test_broken_lines_are_told_and_an_unreadable_log_is_one_line(folder: Path) -> None:
    say(folder, "captions", caption="a sun")
    log = AnnotationLog(folder, "captions").path
    log.write_bytes(b"garbage\n" + log.read_bytes())
    catalogue = read_catalogue(folder, check_images=False)
    assert catalogue.entries[0].caption == "a sun"
    assert [(w.file_name, w.reason) for w in catalogue.report.warnings] == [
        ("annotations/captions.jsonl", "lines that cannot be read: 1")
    ]
    (folder / "annotations" / "tags.jsonl").mkdir()
    with pytest.raises(ImpastoError, match=r"tags\.jsonl cannot be read"):
        read_catalogue(folder, check_images=False)

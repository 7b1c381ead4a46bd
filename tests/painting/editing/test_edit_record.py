"""The edit in a record, which is read as untrusted input; and the files that are kept with a painting."""

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image
from tests.painting.editing.pictures import box_mask, drawn, write

from impasto.errors import ImpastoError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.kept_files import KeptFile, files_inside, save_beside
from impasto.painting.editing.masks import mask_of_file
from impasto.painting.editing.record import (
    BackgroundNote,
    EditNote,
    MaskedNote,
    MaskNote,
    SourceNote,
    read_edit,
)
from impasto.painting.editing.source import open_source
from impasto.painting.foreign import RecordError
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance, read_provenance
from impasto.painting.provenance.reuse import painting_key

SOURCE = SourceNote("photo.jpg", "pictures/photo.jpg", "0123456789abcdef" * 4, 640, 480)
MASK = SourceNote("mask.png", "mask.png", "fedcba9876543210" * 4, 640, 480)
NOTES = [
    EditNote("from", SOURCE, 0.6, "pad"),
    EditNote("inpaint", SOURCE, 0.8, masked=MaskedNote(MaskNote("file", MASK, None, True, True), "soft", "noise", 9)),
    EditNote("inpaint", SOURCE, 0.8, masked=MaskedNote(MaskNote("box", None, (1, 2, 3, 4)), padding=32, thin=3),
             kept="inside"),
    EditNote("inpaint", SOURCE, 1.0,
             masked=MaskedNote(MaskNote("alpha"), background=BackgroundNote("decoder", 9, 50.0, 0.1))),
    EditNote("outpaint", SOURCE, 0.9, masked=MaskedNote(None, fill="blur"), sides=(8, 0, 0, 16), kept="beside"),
]


def as_json(note: EditNote) -> dict:
    from dataclasses import asdict

    return json.loads(json.dumps(asdict(note)))


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.kind)
def test_written_and_read(note: EditNote) -> None:
    assert read_edit(as_json(note)) == note
    assert note.source.path in str(note) and "\n" not in str(note)


def test_no_edit() -> None:
    assert read_edit(None) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("kind",), "paint"), (("kind",), None), (("kind",), ["from"]), (("strength",), 1.5), (("strength",), "0.5"),
        (("strength",), None), (("fit",), "squeeze"), (("kept",), "everywhere"), (("source",), None),
        (("source",), "a.png"),
        (("source", "content_hash"), "12"), (("source", "content_hash"), "Z" * 64), (("source", "path"), "a\x1b[0m"),
        (("source", "name"), "a" * 301), (("source", "width"), 0), (("source", "width"), True),
        (("source", "height"), 1e3),
        (("masked",), None), (("masked", "method"), "erase"), (("masked", "fill"), 3), (("masked", "blur"), 65),
        (("masked", "thin"), -1), (("masked", "padding"), 5000), (("masked", "outside"), ""),
        (("masked", "background"), None), (("masked", "background", "steps"), 10**9),
        (("masked", "background", "weight"), -1), (("masked", "mask", "kind"), "circle"),
        (("masked", "mask", "box"), [1, 2]),
        (("masked", "mask", "inverted"), "no"), (("masked", "mask", "source"), None), (("sides",), [1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_what_impasto_does_not_write_is_refused(place: tuple[str, ...], value: object) -> None:
    note = as_json(NOTES[1])
    inside = note
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with pytest.raises(RecordError, match="no valid 'edit'"):
        read_edit(note)


@pytest.mark.parametrize("value", [3, "from", [], {}, {"kind": "from"}])
def test_neither_are_other_values(value: object) -> None:
    with pytest.raises(RecordError):
        read_edit(value)


def painted(painter: Painter, folder: Path, kept: str, name: str = "photo.jpg") -> tuple[Path, Edit]:
    source = open_source(write(drawn(64, 64), folder / name))
    mask = open_source(write(box_mask((64, 64), (9, 9, 30, 30)), folder / "mask.png"))
    masked = mask_of_file(mask, source, alpha=False, inverted=False, resize=False)
    edit = Edit(source, 0.5, mask=masked, masked=MaskedNote(None), kept=kept)  # pyright: ignore[reportArgumentType]
    (folder / "out").mkdir(exist_ok=True)
    return painter.paint("boats", init=edit, seed=1, steps=2).save(folder / "out" / "made.png", overwrite=True), edit


def test_the_file_holds_the_edit(painter: Painter, tmp_path: Path) -> None:
    path, edit = painted(painter, tmp_path, "no")
    record = read_provenance(path)
    assert isinstance(record, Provenance) and record.edit == edit.note
    assert "Denoising strength: 0.5" in record.to_parameters()
    assert [file.name for file in path.parent.iterdir()] == ["made.png"]
    assert files_inside(path) == {}


def test_kept_inside(painter: Painter, tmp_path: Path) -> None:
    path, edit = painted(painter, tmp_path, "inside")
    inside = files_inside(path)
    assert inside == {file.note.content_hash: file.data for file in edit.files}
    assert len(inside) == 2
    assert isinstance(read_provenance(path), Provenance)  # other readers pass over it
    with Image.open(path) as opened:
        opened.load()
    damaged = path.read_bytes().replace(edit.source.note.content_hash.encode() + b"\n", b"0" * 64 + b"\n")
    path.write_bytes(damaged)
    assert list(files_inside(path)) == [edit.files[1].note.content_hash]
    path.write_bytes(damaged[: len(damaged) // 2])
    assert files_inside(path) in ({}, files_inside(path))
    assert files_inside(tmp_path / "none.png") == files_inside(tmp_path / "mask.png") == {}


def test_kept_beside(painter: Painter, tmp_path: Path) -> None:
    path, edit = painted(painter, tmp_path, "beside")
    beside = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert beside["photo.jpg"] == edit.source.data and set(beside) == {"made.png", "photo.jpg", "mask.png"}
    painted(painter, tmp_path, "beside")  # once is enough
    assert len(list(path.parent.iterdir())) == 3


def test_a_file_of_that_name_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"another one")
    content = hashlib.sha256(b"mine").hexdigest()
    file = KeptFile("beside", "photo.jpg", content, b"mine")
    save_beside(tmp_path, [file])
    save_beside(tmp_path, [file, KeptFile("inside", "other", content, b"mine")])
    assert {one.name for one in tmp_path.iterdir()} == {"photo.jpg", f"photo-{content[:12]}.jpg"}
    assert (tmp_path / "photo.jpg").read_bytes() == b"another one"
    save_beside(tmp_path, [KeptFile("beside", "../../up.png", content, b"mine")])
    assert (tmp_path / "up.png").exists()


def test_the_key_of_a_painting_looks_at_contents_not_at_paths(painter: Painter, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    keys = []
    for folder, kept, name in (("a", "no", "photo.jpg"), ("b", "inside", "other.jpg")):
        record = read_provenance(painted(painter, tmp_path / folder, kept, name)[0])
        assert isinstance(record, Provenance)
        keys.append(painting_key(record))
    assert keys[0] == keys[1]


def test_a_file_that_is_too_large_to_keep_is_named(painter: Painter, tmp_path: Path) -> None:
    from dataclasses import replace

    source = replace(open_source(write(drawn(64, 64), tmp_path / "big.png")), data=b"")
    with pytest.raises(ImpastoError, match=r"big.png is too large for --keep-source"):
        painter.paint("boats", init=Edit(source, 0.5, kept="inside"), steps=2)

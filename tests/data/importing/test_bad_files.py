"""What folders of pictures hold beside pictures: each handled or named, and none stops the others."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.importing.sources import draw_scene, import_folder, lines_of, report_of, rows_of

from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, UsageError


def huge_png() -> bytes:
    """The header of a 30,000 x 30,000 PNG and a little of its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One good picture among all that goes wrong."""
    folder = tmp_path / "source"
    folder.mkdir()
    draw_scene(1).save(folder / "good.jpg")
    draw_scene(2, 400, 300).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:3000])
    (folder / "huge.png").write_bytes(huge_png())
    (folder / "drawing.jpg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>')
    (folder / "nothing.png").write_bytes(b"")
    draw_scene(3).convert("CMYK").save(folder / "print.jpg")
    deep = np.asarray(draw_scene(4).convert("L"), np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_scene(5, 96, 72).save(folder / "turned.jpg", exif=exif)
    draw_scene(6).save(folder / "moving.webp", save_all=True, append_images=[draw_scene(7)], duration=100)
    draw_scene(8).save(folder / "two\nlines.png")
    draw_scene(9).save(folder / "Case.png")
    draw_scene(10).save(folder / "case.png")
    draw_scene(11).save(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "loop").symlink_to(folder)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_each_is_handled_or_named(folder: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    summary = import_folder(folder, catalogue)
    rows, report = rows_of(catalogue), report_of(catalogue)
    assert set(rows) == {
        "good.jpg", "print.jpg", "deep.png", "turned.jpg", "moving.webp", "two lines.png", "Case.png", "case-2.png",
    }  # fmt: skip
    assert (rows["turned.jpg"]["width"], rows["turned.jpg"]["height"]) == (72, 96)
    assert report["two\nlines.png"] == ("renamed", "two lines.png")
    assert report["case.png"] == ("renamed", "case-2.png")
    refused = {name: reason for name, (decision, reason) in report.items() if decision == "refused"}
    assert refused == {
        "cut.jpg": refused["cut.jpg"],
        "huge.png": "more than 100 megapixels",
        "drawing.jpg": "not a picture that can be read",
        "nothing.png": "not a picture that can be read",
        "link.png": "a link that leaves the folder",
        "loop": "a link to a folder is not followed",
    }
    assert "truncated" in refused["cut.jpg"]
    assert (summary.taken, summary.new, summary.refused, summary.renamed, summary.duplicates) == (8, 8, 6, 2, 0)
    assert not any(path.is_symlink() for path in catalogue.rglob("*"))
    assert len(read_catalogue(catalogue).entries) == 8


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    draw_scene(1).save(tmp_path / "source" / "a.png")
    os.rename(tmp_path / "source" / "a.png", os.fsencode(tmp_path / "source") + b"/caf\xe9.png")  # noqa: PTH104
    import_folder(tmp_path / "source", tmp_path / "catalogue")
    assert list(rows_of(tmp_path / "catalogue")) == ["caf_xe9.png"]


def test_a_table_with_a_mark_short_rows_and_wrong_names(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        draw_scene(seed).save(source / name)
    (tmp_path / "d.png").write_bytes((source / "a.png").read_bytes())
    (source / "metadata.csv").write_text(
        "\ufeffFilename,Painter,Title,Date,Style,Genre\n"
        "a.png,claude-monet,Boats,c.1872,Impressionism,marina\n"
        "b.png,Paul Klee,Castle\n"
        "a.png,again,,,,\n../d.png,x,,,,\ngone.png,x,,,,\n,x,,,,\n",
        "utf-8",
    )
    summary = import_folder(source, tmp_path / "catalogue")
    rows, report = rows_of(tmp_path / "catalogue"), lines_of(tmp_path / "catalogue" / "import-report.jsonl")
    assert rows["a.png"] == {
        "file_name": "a.png", "title": "Boats", "style": "Impressionism", "genre": "marina", "artist": "Claude Monet",
        "year": 1872, "date": "c.1872", "width": 96, "height": 72,
    }  # fmt: skip
    assert rows["b.png"] == {"file_name": "b.png", "title": "Castle", "artist": "Paul Klee", "width": 96, "height": 72}
    assert rows["c.png"] == {"file_name": "c.png", "title": "c", "width": 96, "height": 72}
    told = [(row["picture"], row["reason"]) for row in report]
    assert told == [
        ("b.png", "another number of columns than the heading"),
        ("metadata.csv line 4", "names a.png a second time"),
        ("../d.png", "the path leaves the folder"),
        ("gone.png", "there is no such picture in the folder"),
        ("metadata.csv line 7", "no file name"),
    ]
    assert (summary.taken, summary.refused, summary.remarks) == (3, 4, 1)


def test_a_table_without_three_columns_and_one_without_names(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    draw_scene(1).save(source / "a.png")
    (source / "metadata.csv").write_text("file,title\na.png,Boats\n", "utf-8")
    import_folder(source, tmp_path / "catalogue")
    assert rows_of(tmp_path / "catalogue")["a.png"]["title"] == "Boats"
    (source / "metadata.csv").write_text("artist,title\nx,Boats\n", "utf-8")
    with pytest.raises(ImpastoError, match="no column file_name"):
        import_folder(source, tmp_path / "other")


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.png").write_bytes(b"")
    with pytest.raises(ImpastoError, match="no usable picture"):
        import_folder(tmp_path / "source", tmp_path / "catalogue")


def test_two_imports_at_a_time_are_refused(folder: Path, tmp_path: Path) -> None:
    from impasto.data.importing.journal import ImportJournal

    journal = ImportJournal(tmp_path / "catalogue")
    with pytest.raises(UsageError, match="under way"):
        import_folder(folder, tmp_path / "catalogue")
    journal.close()
    assert import_folder(folder, tmp_path / "catalogue").taken == 8


@pytest.mark.parametrize("call", range(1, 12))
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    source, catalogue = tmp_path / "source", tmp_path / "catalogue"
    source.mkdir()
    for seed in range(3):
        draw_scene(seed).save(source / f"{seed}.png")
    calls = 0
    whole = os.fsync

    def full(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")
        whole(file)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        try:
            import_folder(source, catalogue, how="copy")
        except OSError as error:
            assert error.errno == 28
    if calls >= call:
        for name in rows_of(catalogue) if (catalogue / "metadata.jsonl").exists() else ():
            assert (catalogue / name).read_bytes() == (source / name).read_bytes()
    import_folder(source, catalogue, how="copy")
    assert list(rows_of(catalogue)) == ["0.png", "1.png", "2.png"]
    assert sorted(p.name for p in catalogue.iterdir()) == [
        ".import", "0.png", "1.png", "2.png", "import-report.jsonl", "metadata.jsonl",
    ]  # fmt: skip

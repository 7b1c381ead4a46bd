import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.caches.pixels import prepare_pixels, training_entries
from impasto.data.catalogue.pictures import fit_square, open_picture
from impasto.data.catalogue.read import Catalogue, read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError


def reasons(catalogue: Catalogue) -> dict[str, str]:
    return {entry.file_name: entry.reason for entry in catalogue.report.skipped}


def write_rows(folder: Path, rows: Sequence[object]) -> None:
    folder.mkdir(exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "metadata.jsonl").write_text("\n".join(lines), "utf-8")


def test_rows_are_typed(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    write_rows(tmp_path, [{
        "file_name": "a.png", "artist": "Albrecht Dürer", "title": "The Hare", "text": "a hare, sitting", "year": "1502",
        "style": "Northern Renaissance", "genre": "animal", "monochrome": 0, "source": "drawn",
    }])  # fmt: skip
    (entry,) = read_catalogue(tmp_path).entries
    assert (entry.artist, entry.title, entry.caption, entry.year) == (
        "Albrecht Dürer",
        "The Hare",
        "a hare, sitting",
        1502,
    )
    assert entry.file == (tmp_path / "a.png").resolve() and entry.extra == {"monochrome": "0", "source": "drawn"}


def test_csv_and_a_byte_order_mark(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text('\ufefffile_name,artist,title,year\na.png,"Monet, Claude",,\n', "utf-8")
    (entry,) = read_catalogue(tmp_path).entries
    assert entry.artist == "Monet, Claude" and entry.year is None and entry.title == ""


def test_a_bare_tree(tmp_path: Path) -> None:
    (tmp_path / "claude-monet").mkdir()
    draw_landscape(1).save(tmp_path / "claude-monet" / "boats-at-sunset.jpg")
    (tmp_path / "claude-monet" / "notes.txt").write_text("not a picture")
    (entry,) = read_catalogue(tmp_path).entries
    assert (entry.artist, entry.title) == ("Claude Monet", "boats at sunset")


def test_what_cannot_be_used_is_named_and_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    draw_landscape(1).save(folder / "good.png")
    draw_landscape(1).save(folder / "again.png")
    draw_landscape(2, 60, 20).save(folder / "tiny.png")
    whole = (folder / "good.png").read_bytes()
    (folder / "broken.png").write_bytes(b"no picture at all")
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    Image.fromarray(noise).save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:4000])
    Image.new("1", (20000, 20000)).save(folder / "bomb.png")
    (tmp_path / "outside.png").write_bytes(whole)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    names = ["good.png", "again.png", "tiny.png", "broken.png", "cut.png", "bomb.png", "link.png", "gone.png",
             "../outside.png", str(tmp_path / "outside.png"), "good.png", "C:/windows.png", "a\x00b.png"]  # fmt: skip
    write_rows(
        folder, [{"file_name": name} for name in names] + ["{not json", "[1]", {"artist": "nobody"}, {"file_name": 7}]
    )
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    catalogue = read_catalogue(folder)
    assert [entry.file_name for entry in catalogue.entries] == ["good.png"]
    found = reasons(catalogue)
    assert found["again.png"] == "the same picture as good.png"
    assert "smaller than 32" in found["tiny.png"] and "megapixels" in found["bomb.png"]
    assert "not a picture" in found["broken.png"] and "decoded" in found["cut.png"]
    assert "leaves the catalogue" in found["link.png"] and "leaves the catalogue" in found["../outside.png"]
    assert "leaves the catalogue" in found[str(tmp_path / "outside.png")] and "leaves" in found["C:/windows.png"]
    assert found["gone.png"] == "there is no such file" and found["good.png"] == "named twice in the metadata"
    assert len(catalogue.report.skipped) == len(names) - 1 + 4
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("year", ["soon", 99999, -4000, True, 1872.5, [1872]])
def test_a_wrong_year_is_a_warning_and_unknown(tmp_path: Path, year: object) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    write_rows(tmp_path, [{"file_name": "a.png", "year": year}])
    catalogue = read_catalogue(tmp_path)
    assert catalogue.entries[0].year is None and len(catalogue.report.warnings) == 1


def test_names_are_checked(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    write_rows(tmp_path, [{"file_name": "a.png", "artist": "Claude\x07\nMonet", "style": "x" * 500}])
    catalogue = read_catalogue(tmp_path)
    assert catalogue.entries[0].artist == "Claude Monet" and catalogue.entries[0].style == ""
    assert len(catalogue.report.warnings) == 2


def test_unusable_catalogues_are_errors_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "metadata.jsonl").write_bytes(b'{"artist": "D\x81rer"}')
    (tmp_path / "headless").mkdir()
    (tmp_path / "headless" / "metadata.csv").write_text("name,artist\na.png,b\n")
    (tmp_path / "empty").mkdir()
    for folder, words in (
        ("latin", "UTF-8"),
        ("headless", "file_name"),
        ("empty", "no usable"),
        ("none", "not a folder"),
    ):
        with pytest.raises(ImpastoError, match=words) as caught:
            read_catalogue(tmp_path / folder)
        assert "\n" not in str(caught.value)


def test_pictures_are_turned_and_laid_on_white(tmp_path: Path) -> None:
    turned = Image.new("RGB", (64, 40), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").size == (40, 64)
    Image.new("RGBA", (40, 40), (0, 0, 255, 0)).save(tmp_path / "clear.png")
    assert open_picture(tmp_path / "clear.png").getpixel((5, 5)) == (255, 255, 255)


def test_squares_are_the_centre(tmp_path: Path) -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    square = fit_square(wide, 50)
    assert square.size == (50, 50)
    assert square.getpixel((25, 25)) == (0, 0, 255) and square.getpixel((3, 25)) == (0, 0, 255)


def test_pixels_follow_an_edited_picture(tmp_path: Path) -> None:
    folder = draw_catalogue(tmp_path / "catalogue", count=30)
    entries = training_entries(read_catalogue(folder))
    assert entries and not any(is_held_out(entry.file_name) for entry in entries)
    first, _ = prepare_pixels(entries, 32, tmp_path / "cache")
    Image.new("RGB", (64, 64), "lime").save(entries[0].file)
    entries[1].file.write_bytes(b"broken now")
    second, broken = prepare_pixels(entries, 32, tmp_path / "cache")
    assert list(broken) == [entries[1].file_name]
    assert (second.batch(np.array([0])) == [0, 255, 0]).all()
    assert (second.batch(np.array([1])) == first.batch(np.array([2]))).all()


def test_a_tenth_is_held_out_whatever_else_is_there() -> None:
    share = np.mean([is_held_out(f"claude-monet/{n}.webp") for n in range(5000)])
    assert share == pytest.approx(0.1, abs=0.015)


def test_one_file_under_two_spellings_is_one_entry_even_unchecked(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    write_rows(tmp_path, [{"file_name": "a.png"}, {"file_name": "./a.png"}])
    catalogue = read_catalogue(tmp_path, check_images=False)
    assert len(catalogue.entries) == 1 and reasons(catalogue) == {"./a.png": "named twice in the metadata"}


def test_names_that_cannot_be_printed_stop_nothing(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    rows = ['{"file_name": "\\ud800.png"}', {"file_name": "gone\n\x1b[31m.png"}]
    write_rows(tmp_path, [*rows, '{"file_name": "a.png", "artist": "Claude \\ud800Monet", "note": "two\\nlines"}'])
    catalogue = read_catalogue(tmp_path)
    assert [(entry.artist, entry.extra) for entry in catalogue.entries] == [("Claude Monet", {"note": "two lines"})]
    assert all(skip.file_name.isprintable() for skip in catalogue.report.skipped) and len(catalogue.report.skipped) == 2
    write_rows(tmp_path, rows)
    with pytest.raises(ImpastoError) as caught:
        read_catalogue(tmp_path)
    assert str(caught.value).isprintable()


def test_a_table_as_other_programs_write_it(tmp_path: Path) -> None:
    for name in "abc":
        draw_landscape(ord(name)).save(tmp_path / f"{name}.png")
    lines = [
        "file_name, artist, year",
        "a.png, Claude Monet, 1872.0",
        f"b.png,{'x' * 200_000},",
        "c.png, Claude Monet, 1_872",
    ]
    (tmp_path / "metadata.csv").write_text("\n".join(lines), "utf-8")
    catalogue = read_catalogue(tmp_path)
    assert [(e.file_name, e.artist, e.year) for e in catalogue.entries] == [
        ("a.png", "Claude Monet", 1872),
        ("c.png", "Claude Monet", None),
    ]
    assert list(reasons(catalogue)) == ["metadata.csv line 3"]


def test_a_flag_or_a_list_is_not_a_text(tmp_path: Path) -> None:
    draw_landscape(1).save(tmp_path / "a.png")
    write_rows(tmp_path, ['{"file_name": "a.png", "text": false, "title": ["x"], "artist": NaN, "style": "  "}'])
    catalogue = read_catalogue(tmp_path)
    entry = catalogue.entries[0]
    assert (entry.caption, entry.title, entry.artist, entry.style) == ("", "", "", "")
    assert len(catalogue.report.warnings) == 3


def test_folders_name_artists_with_small_words_small(tmp_path: Path) -> None:
    for number, name in enumerate(["vincent-van-gogh", "pieter-bruegel-the-elder", ".thumbnails"]):
        (tmp_path / name).mkdir()
        draw_landscape(number).save(tmp_path / name / "work.jpg")
    found = [entry.artist for entry in read_catalogue(tmp_path).entries]
    assert found == ["Pieter Bruegel the Elder", "Vincent van Gogh"]


def test_metadata_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, [{"file_name": "a.png"}])

    def refuse(path: Path, *arguments: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImpastoError, match="cannot be read: Permission denied"):
        read_catalogue(tmp_path)

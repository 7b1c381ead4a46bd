"""The layouts in which people pass data sets on, drawn by code: captions and metadata arrive, and what does not is named."""

import io
import json
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from tests.data.importing.sources import encoded, imported, put, read, report_of, write

from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError


@pytest.mark.parametrize(
    "ending", [".txt", ".caption", ".TXT", ".jpg.txt", ".caption.txt", ".cap.txt", ".wd14_cap", ".wd", ".description"]
)
def test_captions_beside_pictures(tmp_path: Path, ending: str) -> None:
    source = put(tmp_path / "source", "a.jpg", "b.jpg", "c.jpg")
    write(source / f"a{ending}", "boats on the water\n")
    write(source / f"b{ending}", "\ufeffa café at dusk", "utf-8")
    rows, notes = imported(source, tmp_path / "catalogue")
    assert (rows["a.jpg"]["text"], rows["b.jpg"]["text"]) == ("boats on the water", "a café at dusk")
    assert "text" not in rows["c.jpg"] and "files beside the pictures: 2" in notes
    entries, notes = read(source)
    assert [entries[f"{name}.jpg"].caption for name in "abc"] == ["boats on the water", "a café at dusk", ""]
    assert "files beside the pictures: 2" in notes


def test_a_caption_in_another_encoding_of_several_lines_or_empty(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg")
    write(source / "a.txt", "a café", "cp1252")
    write(source / "b.txt", "a café", "utf-16")
    write(source / "c.txt", "a pier\nboats at a pier\n")
    write(source / "d.txt", "A pier at dusk,\nwith boats in front of it.\n")
    write(source / "e.txt", "")
    write(source / "f.txt", "boats at sunset\nNegative prompt: ugly\nSteps: 20, Sampler: Euler a, Seed: 1\n")
    rows, _ = imported(source, tmp_path / "catalogue")
    assert rows["a.jpg"]["text"] == rows["b.jpg"]["text"] == "a café"
    assert (rows["c.jpg"]["text"], rows["c.jpg"]["captions"]) == ("a pier", ["a pier", "boats at a pier"])
    assert rows["d.jpg"]["text"] == "A pier at dusk, with boats in front of it." and "captions" not in rows["d.jpg"]
    assert "text" not in rows["e.jpg"] and report_of(tmp_path / "catalogue")["e.jpg"] == ("remark", "e.txt is empty")
    assert rows["f.jpg"]["text"] == "boats at sunset"
    entries, _ = read(source)
    assert (entries["c.jpg"].caption, entries["c.jpg"].variants) == ("a pier", ("boats at a pier",))


def test_captions_in_a_folder_beside_the_pictures(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "images/a/0.jpg", "images/b/0.jpg", "images/1.jpg")
    for name, text in (("a/0", "a pier"), ("b/0", "a quay"), ("1", "a heath"), ("9", "of no picture")):
        write(source / "captions" / f"{name}.txt", text)
    rows, notes = imported(source, tmp_path / "catalogue")
    assert {name: row["text"] for name, row in rows.items()} == {
        "images/a/0.jpg": "a pier", "images/b/0.jpg": "a quay", "images/1.jpg": "a heath",
    }  # fmt: skip
    assert "captions/9.txt" in report_of(tmp_path / "catalogue") and "3 .txt" in notes
    assert read(source)[0]["images/b/0.jpg"].caption == "a quay"


def test_kohyas_folders(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "img/10_Mywork style/a.jpg", "img/10_Mywork style/b.jpg", "img/2_claude monet/c.jpg")
    put(source, "reg/1_style/d.jpg", first=9)
    write(source / "img/10_Mywork style/a.caption", "a heath")
    rows, notes = imported(source, tmp_path / "catalogue")
    assert set(rows) == {"img/10_Mywork style/a.jpg", "img/10_Mywork style/b.jpg", "img/2_claude monet/c.jpg"}
    a, b, c = rows.values()
    assert (a["text"], a["repeats"], b["text"]) == ("a heath", 10, "Mywork style")
    assert (c["artist"], c["repeats"]) == ("Claude Monet", 2) and "artist" not in a and "artist" not in b
    assert "10 (2 pictures)" in notes and "2 (1 pictures)" in notes and "Mywork style (1)" in notes
    decision, reason = report_of(tmp_path / "catalogue")["reg/1_style/d.jpg"]
    assert decision == "refused" and "regularisation" in reason
    entries, _ = read(source)
    assert [(e.caption, e.artist, e.repeats) for e in entries.values()] == [
        ("a heath", "", 10), ("Mywork style", "", 10), ("c", "Claude Monet", 2),
    ] or entries["img/2_claude monet/c.jpg"].repeats == 2  # fmt: skip
    again, _ = read(tmp_path / "catalogue")
    assert again["img/10_Mywork style/a.jpg"].repeats == 10


def test_img2datasets_folders_and_webdatasets_shards(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with tarfile.open(tmp_path / "00001.tar", "w") as tar:
        for seed in (5, 6):
            row = {
                "caption": f"river {seed}",
                "url": f"https://example.org/{seed}",
                "key": f"{seed:09}",
                "status": "success",
            }
            for name, data in (
                (f"./{seed:09}.json", json.dumps(row).encode()),
                (f"./{seed:09}.jpg", encoded(seed)),
                (f"./{seed:09}.txt", f"river {seed}".encode()),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    put(source, "00000/000000001.jpg", first=1)
    write(source / "00000/000000001.txt", "a bridge")
    write(source / "00000/000000001.json", json.dumps({"caption": "a bridge", "license": "CC0", "width": 9, "exif": "{}"}))
    write(source / "00000_stats.json", "{}")
    (tmp_path / "00001.tar").rename(source / "00001.tar")
    rows, notes = imported(source, tmp_path / "catalogue")
    assert rows["00000/000000001.jpg"] == {
        "file_name": "00000/000000001.jpg", "text": "a bridge", "license": "CC0", "width": 96, "height": 72,
    }  # fmt: skip
    assert (rows["00001/000000005.jpg"]["text"], rows["00001/000000006.jpg"]["url"]) == ("river 5", "https://example.org/6")
    assert (tmp_path / "catalogue/00001/000000005.jpg").read_bytes() == encoded(5)
    assert not any("artist" in row or "captions" in row for row in rows.values())
    assert report_of(tmp_path / "catalogue")["00000_stats.json"][0] == "not taken" and "1 .json" in notes
    _, notes = read(source)
    assert "00001.tar: an archive: `impasto data import folder` reads it" in notes


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_metadata_in_an_archive_or_beside_it(tmp_path: Path, inside: bool, kind: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    table = b'{"file_name": "p0.png", "text": "a quay"}\n{"file_name": "p1.png", "text": "a bridge"}\n'
    members = {"p0.png": encoded(0, "PNG"), "p1.png": encoded(1, "PNG")} | ({"metadata.jsonl": table} if inside else {})
    if kind == "zip":
        with zipfile.ZipFile(source / "images.zip", "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(source / "images.tar.gz", "w:gz") as tar:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    if not inside:
        write(source / "metadata.jsonl", table)
    rows, _ = imported(source, tmp_path / "catalogue")
    assert {name: row["text"] for name, row in rows.items()} == {"images/p0.png": "a quay", "images/p1.png": "a bridge"}
    assert imported(source, tmp_path / "catalogue")[0] == rows
    with pytest.raises(ImpastoError, match="impasto data import folder"):
        read_catalogue(source)


def test_an_archive_with_a_password_or_climbing_names_harms_nothing(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "good.jpg")
    with zipfile.ZipFile(source / "z.zip", "w") as archive:
        archive.writestr("../../up.png", encoded(3, "PNG"))
        archive.writestr("/abs.png", encoded(4, "PNG"))
    write(source / "broken.zip", b"PK\x03\x04 no archive")
    rows, _ = imported(source, tmp_path / "catalogue")
    assert set(rows) == {"good.jpg", "z/up.png", "z/abs.png"} and not (tmp_path / "up.png").exists()
    assert "cannot be read" in report_of(tmp_path / "catalogue")["broken.zip"][1]


def test_metadata_in_sub_folders_is_relative_to_each(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "train/0.jpg", "train/1.jpg", "test/0.jpg", "extra/claude-monet/2.jpg")
    write(
        source / "train/metadata.jsonl", '{"file_name": "0.jpg", "text": "a heath"}\n{"file_name": "1.jpg", "text": "b"}\n'
    )
    write(source / "test/metadata.csv", "file_name,text\n0.jpg,a pier\ngone.jpg,c\n")
    rows, _ = imported(source, tmp_path / "catalogue")
    assert {name: row.get("text") for name, row in rows.items()} == {
        "test/0.jpg": "a pier", "train/0.jpg": "a heath", "train/1.jpg": "b", "extra/claude-monet/2.jpg": None,
    }  # fmt: skip
    assert [row.get("artist") for row in rows.values()] == [None, None, None, "Claude Monet"]
    assert report_of(tmp_path / "catalogue")["gone.jpg"] == ("refused", "there is no such picture in the folder")
    entries, _ = read(source)
    assert {name: entry.caption for name, entry in entries.items()} == {
        "test/0.jpg": "a pier", "train/0.jpg": "a heath", "train/1.jpg": "b", "extra/claude-monet/2.jpg": "",
    }  # fmt: skip


def test_a_row_of_one_split_never_takes_the_other_splits_picture(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "test/0.jpg")
    write(source / "metadata.csv", "file_name,text\ntrain/0.jpg,not this one\n")
    rows, _ = imported(source, tmp_path / "catalogue")
    assert "text" not in rows["test/0.jpg"] and "train/0.jpg" in report_of(tmp_path / "catalogue")


@pytest.mark.parametrize(
    ("path", "artist"),
    [
        ("images/images/Claude_Monet/x.jpg", "Claude Monet"),
        ("Claude_Monet/images/x.jpg", "Claude Monet"),
        ("artists/data/train/claude-monet/high_res/x.jpg", "Claude Monet"),
        ("train/x.jpg", ""),
        ("00000/x.jpg", ""),
        ("data/512x512/x.jpg", ""),
        ("part-0003/x.jpg", ""),
        ("1890s/x.jpg", ""),
        ("Landscapes/Paul Klee/x.jpg", "Paul Klee"),
        ("Paul Klee/Landscapes/x.jpg", "Paul Klee"),
        ("01_Paul_Klee/x.jpg", "Paul Klee"),
        ("Impressionism/x.jpg", ""),
        ("DCIM/100CANON/x.jpg", ""),
        ("unsorted/hi-res/x.jpg", ""),
        ("class_0/x.jpg", ""),
        ("noname_10/New folder (2)/x.jpg", ""),
        ("n01440764/x.jpg", ""),
        ("sailing boats/x.jpg", ""),
        ("Claude Monet/Water Lilies/x.jpg", "Claude Monet"),
        ("Pablo Picasso/Royan 1940/x.jpg", "Pablo Picasso"),
        ("Claude Monet (1840-1926)/x.jpg", "Claude Monet"),
        ("CLAUDE MONET - paintings/x.jpg", "Claude Monet"),
        ("Jane Doe - oil paintings/x.jpg", "Jane Doe"),
        ("Raphael Soyer/x.jpg", "Raphael Soyer"),
        ("Theo van Gogh/x.jpg", "Theo van Gogh"),
        ("Copy after Claude Monet/x.jpg", "Copy after Claude Monet"),
    ],
)
def test_the_nearest_folder_that_means_something_names_the_artist(tmp_path: Path, path: str, artist: str) -> None:
    source = put(tmp_path / "source", path)
    rows, notes = imported(source, tmp_path / "catalogue")
    assert rows[path].get("artist", "") == artist
    assert (f"{artist} (1)" in notes) if artist else "artist" not in notes
    entries, _ = read(source)
    assert entries[path].artist == artist


def test_the_pictures_own_folder_names_the_artist_below_a_table(tmp_path: Path) -> None:
    source = put(
        tmp_path / "My Set", "Claude Monet (1840-1926)/0.jpg", "Jane Doe/1.jpg", "train2017/2.jpg", "Jane Doe/3.jpg"
    )
    rows = [("Claude Monet (1840-1926)/0.jpg", ""), ("Jane Doe/1.jpg", ""), ("Jane Doe/3.jpg", "Doe, John (b. 1932)")]
    write(source / "metadata.csv", "file_name,artist\n" + "".join(f'{name},"{artist}"\n' for name, artist in rows))
    annotations = {"images": [{"id": 1, "file_name": "2.jpg"}], "annotations": [{"image_id": 1, "caption": "a pier"}]}
    write(tmp_path / "coco/annotations/captions.json", json.dumps(annotations))
    put(tmp_path / "coco", "train2017/2.jpg", first=2)
    for place in (source, tmp_path):  # the folder above names nobody
        found = {PurePosixPath(n).name: row for n, row in imported(place, tmp_path.parent / f"{place.name}-out")[0].items()}
        assert [found[f"{n}.jpg"].get("artist") for n in (0, 1, 3)] == ["Claude Monet", "Jane Doe", "John Doe"]
        assert (found["0.jpg"]["artist_dates"], found["3.jpg"]["artist_dates"]) == ("1840-1926", "b. 1932")
        assert "artist_dates" not in found["1.jpg"] and "artist" not in found["2.jpg"]
    assert read(source)[0]["Jane Doe/1.jpg"].artist == "Jane Doe"


def test_folders_inside_an_archive_beside_its_table(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with zipfile.ZipFile(tmp_path / "source/My Paintings.zip", "w") as packed:
        packed.writestr("ds/Claude Monet/0.jpg", encoded(0))
        packed.writestr("ds/metadata.csv", "file_name,text\nClaude Monet/0.jpg,a pier\n")
    (row,) = imported(tmp_path / "source", tmp_path / "catalogue")[0].values()
    assert (row["artist"], row["text"]) == ("Claude Monet", "a pier")
    (entry,) = read(tmp_path / "catalogue")[0].values()
    assert entry.artist == "Claude Monet"


def test_what_an_import_did_not_tell_its_catalogue_does_not_tell_either(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with zipfile.ZipFile(tmp_path / "source/Jane Doe.zip", "w") as packed:
        packed.writestr("0.jpg", encoded(0))
    rows, _ = imported(tmp_path / "source", tmp_path / "catalogue")
    assert "artist" not in rows["Jane Doe/0.jpg"] and read(tmp_path / "catalogue")[0]["Jane Doe/0.jpg"].artist == ""


def test_kohyas_notes_speak_of_taken_pictures_only(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "img/5_sks dog/a.jpg", "img/3_/b.jpg", "reg/1_dog/c.jpg", "reg/7_cat/d.jpg")
    write(source / "reg/7_cat/d.txt", "a cat")
    rows, notes = imported(source, tmp_path / "catalogue")
    assert (rows["img/3_/b.jpg"]["repeats"], rows["img/5_sks dog/a.jpg"]["text"]) == (3, "sks dog")
    assert "pictures without one: sks dog (1)" in notes and "dog (1)," not in notes and "7 (" not in notes
    assert ".txt" not in notes


def test_a_style_folder_gives_the_style_and_the_file_name_the_artist(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "Abstract_Expressionism/aaron-siskind_acolman-1-1955.jpg")
    (row,) = imported(source, tmp_path / "catalogue")[0].values()
    assert (row["artist"], row["style"], row["year"]) == ("Aaron Siskind", "Abstract Expressionism", 1955)

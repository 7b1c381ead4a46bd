"""Tables, JSON and parquet as other programs write them: encodings, names of other machines, endings, licences."""

import json
from pathlib import Path

import pytest
from PIL import Image, features
from tests.data.importing.sources import encoded, import_folder, imported, put, read, report_of, rows_of, write

from impasto.data.catalogue.read import read_catalogue

ENCODINGS = [
    ("bom", "file_name,text,artist\n0.jpg,\"a café, dusk\",Édouard Manet\n", "utf-8-sig"),
    ("cp1252", "file_name,text,artist\n0.jpg,\"a café, dusk\",Édouard Manet\n", "cp1252"),
    ("utf-16", "file_name,text,artist\n0.jpg,\"a café, dusk\",Édouard Manet\n", "utf-16"),
    ("utf-16 without a mark", "file_name,text,artist\n0.jpg,\"a café, dusk\",Édouard Manet\n", "utf-16-le"),
    ("semicolons", "file_name;text;artist\n0.jpg;a café, dusk;Édouard Manet\n", "utf-8"),
    ("tabs", "file_name\ttext\tartist\n0.jpg\ta café, dusk\tÉdouard Manet\n", "utf-8"),
    ("Excel", "sep=;\r\nfile_name;text;artist\r\n0.jpg;a café, dusk;Édouard Manet\r\n", "utf-8"),
    ("an open quote", "file_name;text;artist\n0.jpg;\"a café, dusk;Édouard Manet\n1.jpg;b;c\n", "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), [case[1:] for case in ENCODINGS], ids=[case[0] for case in ENCODINGS])
def test_tables_as_other_programs_write_them(tmp_path: Path, text: str, encoding: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    write(source / "metadata.csv", text, encoding)
    rows, _ = imported(source, tmp_path / "catalogue")
    assert (rows["0.jpg"]["text"], rows["0.jpg"]["artist"]) == ("a café, dusk", "Édouard Manet")
    assert ("artist" in rows["1.jpg"]) == ("1.jpg" in text)
    assert read(source)[0]["0.jpg"].caption == "a café, dusk"


@pytest.mark.parametrize(
    "text",
    [
        '{"file_name": "0.jpg", "text": "a"} {"file_name": "1.jpg", "text": "b"}',
        '[\n {"file_name": "0.jpg",\n  "text": "a"},\n {"file_name": "1.jpg", "text": "b"}\n]',
        '{\n "file_name": "0.jpg",\n "text": "a"\n}\n{\n "file_name": "1.jpg",\n "text": "b"\n}\n',
        '{"file_name": "0.jpg", "text": "a"},\n{"file_name": "1.jpg", "text": "b"}',
        '{"0.jpg": {"caption": "a", "tags": "x"}, "1.jpg": {"caption": "b"}}',
        '{"0": "a", "1": "b"}',
        '{"images": [{"id": 7, "file_name": "0.jpg"}, {"id": 8, "file_name": "1.jpg"}],'
        ' "annotations": [{"image_id": 8, "caption": "b"}, {"image_id": 7, "caption": "a"}]}',
    ],
)
def test_json_as_other_programs_write_it(tmp_path: Path, text: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    write(source / "metadata.json", text)
    rows, _ = imported(source, tmp_path / "catalogue")
    assert {name: row["text"] for name, row in rows.items()} == {"0.jpg": "a", "1.jpg": "b"}
    assert {name: entry.caption for name, entry in read(source)[0].items()} == {"0.jpg": "a", "1.jpg": "b"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("captions.csv", "image,caption\n0.jpg,a pier\n0.jpg,a second\n"),
        ("captions.txt", "image,caption\n0.jpg,a pier\n0.jpg,a second\n"),
        ("labels.tsv", "path\tprompt\nimages/0.jpg\t['a pier', 'a second']\n"),
        ("train.jsonl", '{"image": "0.jpg", "text": ["a pier", "a second"]}'),
        ("metadata.jsonl", '{"file_name": "0.jpg", "captions": ["a pier", "a second"]}'),
        ("metadata.jsonl", '{"file_name": "0.jpg", "caption": [{"caption": "a pier"}, {"caption": "a second"}]}'),
    ],
)
def test_tables_of_other_names_and_lists_of_captions(tmp_path: Path, name: str, text: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    write(source / name, text)
    rows, notes = imported(source, tmp_path / "catalogue")
    assert (rows["0.jpg"]["text"], rows["0.jpg"]["captions"]) == ("a pier", ["a pier", "a second"])
    assert (f"{name} names pictures" in notes) == (not name.startswith("metadata"))
    for folder in (source, tmp_path / "catalogue"):
        entry = read(folder)[0]["0.jpg"]
        assert (entry.caption, entry.variants) == ("a pier", ("a second",))


@pytest.mark.parametrize("name", ["/data/scans/0.jpg", "C:\\scans\\0.jpg", "scans/0.jpg", "0.JPG", "%30.jpg", "0", "0.png"])
def test_names_of_another_machine(tmp_path: Path, name: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "sub/1.jpg")
    write(source / "metadata.jsonl", json.dumps({"image": name, "prompt": "a pier"}))
    rows, _ = imported(source, tmp_path / "catalogue")
    assert rows["0.jpg"]["text"] == "a pier"
    assert report_of(tmp_path / "catalogue")["0.jpg"] == ("remark", f"named {name} in the metadata")
    assert read(source)[0]["0.jpg"].caption == "a pier"


def test_names_that_mean_no_picture_or_several(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "a/0.jpg", "b/0.jpg", "c.jpg")
    write(source / "metadata.csv", "file_name,text\n0.jpg,x\n/etc/passwd,y\nc.jpg,z\n")
    imported(source, tmp_path / "catalogue")
    report = report_of(tmp_path / "catalogue")
    assert report["0.jpg"] == ("refused", "names several pictures: a/0.jpg, b/0.jpg")
    assert report["/etc/passwd"][1] == "an absolute path that leaves the folder, and no picture here has that name"


def test_endings(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    kinds = {"a.JPG": "JPEG", "b.jfif": "JPEG", "c.jpe": "JPEG", "d.PNG": "PNG", "e.WebP": "WEBP", "f.TIF": "TIFF",
             "g": "PNG", "h.bmp": "BMP", "i.ppm": "PPM", "j.tga": "TGA", "k.img": "JPEG"}  # fmt: skip
    kinds |= {"m.avif": "AVIF"} if features.check("avif") else {}
    kinds |= {"n.jp2": "JPEG2000"} if features.check("jpg_2000") else {}
    for seed, (name, kind) in enumerate(kinds.items()):
        write(source / name, encoded(seed, kind))
    for name in ("x.heic", "y.cr2", "z.svg", "film.mp4", "half.jpg.crdownload", "notes.md", "lone.txt", "Thumbs.db"):
        write(source / name, b"something")
    summary = import_folder(source, tmp_path / "catalogue")
    assert summary.taken == len(kinds) and summary.not_taken == 8
    names = set(rows_of(tmp_path / "catalogue"))
    assert names == {*kinds} - {"g", "k.img"} | {"g.png", "k.img.jpg"}
    report = report_of(tmp_path / "catalogue")
    reasons = {name: reason for name, (decision, reason) in report.items() if decision == "not taken"}
    assert set(reasons) == {
        "x.heic",
        "y.cr2",
        "z.svg",
        "film.mp4",
        "half.jpg.crdownload",
        "notes.md",
        "lone.txt",
        "Thumbs.db",
    }
    assert "Pillow does not read" in reasons["x.heic"] and "no picture of that name" in reasons["lone.txt"]
    assert len(read_catalogue(source).entries) == len(kinds)
    with Image.open(tmp_path / "catalogue" / "g.png") as opened:
        assert opened.format == "PNG"


def test_licence_and_source_come_along(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "0.jpg")
    row = {"file_name": "0.jpg", "Rights": "CC BY 4.0", "image_url": "https://example.org/0", "Provider": "Rijksmuseum"}
    write(source / "metadata.jsonl", json.dumps(row))
    rows, _ = imported(source, tmp_path / "catalogue")
    assert (rows["0.jpg"]["license"], rows["0.jpg"]["url"]) == ("CC BY 4.0", "https://example.org/0")
    for folder in (source, tmp_path / "catalogue"):
        entry = read(folder)[0]["0.jpg"]
        assert (entry.license, entry.source, entry.url) == ("CC BY 4.0", "Rijksmuseum", "https://example.org/0")


def test_parquet_below_a_folder(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    struct = [{"bytes": encoded(1), "path": "b_c.jpg"}, {"bytes": encoded(2), "path": None}]
    parquet.write_table(
        pyarrow.table({"image": struct, "text": ["a", "b"]}), source / "data" / "train-00000-of-00001.parquet"
    )
    parquet.write_table(pyarrow.table({"jpg": [encoded(3)], "caption": ["c"]}), source / "raw.parquet")
    parquet.write_table(pyarrow.table({"jpg": [encoded(4)]}), source / "bare.parquet")
    rows, _ = imported(source, tmp_path / "catalogue")
    assert {name: row.get("text") for name, row in rows.items()} == {
        "bare/000000.jpg": None, "b_c.jpg": "a", "data/train-00000-of-00001/000001.jpg": "b", "raw/000000.jpg": "c",
    }  # fmt: skip
    assert not any("artist" in row for row in rows.values())
    assert imported(source, tmp_path / "catalogue")[0] == rows


def test_an_own_catalogue_reads_as_before(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "claude-monet/0.jpg")
    write(source / "claude-monet/0.txt", "boats")
    imported(source, tmp_path / "catalogue")
    entries, notes = read(tmp_path / "catalogue")
    assert entries["claude-monet/0.jpg"].caption == "boats" and notes == ""
    put(tmp_path / "catalogue", "stray.jpg", first=50)
    assert "not name are not used: 1 (stray.jpg)" in read(tmp_path / "catalogue")[1]

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from PIL import Image
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.read import read_catalogue
from impasto.data.exporting.exporter import ExportChoices, Shape, export_catalogue
from impasto.data.exporting.target import MARK
from impasto.errors import ImpastoError, UsageError

SHARDS = ExportChoices(shard_size=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures: one accepted, one edited, one rejected, one broken, one as it was, one in a folder below."""
    folder = draw_catalogue(tmp_path / "catalogue", 5)
    (folder / "below").mkdir()
    draw_landscape(9).save(folder / "below" / "høns.jpeg")
    with (folder / "metadata.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"file_name": "below/høns.jpeg", "text": 'hens,\n"here"', "museum": "SMK"}) + "\n")
    say(folder, "tags", "picture-0.png", tags=[["sun", 0.9], ["sky", 0.5]])
    say(folder, "captions", "picture-0.png", caption="a sun")
    say(folder, "captions", "picture-1.png", caption="a moon")
    say(folder, "review", "picture-1.png", decision="edit", text="a sun too")
    say(folder, "review", "picture-0.png", decision="accept", text="a sun")
    say(folder, "review", "picture-2.png", decision="reject")
    (folder / "picture-3.png").write_bytes(b"no picture")
    return folder


def say(folder: Path, kind: Any, name: str, **row: Any) -> None:
    AnnotationLog(folder, kind).append([{"file_name": name, "content": content_of(folder / name), **row}])


def there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_captions_without_pictures(folder: Path, tmp_path: Path) -> None:
    summary = export_catalogue(folder, "captions.csv", tmp_path / "captions.csv")
    assert summary.pictures == 3
    with (tmp_path / "captions.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["file_name"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["picture-0.png", "picture-1.png", "below/høns.jpeg"]
    assert rows["picture-0.png"] == {
        "file_name": "picture-0.png", "content": content_of(folder / "picture-0.png"), "artist": "Claude Monet",
        "title": "Sun over ground 0", "year": "1870", "caption": "a sun", "tags": "sun, sky", "reviewed": "accepted",
        "license": "", "source": "", "url": "",
    }  # fmt: skip
    assert (rows["picture-1.png"]["caption"], rows["picture-1.png"]["reviewed"]) == ("a sun too", "edited")
    assert (rows["below/høns.jpeg"]["caption"], rows["below/høns.jpeg"]["year"]) == ('hens, "here"', "")


@pytest.mark.parametrize("copy", [False, True])
def test_an_imagefolder_is_a_catalogue_with_everything_merged(folder: Path, tmp_path: Path, copy: bool) -> None:
    out = tmp_path / "out"
    summary = export_catalogue(folder, "imagefolder", out, ExportChoices(copy=copy))
    assert summary.pictures == 4 and {s.file_name for s in summary.report.skipped} == {"picture-2.png", "picture-3.png"}
    here, again = read_catalogue(folder), read_catalogue(out)
    assert [entry.file_name for entry in again.entries] == [entry.file_name for entry in here.entries]
    for one, other in zip(here.entries, again.entries, strict=True):
        assert one.file.read_bytes() == other.file.read_bytes()
        assert one.file.samefile(other.file) != copy
        for column in ("artist", "title", "caption", "style", "genre", "year", "tags"):
            assert getattr(one, column) == getattr(other, column)
    content = content_of(folder / "below" / "høns.jpeg")
    assert again.entries[-1].extra == {"museum": "SMK", "reviewed": "", "content": content}
    assert there(out) == {"metadata.jsonl", MARK, "picture-0.png", "picture-1.png", "picture-4.png", "below/høns.jpeg"}


def test_webdataset_shards(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export_catalogue(folder, "webdataset", out, SHARDS).pictures == 4
    assert there(out) == {"000000.tar", "000001.tar", MARK}
    members: dict[str, bytes] = {}
    for shard in ("000000.tar", "000001.tar"):
        with tarfile.open(out / shard) as tar:
            for member in tar:
                opened = tar.extractfile(member)
                assert opened is not None
                members[member.name] = opened.read()
    keys = [f"{n:08}" for n in range(4)]
    suffixes = ["png", "png", "png", "jpg"]
    assert list(members) == [f"{k}.{s}" for k, picture in zip(keys, suffixes, strict=True) for s in (picture, "txt", "json")]
    assert members["00000001.txt"] == b"a sun too"
    described = json.loads(members["00000003.json"])
    assert described["file_name"] == "below/høns.jpeg" and described["museum"] == "SMK" and described["year"] is None
    assert members["00000003.jpg"] == (folder / "below" / "høns.jpeg").read_bytes()
    export_catalogue(folder, "webdataset", tmp_path / "again", SHARDS)
    assert (out / "000000.tar").read_bytes() == (tmp_path / "again" / "000000.tar").read_bytes()


def test_parquet_as_the_hub_has_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export_catalogue(folder, "parquet", out, SHARDS).pictures == 4
    assert there(out) == {"data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", MARK}
    rows = [row for file in sorted((out / "data").iterdir()) for row in parquet.read_table(file).to_pylist()]
    assert [row["file_name"] for row in rows] == ["picture-0.png", "picture-1.png", "picture-4.png", "below/høns.jpeg"]
    assert (rows[0]["tags"], rows[0]["year"], rows[0]["text"], rows[0]["museum"]) == (["sun", "sky"], 1870, "a sun", None)
    assert rows[3]["museum"] == "SMK" and rows[3]["year"] is None
    with Image.open(io.BytesIO(rows[3]["image"]["bytes"])) as picture:
        assert picture.size == (96, 72)
    schema = parquet.read_schema(out / "data" / "train-00000-of-00002.parquet")
    assert schema.metadata is not None
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names and features["image"] == {"_type": "Image"}


@pytest.mark.parametrize("shape", ["captions.csv", "imagefolder", "webdataset", "parquet"])
def test_a_target_that_is_there_is_refused_and_an_earlier_export_replaced(
    folder: Path, tmp_path: Path, shape: Shape
) -> None:
    out = tmp_path / "out"
    export_catalogue(folder, shape, out)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(UsageError, match="use --force"):
        export_catalogue(folder, shape, out)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    say(folder, "review", "picture-0.png", decision="reject")
    assert export_catalogue(folder, shape, out, ExportChoices(force=True)).pictures < 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalogue", "out"]


def test_what_no_export_made_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("mine too")
    force = ExportChoices(force=True)
    shapes: list[tuple[Shape, Path, str]] = [
        ("imagefolder", mine, "no export made"),
        ("captions.csv", mine, "no export made"),
        ("parquet", tmp_path / "file", "is a file"),
        ("imagefolder", folder, "outside the catalogue"),
        ("imagefolder", folder / "below" / "out", "outside the catalogue"),
        ("webdataset", tmp_path, "outside the catalogue"),
        ("webdataset", tmp_path / "no" / "such", "no folder"),
    ]
    before = there(tmp_path)
    for shape, out, words in shapes:
        with pytest.raises(UsageError, match=words):
            export_catalogue(folder, shape, out, force)
    assert there(tmp_path) == before and (mine / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    assert export_catalogue(folder, "imagefolder", tmp_path / "empty", force).pictures == 4


@pytest.mark.parametrize("shape", ["captions.csv", "imagefolder", "webdataset", "parquet"])
def test_a_full_disk_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Shape) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImpastoError, match="No space left"):
        export_catalogue(folder, shape, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["catalogue"]


def test_disks_without_hard_links_get_copies(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    export_catalogue(folder, "imagefolder", tmp_path / "out")
    assert (tmp_path / "out" / "picture-0.png").read_bytes() == (folder / "picture-0.png").read_bytes()


def test_a_killed_export_leaves_the_earlier_one_and_the_next_one_cleans_up(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_catalogue(folder, "webdataset", out)
    before = (out / "000000.tar").read_bytes()
    slow = (
        "import sys, time; from pathlib import Path\n"
        "from impasto.data.exporting.exporter import ExportChoices, export_catalogue\n"
        "wait = lambda stage, done, of: (print(stage, flush=True), time.sleep(60)) if stage == 'writing' else None\n"
        "export_catalogue(Path(sys.argv[1]), 'webdataset', Path(sys.argv[2]), ExportChoices(force=True), wait)"
    )
    with subprocess.Popen([sys.executable, "-c", slow, folder, out], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    assert (out / "000000.tar").read_bytes() == before and (tmp_path / ".out.part").is_dir()
    export_catalogue(folder, "webdataset", out, ExportChoices(force=True))
    assert (out / "000000.tar").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalogue", "out"]


def test_odd_numbers_and_catalogues(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shard-size 0"):
        export_catalogue(folder, "parquet", tmp_path / "out", ExportChoices(shard_size=0))
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(ImpastoError):
            export_catalogue(place, "captions.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()

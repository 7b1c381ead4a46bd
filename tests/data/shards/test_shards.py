import io
import json
import pickle
import tarfile
from pathlib import Path

import pytest
from PIL import Image
from tests.training.drawn import draw_catalogue

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.pictures import open_picture, upright_size
from impasto.data.catalogue.read import Catalogue, catalogue_parts, read_catalogue
from impasto.data.exporting.exporter import ExportChoices, export_catalogue
from impasto.data.shards.homes import home_of
from impasto.errors import ImpastoError, UsageError

SIZE = ExportChoices(shard_size=2)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = draw_catalogue(tmp_path / "catalogue", 5)
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    rows[1] |= {"museum": "SMK", "text": "a høn"}
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def shards(source: Path, tmp_path: Path) -> Path:
    export_catalogue(source, "shards", tmp_path / "shards", SIZE)
    return tmp_path / "shards"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()}


def said(catalogue: Catalogue) -> dict[str, str]:
    return {skipped.file_name: skipped.reason for skipped in catalogue.report.skipped}


def test_shards_are_a_catalogue_like_their_source(source: Path, shards: Path, tmp_path: Path) -> None:
    assert sorted(files(shards)) == ["000000.tar", "000001.tar", "000002.tar", "manifest.parquet"]
    export_catalogue(source, "shards", tmp_path / "again", SIZE)
    assert files(tmp_path / "again") == files(shards)
    here, there = read_catalogue(source), read_catalogue(shards)
    assert not there.report.skipped and not there.report.warnings
    for one, other in zip(here.entries, there.entries, strict=True):
        assert {name: value for name, value in vars(one).items() if name != "file"} == {
            name: value for name, value in vars(other).items() if name != "file"
        }
        assert one.file.read_bytes() == other.file.read_bytes() and content_of(one.file) == content_of(other.file)
        assert open_picture(one.file).tobytes() == open_picture(other.file).tobytes()
        assert upright_size(one.file) == upright_size(other.file)
        assert pickle.loads(pickle.dumps(other)).file.read_bytes() == one.file.read_bytes()
    assert there.entries[1].extra["museum"] == "SMK"
    assert [(len(part.entries), part.start, part.of) for part in catalogue_parts(shards)] == [
        (2, 0, 5),
        (2, 2, 5),
        (1, 4, 5),
    ]


def test_the_library_webdataset_reads_them(shards: Path) -> None:
    wds = pytest.importorskip("webdataset")
    urls = [str(path) for path in sorted(shards.glob("*.tar"))]
    samples = list(wds.WebDataset(urls, shardshuffle=False).decode("pil").to_tuple("png", "json", "txt"))
    assert len(samples) == 5
    picture, row, text = samples[1]
    assert (row["museum"], row["file_name"], text) == ("SMK", "picture-1.png", "a høn")
    assert picture.size == open_picture(read_catalogue(shards).entries[1].file).size


def test_annotations_lie_beside_the_shards(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(shards)
    part = list(catalogue_parts(shards))[1]
    entry = part.entries[0]
    row = {"file_name": entry.file_name, "content": content_of(entry.file)}
    AnnotationLog(part.home, "captions").append([{**row, "caption": "a cow", "by": "me"}])
    assert (shards / "shards.overlay" / "000001" / "annotations" / "captions.jsonl").is_file() and files(shards) == before
    assert entry.file_name in {one.file_name for one in read_catalogue(shards).entries}
    monkeypatch.setenv("IMPASTO_WORKSPACE", str(tmp_path / "workspace"))
    assert home_of("s3://bucket/a").is_relative_to(tmp_path / "workspace") and home_of("s3://bucket/a") != home_of("s3://b")
    locked = tmp_path / "locked" / "set"
    locked.mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda path, mode: path != locked)
    assert home_of(locked) == tmp_path / "locked" / "set.overlay"


def test_what_changed_since_the_manifest_is_named(shards: Path) -> None:
    (shards / "000000.tar").unlink()
    cut = (shards / "000001.tar").read_bytes()
    (shards / "000001.tar").write_bytes(cut[:600])
    last = bytearray((shards / "000002.tar").read_bytes())
    last[600] ^= 255
    (shards / "000002.tar").write_bytes(last)
    (shards / "000009.tar").write_bytes(b"")
    with pytest.raises(ImpastoError, match="no usable picture"):
        read_catalogue(shards)
    found = next(catalogue_parts(shards, check_images=False))
    assert said(found)["000000.tar"] == "there is no such shard: its 2 pictures are not used"
    assert any("000001.tar has 600 bytes" in note for note in found.report.notes)
    assert any("000009.tar" in note for note in found.report.notes)
    parts = list(catalogue_parts(shards, check_images=False))
    lost = {name: reason for part in parts for name, reason in said(part).items()}
    assert "beyond the end of 000001.tar" in lost["picture-2.png"] and "picture-3.png" in lost
    with pytest.raises(OSError, match="other bytes"):
        parts[-1].entries[0].file.read_bytes()
    (shards / "manifest.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(ImpastoError, match="cannot be read as parquet"):
        read_catalogue(shards)


def picture(seed: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 48), (seed * 40, 10, 99)).save(data, "PNG")
    return data.getvalue()


def tar_of(path: Path, members: list[tuple[str, bytes | str]]) -> bytes:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path.read_bytes()


def test_other_peoples_shards_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    folder = tmp_path / "wild"
    folder.mkdir()
    tar_of(folder / "a.tar", [
        ("./1.png", picture(1)), ("./1.json", b'{"caption": "one", "artist": "Claude Monet", "year": "1872"}'),
        ("sub/2.png", picture(2)), ("sub/2.txt", b"two"), ("3.json", b'{"caption": "no picture"}'),
        ("4.png", picture(4)), ("4.json", b"{broken"), ("1.png", picture(5)), ("../6.png", picture(6)),
        ("7.png", "/etc/passwd"), ("8.png", b"no picture at all"), ("9.png", picture(3)), ("9.mask.png", picture(9)),
    ])  # fmt: skip
    whole = tar_of(folder / "b.tar", [("1.png", picture(6)), ("2.png", b"x" * 2000)])
    (folder / "b.tar").write_bytes(whole[: 512 + 512 + len(picture(6)) // 512 * 512 + 900])
    (folder / "c.tar").write_bytes(b"this is no tar" * 100)
    (folder / "d.tar.gz").write_bytes(b"")
    found = read_catalogue(folder)
    assert {entry.file_name: (entry.caption, entry.artist, entry.year) for entry in found.entries} == {
        "a/1.png": ("one", "Claude Monet", 1872), "a/sub/2.png": ("two", "", None), "a/4.png": ("", "", None),
        "a/9.png": ("", "", None), "b/1.png": ("", "", None),
    }  # fmt: skip
    reasons = said(found)
    assert reasons["a.tar/3"] == "the sample has no picture" and "this key twice" in reasons["a.tar/1"]
    assert "leaves the shard" in reasons["a.tar/../6.png"] and "link" in reasons["a.tar/7.png"]
    assert "picture" in reasons["a/8.png"] and "not a tar" in reasons["c.tar"]
    assert "cut off inside it: what came after it is lost" in reasons["b.tar/2.png"]
    assert {warning.file_name for warning in found.report.warnings} == {"a.tar/4", "a.tar/9.mask.png"}
    assert any("d.tar.gz" in note for note in found.report.notes)
    again = read_catalogue(folder)  # from what the first reading kept
    assert (again.entries, said(again)) == (found.entries, reasons)
    (folder / "a.tar").write_bytes((folder / "b.tar").read_bytes())
    assert [entry.file_name for entry in read_catalogue(folder).entries] == ["a/1.png"]


def test_an_export_never_replaces_what_a_store_has(source: Path, tmp_path: Path) -> None:
    out = Path(f"memory://{tmp_path.name}/out")
    stopped = 0

    def stop(stage: str, done: int, of: int) -> None:
        nonlocal stopped
        stopped += stage == "writing"
        if stopped == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_catalogue(source, "shards", out, SIZE, stop)
    assert export_catalogue(source, "shards", out, SIZE).pictures == 5
    assert [len(part.entries) for part in catalogue_parts(out)] == [2, 2, 1]
    with pytest.raises(UsageError, match="nothing in a store is replaced"):
        export_catalogue(source, "shards", out, ExportChoices(force=True))
    with pytest.raises(UsageError, match="only --to shards"):
        export_catalogue(source, "imagefolder", out)

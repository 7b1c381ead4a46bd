"""Captions that somebody else wrote come in, and pictures of those who opted out go, through the real command line."""

import json
from pathlib import Path

from tests.data.importing.sources import draw_scene, rows_of
from tests.journeys.conftest import Impasto


def draw(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_scene(seed).save(folder / name)


def test_what_import_takes_and_leaves_is_told(impasto: Impasto, tmp_path: Path) -> None:
    draw(tmp_path / "source", "images/Claude_Monet/0.jpg", "10_Mywork/1.jpg", "2.jfif")
    (tmp_path / "source" / "10_Mywork" / "1.caption").write_text("a heath")
    (tmp_path / "source" / "x.heic").write_bytes(b"x")
    answer = impasto("data", "import", "folder", "source", "--out", "catalogue", "--workers", 1)
    assert answer.code == 0, answer.err
    assert "taken: 3" in answer.out and "not taken: 1" in answer.out
    for note in (
        "note: the artist is taken from the folders' names: Claude Monet (1)",
        "note: captions and metadata from files beside the pictures: 1 .caption",
        "note: repeats from kohya's folders, which training uses in proportion to one another: 10 (1 pictures)",
        "note: files that are not taken: 1 .heic",
    ):
        assert note in answer.err
    rows = rows_of(tmp_path / "catalogue")
    assert rows["10_Mywork/1.jpg"]["text"] == "a heath" and "artist" not in rows["10_Mywork/1.jpg"]


def test_captions_come_in_and_who_opted_out_goes(impasto: Impasto, tmp_path: Path) -> None:
    draw(tmp_path / "source", "Claude_Monet/0.jpg", "Claude_Monet/1.jpg", "Paul_Klee/1.jpg")
    (tmp_path / "source" / "Paul_Klee" / "1.json").write_text(
        json.dumps({"caption": "of the metadata", "license": "CC0", "url": "https://example.org/1"})
    )
    assert impasto("data", "import", "folder", "source", "--out", "catalogue", "--workers", 1).code == 0
    (tmp_path / "captions.csv").write_text(
        "file_name;caption\nClaude_Monet/0.jpg;a café\n1.jpg;which of them?\nPaul_Klee/1.jpg;from a machine\n", "cp1252"
    )
    answer = impasto("data", "import-captions", "catalogue", "captions.csv", "--by", "blip")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [
        "3 rows: 2 matched, 1 not used",
        "pictures: 2 new or changed, 0 already there, 1 behind a text of the metadata, which goes first (2 by blip); "
        "1 have no row",
    ]
    assert "note: 1.jpg: names several pictures: Claude_Monet/1.jpg, Paul_Klee/1.jpg" in answer.err
    again = json.loads(impasto("data", "import-captions", "catalogue", "captions.csv", "--by", "blip", "--json").out)
    assert (again["new"], again["already"], again["by"]) == (0, 2, {"blip": 2})
    assert impasto("data", "import-captions", "catalogue", "captions.csv", "--by", "person").code == 0

    stats = json.loads(impasto("data", "stats", "catalogue", "--json").out)
    assert stats["licenses"] == [{"license": "CC0", "paintings": 1, "%": "33.33"}]
    assert stats["sources"][0]["source"] == "example.org"

    (tmp_path / "refused.txt").write_text("# letters of this year\nMonet, Claude\nNobody Known\n")
    answer = impasto("data", "filter", "catalogue", "--opt-out", "refused.txt")
    assert answer.code == 0, answer.err
    assert answer.out == "2 opt-out rules, 2 of them new; 2 pictures left out, 1 stay\n"
    assert "note: Claude_Monet/0.jpg: opted out (artist Monet, Claude)" in answer.err
    assert "note: refused.txt line 3: no picture here is under 'Nobody Known'" in answer.err
    again = impasto("data", "import", "folder", "source", "--out", "catalogue", "--workers", 1)
    assert "opted out: 2" in again.out
    assert impasto("data", "export", "catalogue", "--to", "captions.csv", "--out", "out.csv").code == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 2 and "from a machine" in lines[1] and lines[1].endswith("edited,CC0,,https://example.org/1")
    missing = impasto("data", "filter", "catalogue", "--opt-out", "none.txt")
    assert (missing.code, missing.err) == (2, "error: --opt-out none.txt: there is no such file\n")

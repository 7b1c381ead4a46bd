"""A catalogue counted and published through the real command line."""

import csv
import json
from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto
from tests.training.drawn import draw_catalogue

from impasto.data.catalogue.read import read_catalogue


def test_stats_of_a_catalogue(impasto: Impasto, tmp_path: Path) -> None:
    draw_catalogue(tmp_path / "catalogue", 6)
    answer = impasto("data", "stats", "catalogue", "--out", "new/stats", "--top", 2)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[:3] == ["artists\tClaude Monet\t2\t33.33", "artists\tRembrandt\t2\t33.33", "shares\ttop 10\t6\t100.00"]
    assert "missing\tcaption\t6\t100.00" in lines and lines[-2] == "6 paintings, 3 artists, 1 styles, 1 genres"
    written = {path.name for path in (tmp_path / "new" / "stats").iterdir()}
    assert written == {f"{name}.csv" for name in (
        "artists", "shares", "styles", "genres", "decades", "sizes", "captions", "missing"
    )} | {"artists.png", "decades.png"}  # fmt: skip
    told = json.loads(impasto("data", "stats", "catalogue", "--json").out)
    assert told["paintings"] == 6 and told["genres"] == [{"genre": "landscape", "paintings": 6, "%": "100.00"}]


def test_stats_of_wikiarts_lists_say_what_differs_from_the_paper(impasto: Impasto, tmp_path: Path) -> None:
    rows = [f"Symbolism/nicholas-roerich_work-{n}.jpg,24" for n in range(1860)]
    (tmp_path / "style_train.csv").write_text("\n".join(rows))
    (tmp_path / "style_class.txt").write_text("24 Symbolism\n")
    answer = impasto("data", "stats", ".")
    assert answer.code == 0, answer.err
    assert "wu2022\tNicholas Roerich\t1860\t1860\tequal" in answer.out
    assert "wu2022\tpaintings\t1860\t81444\tdiffers" in answer.out
    assert "note: the lists differ from wu2022: paintings 1860, not 81444" in answer.err
    assert "Roerich" not in answer.err


def test_a_catalogue_is_exported_and_exported_again(impasto: Impasto, tmp_path: Path) -> None:
    draw_catalogue(tmp_path / "catalogue", 5)
    (tmp_path / "catalogue" / "picture-4.png").write_bytes(b"no picture")
    answer = impasto("data", "export", "catalogue", "--to", "imagefolder", "--out", "published")
    assert (answer.code, answer.out) == (0, "published: 4 pictures, 1 left out\n")
    assert answer.err == "note: picture-4.png: not a picture that can be read\n"
    assert len(read_catalogue(tmp_path / "published").entries) == 4
    again = impasto("data", "export", "published", "--to", "captions.csv", "--out", "captions.csv")
    assert again.out == "captions.csv: 0 pictures, 4 without a caption or tags have no row\n"
    with (tmp_path / "captions.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == []
    for shape, count in (("webdataset", 2), ("parquet", 2)):
        answer = impasto("data", "export", "catalogue", "--to", shape, "--out", shape, "--shard-size", 3)
        assert answer.out == f"{shape}: 4 pictures, 1 left out\n"
        assert len([path for path in (tmp_path / shape).rglob("*.*") if not path.name.startswith(".")]) == count


@pytest.mark.parametrize("verb", ["filter", "review", "stats", "export"])
def test_every_verb_explains_itself(impasto: Impasto, verb: str) -> None:
    answer = impasto("data", verb, "--help")
    assert answer.code == 0 and "CATALOGUE" in answer.out

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.statistics.counts import Work, catalogue_statistics, count_works, list_statistics
from impasto.data.statistics.figures import artists_figure, decades_figure, write_figures
from impasto.data.statistics.published_numbers import WU2022, compare
from impasto.data.statistics.tables import statistics_tables, write_tables
from impasto.errors import ImpastoError

ROWS = {
    "style_train.csv": [
        "Impressionism/claude-monet_boats-1872.jpg,12",
        "Impressionism/claude-monet_haystacks-1890(1).jpg,12",
        "Symbolism/nicholas-roerich_the-guest-1914.jpg,24",
    ],
    "style_val.csv": ["Symbolism/arnold-bã¶cklin_isle-of-the-dead.jpg,24"],
    "genre_train.csv": ["Impressionism/claude-monet_boats-1872.jpg,4", "Genres/not-a_painting-of-the-styles.jpg,4"],
}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "style_class.txt").write_text("12 Impressionism\n24 Symbolism\n")
    (folder / "genre_class.txt").write_text("4 landscape\n")
    for name, rows in ROWS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    return folder


def test_lists_are_counted_by_their_slugs(lists: Path) -> None:
    found = list_statistics(lists)
    assert found.paintings == 4
    assert found.artists == [("Claude Monet", 2), ("Arnold Böcklin", 1), ("Nicholas Roerich", 1)]
    assert found.styles == [("Impressionism", 2), ("Symbolism", 2)] and found.genres == [("landscape", 1)]
    assert found.decades == [(1870, 1), (1890, 1), (1910, 1)]
    assert found.missing == [("artist", 0), ("title", 0), ("year", 1), ("style", 0), ("genre", 3)]
    assert found.share(1) == 0.5 and found.share(10) == 1.0 and found.sides == [] and found.words == []


def test_published_numbers_stand_beside_those_counted_here(lists: Path) -> None:
    told = {row.what: row for row in compare(list_statistics(lists), WU2022)}
    assert (told["paintings"].here, told["paintings"].published) == ("4", "81444")
    assert (told["Pierre Auguste Renoir"].here, told["Pierre Auguste Renoir"].published) == ("0", "1400")
    assert told["share of the top 10 artists, %"].published == "14.18" and not told["styles"].equal
    own = replace(
        WU2022,
        paintings=4,
        artists=3,
        styles=2,
        genres=1,
        top_artists=(("Monet, Claude", 2), ("NICHOLAS ROERICH", 1)),
        top_shares=((1, "50.00"), (2, "75.00")),
    )
    assert all(row.equal for row in compare(list_statistics(lists), own))


def test_lists_without_styles_name_too_little(lists: Path) -> None:
    for file in lists.glob("style_*.csv.gz"):
        file.unlink()
    with pytest.raises(ImpastoError, match=r"no rows in style_train\.csv"):
        list_statistics(lists)


def test_a_catalogue_is_counted_as_it_is_read(tmp_path: Path) -> None:
    folder = draw_catalogue(tmp_path / "catalogue", 6)
    Image.new("RGB", (300, 200)).save(folder / "picture-0.png")
    (folder / "picture-1.png").write_bytes(b"no picture")
    for name, kind, row in (
        ("picture-2.png", "review", {"decision": "reject"}),
        ("picture-3.png", "captions", {"caption": "a sun over a field"}),
        ("picture-3.png", "tags", {"tags": [["sun", 0.9]]}),
    ):
        AnnotationLog(folder, kind).append([{"file_name": name, "content": content_of(folder / name), **row}])
    said: list[tuple[int, int]] = []
    found = catalogue_statistics(folder, lambda done, of: said.append((done, of)))
    assert found.paintings == 5 and said[-1] == (5, 5)
    assert found.artists == [("Claude Monet", 2), ("Vincent van Gogh", 2), ("Rembrandt", 1)]
    assert [count for count in found.sides if count[1]] == [("0-255", 3), ("256-511", 1)]
    assert [count for count in found.words if count[1]] == [("0", 4), ("5-9", 1)]
    assert dict(found.missing)["caption"] == 4 and dict(found.missing)["tags"] == 4
    assert dict(found.missing)["longer_side"] == 1 and found.decades == [(1870, 5)]
    assert [s.reason for s in found.report.skipped] == ["rejected in review"]
    assert [w.file_name for w in found.report.warnings] == ["picture-1.png"]


def test_one_artist_in_two_spellings_is_one() -> None:
    works = [Work(artist="Monet, Claude"), Work(artist="claude-monet"), Work(artist="unknown artist"), Work()]
    assert count_works(works, ("artist",)).artists == [("Claude Monet", 2)]


def test_tables_are_written_whole(lists: Path, tmp_path: Path) -> None:
    found = list_statistics(lists)
    tables = statistics_tables(found, compare(found, WU2022))
    written = {path.name: path for path in write_tables(tables, tmp_path)}
    assert list(written) == [
        "artists.csv", "shares.csv", "styles.csv", "genres.csv", "decades.csv", "missing.csv", "wu2022.csv"
    ]  # fmt: skip
    with written["artists.csv"].open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["artist", "paintings", "%"],
            ["Claude Monet", "2", "50.00"],
            ["Arnold Böcklin", "1", "25.00"],
            ["Nicholas Roerich", "1", "25.00"],
        ]
    assert written["shares.csv"].read_text().splitlines()[1] == "top 10,4,100.00"
    assert "paintings,4,81444,differs" in written["wu2022.csv"].read_text().splitlines()


def test_figures_show_thirty_artists_and_the_decades(tmp_path: Path) -> None:
    works = [Work(artist=f"Painter Number{n:02}", year=1500 + n) for n in range(40) for _ in range(40 - n)]
    works += [Work(artist="$x^2$ Painter", year=-2500)] * 45
    found = count_works(works, ("artist",))
    axes = artists_figure(found).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == 30 and names[:2] == ["$x^2$ Painter", "Painter Number00"]
    assert [bar.get_width() for bar in axes.patches][:2] == [45, 40]
    assert [text.get_text() for text in axes.texts][:2] == ["45", "40"]
    assert axes.yaxis_inverted()
    assert f"{100 * found.share(30):.2f} %" in axes.get_title(loc="left")
    assert len(decades_figure(found).axes[0].patches) == 5
    few = [Work(year=1890)] * 999 + [Work(year=-2500)]
    assert "1 earlier" in decades_figure(count_works(few, ())).axes[0].get_xlabel()
    assert [path.name for path in write_figures(found, tmp_path)] == ["artists.png", "decades.png"]
    with Image.open(tmp_path / "artists.png") as picture:
        assert picture.size[0] > 1000 and picture.size[1] > picture.size[0]
    assert [path.name for path in write_figures(count_works(few, ()), tmp_path / ".")] == ["decades.png"]


def test_the_axis_of_counts_has_whole_numbers() -> None:
    for most in (1, 2, 9, 13, 480):
        works = [Work(year=1870)] * most + [Work(year=1885)]
        figure = decades_figure(count_works(works, ("year",)))
        figure.canvas.draw()
        axis = figure.axes[0].yaxis
        ticks = axis.get_majorticklocs()
        assert len(ticks) > 1 and all(tick == int(tick) for tick in ticks) and min(ticks) == 0, (most, ticks)
        assert all(year == int(year) for year in figure.axes[0].xaxis.get_majorticklocs())
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert labels == [f"{int(tick):,}" for tick in ticks] and len(set(labels)) == len(labels)


def test_nothing_known_makes_no_figure(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    draw_landscape(1).save(tmp_path / "c" / "a.png")
    (tmp_path / "c" / "metadata.jsonl").write_text(json.dumps({"file_name": "a.png"}))
    found = catalogue_statistics(tmp_path / "c")
    assert write_figures(found, tmp_path) == [] and found.share(10) == 0.0
    assert [table.name for table in statistics_tables(found)] == ["sizes", "captions", "missing"]

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from tests.data.importing.sources import (
    draw_scene,
    import_folder,
    one_process,
    report_of,
    rows_of,
    write_lists,
    write_parquet,
)

from impasto.data.importing.folder import FolderSource
from impasto.data.importing.open_wikiart import open_wikiart
from impasto.errors import UsageError


def save(image: Image.Image, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)
    return file


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """WikiArt's tree with three pictures, one of whose names is broken."""
    folder = tmp_path / "wikiart"
    save(draw_scene(1), folder / "Impressionism" / "claude-monet_boats-1872.jpg")
    save(draw_scene(2), folder / "Art_Nouveau_Modern" / "koloman-moser_untitled.jpg")
    save(draw_scene(3), folder / "Symbolism" / "arnold-bã¶cklin_the-plague-1898.jpg")
    return folder


def test_the_archives_tree(archive: Path, tmp_path: Path) -> None:
    one_process(open_wikiart(archive), tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert rows["Impressionism/claude-monet_boats-1872.jpg"] == {
        "file_name": "Impressionism/claude-monet_boats-1872.jpg", "artist": "Claude Monet", "year": 1872, "title": "Boats",
        "style": "Impressionism", "width": 96, "height": 72,
    }  # fmt: skip
    assert {row["artist"] for row in rows.values()} == {"Claude Monet", "Koloman Moser", "Arnold Böcklin"}


def test_lists_beside_the_tree_or_elsewhere(archive: Path, tmp_path: Path) -> None:
    listed = {
        "Impressionism/claude-monet_boats-1872.jpg": ("Impressionism", "marina"),
        "Art_Nouveau_Modern/koloman-moser_untitled.jpg": ("Art_Nouveau", "still_life"),
        "Symbolism/arnold-b\u00f6cklin_the-plague-1898.jpg": ("Symbolism", "genre_painting"),
        "Cubism/gone_gone.jpg": ("Cubism", "portrait"),
    }
    write_lists(archive / "lists", listed)
    write_lists(tmp_path / "elsewhere", listed)
    for number, lists in enumerate((None, tmp_path / "elsewhere")):
        catalogue = tmp_path / f"catalogue-{number}"
        one_process(open_wikiart(archive, lists), catalogue)
        known = {row["artist"]: (row["style"], row["genre"]) for row in rows_of(catalogue).values()}
        assert known == {
            "Claude Monet": ("Impressionism", "marina"),
            "Koloman Moser": ("Art Nouveau Modern", "still life"),
            "Arnold Böcklin": ("Symbolism", "genre painting"),
        }
        assert report_of(catalogue) == {"Cubism/gone_gone.jpg": ("refused", "listed, but there is no such file")}
    one_process(open_wikiart(archive, shape="tree"), tmp_path / "tree")
    assert not any("genre" in row for row in rows_of(tmp_path / "tree").values())


def test_the_hubs_parquet(tmp_path: Path) -> None:
    names = {
        "artist": ["Unknown Artist", "claude-monet"],
        "style": ["Post_Impressionism", "Impressionism"],
        "genre": ["landscape", "Unknown Genre"],
    }
    write_parquet(tmp_path / "hub" / "data" / "train-0.parquet", range(10), names)
    whole = (tmp_path / "hub" / "data" / "train-0.parquet").read_bytes()
    (tmp_path / "hub" / "data" / "train-1.parquet").write_bytes(whole[: len(whole) // 2])
    catalogue = tmp_path / "catalogue"
    summary = one_process(open_wikiart(tmp_path / "hub"), catalogue)
    rows = rows_of(catalogue)
    assert summary.taken == 10 and list(rows)[3] == "data/train-0/000003.jpg"
    assert rows["data/train-0/000003.jpg"] == {
        "file_name": "data/train-0/000003.jpg", "style": "Impressionism", "artist": "Claude Monet",
        "width": 96, "height": 72,
    }  # fmt: skip
    assert rows["data/train-0/000002.jpg"]["genre"] == "landscape" and "artist" not in rows["data/train-0/000002.jpg"]
    encoded = io.BytesIO()
    draw_scene(3).save(encoded, "JPEG")
    assert (catalogue / "data/train-0/000003.jpg").read_bytes() == encoded.getvalue()
    assert [(name, what) for name, (what, _) in report_of(catalogue).items()] == [("data/train-1.parquet", "refused")]
    again = one_process(open_wikiart(tmp_path / "hub"), catalogue)
    assert (again.taken, again.new) == (10, 0)


def test_a_shape_that_is_not_there_is_said(archive: Path) -> None:
    for shape, words in (("parquet", "no .parquet"), ("lists", "none of ArtGAN's lists")):
        with pytest.raises(UsageError, match=words):
            open_wikiart(archive, shape=shape)


def test_the_largest_of_what_looks_the_same_is_kept(tmp_path: Path) -> None:
    source, catalogue = tmp_path / "source", tmp_path / "catalogue"
    save(draw_scene(1, 80, 60), source / "a-small.png")
    save(draw_scene(1, 400, 300), source / "b-large.jpg")
    save(draw_scene(1, 200, 150), source / "c-middle.jpg")
    save(draw_scene(2), source / "other.png")
    summary = import_folder(source, catalogue)
    assert list(rows_of(catalogue)) == ["b-large.jpg", "other.png"] and summary.duplicates == 2
    assert report_of(catalogue) == {
        "a-small.png": ("duplicate", "looks like b-large.jpg"),
        "c-middle.jpg": ("duplicate", "looks like b-large.jpg"),
    }


def test_of_the_same_size_the_better_known_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "source"
    save(draw_scene(1), source / "a.png")
    save(draw_scene(1), source / "b.png")
    rows = [{"file_name": "a.png"}, {"file_name": "b.png", "title": "Boats"}]
    (source / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    import_folder(source, tmp_path / "catalogue")
    assert list(rows_of(tmp_path / "catalogue")) == ["b.png"]


def test_a_second_source_is_added(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    save(draw_scene(1), tmp_path / "one" / "a.png")
    save(draw_scene(9), tmp_path / "one" / "bad.png").write_bytes(b"")
    save(draw_scene(1, 400, 300), tmp_path / "two" / "again.png")
    save(draw_scene(2), tmp_path / "two" / "a.png")
    import_folder(tmp_path / "one", catalogue)
    first = (catalogue / "metadata.jsonl").read_text("utf-8")
    one_process(FolderSource(tmp_path / "two", {"artist": "Vincent van Gogh", "style": "Realism"}), catalogue)
    rows = rows_of(catalogue)
    assert (catalogue / "metadata.jsonl").read_text("utf-8").startswith(first)
    assert list(rows) == ["a.png", "a-2.png"]
    assert (rows["a-2.png"]["artist"], rows["a-2.png"]["style"]) == ("Vincent van Gogh", "Realism")
    report = report_of(catalogue)
    assert report["bad.png"][0] == "refused" and report["again.png"] == ("duplicate", "looks like a.png")


def test_what_was_in_the_catalogue_before_counts(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    save(draw_scene(1), catalogue / "mine.png")
    save(draw_scene(5), catalogue / "not-named.png")
    (catalogue / "metadata.jsonl").write_text('{"file_name": "mine.png"}', "utf-8")
    save(draw_scene(1, 200, 150), tmp_path / "source" / "copy.png")
    save(draw_scene(2), tmp_path / "source" / "not-named.png")
    import_folder(tmp_path / "source", catalogue)
    assert list(rows_of(catalogue)) == ["mine.png", "not-named-2.png"]
    assert report_of(catalogue)["copy.png"] == ("duplicate", "looks like mine.png")
    assert Image.open(catalogue / "not-named.png").getpixel((5, 5)) == draw_scene(5).getpixel((5, 5))


def test_an_edited_picture_is_looked_at_again(tmp_path: Path) -> None:
    source, catalogue = tmp_path / "source", tmp_path / "catalogue"
    save(draw_scene(1), source / "a.png")
    broken = save(draw_scene(2), source / "b.png")
    whole = broken.read_bytes()
    broken.write_bytes(b"broken")
    assert import_folder(source, catalogue, how="copy").refused == 1
    broken.write_bytes(whole)
    assert import_folder(source, catalogue, how="copy").new == 1
    assert list(rows_of(catalogue)) == ["a.png", "b.png"] and report_of(catalogue) == {}


def test_links_or_copies(tmp_path: Path) -> None:
    file = save(draw_scene(1), tmp_path / "source" / "a.png")
    import_folder(tmp_path / "source", tmp_path / "linked", how="link")
    import_folder(tmp_path / "source", tmp_path / "copied", how="copy")
    assert (tmp_path / "linked" / "a.png").samefile(file) and not (tmp_path / "copied" / "a.png").samefile(file)
    assert (tmp_path / "copied" / "a.png").read_bytes() == file.read_bytes()


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    source, catalogue = tmp_path / "source", tmp_path / "catalogue"
    save(draw_scene(1, 400, 300), source / "a.jpg")
    save(draw_scene(2, 300, 400), source / "b.tif")
    save(draw_scene(3, 90, 60), source / "c.jpg")
    summary = import_folder(source, catalogue, max_side=100)
    rows = rows_of(catalogue)
    assert {name: (row["width"], row["height"]) for name, row in rows.items()} == {
        "a.jpg": (100, 75), "b.png": (75, 100), "c.jpg": (90, 60),
    }  # fmt: skip
    for name, row in rows.items():
        with Image.open(catalogue / name) as image:
            assert image.size == (row["width"], row["height"])
    assert summary.smaller == 2 and (catalogue / "c.jpg").samefile(source / "c.jpg")


def test_a_catalogue_within_the_source_is_not_imported(tmp_path: Path) -> None:
    save(draw_scene(1), tmp_path / "a.png")
    for _ in range(2):
        assert import_folder(tmp_path, tmp_path / "catalogue").taken == 1
    assert list(rows_of(tmp_path / "catalogue")) == ["a.png"]


def test_metadata_in_another_form_of_unicode(tmp_path: Path) -> None:
    save(draw_scene(1), tmp_path / "source" / "cafe\u0301.png")
    (tmp_path / "source" / "metadata.jsonl").write_text('{"file_name": "caf\u00e9.png", "title": "Café"}', "utf-8")
    import_folder(tmp_path / "source", tmp_path / "catalogue")
    assert rows_of(tmp_path / "catalogue")["caf\u00e9.png"]["title"] == "Café"

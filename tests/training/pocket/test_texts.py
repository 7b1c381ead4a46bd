import json
import random
from pathlib import Path

from PIL import Image

from impasto.data.annotations.log import content_of
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.training.pocket.texts import PictureWords, TextDrawer, words_of_catalogue


def entry(folder: Path, **known: object) -> CatalogueEntry:
    file = folder / "a.png"
    if not file.exists():
        Image.new("RGB", (8, 8)).save(file)
    fields = {"title": "Boats on the river", "artist": "Claude Monet", "year": 1872, "genre": "landscape"}
    return CatalogueEntry(file_name="a.png", file=file, **{**fields, **known})  # type: ignore[arg-type]


def test_what_is_seen_is_never_left_out_and_the_rest_sometimes_is(tmp_path: Path) -> None:
    words = PictureWords(entry(tmp_path), "two boats in a harbour", (("boat", 0.9), ("river", 0.8)))
    drawer = TextDrawer()
    texts = [drawer.draw(words, random.Random(n)) for n in range(200)]
    assert all("boat" in text.casefold() or "river" in text for text in texts)
    assert 0.6 < sum("by Claude Monet" in text for text in texts) / 200 < 0.8
    assert any(text.startswith("two boats in a harbour") for text in texts)
    assert any(text.startswith("boats on the river") for text in texts)
    assert len(set(texts)) > 20


def test_long_texts_say_all_that_is_known(tmp_path: Path) -> None:
    words = PictureWords(entry(tmp_path), "two boats in a harbour", (("boat", 0.9), ("sunset", 0.8)))
    texts = [TextDrawer().draw(words, random.Random(n), long=True) for n in range(20)]
    assert all("two boats in a harbour" in text and "boats on the river" in text for text in texts)


def test_a_picture_of_which_only_the_title_is_known_is_told_by_it(tmp_path: Path) -> None:
    words = PictureWords(entry(tmp_path, title="Arrangement in Grey", genre=""))
    assert {TextDrawer().draw(words, random.Random(n)).split(",")[0] for n in range(20)} == {"Arrangement in Grey"}


def test_a_picture_without_any_words_has_an_empty_text(tmp_path: Path) -> None:
    words = PictureWords(entry(tmp_path, title="", artist="", year=None, genre=""))
    assert TextDrawer().draw(words, random.Random(0)) == ""


def test_variants_are_the_same_in_every_run(tmp_path: Path) -> None:
    words = PictureWords(entry(tmp_path), "two boats", (("boat", 0.9),))
    assert TextDrawer().variants(words, 4) == TextDrawer().variants(words, 4)


def test_annotations_of_another_content_do_not_count(tmp_path: Path) -> None:
    known = entry(tmp_path)
    logs = tmp_path / "annotations"
    logs.mkdir()
    rows = {"tags": {"tags": [["boat", 0.9]]}, "captions": {"caption": "a boat"}}
    for kind, row in rows.items():
        row = {"file_name": "a.png", "content": content_of(known.file), **row}
        (logs / f"{kind}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    (words,) = words_of_catalogue(tmp_path, [known])
    assert (words.caption, words.tags) == ("a boat", (("boat", 0.9),))
    row["content"] = "0" * 64
    (logs / "captions.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    (words,) = words_of_catalogue(tmp_path, [known])
    assert (words.caption, words.tags) == ("", (("boat", 0.9),))

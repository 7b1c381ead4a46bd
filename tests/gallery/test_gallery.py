"""Pictures are found by text, name, date, star and words; pages neither shift nor repeat; the files are the truth."""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ImpastoError, UsageError
from impasto.gallery.index import STARS, Gallery, UnknownPicture
from impasto.gallery.records import Filter
from impasto.gallery.scanning import rebuild
from impasto.gallery.thumbnails import thumbnail
from impasto.gallery.words import WordSearch
from impasto.painting.provenance.record import Provenance, png_info
from impasto.workspace import Workspace

ARTISTS = ("Claude Monet", "Vincent van Gogh", "")
PROMPTS = ("boats at sunset", "wheat field", "a café by night")


def paint(folder: Path, number: int) -> Path:
    """Writes picture `number`: artist and prompt by turns, made at `number` seconds."""
    prompt, artist = PROMPTS[number % 3], ARTISTS[number // 3 % 3]
    record = Provenance(
        prompt=prompt, condition={"caption": prompt, "artist": artist, "style": "Impressionism"}, expansion=None,
        negative="blurred", seed=number, sampler="ddim", steps=5, guidance=2.0, eta=0.0, width=8, height=8,
        checkpoint="pocket" if number % 2 else "mine", checkpoint_hash="0" * 64, version="0.1.0", text=prompt,
    )  # fmt: skip
    path = folder / f"{prompt.replace(' ', '-')}-{number}.png"
    Image.new("RGB", (8, 8), (number, 0, 255 - number)).save(path, pnginfo=png_info(record))
    os.utime(path, (number, number))
    return path


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    opened = Gallery.open(Workspace.open(tmp_path / "workspace"))
    opened.add_files([paint(opened.workspace.pictures, number) for number in range(30)])
    return opened


def seeds(gallery: Gallery, **wanted: object) -> list[int | None]:
    return [one.seed for one in gallery.page(Filter(**wanted), most=1000).entries]  # pyright: ignore[reportArgumentType]


def test_pages_are_newest_first_and_do_not_shift(gallery: Gallery) -> None:
    first = gallery.page(most=12)
    assert first.total == 30 and [one.seed for one in first.entries] == list(range(29, 17, -1))
    gallery.add_files([paint(gallery.workspace.pictures, 99)])
    second = gallery.page(after=first.next, most=12)
    third = gallery.page(after=second.next, most=12)
    assert [one.seed for one in (*second.entries, *third.entries)] == list(range(17, -1, -1))
    assert third.next is None and second.total is None
    for wrong in ("x", "nan_1", "1_x", f"1_{2**70}"):
        with pytest.raises(UsageError, match="is no place in the gallery"):
            gallery.page(after=wrong)
    with pytest.raises(UsageError, match="use 1 to 1000"):
        gallery.page(most=0)


def test_pictures_are_found_by_what_their_records_say(gallery: Gallery) -> None:
    assert seeds(gallery, text="boats") == list(range(27, -1, -3))
    assert seeds(gallery, text="cafe nig") == seeds(gallery, text="CAFÉ night") == list(range(29, 0, -3))
    assert seeds(gallery, text="boats monet") == [27, 18, 9, 0]
    assert seeds(gallery, artist="Claude Monet", checkpoint="pocket") == [29, 27, 19, 11, 9, 1]
    assert seeds(gallery, since=10.0, until=13.0) == [12, 11, 10]
    assert seeds(gallery, seed=7) == [7] and seeds(gallery, seed=7, text="boats") == []
    assert seeds(gallery, text="impressionism blurred") == list(range(29, -1, -1))
    assert seeds(gallery, text='" OR * NEAR(') == [] and seeds(gallery, text="...") == []
    assert gallery.names("artist") == [("Claude Monet", 12), ("Vincent van Gogh", 9)]
    assert gallery.names("checkpoint") == [("mine", 15), ("pocket", 15)]


def test_stars_and_the_bin_can_be_undone(gallery: Gallery) -> None:
    one, two = gallery.page(most=2).entries
    assert gallery.star(one.id).starred and seeds(gallery, starred=True) == [29]
    assert not gallery.star(one.id, False).starred and seeds(gallery, starred=True) == []
    file = gallery.file(two.id)
    assert gallery.bin(two.id).binned and gallery.bin(two.id).binned and not file.exists()
    assert 28 not in seeds(gallery) and seeds(gallery, binned=True) == [28] and gallery.file(two.id).parent.name == "bin"
    assert not gallery.restore(two.id).binned and file.exists() and seeds(gallery)[:2] == [29, 28]
    gallery.bin(one.id)
    assert gallery.empty_bin(older_than=1000) == 0 and gallery.empty_bin() == 1
    for call in (gallery.entry, gallery.file, gallery.star, gallery.bin, gallery.restore):
        for digits in (one.id, "../../etc/passwd", "", "A" * 20, f"{two.id}\0"):
            with pytest.raises(UnknownPicture, match="there is no picture"):
                call(digits)


def test_the_index_is_rebuilt_from_the_files(gallery: Gallery, tmp_path: Path) -> None:
    starred, binned = gallery.page(most=2).entries
    gallery.star(starred.id)
    gallery.bin(binned.id)
    before = gallery.page(most=1000).entries
    gallery.close()
    for file in gallery.workspace.folder.glob("gallery.sqlite3*"):
        file.unlink()
    with (gallery.workspace.folder / STARS).open("a") as log:
        log.write('{"id": "of a power cut')
    again = Gallery.open(gallery.workspace)
    scan = rebuild(again)
    assert (scan.added, scan.missing, scan.skipped) == (30, 0, ())
    assert again.page(most=1000).entries == before and seeds(again, binned=True) == [28]
    assert rebuild(again).added == 0


def test_a_scan_adds_and_marks_and_never_deletes(gallery: Gallery, tmp_path: Path) -> None:
    pictures = gallery.workspace.pictures
    gone = gallery.page(most=1).entries[0]
    shutil.move(pictures / gone.name, tmp_path / gone.name)
    Image.new("RGB", (9, 7)).save(pictures / "by-hand.png")
    (pictures / "broken.png").write_bytes(b"no picture")
    (pictures / "link.png").symlink_to("/etc/passwd")
    scan = rebuild(gallery)
    assert (scan.added, scan.known, scan.missing, len(scan.skipped)) == (1, 29, 1, 1) and "broken.png" in scan.skipped[0]
    found = gallery.page(Filter(text="hand")).entries
    assert [(one.width, one.height, one.tool) for one in found] == [(9, 7, "")]
    with pytest.raises(UnknownPicture):
        gallery.entry(gone.id)
    shutil.move(tmp_path / gone.name, pictures / gone.name)
    assert rebuild(gallery).missing == 0 and gallery.entry(gone.id).seed == gone.seed


class Colours:
    """A scorer for the test: red and blue."""

    name, identity, width, threshold = "colours", "c" * 64, 2, 0.0
    looked = 0

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        rows = [np.array(image, np.float32)[0, 0, [0, 2]] for image in images]
        self.looked += len(rows)
        return np.array([row / np.linalg.norm(row) for row in rows], np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[text.count("red"), text.count("blue")] for text in texts], np.float32)


def test_pictures_are_found_by_what_they_show(gallery: Gallery) -> None:
    scorer = Colours()
    search = WordSearch(gallery, scorer)
    assert search.find("red") == [] and search.missing() == 30
    assert search.embed(10) == (10, []) and search.embed() == (20, []) and search.embed() == (0, [])
    assert [one.entry.seed for one in search.find("red", 3)] == [29, 28, 27]
    assert [one.entry.seed for one in search.find("blue", 3)] == [0, 1, 2]
    reddest = search.find("red", 1)[0].entry
    assert [one.entry.seed for one in search.like(reddest.id, 2)] == [28, 27]
    gallery.bin(reddest.id)
    gallery.add_files([paint(gallery.workspace.pictures, 99)])
    search.embed()
    assert [one.entry.seed for one in search.find("red", 2)] == [99, 28]
    again = WordSearch(gallery, scorer)
    assert again.missing() == 0 and [one.entry.seed for one in again.find("red", 2)] == [99, 28] and scorer.looked == 31
    for words, most in (("  ", 3), ("red", 0)):
        with pytest.raises(UsageError):
            search.find(words, most)


def test_thumbnails_are_small_and_made_once(gallery: Gallery, tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "large.png")
    made = thumbnail(tmp_path / "large.png", "f" * 20, 128, tmp_path / "thumbnails")
    with Image.open(made) as image:
        assert image.size == (128, 64) and image.format == "WEBP"
    time = made.stat().st_mtime_ns
    assert thumbnail(tmp_path / "large.png", "f" * 20, 128, tmp_path / "thumbnails").stat().st_mtime_ns == time
    with pytest.raises(UsageError, match="use 128, 256, 512"):
        thumbnail(tmp_path / "large.png", "f" * 20, 99, tmp_path / "thumbnails")
    with pytest.raises(ImpastoError):
        thumbnail(tmp_path / "nowhere.png", "e" * 20, 128, tmp_path / "thumbnails")

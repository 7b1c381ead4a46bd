"""What a cache holds is counted without the encoder that filled it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.data.caches.encoded_rows import note_encoder, pictures_to_encode, texts_to_encode
from impasto.data.caches.latents import TextStates, prepare_latents
from impasto.data.caches.pixels import prepare_pixels
from impasto.data.catalogue.entry import CatalogueEntry

KEYS = {"latents": "a" * 64, "texts": "b" * 64}
CONTENT = "c" * 64


@pytest.fixture
def entries(tmp_path: Path) -> list[CatalogueEntry]:
    found = []
    for number in range(5):
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (40, 40), (40 * number, 0, 0)).save(file)
        found.append(CatalogueEntry(file=file, file_name=file.name))
    return found


def fill(cache: Path, entries: list[CatalogueEntry], texts: list[str]) -> None:
    pixels, _ = prepare_pixels(entries, 32, cache)
    zeros = np.zeros((len(entries), 4, 4, 4), np.float32)
    prepare_latents(pixels, KEYS["latents"], lambda squares: (zeros[: len(squares)],) * 2, cache, channels=4)
    TextStates(texts, KEYS["texts"], lambda batch: np.zeros((len(batch), 7, 3)), cache, tokens=7, width=3)


def test_only_what_was_encoded_by_the_same_checkpoint_counts(tmp_path: Path, entries: list[CatalogueEntry]) -> None:
    cache = tmp_path / "cache"
    assert pictures_to_encode(cache, CONTENT, entries, 32) == 5 and texts_to_encode(cache, CONTENT, ["", "boats"]) == 2
    assert not cache.exists()
    fill(cache, entries[:3], ["", "boats"])
    assert pictures_to_encode(cache, CONTENT, entries, 32) == 5  # nobody has said whose they are
    note_encoder(cache, CONTENT, "latents", KEYS["latents"])
    note_encoder(cache, CONTENT, "texts", KEYS["texts"])
    assert pictures_to_encode(cache, CONTENT, entries, 32) == 2
    assert texts_to_encode(cache, CONTENT, ["", "boats", "a storm", "boats"]) == 1
    assert pictures_to_encode(cache, CONTENT, entries, 64) == 5
    assert pictures_to_encode(cache, "d" * 64, entries, 32) == 5


def test_a_picture_that_was_edited_is_encoded_again(tmp_path: Path, entries: list[CatalogueEntry]) -> None:
    cache = tmp_path / "cache"
    fill(cache, entries, [""])
    note_encoder(cache, CONTENT, "latents", KEYS["latents"])
    assert pictures_to_encode(cache, CONTENT, entries, 32) == 0
    Image.new("RGB", (40, 40), (0, 99, 0)).save(entries[0].file)
    entries[1].file.unlink()
    assert pictures_to_encode(cache, CONTENT, entries, 32) == 2


def test_a_note_that_is_damaged_is_written_anew(tmp_path: Path) -> None:
    note_encoder(tmp_path, CONTENT, "latents", KEYS["latents"])
    file = next((tmp_path / "encoders").iterdir())
    file.write_text("[")
    assert texts_to_encode(tmp_path, CONTENT, [""]) == 1
    note_encoder(tmp_path, CONTENT, "texts", KEYS["texts"])
    assert KEYS["texts"] in file.read_text()

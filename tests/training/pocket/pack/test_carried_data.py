"""Squares, words and the text encoder of a pack."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.drawn import draw_landscape

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import UsageError
from impasto.language.minilm import load_text_encoder
from impasto.training.pocket.pack.squares import ResidentSquares, all_as_webp, quality_for, read_squares
from impasto.training.pocket.pack.text_encoder import pack_text_encoder, unpack_text_encoder, vocabulary_of
from impasto.training.pocket.pack.words import words_from_bytes, words_to_bytes
from impasto.training.pocket.texts import PictureWords


def test_squares_take_the_best_quality_that_fits() -> None:
    squares = np.stack([np.asarray(draw_landscape(seed, 64, 64)) for seed in range(6)])
    squares = np.clip(squares + np.random.default_rng(0).normal(0, 12, squares.shape), 0, 255).astype(np.uint8)
    sizes = {q: len(b"".join(all_as_webp(6, squares.__getitem__, q))) for q in (85, 60, 40)}
    assert sizes[85] > sizes[60] > sizes[40]
    assert quality_for(6, squares.__getitem__, int(1.1 * sizes[85])) == 85
    assert quality_for(6, squares.__getitem__, int(1.05 * sizes[60])) in (60, 65)
    with pytest.raises(UsageError, match="pack fewer"):
        quality_for(6, squares.__getitem__, sizes[40] // 2)
    files = list(all_as_webp(6, squares.__getitem__, 85))
    found = read_squares(b"".join(files), np.cumsum([len(file) for file in files]).tolist())
    assert found.shape == squares.shape and np.abs(found.astype(int) - squares).mean() < 12
    resident = ResidentSquares(found, torch.device("cpu"))
    assert (resident.height, len(resident)) == (64, 6)
    assert torch.equal(resident.batch(np.array([4, 1])), torch.from_numpy(found[[4, 1]]))


def test_words_come_back() -> None:
    entry = CatalogueEntry(Path("a.jpg"), "a.jpg", artist="Édouard Manet", title="Olympia", year=1863, genre="nude")
    words = [PictureWords(entry, "a woman", (("cat", 0.251), ("bed", 0.5))), PictureWords(CatalogueEntry(Path("b"), "b"))]
    found = words_from_bytes(words_to_bytes(words))
    assert found == [PictureWords(entry, "a woman", (("cat", 0.25), ("bed", 0.5))), words[1]]


def test_the_packed_encoder_says_the_same_of_known_words(tmp_path: Path) -> None:
    texts = ["boats at sunset, by Claude Monet", "a wheat field", ""]
    pack_text_encoder(tmp_path / "minilm", texts)
    assert vocabulary_of(tmp_path / "minilm") < 30
    assert sum(file.stat().st_size for file in (tmp_path / "minilm").iterdir()) < 13e6
    packed, whole = unpack_text_encoder(tmp_path / "minilm", torch.device("cpu")), load_text_encoder()
    for ours, theirs, text in zip(packed.states(texts), whole.states(texts), texts, strict=True):
        likeness = torch.nn.functional.cosine_similarity(ours, theirs, dim=-1)
        assert likeness[:10].mean() > 0.999 and likeness.min() > 0.95, text
    other = packed.states(["zebra"]) - packed.states(["quokka"])
    assert other.abs().max() < 20  # unknown words are no error

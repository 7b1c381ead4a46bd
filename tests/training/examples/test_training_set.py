"""What a checkpoint is retrained on is encoded once: again only where a picture, a caption or the disk has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.components import Components
from impasto.settings import cache_folder
from impasto.training.examples.training_set import TrainingSet, encode_texts, encode_training_set, entries_of

Encode = Callable[[], tuple[TrainingSet, np.ndarray]]


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return write_catalogue(tmp_path / "catalogue", 12, sides=((64, 64), (160, 48)))


@pytest.fixture
def work(catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[str], Encode]:
    """How many pictures each call of the VAE got, which texts the text encoder got, and what encodes the catalogue."""
    components = make_components(tmp_path / "words")
    pictures: list[int] = []
    texts: list[str] = []
    vae: Any = components.vae
    encode, encode_text = vae.encode, components.encode_text

    def count(batch: Any) -> Any:
        pictures.append(len(batch))
        return encode(batch)

    def note(told: list[str]) -> Any:
        texts.extend(told)
        return encode_text(told)

    monkeypatch.setattr(vae, "encode", count)
    monkeypatch.setattr(components, "encode_text", note)
    return pictures, texts, lambda: run(catalogue, components)


def run(catalogue: Path, components: Components) -> tuple[TrainingSet, np.ndarray]:
    data = encode_training_set(entries_of(catalogue), components, 64, aspect_buckets=True)
    return data, encode_texts(data.all_texts, components).states(data.all_texts)


def test_an_edit_redoes_only_its_own_entry(catalogue: Path, work: tuple[list[int], list[str], Encode]) -> None:
    pictures, texts, encode = work
    data, _ = encode()
    assert sum(pictures) == len(data.entries) and sorted(texts) == sorted(data.all_texts)
    pictures.clear()
    texts.clear()
    encode()
    assert not pictures and not texts

    Image.new("RGB", (64, 64), "lime").save(data.entries[0].file)
    encode()
    assert pictures == [1] and not texts

    pictures.clear()
    rows = [json.loads(line) for line in (catalogue / "metadata.jsonl").read_text().splitlines()]
    titled = next(entry for entry, told in zip(data.entries, data.texts, strict=True) if entry.title in " ".join(told))
    edited = next(row for row in rows if row["file_name"] == titled.file_name)
    edited["title"] = "a storm"
    (catalogue / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    changed, _ = encode()
    assert not pictures and set(texts) == set(changed.all_texts) - set(data.all_texts)
    assert texts and all("storm" in text for text in texts)


@pytest.mark.parametrize("damage", ["a bit", "cut short"])
def test_what_the_disk_has_damaged_is_made_again(work: tuple[list[int], list[str], Encode], damage: str) -> None:
    pictures, texts, encode = work
    data, states = encode()
    means = list(data.mean)
    pictures.clear()
    texts.clear()
    for kind in ("pixels", "latents", "texts"):
        folder = min(cache_folder().glob(f"{kind}-*"), key=lambda path: len(path.name))  # of the squares
        rows = folder / "rows.bin"
        content = bytearray(rows.read_bytes())
        content[-1] ^= 1
        rows.write_bytes(content if damage == "a bit" else content[:-1])
    again, same = encode()
    assert pictures == [1] and len(texts) == 1
    for before, after in [*zip(means, again.mean, strict=True), (states, same)]:
        assert np.allclose(before, after, atol=2e-3)  # alone, not in a batch, and kept in fp16

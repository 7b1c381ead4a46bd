"""A LoRA merged into a GGUF model, read again by the package gguf; what cannot be merged."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.language import merged_gguf
from impasto.language.gguf_file import GgufFile
from impasto.language.merged_gguf import merged_model

gguf: Any = pytest.importorskip("gguf")
NAMES = ("token_embd.weight", "blk.0.attn_q.weight", "blk.0.norm.weight")
SHAPES = ((50, 64), (96, 64), (64,))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, without the merged models that tests share."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write_model(path: Path) -> dict[str, np.ndarray]:
    """Writes a model with words, numbers and lists in its description; returns the weights as they are stored."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_token_list(["a", "été", "画"])
    writer.add_token_scores([0.5, 1.5, 2.5])
    writer.add_add_bos_token(True)
    stored = {}
    for name, shape, kind in zip(NAMES, SHAPES, ("Q8_0", "Q4_1", "F32"), strict=True):
        type_ = gguf.GGMLQuantizationType[kind]
        data = gguf.quants.quantize(numbers(*shape), type_)
        stored[name] = gguf.quants.dequantize(data, type_)
        writer.add_tensor(name, data, raw_dtype=type_)
    finish(writer)
    return stored


def write_adapter(path: Path, name: str = NAMES[1], rows: int = 96, alpha: float = 8.0) -> np.ndarray:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_float32("adapter.lora.alpha", alpha)
    first, second = numbers(4, 64, seed=1).astype(np.float16), numbers(rows, 4, seed=2).astype(np.float16)
    writer.add_tensor(f"{name}.lora_a", first)
    writer.add_tensor(f"{name}.lora_b", second)
    finish(writer)
    return alpha / 4 * second.astype(np.float32) @ first.astype(np.float32)


def finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_merged_model_has_the_adapters_weights_and_the_rest_as_it_was(cache: Path, tmp_path: Path) -> None:
    stored, change = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    file = merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf")
    assert file is not None and file.is_relative_to(cache)
    read, before = gguf.GGUFReader(file), gguf.GGUFReader(tmp_path / "m.gguf")
    found = {one.name: gguf.quants.dequantize(one.data, one.tensor_type) for one in read.tensors}
    assert list(found) == list(NAMES)
    wanted = stored[NAMES[1]] + change
    assert np.abs(found[NAMES[1]] - wanted).max() <= np.abs(wanted).max() / 127 and np.abs(change).max() > 1
    for name in (NAMES[0], NAMES[2]):
        assert (found[name] == stored[name]).all()
    described = {key: field.contents() for key, field in before.fields.items()}
    assert {key: field.contents() for key, field in read.fields.items()} == described


def test_it_is_written_once_for_each_content(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "m.gguf")
    for alpha in (8.0, 16.0):
        write_adapter(tmp_path / "a.gguf", alpha=alpha)
        first = merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf")
        with monkeypatch.context() as patch:
            patch.setattr(merged_gguf, "_merge", pytest.fail)
            assert merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf") == first
    assert len(list((cache / "language").iterdir())) == 2


@pytest.mark.parametrize(
    ("adapter", "why"),
    [({"name": "blk.7.attn_q.weight"}, "it changes blk.7.attn_q.weight.lora_a"), ({"rows": 90}, "could not be broadcast")],
)
def test_an_adapter_of_another_model(cache: Path, tmp_path: Path, adapter: dict[str, Any], why: str) -> None:
    write_model(tmp_path / "m.gguf")
    write_adapter(tmp_path / "a.gguf", **adapter)
    with pytest.raises(ImpastoError, match=rf"a\.gguf is not a LoRA that fits .*m\.gguf: .*{why}"):
        merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf")
    assert not list((cache / "language").iterdir())


def test_damaged_files(cache: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "m.gguf")
    write_adapter(tmp_path / "a.gguf")
    whole = (tmp_path / "a.gguf").read_bytes()
    for data in (b"GGUF", b"GGUF\x02\0\0\0", whole[:60], whole[:150], b"nothing" * 9):
        (tmp_path / "a.gguf").write_bytes(data)
        with pytest.raises(ImpastoError, match=r"a\.gguf is not a LoRA"):
            merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf")


def test_a_full_disk_leaves_the_adapter_beside_the_model(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_model(tmp_path / "m.gguf")
    write_adapter(tmp_path / "a.gguf")

    def full(self: GgufFile, path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GgufFile, "write_like", full)
    assert merged_model(tmp_path / "m.gguf", tmp_path / "a.gguf") is None
    assert "No space left on device: the adapter is run beside the model" in caplog.text
    assert not list((cache / "language").iterdir())

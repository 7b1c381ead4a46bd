import json
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.checkpoints.memory import (
    CODES,
    WORKS,
    MemoryConfig,
    MemoryEncoder,
    PaintingMemory,
    Work,
    latent_moments,
    load_memory,
    nearest_codes,
    save_memory,
)
from impasto.errors import ImpastoError

CONFIG = MemoryConfig(components=6, latent_channels=2, hidden=16, width=8)


def small_memory(works: int = 20) -> PaintingMemory:
    torch.manual_seed(0)
    features = torch.randn(works, 12) * torch.linspace(3, 0.1, 12) + 4
    moments = latent_moments(torch.randn(works, 2, 4, 4))
    encoder = MemoryEncoder(CONFIG, 12)
    encoder.fit(features, moments)
    rows = [Work(f"{n}.webp", "Claude Monet" if n % 2 else "Éva", f"work {n}") for n in range(works)]
    return PaintingMemory(encoder.eval(), encoder.codes(features, moments), rows)


def test_codes_are_centred_partly_whitened_and_bounded() -> None:
    codes = small_memory(400).codes[:, :6]
    variances = codes.var(dim=0)
    assert codes.mean(dim=0).abs().max() < 0.05
    assert variances.mean() == pytest.approx(1, abs=0.15)
    assert bool((variances[:-1] > variances[1:]).all())  # the first components still count for more
    assert codes.abs().max() <= 4


def test_a_memory_is_read_as_it_was_written(tmp_path: Path) -> None:
    memory = small_memory()
    save_memory(memory, tmp_path)
    read = load_memory(tmp_path)
    assert read is not None
    assert read.works == memory.works and read.config == CONFIG
    assert (read.codes - memory.codes).abs().max() <= 2 / 127 + 1e-6
    assert torch.allclose(read.tokens([3, 5]), memory.tokens([3, 5]), atol=0.05)
    assert read.tokens([3, 5]).shape == (2, 8)


def test_features_come_back_from_codes_but_for_the_lesser_components() -> None:
    memory = small_memory(200)
    torch.manual_seed(0)
    features = torch.randn(200, 12) * torch.linspace(3, 0.1, 12) + 4
    lost = (memory.features() - features).square().mean() / features.var()
    assert lost < 0.15


def test_no_memory_is_none_and_a_broken_one_is_named(tmp_path: Path) -> None:
    assert load_memory(tmp_path) is None
    save_memory(small_memory(), tmp_path)
    whole = (tmp_path / WORKS).read_text("utf-8")
    (tmp_path / WORKS).write_text(whole + json.dumps({"name": "one too many"}), "utf-8")
    with pytest.raises(ImpastoError, match="21 works"):
        load_memory(tmp_path)
    (tmp_path / WORKS).write_text(whole, "utf-8")
    (tmp_path / CODES).write_bytes(b"no weights")
    with pytest.raises(ImpastoError):
        load_memory(tmp_path)


def test_nearest_codes_leave_each_itself_out() -> None:
    codes = torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    found = nearest_codes(codes, 2, block=3)
    assert found[:, 0].tolist() == [1, 0, 3, 2]
    assert all(n not in row for n, row in enumerate(found.tolist()))


def test_moments_are_mean_and_deviation_of_each_channel() -> None:
    latents = torch.randn(3, 2, 5, 5)
    moments = latent_moments(latents)
    assert np.allclose(moments[1, 0], latents[1, 0].mean())
    assert np.allclose(moments[1, 3], latents[1, 1].std())

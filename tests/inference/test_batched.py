"""A model that sees gives torch's rows by OpenVINO, and begins only where that saves time."""

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from impasto.inference import runtime, store
from impasto.inference.batched import BatchedModel
from impasto.inference.models import Weights

needs_openvino = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
CPU = torch.device("cpu")


class Seen(nn.Module):
    """Pictures uint8 [n, 6, 5, 3] -> rows [n, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, squares: torch.Tensor) -> torch.Tensor:
        return self.layer(squares.permute(0, 3, 1, 2).float()).relu().mean((2, 3))


def drawn(seed: int = 0) -> Seen:
    torch.manual_seed(seed)
    return Seen().eval()


def model(content: str = "a", device: torch.device = CPU, seed: int = 0) -> BatchedModel:
    return BatchedModel("tiny", partial(Weights, content, 1000), (6, 5, 3), partial(drawn, seed), device=device, version=1,
                        worth=10, dtype=torch.uint8)  # fmt: skip


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 6, 5, 3), np.uint8)


@needs_openvino
@pytest.mark.parametrize("count", [1, 4, 11])
@torch.inference_mode()
def test_the_rows_are_torchs(own_cache: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: True)
    ours, squares = model(), pictures(count)
    ours.expect(10)
    rows = ours.run(squares)
    assert rows is not None and rows.dtype == np.float32
    np.testing.assert_allclose(rows, drawn()(torch.from_numpy(squares)).numpy(), rtol=1e-5, atol=1e-4)
    alone = ours.run(squares[-1:])
    assert alone is not None and np.array_equal(alone[0], rows[-1])  # whatever comes with it
    (entry,) = store.list_models()
    assert (entry.name, entry.part, entry.precision) == ("tiny", "4 of 6x5x3", "fp32")


@needs_openvino
def test_it_begins_where_converting_pays_or_was_done(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: True)
    few = model()
    assert few.run(pictures(2)) is None  # nothing was announced
    few.expect(9)
    assert few.run(pictures(2)) is None and not store.list_models()
    many = model()
    many.expect(10)
    many.expect(1)
    rows = many.run(pictures(2))
    monkeypatch.setattr(runtime, "convert", lambda *_: pytest.fail("it was converted again"))
    few.expect(1)  # now that it is in the cache
    again = few.run(pictures(2))
    assert rows is not None and again is not None and np.array_equal(rows, again)
    assert many.run(pictures(2)[:, :5]) is None and many.run(pictures(0)) is None
    assert np.array_equal(pickle.loads(pickle.dumps(many)).run(pictures(2)), rows)
    other = model("b", seed=1)
    other.expect(9)
    assert other.run(pictures(2)) is None  # other weights are another model


@pytest.mark.parametrize("without", ["library", "AVX2", "CPU"])
def test_elsewhere_torch_sees_them(own_cache: Path, monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "" if without == "library" else "2026.4.1")
    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: without != "AVX2")
    ours = model(device=torch.device("meta" if without == "CPU" else "cpu"))
    ours.expect(10_000)
    assert ours.run(pictures(2)) is None


@needs_openvino
def test_what_cannot_be_converted_is_left_to_torch(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise runtime.CannotRun("it cannot")

    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: True)
    monkeypatch.setattr(runtime, "convert", refused)
    ours = model()
    ours.expect(10_000)
    assert ours.run(pictures(2)) is None

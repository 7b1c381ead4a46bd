"""Published upscalers load by what their weights say of themselves; anything else is refused in one line."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.upscaler.random_upscaler import random_upscaler, save_pth
from torch import nn
from torch.nn import functional as F

from impasto.checkpoints.upscaler.compact import CompactShape
from impasto.checkpoints.upscaler.load import SHIPPED, WEIGHTS, load_upscaler, save_upscaler
from impasto.errors import ImpastoError, MissingPart, UsageError


@pytest.mark.parametrize("key", ["params", "params_ema"])
@pytest.mark.parametrize("convolutions", [16, 32])
def test_the_published_sizes_are_told_from_the_weights(tmp_path: Path, key: str, convolutions: int) -> None:
    network = random_upscaler(64, convolutions, 4)
    loaded = load_upscaler(save_pth(tmp_path / "realesr.pth", network, key))
    assert loaded.name == "realesr" and len(loaded.content_hash) == 64
    assert loaded.network.shape == CompactShape(64, convolutions, 4)
    assert torch.equal(loaded.network.body[4].weight, network.body[4].weight)  # pyright: ignore[reportArgumentType]


def test_the_average_comes_first(tmp_path: Path) -> None:
    average, other = random_upscaler(), random_upscaler(features=4)
    torch.save({"params": other.state_dict(), "params_ema": average.state_dict()}, tmp_path / "both.pth")
    assert load_upscaler(tmp_path / "both.pth").network.shape.features == 8


def test_the_network_is_that_of_the_paper(tmp_path: Path) -> None:
    network, x = random_upscaler(), torch.rand(1, 3, 5, 7)
    layers = [nn.Conv2d(3, 8, 3, 1, 1), nn.PReLU(8), *[m for _ in range(2) for m in (nn.Conv2d(8, 8, 3, 1, 1), nn.PReLU(8))]]
    written_out = nn.Sequential(*layers, nn.Conv2d(8, 12, 3, 1, 1))
    weights = network.state_dict()
    written_out.load_state_dict({name.removeprefix("body."): value for name, value in weights.items()})
    made = F.pixel_shuffle(written_out(x), 2) + x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(network(x), made, atol=1e-6)


def test_safetensors_runs_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    weights = random_upscaler().state_dict()
    (tmp_path / "upscalers").mkdir()
    save_file(weights, tmp_path / "upscalers" / "mine.safetensors")
    save_upscaler(tmp_path / "run" / "upscaler", random_upscaler())
    by_name, by_run = load_upscaler("mine").network, load_upscaler(tmp_path / "run").network
    assert torch.allclose(by_name.body[0].weight, by_run.body[0].weight, atol=1e-3)  # pyright: ignore[reportArgumentType]
    assert by_run.body[0].weight.dtype == torch.float32


def test_ours_ships_and_is_small() -> None:
    assert load_upscaler().network.shape.scale == 2
    assert load_upscaler("pocket").name == "pocket-upscaler"
    assert (SHIPPED / WEIGHTS).stat().st_size < 1_300_000


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("evil",)


def test_no_code_runs_out_of_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": Evil()}, "evil.pth")
    with pytest.raises(ImpastoError, match="refused"):
        load_upscaler("evil.pth")
    assert not Path("evil").exists()


def without(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in weights.items() if key != name}


WHOLE = random_upscaler().state_dict()
WRONG = {
    "another layout": {"conv_first.weight": torch.zeros(64, 3, 3, 3), "conv_first.bias": torch.zeros(64)},
    "no first": without(WHOLE, "body.0.weight"),
    "no PReLU": without(WHOLE, "body.1.weight"),
    "no last bias": without(WHOLE, "body.6.bias"),
    "one more": WHOLE | {"head.weight": torch.zeros(1)},
    "a hole": {key: value for key, value in WHOLE.items() if not key.startswith("body.2.")},
    "another number of channels": WHOLE | {"body.2.weight": torch.zeros(8, 9, 3, 3)},
    "no such scale": WHOLE | {"body.6.weight": torch.zeros(3, 8, 3, 3), "body.6.bias": torch.zeros(3)},
    "a huge number": WHOLE | {"body.99998.weight": torch.zeros(12, 8, 3, 3)},
    "no number": WHOLE | {"body.x.weight": torch.zeros(1)},
    "a number": {"body.0.weight": torch.tensor(1.0)},
    "nothing": {},
}


@pytest.mark.parametrize("name", WRONG)
def test_another_layout_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    torch.save({"params": WRONG[name]}, tmp_path / "wrong.pth")
    with pytest.raises(ImpastoError, match=r"wrong\.pth: found .*expected the compact layout") as refused:
        load_upscaler(tmp_path / "wrong.pth")
    assert "\n" not in str(refused.value)


def test_what_is_not_there_or_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="no upscaler 'none'"):
        load_upscaler("none")
    with pytest.raises(MissingPart, match="holds no upscaler"):
        load_upscaler(tmp_path)
    (tmp_path / "weights.onnx").write_bytes(b"?")
    with pytest.raises(UsageError, match=r"\.pth"):
        load_upscaler(tmp_path / "weights.onnx")
    (tmp_path / "broken.pth").write_bytes(b"PK\3\4?")
    with pytest.raises(ImpastoError, match=r"broken\.pth"):
        load_upscaler(tmp_path / "broken.pth")

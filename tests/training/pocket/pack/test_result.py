from pathlib import Path

import pytest
import torch

from impasto.errors import ImpastoError
from impasto.training.pocket.pack import result


def some_states() -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, dict[str, torch.Tensor]]]:
    torch.manual_seed(0)
    averaged = {"unet": {"weight": torch.randn(300, 4, 3, 3), "bias": torch.randn(300), "one": torch.randn(())}}
    raw = {"unet": {name: value + 0.01 * torch.randn_like(value) for name, value in averaged["unet"].items()}}
    return averaged, raw


def test_both_weights_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "PART", 9000)
    averaged, raw = some_states()
    result.write_weights(tmp_path, result.states_to_tensors(averaged, raw), {"step": 7})
    assert len(list(tmp_path.iterdir())) > 2
    tensors, told = result.read_weights(tmp_path)
    found_averaged, found_raw = result.states_from_tensors(tensors)
    assert told == {"step": 7}
    for name, value in averaged["unet"].items():
        assert torch.equal(found_averaged["unet"][name], value.half().float())
        assert (found_raw["unet"][name] - raw["unet"][name]).abs().max() < 5e-4  # of differences up to 0.04


def test_what_is_too_much_goes_without_the_last_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "PART", 5000)
    result.write_weights(tmp_path, result.states_to_tensors(*some_states()), {})
    assert result.states_from_tensors(result.read_weights(tmp_path)[0])[1] == {}
    monkeypatch.setattr(result, "PART", 50)
    with pytest.raises(ImpastoError, match="do not fit"):
        result.write_weights(tmp_path, result.states_to_tensors(*some_states()), {})


def test_parts_of_another_minute_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImpastoError, match="holds no weights"):
        result.read_weights(tmp_path)
    monkeypatch.setattr(result, "PART", 9000)
    averaged, raw = some_states()
    result.write_weights(tmp_path, result.states_to_tensors(averaged, raw), {})
    first = (tmp_path / "weights-0.bin").read_bytes()
    result.write_weights(tmp_path, result.states_to_tensors(raw, averaged), {})
    (tmp_path / "weights-0.bin").write_bytes(first)
    with pytest.raises(ImpastoError, match="not whole"):
        result.read_weights(tmp_path)

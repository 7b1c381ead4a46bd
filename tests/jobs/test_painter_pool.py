"""Painters are kept between jobs: a checkpoint is loaded once, adapters are switched, memory is bounded."""

import json
from pathlib import Path

import pytest
import torch
from tests.adapters.drawn_lora import draw_layers, make_lora
from tests.checkpoints.tiny import make_tiny_pocket

from impasto.errors import ImpastoError
from impasto.jobs.painter_pool import PainterPool


@pytest.fixture(autouse=True)
def own_caches(offline: Path) -> Path:
    return offline


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that were read from the disk."""
    from impasto.checkpoints import load

    read: list[str] = []
    real = load.load_components
    monkeypatch.setattr(load, "load_components", lambda name, **how: (read.append(name), real(name, **how))[1])
    return read


def test_a_checkpoint_is_loaded_once(tiny_pocket: Path, loads: list[str]) -> None:
    pool = PainterPool()
    first = pool.painter(str(tiny_pocket))
    assert pool.painter(str(tiny_pocket)) is first
    assert loads == [str(tiny_pocket)]
    pool.clear()
    assert pool.bytes == 0 and pool.painter(str(tiny_pocket)) is not first


def test_adapters_are_switched_without_loading_it_again(tiny_pocket: Path, loads: list[str]) -> None:
    pool = PainterPool()
    plain = pool.painter(str(tiny_pocket))
    before = {name: weight.clone() for name, weight in plain.components.unet.state_dict().items()}
    lora = make_lora(draw_layers(plain.components.unet))
    with_lora = pool.painter(str(tiny_pocket), loras=[(lora, 0.8)])
    assert with_lora is not plain and with_lora.components.loras and loads == [str(tiny_pocket)]
    assert pool.painter(str(tiny_pocket), loras=[(lora, 0.8)]) is with_lora
    assert pool.painter(str(tiny_pocket), loras=[(lora, 0.5)]) is not with_lora
    after = pool.painter(str(tiny_pocket))
    assert after is plain and all(torch.equal(before[n], w) for n, w in after.components.unet.state_dict().items())


def test_a_checkpoint_that_has_changed_is_loaded_anew(tmp_path: Path, loads: list[str]) -> None:
    folder = make_tiny_pocket(tmp_path / "tiny", seed=1)
    pool = PainterPool()
    first = pool.painter(str(folder))
    schedule = folder / "scheduler" / "scheduler_config.json"
    schedule.write_text(json.dumps({**json.loads(schedule.read_text()), "beta_end": 0.02}))
    assert pool.painter(str(folder)) is not first and len(loads) == 2


def test_memory_is_bounded_and_what_was_used_longest_ago_goes(tmp_path: Path, loads: list[str]) -> None:
    one, two, three = (str(make_tiny_pocket(tmp_path / name, seed=n)) for n, name in enumerate(("one", "two", "three")))
    pool = PainterPool()
    pool.painter(one)
    size = pool.bytes
    pool = PainterPool(most_bytes=int(2.5 * size))
    del loads[:]
    for name in (one, two, one, three):  # `two` was used longest ago when `three` comes
        pool.painter(name)
    assert pool.bytes <= 2.5 * size
    pool.painter(one)
    assert loads == [one, two, three]
    pool.painter(two)
    assert loads == [one, two, three, two]
    small = PainterPool(most_bytes=1)
    assert small.painter(one).components.name and small.bytes == size  # the last one stays whatever it takes


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="nowhere"):
        PainterPool().painter(str(tmp_path / "nowhere"))

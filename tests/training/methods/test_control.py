"""Training a ControlNet for a tiny checkpoint: it starts as nothing, learns, resumes, and leaves the U-Net alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.control.nets import load_controlnet
from impasto.checkpoints.load import load_components
from impasto.errors import UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.control_maps import ControlMaps, as_hint
from impasto.training.examples.redrawn import redraw_some
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.loop.steps import seed_step
from impasto.training.methods.control import ControlTask, JoinedControl, is_light, join
from impasto.training.methods.control_choices import ControlChoices
from impasto.training.recipes.control import HAND_DRAWN, save_control, train_control
from impasto.vision.control_maps.makers import parse_maker

CHOICES = ControlChoices(batch=4, learning_rate=1e-2, warmup_steps=0, validation_pictures=1)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("control")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder / "cache"))
        yield write_catalogue(folder / "catalogue")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_pocket(tmp_path_factory.mktemp("base")))


def task_of(base: str, catalogue: Path, **changed: Any) -> tuple[ControlTask, Any]:
    choices = replace(CHOICES, **changed)
    components = load_components(base)
    data = encode_training_set(entries_of(catalogue), components, 64)
    maps = ControlMaps(data.entries, 64, parse_maker("tile:4"))
    joined = join(components, choices)
    states = encode_texts(data.all_texts, components)
    return ControlTask(joined, data, states, maps, choices, Processes(), seed=0), joined.unet


def test_maps_are_those_of_the_pictures_and_are_made_once(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, maker = entries_of(catalogue), parse_maker("tile:8")
    maps = ControlMaps(entries, 64, maker)
    number = len(entries) - 1
    square = maps.pixels.batch(np.array([number]))[0]
    wanted = np.asarray(maker(Image.fromarray(square)))
    monkeypatch.setattr(ControlMaps, "_make", lambda *_: pytest.fail("made again"))
    again = ControlMaps(entries, 64, maker)
    assert np.array_equal(again.batch(np.array([0, number]))[1], wanted)
    with pytest.raises(UsageError, match="name a maker"):
        ControlMaps(entries, 64, parse_maker("map"))


def test_the_first_prediction_is_the_unets_and_only_the_net_learns(base: str, catalogue: Path) -> None:
    task, joined = task_of(base, catalogue)
    noisy, states = torch.randn(2, 8, 8, 8), torch.randn(2, 5, 384)
    with torch.inference_mode():
        plain = joined.unet(noisy, 500, states).sample
        joined.shown = torch.rand(2, 3, 64, 64)
        assert torch.equal(joined(noisy, 500, states).sample, plain)
        joined.shown = None
    frozen = {name: value.clone() for name, value in joined.unet.state_dict().items()}
    for step in range(2):
        seed_step(0, step)
        task.step(step, 0.0)
    assert all(torch.equal(value, frozen[name]) for name, value in joined.unet.state_dict().items())
    assert joined.net.controlnet_mid_block.weight.abs().max() > 0
    assert joined.shown is None
    with torch.inference_mode():
        joined.shown = torch.rand(2, 3, 64, 64)
        assert not torch.equal(joined(noisy, 500, states).sample, plain)


def test_every_picture_is_shown_its_own_map(base: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, _ = task_of(base, catalogue, accumulation=2)
    seen: list[torch.Tensor] = []
    own = JoinedControl.forward

    def forward(self: JoinedControl, *args: Any, **named: Any) -> Any:
        assert self.shown is not None
        seen.append(self.shown)
        return own(self, *args, **named)

    monkeypatch.setattr(JoinedControl, "forward", forward)
    seed_step(0, 3)
    task.step(3, 0.0)
    numbers = task.order.at(3)
    assert [len(one) for one in seen] == [2, 2]
    assert torch.equal(torch.cat(seen), as_hint(task._maps.batch(numbers)))


def test_the_loss_falls_below_the_frozen_unets(base: str, catalogue: Path) -> None:
    task, _ = task_of(base, catalogue)

    def learn(step: int) -> float:
        seed_step(0, step)
        return task.step(step, 0.0)["loss"]

    before = learn(99)
    for step in range(30):
        learn(step)
    assert learn(99) < 0.9 * before


def test_light_trains_no_attention(base: str, catalogue: Path) -> None:
    _, joined = task_of(base, catalogue, layers="light")
    trained = {name for name, weight in joined.net.named_parameters() if weight.requires_grad}
    assert trained == {name for name, _ in joined.net.named_parameters() if is_light(name)}
    assert not any("attentions" in name for name in trained)
    assert any("controlnet_cond_embedding" in name for name in trained)


def test_convolutions_are_a_network_without_attention_that_loads(base: str, catalogue: Path, tmp_path: Path) -> None:
    task, joined = task_of(base, catalogue, layers="convolutions")
    assert not any("attentions" in name for name, _ in joined.net.named_parameters())
    own = joined.unet.state_dict()
    copied = [name for name in joined.net.state_dict() if "resnets" in name and name in own]
    assert copied and all(torch.equal(joined.net.state_dict()[name], own[name]) for name in copied)
    noisy, states = torch.randn(2, 8, 8, 8), torch.randn(2, 5, 384)
    with torch.inference_mode():
        joined.shown = torch.rand(2, 3, 64, 64)
        assert torch.equal(joined(noisy, 500, states).sample, joined.unet(noisy, 500, states).sample)
    for step in range(2):
        seed_step(0, step)
        task.step(step, 0.0)
    save_control(task.components, load_components(base), tmp_path / "control", "canny", HAND_DRAWN)
    net = load_controlnet(tmp_path, joined.unet)
    assert (net.condition, net.also) == ("canny", HAND_DRAWN)
    with torch.inference_mode():
        shown = torch.rand(2, 3, 64, 64)
        wanted, found = (one(noisy, 500, states, shown, return_dict=False)[0] for one in (joined.net.eval(), net.model))
    assert all(one.any() for one in wanted)
    for one, two in zip(wanted, found, strict=True):
        torch.testing.assert_close(one, two, atol=0.05 * float(one.abs().max()), rtol=0)  # int8


def test_redrawn_maps_are_shown_where_they_are_asked_for(
    base: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = task_of(base, catalogue, redrawn=1.0)
    seen: list[torch.Tensor] = []
    own = JoinedControl.forward

    def forward(self: JoinedControl, *args: Any, **named: Any) -> Any:
        seen.append(torch.as_tensor(self.shown))
        return own(self, *args, **named)

    monkeypatch.setattr(JoinedControl, "forward", forward)
    for _ in range(2):
        seed_step(0, 3)
        task.step(3, 0.0)
    numbers = task.order.at(3)
    wanted = redraw_some(task._maps.batch(numbers), 1.0, [(0, 3, int(number)) for number in numbers])
    assert torch.equal(seen[0], as_hint(wanted)) and torch.equal(seen[1], seen[0])


def test_consistency_makes_the_map_readable_from_the_prediction(
    base: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.training.losses.map_consistency._STEPS", 30)
    task, joined = task_of(base, catalogue, consistency=10.0, learning_rate=1e-3)
    reader = {name: value.clone() for name, value in task._reader.state_dict().items()}  # pyright: ignore
    seen = []
    for _ in range(20):
        seed_step(0, 5)
        seen.append(task.step(5, 0.0)["misread"])
    assert np.mean(seen[-3:]) < 0.97 * seen[0], seen
    assert all(torch.equal(value, reader[name]) for name, value in task._reader.state_dict().items())  # pyright: ignore
    assert joined.net.controlnet_mid_block.weight.abs().max() > 0


def test_a_run_writes_a_net_that_loads_and_says_what_it_is(base: str, catalogue: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    made = train_control(catalogue, run, parse_maker("canny"), CHOICES, checkpoint=base, steps=3)
    unet = load_components(base).unet
    net = load_controlnet(run, unet)
    assert (net.condition, made) == ("canny", run / "control")
    assert any(one.any() for one in net.model(torch.randn(1, 8, 8, 8), 500, torch.randn(1, 5, 384), torch.rand(1, 3, 64, 64),
                                              return_dict=False)[0])  # fmt: skip
    losses = [json.loads(line) for line in (run / "losses.jsonl").read_text().splitlines()]
    assert {"validation", "validation_without"} <= losses[-1].keys()
    sheet = Image.open(run / "validation" / "step-000000003.png")
    assert sheet.size == (4 * 64, 64)
    report = json.loads((run / "report.json").read_text())
    assert report["condition"] == "canny"


def test_a_stopped_run_goes_on_to_the_same_weights(base: str, catalogue: Path, tmp_path: Path) -> None:
    choices = replace(CHOICES, validation_pictures=0)
    maker = parse_maker("grey")
    whole = train_control(catalogue, tmp_path / "whole", maker, choices, checkpoint=base, steps=4)
    asked = iter([False, False, True])
    with pytest.raises(KeyboardInterrupt):
        train_control(catalogue, tmp_path / "stopped", maker, choices, checkpoint=base, steps=4, save_steps=1,
                      should_stop=lambda: next(asked))  # fmt: skip
    assert not (tmp_path / "stopped" / "control").exists()
    again = train_control(catalogue, tmp_path / "stopped", maker, choices, checkpoint=base, steps=4)
    unet = load_components(base).unet
    first, second = (load_controlnet(one, unet).model.state_dict() for one in (whole, again))
    assert all(torch.allclose(value, second[name], atol=1e-3) for name, value in first.items())


@pytest.mark.parametrize(
    ("changed", "match"),
    [({"layers": "some"}, "use all, light or convolutions"), ({"redrawn": 2.0}, "redrawn 2: use 0 to 1"),
     ({"consistency": -1.0}, "consistency -1: use 0 or more"),
     ({"lora_rank": 4}, "lora_rank has no meaning"), ({"batch": 0}, "1 or more")],
)
def test_impossible_choices(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        replace(CHOICES, **changed)

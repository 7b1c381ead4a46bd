from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.adapter import T2IAdapter
from tests.adapters.control.test_nets import spoken, trained

from impasto.adapters.control.nets import ControlNet
from impasto.painting.control.controlled import ActiveControl, ControlledUNet
from impasto.painting.engines.eager import PlainUNet

STEPS = torch.tensor([900, 700, 500, 300, 100])


@pytest.fixture(scope="module")
def net(tiny_parts: dict[str, Any]) -> ControlNet:
    return ControlNet("net", trained(tiny_parts["unet"]), "")


@pytest.fixture(scope="module")
def shown() -> torch.Tensor:
    return spoken()[2][:1]


def made(unet: Any, controls: list[ActiveControl], *, states: Any, guided: bool, step: int = 2) -> torch.Tensor:
    told = ControlledUNet(PlainUNet(unet), controls, STEPS)
    with torch.inference_mode():
        return told.tell(states, guided=guided)(spoken()[0], STEPS[step])


def plain(unet: Any, states: Any, guided: bool, step: int = 2) -> torch.Tensor:
    with torch.inference_mode():
        return PlainUNet(unet).tell(states, guided=guided)(spoken()[0], STEPS[step])


def test_weight_0_and_an_empty_window_are_none(tiny_parts: dict[str, Any], net: ControlNet, shown: torch.Tensor) -> None:
    unet, states = tiny_parts["unet"], spoken()[1]
    none = plain(unet, states, guided=False)
    for control in (ActiveControl(net, shown, 0.0), ActiveControl(net, shown, start=0.0, until=0.0)):
        assert torch.equal(made(unet, [control], states=states, guided=False), none)
    assert not torch.equal(made(unet, [ActiveControl(net, shown)], states=states, guided=False), none)


def test_a_window_names_its_steps(tiny_parts: dict[str, Any], net: ControlNet, shown: torch.Tensor) -> None:
    unet, states = tiny_parts["unet"], spoken()[1]
    control = ActiveControl(net, shown, start=0.2, until=0.6)
    acted = [not torch.equal(made(unet, [control], states=states, guided=False, step=n), plain(unet, states, False, n))
             for n in range(5)]  # fmt: skip
    assert acted == [False, True, True, False, False]


def test_two_nets_add_up(tiny_parts: dict[str, Any], net: ControlNet, shown: torch.Tensor) -> None:
    unet, states = tiny_parts["unet"], spoken()[1]
    two = made(unet, [ActiveControl(net, shown, 0.3), ActiveControl(net, shown, 0.5)], states=states, guided=False)
    one = made(unet, [ActiveControl(net, shown, 0.8)], states=states, guided=False)
    assert (two - one).abs().max() < 1e-5


def test_guided_halves_are_those_of_each_alone(tiny_parts: dict[str, Any], net: ControlNet, shown: torch.Tensor) -> None:
    unet, states = tiny_parts["unet"], spoken()[1]
    away = torch.randn_like(states)
    controls = [ActiveControl(net, shown)]
    both = made(unet, controls, states=torch.cat([away, states]), guided=True)
    for half, one in zip(both.chunk(2), (away, states), strict=True):
        assert (half - made(unet, controls, states=one, guided=False)).abs().max() < 1e-5
    short = made(unet, controls, states=[away[:, :3], states], guided=True)
    assert (short.chunk(2)[1] - both.chunk(2)[1]).abs().max() < 1e-5
    assert (short.chunk(2)[0] - made(unet, controls, states=away[:, :3], guided=False)).abs().max() < 1e-5


def test_guess_mode_leaves_the_negative_half_alone(tiny_parts: dict[str, Any], net: ControlNet, shown: torch.Tensor) -> None:
    unet, states = tiny_parts["unet"], spoken()[1]
    away = torch.randn_like(states)
    for told in (torch.cat([away, states]), [away[:, :3], states]):
        first, second = made(unet, [ActiveControl(net, shown, guess=True)], states=told, guided=True).chunk(2)
        alone = away if isinstance(told, torch.Tensor) else away[:, :3]
        assert (first - plain(unet, alone, False)).abs().max() < 1e-5
        assert (second - plain(unet, states, False)).abs().max() > 1e-3


def test_an_adapter_is_computed_once_and_as_diffusers_does(
    tiny_parts: dict[str, Any], shown: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet, states, latents = tiny_parts["unet"], spoken()[1], spoken()[0]
    torch.manual_seed(3)
    model = T2IAdapter(channels=[32, 64, 64], num_res_blocks=1, downscale_factor=8).eval()
    asked: list[int] = []
    monkeypatch.setattr(model, "forward", lambda x, own=model.forward: asked.append(1) or own(x))
    told = ControlledUNet(PlainUNet(unet), [ActiveControl(ControlNet("a", model, ""), shown, 0.7)], STEPS)
    predict = told.tell(states, guided=False)
    with torch.inference_mode():
        found = [predict(latents, step) for step in STEPS]
        maps = [0.7 * one.expand(2, -1, -1, -1) for one in model(shown)]
        wanted = unet(latents, STEPS[1], states, down_intrablock_additional_residuals=maps, return_dict=False)[0]
    assert len(asked) == 2  # one for the control, one here
    assert torch.equal(found[1], wanted)
    assert not torch.equal(found[1], plain(unet, states, False, 1))

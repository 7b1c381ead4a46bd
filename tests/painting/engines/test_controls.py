"""Engines add what control networks say to the maps of their own U-Nets, as diffusers does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.adapter import T2IAdapter
from tests.adapters.control.test_nets import spoken, trained, with_pooled_text

from impasto.adapters.control.nets import ControlNet
from impasto.inference import runtime, store
from impasto.inference.runtime import CannotRun
from impasto.painting.control.controlled import ActiveControl, ControlledUNet
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.engines.conditioned import ControllableUNet
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.engines.openvino import engine
from impasto.painting.engines.openvino.engine import CONTROLLED, OpenVinoEngine
from impasto.painting.engines.optimized import OptimizedEngine
from impasto.painting.optimized.unet import OptimizedUNet

STEPS = torch.tensor([900, 700, 500, 300, 100])
needs_openvino = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")


@pytest.fixture(scope="module", params=["attended", "pooled"])
def unet(request: pytest.FixtureRequest, tiny_parts: dict[str, Any]) -> Any:
    """A U-Net whose first blocks do not attend, or do; and whose text joins the time embedding, or does not."""
    return with_pooled_text() if request.param == "pooled" else tiny_parts["unet"]


@pytest.fixture(scope="module")
def controls(unet: Any) -> dict[str, list[ActiveControl]]:
    torch.manual_seed(3)
    shown, channels = spoken()[2][:1], list(unet.config.block_out_channels)
    net = ActiveControl(ControlNet("net", trained(unet), ""), shown, 0.8)
    nets = [net, replace(net, guess=True)]
    if len(channels) == 2:  # its first block does not attend, and takes no map of a T2I-Adapter's size
        return {"net": [net], "both": nets}
    adapter = T2IAdapter(channels=channels, num_res_blocks=1, downscale_factor=8).eval()
    within = ActiveControl(ControlNet("adapter", adapter, ""), shown, 0.7)
    return {"net": [net], "adapter": [within], "both": [*nets, within]}


@pytest.fixture(scope="module", params=["optimized", pytest.param("openvino", marks=needs_openvino)])
def ours(request: pytest.FixtureRequest, unet: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if request.param == "optimized":
        made = OptimizedEngine().unet(unet)
        assert isinstance(made, OptimizedUNet)
        yield made
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(engine, "LARGEST", 0)  # one model for all sizes
        yield OpenVinoEngine("tiny", say=pytest.fail).unet(unet)
        assert CONTROLLED in {entry.part for entry in store.list_models()}


def predicted(unet: ControllableUNet, controls: list[ActiveControl], states: Any, guided: bool, size: int) -> torch.Tensor:
    torch.manual_seed(5)
    latents = torch.randn(2, 4, size, size)
    grown = [replace(one, picture=one.picture.repeat(1, 1, size // 8, size // 8)) for one in controls]
    with torch.inference_mode():
        return ControlledUNet(unet, grown, STEPS).tell(states, guided=guided)(latents, STEPS[2])


@pytest.mark.parametrize("which", ["net", "adapter", "both"])
@pytest.mark.parametrize(("guided", "size"), [(False, 8), (True, 16)])
def test_maps_are_added_as_diffusers_does(
    unet: Any, controls: dict[str, list[ActiveControl]], ours: ControllableUNet, which: str, guided: bool, size: int
) -> None:
    if which not in controls:
        pytest.skip("T2I-Adapters are for U-Nets whose first block attends")
    states = torch.cat([spoken(seed)[1] for seed in range(1 + guided)])
    expected = predicted(PlainUNet(unet), controls[which], states, guided, size)
    torch.testing.assert_close(predicted(ours, controls[which], states, guided, size), expected, atol=1e-4, rtol=1e-4)
    without = predicted(PlainUNet(unet), [], states, guided, size)
    assert (expected - without).abs().max() > 1e-2  # what is added is seen


def test_texts_of_different_lengths(unet: Any, controls: dict[str, list[ActiveControl]], ours: ControllableUNet) -> None:
    sets = [spoken(1)[1][:, :3], spoken(2)[1]]
    expected = predicted(PlainUNet(unet), controls["both"], sets, True, 8)
    torch.testing.assert_close(predicted(ours, controls["both"], sets, True, 8), expected, atol=1e-4, rtol=1e-4)


@needs_openvino
def test_what_cannot_be_converted_is_run_by_eager_and_said(
    tiny_parts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet, notes = tiny_parts["unet"], []
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))

    def refused(*_: Any) -> None:
        raise CannotRun("OpenVINO needs 9.0 GB of memory for it and 1.0 are free")

    made = OpenVinoEngine("tiny", say=notes.append).unet(unet)
    monkeypatch.setattr(runtime, "convert", refused)
    active = [ActiveControl(ControlNet("net", trained(unet), ""), spoken()[2][:1])]
    told = spoken()[1]
    assert torch.equal(predicted(made, active, told, False, 8), predicted(PlainUNet(unet), active, told, False, 8))
    (note,) = notes
    assert note.startswith("eager runs the steps in which a control acts: OpenVINO needs") and "\n" not in note


def test_compiled_runs_controlled_steps_as_they_are(tiny_parts: dict[str, Any]) -> None:
    unet = tiny_parts["unet"]
    active = [ActiveControl(ControlNet("net", trained(unet), ""), spoken()[2][:1])]
    made = CompiledEngine(torch.device("cpu"), torch.float32, backend="eager").unet(unet)
    told = spoken()[1]
    assert torch.equal(predicted(made, active, told, False, 8), predicted(PlainUNet(unet), active, told, False, 8))

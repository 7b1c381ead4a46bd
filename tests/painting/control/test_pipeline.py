"""A painting along a map is that of diffusers' `StableDiffusionControlNetPipeline`, from the same noise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from tests.adapters.control.test_nets import trained
from tests.checkpoints.stable_diffusion import make_tiny_parts, write_diffusers_folder
from tests.painting.editing.pictures import difference

from impasto.checkpoints.load import load_components
from impasto.painting.control.control import Control
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.schedulers import make_scheduler
from impasto.prompts.condition import Condition
from impasto.vision.control_maps.makers import parse_maker


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return Painter(load_components(str(write_diffusers_folder(make_tiny_parts(), tmp_path_factory.mktemp("v1") / "tiny"))))


def lines() -> Image.Image:
    drawn = Image.new("RGB", (64, 64))
    ImageDraw.Draw(drawn).rectangle((10, 20, 50, 44), outline="white")
    return drawn


@pytest.mark.parametrize(("weight", "start", "until"), [(1.0, 0.0, 1.0), (0.7, 0.2, 0.6)])
@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_it_is_the_pipelines_picture(
    painter: Painter, tmp_path: Path, sampler: str, weight: float, start: float, until: float
) -> None:
    import diffusers

    parts = painter.components
    net = trained(parts.unet)
    net.save_pretrained(tmp_path / "net")
    pipeline: Any = diffusers.StableDiffusionControlNetPipeline(
        vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=parts.tokenizer, unet=parts.unet, controlnet=net,
        scheduler=make_scheduler(sampler, parts.scheduler_config), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "boats at sunset", negative_prompt="storm", image=lines(), num_inference_steps=5, guidance_scale=4.0,
        controlnet_conditioning_scale=weight, control_guidance_start=start, control_guidance_end=until,
        generator=[torch.Generator().manual_seed(3)],
    ).images[0]  # fmt: skip
    control = Control(parse_maker("map"), source_in_memory(lines()), str(tmp_path / "net"), weight, start, until)
    wanted = PaintRequest(Condition("boats at sunset"), seed=3, steps=5, guidance=4.0, negative="storm", sampler=sampler,
                          width=64, height=64)  # fmt: skip
    plain, ours = (next(painter.paint_many([one])).image for one in (wanted, replace(wanted, controls=(control,))))
    assert difference(ours, theirs) <= 1
    assert difference(ours, plain) > 8


@pytest.mark.parametrize("guess", [False, True])
def test_controls_act_on_both_sides_of_domain_guidance(painter: Painter, tmp_path: Path, guess: bool) -> None:
    """With an original that has not moved, it paints as cfg does: guess mode leaves the negative side alone."""
    parts = replace(painter.components)
    parts.__dict__["guide"] = parts.unet
    trained(parts.unet).save_pretrained(tmp_path / "net")
    control = Control(parse_maker("map"), source_in_memory(lines()), str(tmp_path / "net"), guess=guess)
    wanted = PaintRequest(Condition("boats at sunset"), seed=3, steps=3, guidance=4.0, width=64, height=64)
    own = Painter(parts)
    cfg, domain, bare = (
        next(own.paint_many([replace(wanted, **changed)])).image
        for changed in ({"controls": (control,)}, {"controls": (control,), "guider": "domain"}, {"guider": "domain"})
    )
    assert difference(cfg, domain) <= 1 and difference(bare, domain) > 8


"""Checkpoints that follow instructions: diffusers' own pipeline paints the same pictures, from the same noise."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.checkpoints.stable_diffusion import to_ldm, write_tokenizer
from tests.painting.editing.instructed import instruct_parts, write_instruct
from tests.painting.editing.pictures import box_mask, difference, drawn, pixels
from tests.painting.editing.test_inpainting import edit_of

from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.instructed_unet import InstructedUNet
from impasto.painting.editing.record import read_edit
from impasto.painting.editing.source import source_in_memory
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.painting.schedulers import make_scheduler
from impasto.prompts.condition import Condition

WINTER = "make it winter"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_instruct(tmp_path_factory.mktemp("instruct") / "tiny-instruct")


@pytest.fixture(scope="module")
def followed(checkpoint: Path) -> Painter:
    return Painter(load_components(str(checkpoint), editing=True))


def told(width: int = 64, height: int = 64, image_guidance: float = 1.5, strength: float = 1.0, seed: int = 0) -> Edit:
    return Edit(source_in_memory(drawn(width, height, seed)), strength, image_guidance=image_guidance)


@pytest.mark.parametrize(("sampler", "guidance", "image_guidance"), [("ddim", 7.5, 1.5), ("euler-a", 4.0, 1.0)])
def test_it_is_the_pipelines_picture(followed: Painter, sampler: str, guidance: float, image_guidance: float) -> None:
    import diffusers

    parts = followed.components
    pipeline = diffusers.StableDiffusionInstructPix2PixPipeline(
        vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=parts.tokenizer, unet=parts.unet,
        scheduler=make_scheduler(sampler, parts.scheduler_config), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        WINTER, image=drawn(64, 64), num_inference_steps=5, guidance_scale=guidance, image_guidance_scale=image_guidance,
        generator=[torch.Generator().manual_seed(3)],
    ).images[0]  # fmt: skip
    edit = told(image_guidance=image_guidance)
    ours = followed.paint(WINTER, init=edit, seed=3, steps=5, guidance=guidance, sampler=sampler).image
    assert difference(ours, theirs) <= 1
    assert difference(ours, followed.paint(WINTER, init=told(seed=5), seed=3, steps=5, sampler=sampler).image) > 8


def test_a_single_file_paints_what_the_folder_paints(followed: Painter, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    write_tokenizer(tmp_path / "tokenizer")
    save_file(to_ldm(instruct_parts()), tmp_path / "instruct.safetensors")
    painter = Painter(load_components(str(tmp_path / "instruct.safetensors"), editing=True))
    made = [one.paint(WINTER, init=told(), seed=1, steps=2, width=64, height=64).image for one in (painter, followed)]
    assert difference(*made) <= 1


def test_the_two_guidances_are_equation_3(followed: Painter) -> None:
    unet, generator = followed.components.unet, torch.Generator().manual_seed(0)
    latents, seen = torch.randn(2, 2, 4, 8, 8, generator=generator)
    states, time = torch.randn(2, 2, 5, 64, generator=generator), torch.tensor(500)
    plain = PlainUNet(unet)
    weights = torch.tensor([1.5, 0.3])
    guided = InstructedUNet(plain, seen, weights).tell(torch.cat([states[0], states[1]]), guided=True)

    def one(picture: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return plain.tell(text, guided=False)(torch.cat([latents, picture], dim=1), time)

    with torch.inference_mode():
        neither, picture, both = one(seen * 0, states[0]), one(seen, states[0]), one(seen, states[1])
        away, towards = guided(latents, time).chunk(2)
        expected = neither + weights.view(2, 1, 1, 1) * (picture - neither) + 7.5 * (both - picture)
        assert torch.allclose(away + 7.5 * (towards - away), expected, atol=1e-4)
        alone = InstructedUNet(plain, seen, weights).tell(states[1], guided=False)
        assert torch.allclose(alone(latents, time), both, atol=1e-5)
        # With both guidances 1, it is the prediction for picture and instruction alone.
        unguided = InstructedUNet(plain, seen, weights * 0 + 1).tell(states.flatten(0, 1), guided=True)
        away, towards = unguided(latents, time).chunk(2)
        assert torch.allclose(away + 1 * (towards - away), both, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_keeps_the_size(followed: Painter, sampler: str) -> None:
    made = followed.paint(WINTER, init=told(67, 90), seed=1, steps=3, sampler=sampler, guidance=2.0)
    assert made.image.size == (67, 90)
    assert pixels(made.image).std() > 1


def test_a_picture_of_a_batch_is_the_picture_alone(followed: Painter) -> None:
    requests = [
        PaintRequest(Condition(WINTER), seed=n, steps=3, width=64, height=64, edit=told(image_guidance=1 + n, seed=n))
        for n in range(3)
    ]
    together = list(followed.paint_many(requests, batch_size=3))
    for request, made in zip(requests, together, strict=True):
        assert difference(made.image, next(followed.paint_many([request])).image) <= 1


def test_guiders_and_strength(followed: Painter) -> None:
    shared = {"seed": 2, "steps": 4, "sampler": "ddim"}
    plain = followed.paint(WINTER, init=told(), **shared).image
    for guider in ("interval", "apg"):
        assert difference(followed.paint(WINTER, init=told(), guider=guider, **shared).image, plain) > 0
    for guider in ("pag", "auto", "cfg++"):
        with pytest.raises(UsageError, match="followed with the guiders cfg, interval, apg"):
            followed.paint(WINTER, init=told(), guider=guider, **shared)
    assert difference(followed.paint(WINTER, init=told(strength=0.5), **shared).image, plain) > 0


def test_it_follows_instructions_and_does_nothing_else(followed: Painter, painter: Painter) -> None:
    image, mask = drawn(64, 64), box_mask((64, 64), (16, 16, 40, 40))
    for init in (None, image, edit_of(image, mask), edit_of(image, mask, 1.0, method="model")):
        with pytest.raises(UsageError, match=r"only follows instructions: use impasto instruct PICTURE"):
            followed.paint("boats", init=init, steps=2)
    with pytest.raises(UsageError, match=r"trained for instructions, and tiny was not: name one with --checkpoint"):
        painter.paint("boats", init=told(), steps=2)
    with pytest.raises(UsageError, match="an instruction is for the whole picture"):
        masked = edit_of(image, mask)
        Edit(masked.source, 1.0, mask=masked.mask, masked=masked.masked, image_guidance=1.5)
    with pytest.raises(UsageError, match="--image-guidance 51: use 0 to 50"):
        told(image_guidance=51)


def test_other_verbs_refuse_it(checkpoint: Path) -> None:
    with pytest.raises(ImpastoError, match="only follows instructions"):
        load_components(str(checkpoint))


def test_the_record_is_read_back_and_checked() -> None:
    from dataclasses import asdict

    note = told(image_guidance=1.2).note
    assert read_edit(asdict(note)) == note
    assert str(note).endswith("image guidance 1.2, fit crop")
    for wrong in ({"image_guidance": 99}, {"image_guidance": "1"}, {"image_guidance": None}, {"kind": "from"}):
        with pytest.raises(Exception, match="no valid 'edit'"):
            read_edit({**asdict(note), **wrong})


def test_image_guidance_0_ignores_the_picture(followed: Painter) -> None:
    """At 0 and text guidance 0 neither acts: the picture is that of the U-Net without both."""
    edits = [told(image_guidance=0.0, seed=n) for n in (0, 1)]
    made = [followed.paint(WINTER, init=edit, seed=1, steps=3, guidance=0.0).image for edit in edits]
    assert np.array_equal(pixels(made[0]), pixels(made[1]))


def test_its_export_is_diffusers_pipeline_for_instructions(checkpoint: Path, tmp_path: Path) -> None:
    import diffusers

    from impasto.checkpoints.export.diffusers import export_checkpoint

    folder = export_checkpoint(str(checkpoint), tmp_path / "exported")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    assert type(pipeline).__name__ == "StableDiffusionInstructPix2PixPipeline"

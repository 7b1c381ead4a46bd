"""Checkpoints with 9 input channels: diffusers' own pipeline paints the same pictures."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tests.checkpoints.stable_diffusion import make_tiny_parts, to_ldm, write_diffusers_folder, write_tokenizer
from tests.painting.editing.pictures import box_mask, difference, drawn
from tests.painting.editing.test_inpainting import check_outside, edit_of

from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError
from impasto.painting.painter import Painter
from impasto.painting.schedulers import make_scheduler

BOX = (16, 24, 48, 56)  # whole patches of the latents: the pipeline resizes its mask


@pytest.fixture(scope="module")
def inpainting_parts() -> dict[str, Any]:
    """Stable Diffusion's parts with a U-Net whose first convolution takes 9 channels."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    parts = make_tiny_parts()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        config = {**parts["unet"].config, "in_channels": 9, "sample_size": 8, "_use_default_values": []}
        parts["unet"] = UNet2DConditionModel.from_config(config).eval()
    return parts


@pytest.fixture(scope="module")
def checkpoint(inpainting_parts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diffusers_folder(inpainting_parts, tmp_path_factory.mktemp("inpainting") / "tiny-inpainting")


def test_it_is_the_pipelines_picture(checkpoint: Path) -> None:
    import diffusers

    components = load_components(str(checkpoint), editing=True)
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        vae=components.vae, text_encoder=components.text_encoder, tokenizer=components.tokenizer, unet=components.unet,
        scheduler=make_scheduler("ddim", components.scheduler_config), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    image, mask = drawn(64, 64), box_mask((64, 64), BOX)
    # We take the mean of the encoder's posterior, and draw nothing for it.
    encode = components.vae.encode

    class Mean:
        def __init__(self, pixels: torch.Tensor) -> None:
            self.latent_dist = self
            self._mean = encode(pixels).latent_dist.mode()

        def sample(self, generator: object = None) -> torch.Tensor:
            return self._mean

        mode = sample

    components.vae.encode = Mean  # pyright: ignore[reportAttributeAccessIssue]
    theirs = pipeline(
        "boats", image=image, mask_image=mask, strength=1.0, num_inference_steps=5, guidance_scale=3.0, height=64, width=64,
        generator=[torch.Generator().manual_seed(3)],
    ).images[0]  # fmt: skip
    edit = edit_of(image, mask, 1.0, method="model", outside="model")
    ours = Painter(components).paint("boats", init=edit, seed=3, steps=5, guidance=3.0, sampler="ddim").image
    assert difference(ours, theirs) <= 1


def test_it_inpaints_and_does_nothing_else(checkpoint: Path) -> None:
    painter = Painter(load_components(str(checkpoint), editing=True))
    image, mask = drawn(67, 90), box_mask((67, 90), BOX)
    check_outside(painter.paint("boats", init=edit_of(image, mask, 1.0, method="model"), steps=2).image, image, mask)
    for init in (None, image, edit_of(image, mask)):
        with pytest.raises(UsageError, match="only inpaints: use impasto inpaint --method model"):
            painter.paint("boats", init=init, steps=2)


def test_other_verbs_refuse_it(checkpoint: Path) -> None:
    """Training, exporting and the like know nothing of masks."""
    with pytest.raises(ImpastoError, match="only inpaints"):
        load_components(str(checkpoint))


def test_a_single_file_too(inpainting_parts: dict[str, Any], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    write_tokenizer(tmp_path / "tokenizer")
    save_file(to_ldm(inpainting_parts), tmp_path / "inpainting.safetensors")
    components = load_components(str(tmp_path / "inpainting.safetensors"), editing=True)
    assert components.unet.config["in_channels"] == 9
    image, mask = drawn(64, 64), box_mask((64, 64), BOX)
    made = Painter(components).paint("boats", init=edit_of(image, mask, 1.0, method="model"), steps=2, width=64, height=64)
    assert isinstance(made.image, Image.Image)
    check_outside(made.image, image, mask)

"""Painting over a whole picture: any size, every sampler, and the same picture as diffusers' pipeline."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.editing.pictures import difference, drawn, pixels
from tests.painting.tiny_components import make_components

from impasto.errors import UsageError
from impasto.painting.editing.edit import Edit, start_from
from impasto.painting.editing.latents import encoded, to_pixels
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.prompts.condition import Condition


def paint(painter: Painter, **options: object) -> Image.Image:
    return painter.paint("boats at sunset", **{"seed": 3, "steps": 4, **options}).image  # pyright: ignore[reportArgumentType]


def request(edit: Edit, seed: int, **values: object) -> PaintRequest:
    size = {"width": edit.source.size[0], "height": edit.source.size[1]}
    return PaintRequest(Condition(caption="boats"), **{"seed": seed, "steps": 4, **size, **values}, edit=edit)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_starts_from_a_picture(painter: Painter, sampler: str) -> None:
    picture = drawn(64, 64)
    at = [paint(painter, init=picture, strength=strength, sampler=sampler) for strength in (0, 0.25, 0.75, 1)]
    reconstruction = painter._pixels(encoded(painter.components.vae, to_pixels(picture)))
    expected = (reconstruction / 2 + 0.5).clamp(0, 1).mul(255).round().permute(1, 2, 0).detach().numpy()
    assert np.abs(pixels(at[0]) - expected).max() <= 1  # strength 0: the autoencoder alone
    assert len({image.tobytes() for image in at}) == 4
    alone = paint(painter, sampler=sampler, width=64, height=64)
    assert difference(at[3], alone) == 0  # strength 1: the painting of that seed


@pytest.mark.parametrize("size", [(64, 64), (131, 97), (72, 104), (40, 90), (9, 30)])
def test_any_size_comes_back(painter: Painter, size: tuple[int, int]) -> None:
    assert paint(painter, init=drawn(*size), strength=0.5, width=size[0], height=size[1]).size == size


def test_without_a_size_its_own_or_its_proportions_count(painter: Painter) -> None:
    assert paint(painter, init=drawn(96, 80), strength=0).size == (96, 80)
    assert paint(painter, init=drawn(640, 320), strength=0).size == (88, 48)  # about 64 x 64 px in area
    assert paint(painter, init=drawn(20, 10), strength=0).size == (88, 48)
    assert paint(painter, init=drawn(640, 320), strength=0, width=100).size == (100, 50)


def test_strength_leads_away_step_by_step(painter: Painter) -> None:
    picture = drawn(64, 64)
    base = pixels(paint(painter, init=picture, strength=0))
    away = [np.abs(pixels(paint(painter, init=picture, strength=s, sampler="ddim", steps=10)) - base).mean()
            for s in (0.1, 0.4, 0.9)]  # fmt: skip
    assert away == sorted(away)


@pytest.mark.parametrize("sampler", ["dpm++", "ddim", "euler-a", "heun", "plms", "lcm"])
def test_a_picture_does_not_know_its_batch(painter: Painter, sampler: str) -> None:
    edits = [start_from(drawn(64, 64, seed), 0.6) for seed in (0, 1, 0)]
    requests = [request(edit, seed, sampler=sampler) for edit, seed in zip(edits, (4, 5, 6), strict=True)]
    together = [one.image for one in painter.paint_many(requests, batch_size=3)]
    alone = [one.image for one in painter.paint_many(requests, batch_size=1)]
    assert all(difference(a, b) <= 1 for a, b in zip(together, alone, strict=True))
    assert difference(together[0], together[2]) > 0


def test_requests_of_other_strengths_do_not_share_a_batch(painter: Painter) -> None:
    edits = [start_from(drawn(64, 64), strength) for strength in (0.0, 0.5, 1.0)]
    seen: list[tuple[int, int]] = []
    requests = [*(request(edit, 4) for edit in edits), PaintRequest(Condition(caption="boats"), seed=4, steps=4,
                                                                    width=64, height=64)]  # fmt: skip
    painted = [one.image for one in painter.paint_many(requests, on_step=lambda done, of: seen.append((done, of)))]
    assert seen == [(done, 10) for done in range(1, 11)]  # 0 + 2 + 4 + 4 evaluations
    assert difference(painted[2], painted[3]) == 0


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(("sampler", "strength"), [("dpm++", 0.6), ("ddim", 0.45), ("euler", 0.8), ("heun", 0.5)])
def test_it_is_the_pipelines_picture(tmp_path: Path, prediction_type: str, sampler: str, strength: float) -> None:
    import diffusers

    from impasto.painting.schedulers import make_scheduler

    components = make_components(tmp_path, prediction_type)
    pipeline = diffusers.StableDiffusionImg2ImgPipeline(
        vae=components.vae, text_encoder=components.text_encoder, tokenizer=components.tokenizer, unet=components.unet,
        scheduler=make_scheduler(sampler, components.scheduler_config), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    picture = drawn(64, 72)
    with torch.no_grad():
        mean = components.vae.encode(to_pixels(picture)).latent_dist.mode()

    class Posterior:
        def sample(self, generator: object = None) -> torch.Tensor:
            return mean

    class Encoded:
        latent_dist = Posterior()

    # The pipeline draws from the encoder's posterior, and we take its mean. With it, no noise is drawn for that.
    components.vae.encode = lambda pixels: Encoded()
    theirs = pipeline(
        "boats at sunset", negative_prompt="storm", image=picture, strength=strength, num_inference_steps=10,
        guidance_scale=4.0, generator=[torch.Generator().manual_seed(3)],
    ).images[0]  # fmt: skip
    del components.vae.encode
    ours = paint(
        Painter(components), init=picture, strength=strength, sampler=sampler, steps=10, guidance=4.0, negative="storm"
    )  # fmt: skip
    assert difference(ours, theirs) <= 1


def test_what_a_picture_to_start_from_may_not_be(painter: Painter) -> None:
    for options, word in (
        ({"strength": 1.5}, "strength 1.5"),
        ({"strength": -0.1}, "strength -0.1"),
        ({"strength": float("nan")}, "strength nan"),
        ({"fit": "squeeze"}, "squeeze"),
        ({"init": Image.new("RGB", (1, 1))}, "1x1"),
        ({"init": Image.new("RGBA", (64, 64), (9, 9, 9, 0))}, "wholly transparent"),
        ({"width": 5}, "width 5"),
        ({"width": 2056, "height": 64}, "2056"),
    ):
        with pytest.raises(UsageError, match=word):
            paint(painter, **{"init": drawn(64, 64), **options})
    with pytest.raises(UsageError, match="give init"):
        paint(painter, strength=0.5)
    with pytest.raises(UsageError, match="its own strength"):
        paint(painter, init=start_from(drawn(64, 64)), strength=0.5)

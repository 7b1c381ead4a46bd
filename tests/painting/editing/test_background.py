"""The background's reconstruction: its loss is the survey's equation, and it brings the background nearer."""

import math

import numpy as np
import torch
from tests.painting.editing.pictures import box_mask, drawn
from tests.painting.editing.test_inpainting import BOX, asked, edit_of

from impasto.painting.editing.background import masked_loss, psnr, reconstruct
from impasto.painting.editing.latents import encoded, to_pixels
from impasto.painting.editing.record import BackgroundNote
from impasto.painting.painter import Painter


def test_the_loss_is_the_equation() -> None:
    decoded, edited, picture = torch.rand(3, 1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 4, 5)
    mask[..., :2] = 1
    inside = ((decoded - edited)[..., :2] ** 2).sum() / 60
    outside = ((decoded - picture)[..., 2:] ** 2).sum() / 60
    assert torch.allclose(masked_loss(decoded, edited, picture, mask, 100.0), inside + 100 * outside)
    assert torch.allclose(masked_loss(decoded, edited, picture, mask, 0.0), inside)


def test_psnr() -> None:
    a, where = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    assert psnr(a, a, where) == math.inf
    assert abs(psnr(a, a + 0.2, where) - 20) < 1e-4  # a tenth of the range
    assert psnr(a, a + 0.2, 1 - where) == math.inf  # nothing to compare
    where[..., :2] = 0
    b = a.clone()
    b[..., :2] = 1
    assert psnr(a, b, where) == math.inf


def setting(painter: Painter) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    vae = painter.components.vae
    with torch.no_grad():
        picture, other = to_pixels(drawn(64, 64)), to_pixels(drawn(64, 64, 5))
        latents = encoded(vae, other) / vae.config["scaling_factor"]
        edited = vae.decode(latents, return_dict=False)[0]
    mask = torch.from_numpy(np.asarray(box_mask((64, 64), BOX), np.float32) / 255)[None, None]
    return latents, edited, picture, mask


def test_both_methods_bring_the_background_nearer_and_leave_the_checkpoint_alone(painter: Painter) -> None:
    vae = painter.components.vae
    weights = {name: value.clone() for name, value in vae.state_dict().items()}
    for method, rate in (("latents", 0.1), ("decoder", 3e-3)):
        made = reconstruct(vae, *setting(painter), BackgroundNote(method, 20, 100.0, rate))  # pyright: ignore[reportArgumentType]
        assert made.outside > made.before + 0.3, method
        assert made.seconds > 0
        line = made.tell(method, 20)
        assert f"background by {method}, 20 steps in " in line and "dB outside the mask" in line
    assert all(torch.equal(value, weights[name]) for name, value in vae.state_dict().items())
    assert all(parameter.requires_grad for parameter in vae.parameters())


def test_lambda_weighs_the_background_against_the_edit(painter: Painter) -> None:
    values = setting(painter)
    heavy, light = (reconstruct(painter.components.vae, *values, BackgroundNote("decoder", 20, weight, 3e-3))
                    for weight in (100.0, 0.01))  # fmt: skip
    assert heavy.outside > light.outside
    assert light.inside > heavy.inside


def test_the_painter_tells_the_time_and_the_figures(painter: Painter) -> None:
    image, mask, how = drawn(64, 64), box_mask((64, 64), BOX), BackgroundNote("decoder", 5, 100.0, 1e-3)
    edit = edit_of(image, mask, outside="model", background=how)
    plain = edit_of(image, mask, outside="model")
    told: list[str] = []
    made = next(painter.paint_many([asked(edit)], on_note=told.append)).image
    assert len(told) == 1 and told[0].startswith("background by decoder, 5 steps in ")
    assert made.tobytes() != next(painter.paint_many([asked(plain)])).image.tobytes()
    again = next(painter.paint_many([asked(edit)], on_note=told.append)).image
    assert made.tobytes() == again.tobytes()

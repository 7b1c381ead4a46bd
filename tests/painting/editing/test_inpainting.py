"""Painting within a mask: outside, every byte stays; inside, the model paints by any method, sampler and size."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.painting.editing.pictures import box_mask, difference, drawn, pixels

from impasto.errors import UsageError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.masks import Mask
from impasto.painting.editing.record import BackgroundNote, MaskedNote, MaskNote
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.prompts.condition import Condition

BOX = (20, 24, 50, 44)


def edit_of(image: Image.Image, mask: Image.Image, strength: float = 0.8, **how: Any) -> Edit:
    note = MaskNote("box", None, (0, 0, 1, 1))
    return Edit(source_in_memory(image), strength, mask=Mask(mask, note), masked=MaskedNote(None, **how))


def asked(edit: Edit, seed: int = 5, **values: Any) -> PaintRequest:
    width, height = edit.full_size
    return PaintRequest(Condition(caption="boats"), seed=seed, width=width, height=height, edit=edit,
                        **{"steps": 4, **values})  # fmt: skip


def paint(painter: Painter, edit: Edit, **values: Any) -> Image.Image:
    return next(painter.paint_many([asked(edit, **values)])).image


def check_outside(made: Image.Image, image: Image.Image, mask: Image.Image) -> None:
    outside = np.asarray(mask) == 0
    assert made.size == image.size
    assert np.array_equal(pixels(made)[outside], pixels(image)[outside])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("method", ["blend", "soft"])
def test_every_sampler_leaves_the_outside_and_paints_the_inside(painter: Painter, sampler: str, method: str) -> None:
    image = drawn(64, 64)
    mask = box_mask(image.size, BOX)
    made = paint(painter, edit_of(image, mask, method=method), sampler=sampler)
    check_outside(made, image, mask)
    assert np.abs(pixels(made) - pixels(image))[30:40, 26:44].mean() > 3


@pytest.mark.parametrize("size", [(131, 97), (64, 200), (30, 50)])
@pytest.mark.parametrize(
    "how",
    [{}, {"padding": 8}, {"blur": 0}, {"fill": "blur"}, {"fill": "noise"}, {"fill": "latent-noise"}, {"thin": 2},
     {"method": "soft"}],
    ids=str,
)  # fmt: skip
def test_outside_every_byte_stays(painter: Painter, size: tuple[int, int], how: dict[str, Any]) -> None:
    image = drawn(*size)
    mask = box_mask(size, (5, 7, 22, 23))
    mask.putpixel((size[0] - 1, size[1] - 1), 255)  # a second part: one pixel in the corner
    made = paint(painter, edit_of(image, mask, **how))
    check_outside(made, image, mask)
    assert difference(made, image) > 3


@pytest.mark.parametrize("method", ["paste", "latents", "decoder"])
def test_outside_every_byte_stays_with_every_background(painter: Painter, method: Any) -> None:
    image, mask = drawn(64, 64), box_mask((64, 64), BOX)
    check_outside(paint(painter, edit_of(image, mask, background=BackgroundNote(method, 3))), image, mask)


@pytest.mark.parametrize("sampler", ["dpm++", "ddim", "euler-a", "heun", "plms", "unipc", "lcm"])
@pytest.mark.parametrize("method", ["blend", "soft"])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_mask_of_everything_is_painting_over(painter: Painter, sampler: str, method: str, strength: float) -> None:
    image = drawn(72, 64)
    white = edit_of(image, Image.new("L", image.size, 255), strength, method=method)
    over = Edit(source_in_memory(image), strength)
    assert difference(paint(painter, white, sampler=sampler), paint(painter, over, sampler=sampler)) == 0


def test_an_empty_mask_gives_the_picture_without_the_model(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    image = drawn(131, 97)
    monkeypatch.setattr(painter, "_latents", None)  # it would be called
    for grey in (0, 100):  # blend's masks are black and white: below 128 is black
        made = paint(painter, edit_of(image, Image.new("L", image.size, grey)))
        assert difference(made, image) == 0


def test_ten_edits_in_a_row_do_not_drift(painter: Painter) -> None:
    """diffusers, ComfyUI, SD.Next and InvokeAI have open reports of colours that change outside the mask."""
    first = image = drawn(64, 64)
    touched = np.zeros((64, 64), bool)
    for number in range(10):
        mask = box_mask(image.size, (8 + number, 10, 30 + number, 30))
        touched |= np.asarray(mask) > 0
        image = paint(painter, edit_of(image, mask, method=["blend", "soft"][number % 2]), seed=number)
    assert np.array_equal(pixels(image)[~touched], pixels(first)[~touched])


@pytest.mark.parametrize("method", ["blend", "soft"])
def test_a_line_of_one_pixel_is_painted(painter: Painter, method: str) -> None:
    image = drawn(64, 64)
    mask = box_mask(image.size, (33, 0, 34, 64))
    made = paint(painter, edit_of(image, mask, 1.0, method=method))
    check_outside(made, image, mask)
    assert (np.abs(pixels(made) - pixels(image))[:, 33].max(axis=-1) > 0).mean() > 0.8


@pytest.mark.parametrize("sampler", ["ddim", "euler", "dpm++", "heun", "unipc", "plms"])
@pytest.mark.parametrize("grey", [64, 128, 200])
def test_a_grey_of_everything_is_that_strength(painter: Painter, sampler: str, grey: int) -> None:
    """Differential Diffusion with a constant map is image-to-image."""
    image = drawn(64, 64)
    soft = edit_of(image, Image.new("L", image.size, grey), 1.0, method="soft")
    over = Edit(source_in_memory(image), grey / 255)
    options = {"sampler": sampler, "steps": 10}
    assert difference(paint(painter, soft, **options), paint(painter, over, **options)) <= 1


def test_a_greys_part_changes_less_than_a_white_one(painter: Painter) -> None:
    image = drawn(128, 64)
    mask = box_mask(image.size, (0, 0, 64, 64), 60)
    mask.paste(255, (64, 0, 128, 64))
    made = paint(painter, edit_of(image, mask, 1.0, method="soft"), sampler="ddim", steps=10)
    base = paint(painter, Edit(source_in_memory(image), 0.0))
    change = np.abs(pixels(made) - pixels(base)).mean(axis=(0, 2))
    assert change[8:56].mean() < change[72:120].mean()


@pytest.mark.parametrize("how", [{}, {"method": "soft"}, {"thin": 1}, {"padding": 4}, {"fill": "noise"}], ids=str)
def test_a_picture_does_not_know_its_batch(painter: Painter, how: dict[str, Any]) -> None:
    boxes = [(20, 24, 50, 44), (4, 4, 34, 24), (20, 24, 50, 44)]
    edits = [edit_of(drawn(64, 64, k), box_mask((64, 64), box), **how) for k, box in zip((0, 1, 0), boxes, strict=True)]
    requests = [asked(edit, seed) for edit, seed in zip(edits, (4, 5, 6), strict=True)]
    together = [one.image for one in painter.paint_many(requests, batch_size=3)]
    alone = [one.image for one in painter.paint_many(requests, batch_size=1)]
    assert all(difference(a, b) <= 1 for a, b in zip(together, alone, strict=True))


def test_outside_model_is_what_the_decoder_gives(painter: Painter) -> None:
    image, mask = drawn(64, 64), box_mask((64, 64), BOX)
    made = paint(painter, edit_of(image, mask, outside="model"))
    outside = np.asarray(mask) == 0
    assert np.abs(pixels(made) - pixels(image))[outside].max() > 3


def test_the_latents_outside_are_the_pictures_after_the_last_step(painter: Painter) -> None:
    """The authors' program leaves the noise of the last step there."""
    image, mask = drawn(64, 64), box_mask((64, 64), (0, 0, 32, 64))
    edit = edit_of(image, mask, outside="model")
    kept = painter._latents([asked(edit)], lambda *_: None)
    clean = painter._latents([asked(Edit(source_in_memory(image), 0.0))], lambda *_: None)
    assert bool((kept[..., 4:] == clean[..., 4:]).all())
    assert not bool((kept[..., :4] == clean[..., :4]).all())


def test_only_masked_paints_a_small_part_large(painter: Painter) -> None:
    """A1111: with 'only masked', the rectangle around the mask must not change either."""
    image = drawn(300, 240)
    mask = box_mask(image.size, (140, 100, 160, 116))
    edit = edit_of(image, mask, padding=6)
    canvas = edit.canvas(300, 240, 64, 8)
    assert canvas.region == (118, 76, 182, 140)  # 64 px at least
    wider = edit_of(image, mask, padding=32).canvas(300, 240, 64, 8)
    assert wider.region == (108, 68, 192, 148)  # the padding does something (A1111 issue 3374)
    made = paint(painter, edit)
    check_outside(made, image, mask)
    assert difference(made, image) > 3
    assert edit_of(image, mask, padding=8).canvas(300, 240, 512, 8).scaled[0] >= 512  # as large as the checkpoint's


def test_model_and_other_checkpoints_do_not_mix(painter: Painter) -> None:
    edit = edit_of(drawn(64, 64), box_mask((64, 64), BOX), method="model")
    with pytest.raises(UsageError, match=r"needs a checkpoint trained for inpainting, and \w+ was not: leave --method"):
        paint(painter, edit)


def test_what_does_not_fit_together(painter: Painter) -> None:
    image, mask = drawn(64, 64), box_mask((64, 64), BOX)
    for how, word in (
        ({"blur": -1}, "--mask-blur -1"), ({"blur": 65}, "--mask-blur 65"), ({"thin": 51}, "--thin 51"),
        ({"thin": 1, "method": "soft"}, "is for --method blend"), ({"padding": -1}, "--padding -1"),
        ({"method": "erase"}, "--method 'erase'"), ({"fill": "red"}, "--fill 'red'"),
        ({"outside": "white"}, "--keep-outside 'white'"),
        ({"background": BackgroundNote("decoder", 0)}, "--background-steps 0"),
        ({"background": BackgroundNote("decoder", 5, -1.0)}, "--background-weight -1"),
        ({"background": BackgroundNote("decoder", 5, 1.0, 0.0)}, "--background-rate 0"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=word):
            edit_of(image, mask, **how)
    with pytest.raises(UsageError, match="has 64x64"):
        asked(edit_of(image, mask), seed=1).__class__(Condition(caption="a"), width=72, height=64, edit=edit_of(image, mask))

"""Masks: where they come from, their polarity, the latents' grid, the seam."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.editing.pictures import box_mask, drawn, write

from impasto.errors import UsageError
from impasto.painting.editing.masks import (
    Mask,
    mask_of_alpha,
    mask_of_box,
    mask_of_file,
    max_reduced,
    parse_box,
    say_mask,
    seam,
    shrinking_masks,
)
from impasto.painting.editing.record import MaskNote
from impasto.painting.editing.source import SourcePicture, open_source, source_in_memory


def picture(width: int = 40, height: int = 24) -> SourcePicture:
    return source_in_memory(drawn(width, height), "painting")


def mask_in(path: Path, image: Image.Image, of: SourcePicture, **choices: bool) -> np.ndarray:
    source = open_source(write(image, path))
    given = {"alpha": False, "inverted": False, "resize": False, **choices}
    return np.asarray(mask_of_file(source, of, **given).image)


@pytest.mark.parametrize("place", [(x, y) for x in (0, 3, 7, 8, 39) for y in (0, 11, 23)])
def test_a_pixel_never_vanishes_on_the_grid(place: tuple[int, int]) -> None:
    levels = np.zeros((24, 40), np.float32)
    levels[place[1], place[0]] = 1
    for grid in ((5, 3), (4, 2), (3, 7), (1, 1)):
        assert max_reduced(levels, *grid).sum() >= 1
    assert max_reduced(levels, 5, 3)[place[1] // 8, place[0] // 8] == 1


def test_the_grid_takes_the_largest_of_each_patch() -> None:
    levels = np.random.default_rng(0).random((16, 24)).astype(np.float32)
    expected = levels.reshape(2, 8, 3, 8).max(axis=(1, 3))
    assert np.array_equal(max_reduced(levels, 3, 2), expected)


def test_white_is_painted_anew_and_inverting_turns_it_round(tmp_path: Path) -> None:
    of, box = picture(), (8, 4, 20, 16)
    plain = mask_in(tmp_path / "a.png", box_mask(of.size, box), of)
    assert plain[5, 9] == 255 and plain[0, 0] == 0
    assert np.array_equal(mask_in(tmp_path / "b.png", box_mask(of.size, box), of, inverted=True), 255 - plain)


def test_what_is_transparent_in_a_mask_is_kept(tmp_path: Path) -> None:
    """White strokes on a transparent layer, as drawing programs save them."""
    of = picture()
    layer = Image.new("RGBA", of.size, (255, 255, 255, 0))
    layer.paste((255, 255, 255, 255), (8, 4, 20, 16))
    mask = mask_in(tmp_path / "layer.png", layer, of)
    assert mask[5, 9] == 255 and mask[0, 0] == 0


def test_an_alpha_channel_is_a_mask_whose_transparent_part_is_painted(tmp_path: Path) -> None:
    layered = drawn(40, 24).convert("RGBA")
    layered.putalpha(Image.eval(box_mask((40, 24), (8, 4, 20, 16)), lambda level: 255 - level))
    own = open_source(write(layered, tmp_path / "hole.png"))
    mask = np.asarray(mask_of_alpha(own, inverted=False).image)
    assert mask[5, 9] == 255 and mask[0, 0] == 0
    assert np.array_equal(mask_in(tmp_path / "other.png", layered, picture(), alpha=True), mask)
    assert np.array_equal(np.asarray(mask_of_alpha(own, inverted=True).image), 255 - mask)
    for broken in (lambda: mask_of_alpha(picture(), inverted=False),
                   lambda: mask_in(tmp_path / "none.png", drawn(40, 24), picture(), alpha=True)):  # fmt: skip
        with pytest.raises(UsageError, match="no alpha channel"):
            broken()


def test_a_palettes_transparency_is_an_alpha_channel(tmp_path: Path) -> None:
    image = Image.new("P", (40, 24), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.paste(0, (8, 4, 20, 16))
    image.save(tmp_path / "p.png", transparency=0)
    mask = np.asarray(mask_of_alpha(open_source(tmp_path / "p.png"), inverted=False).image)
    assert mask[5, 9] == 255 and mask[0, 0] == 0


def test_another_size_is_refused_or_stretched_as_told(tmp_path: Path) -> None:
    of = picture(40, 24)
    with pytest.raises(UsageError, match=r"20x12 px, and painting.png 40x24.*--resize-mask"):
        mask_in(tmp_path / "half.png", box_mask((20, 12), (4, 2, 10, 8)), of)
    half = mask_in(tmp_path / "half.png", box_mask((20, 12), (4, 2, 10, 8)), of, resize=True)
    assert np.array_equal(half, np.asarray(box_mask((40, 24), (8, 4, 20, 16))))
    line = Image.new("L", (400, 240), 0)
    line.paste(255, (203, 0, 204, 240))
    assert (mask_in(tmp_path / "line.png", line, of, resize=True).max(axis=1) == 255).all()  # no line is lost


def test_a_photographs_orientation_turns_its_mask_too(tmp_path: Path) -> None:
    """A1111's masks of photographs from telephones lay on their side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright, turned = drawn(24, 40), drawn(24, 40).transpose(Image.Transpose.ROTATE_90)
    source = open_source(write(turned, tmp_path / "photo.png", exif=exif))
    assert source.size == (24, 40)
    assert np.array_equal(np.asarray(source.image), np.asarray(upright))
    mask = box_mask((24, 40), (0, 0, 24, 6)).transpose(Image.Transpose.ROTATE_90)
    found = mask_of_file(open_source(write(mask, tmp_path / "mask.png", exif=exif)), source,
                         alpha=False, inverted=False, resize=False)  # fmt: skip
    assert np.asarray(found.image)[:6].min() == 255


def test_boxes() -> None:
    of = picture()
    assert parse_box(" 8, 4,12,12") == (8, 4, 12, 12)
    assert np.array_equal(np.asarray(mask_of_box((8, 4, 12, 12), of, inverted=False).image),
                          np.asarray(box_mask(of.size, (8, 4, 20, 16))))  # fmt: skip
    assert np.asarray(mask_of_box((36, 20, 99, 99), of, inverted=False).image).sum() == 255 * 16  # cut at the edge
    for text in ("", "1,2,3", "1,2,3,x", "-1,0,4,4", "1,2,3,4,5", "1.5,2,3,4"):
        with pytest.raises(UsageError, match="LEFT,TOP,WIDTH,HEIGHT"):
            parse_box(text)
    for box in ((40, 0, 4, 4), (0, 24, 4, 4), (0, 0, 0, 4)):
        with pytest.raises(UsageError, match="holds nothing"):
            mask_of_box(box, of, inverted=False)


def test_the_polarity_is_said() -> None:
    def said(image: Image.Image, soft: bool = False, inverted: bool = False) -> str:
        return "; ".join(say_mask(Mask(image, MaskNote("file", None, None, inverted)), soft=soft))

    assert said(box_mask((40, 40), (0, 0, 20, 10))) == "white is painted anew: 12.5 % of the picture"
    assert said(box_mask((40, 40), (0, 0, 20, 10)), inverted=True).startswith("black is painted anew")
    around = Image.eval(box_mask((40, 40), (10, 10, 20, 20)), lambda level: 255 - level)
    assert "with --invert-mask" in said(around)
    assert "--invert-mask" not in said(Image.new("L", (40, 40), 255))  # everything may be meant
    assert said(Image.new("L", (40, 40), 0)) == "the mask is empty: nothing is painted"
    assert "--method soft" in said(Image.new("L", (40, 40), 100))
    assert "100 %" in said(Image.new("L", (40, 40), 100), soft=True)


def test_thin_masks_shrink_to_themselves() -> None:
    mask = torch.zeros(1, 1, 15, 15)
    mask[..., 7] = 1
    masks = shrinking_masks(mask, 3)
    assert [int(one[0, 0, 0].sum()) for one in masks] == [7, 5, 3, 1]  # kernels 7, 5 and 3, as in the authors' program
    assert torch.equal(masks[-1], mask)
    assert all(bool((wide >= narrow).all()) for wide, narrow in pairwise(masks))
    assert shrinking_masks(mask, 0) == [mask]


@pytest.mark.parametrize("width", [0, 1, 4, 16])
def test_the_seam_lies_inside_the_mask(width: int) -> None:
    levels = np.asarray(box_mask((64, 48), (10, 8, 50, 40)), np.float32) / 255
    share = seam(levels, width)
    assert (share[levels == 0] == 0).all() and (share[levels > 0] > 0).all()
    assert share[24, 30] == 1 or width > 15
    assert share.max() == 1
    across = share[24, 10:30]
    assert (np.diff(across) >= 0).all()  # rises from the edge
    assert int((across < 1).sum()) == max(0, width - 1)


def test_a_thin_mask_has_a_seam_that_still_paints_it() -> None:
    levels = np.zeros((32, 32), np.float32)
    levels[:, 9] = 1  # 1 px
    levels[:, 20:24] = 1  # 4 px
    share = seam(levels, 8)
    assert (share[:, 9] == 1).all()
    assert share[:, 20:24].max(axis=1).min() == 1
    assert (share[levels == 0] == 0).all()


def test_the_pictures_edge_is_no_edge_of_the_mask() -> None:
    assert (seam(np.ones((20, 20), np.float32), 6) == 1).all()
    half = np.zeros((20, 40), np.float32)
    half[:, :20] = 1
    share = seam(half, 6)
    assert (share[:, :14] == 1).all() and (share[:, 20:] == 0).all()

"""Outpainting: cut off again, the result is the picture, byte for byte."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.painting.editing.pictures import difference, drawn, pixels

from impasto.errors import UsageError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.outpainting import check_sides, plan_strips
from impasto.painting.editing.record import Box, MaskedNote
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter


def grown(painter: Painter, image: Image.Image, sides: Box, **how: Any) -> Image.Image:
    edit = Edit(source_in_memory(image), 0.9, masked=MaskedNote(None, **{"fill": "blur", **how}), sides=sides)
    return painter.paint("more sky", init=edit, seed=4, steps=3).image


@pytest.mark.parametrize("sides", [(24, 0, 0, 0), (0, 16, 0, 0), (0, 0, 40, 0), (0, 0, 0, 9), (13, 8, 16, 5)])
@pytest.mark.parametrize("fill", ["blur", "original", "noise", "latent-noise"])
def test_cut_off_again_it_is_the_picture(painter: Painter, sides: Box, fill: str) -> None:
    image = drawn(67, 50)
    made = grown(painter, image, sides, fill=fill)
    left, top, right, bottom = sides
    assert made.size == (67 + left + right, 50 + top + bottom)
    assert difference(made.crop((left, top, left + 67, top + 50)), image) == 0
    new = np.ones((made.height, made.width), bool)
    new[top : top + 50, left : left + 67] = False
    assert pixels(made)[new].std() > 3


def test_again_and_again_does_not_darken(painter: Painter) -> None:
    """glid-3-xl-stable: each outpainting sent the whole picture through the autoencoder once more."""
    first = image = drawn(64, 64)
    for number in range(4):
        image = grown(painter, image, (8, 0, 0, 8) if number % 2 else (0, 8, 8, 0))
    assert difference(image.crop((16, 16, 80, 80)), first) == 0


def test_large_ones_grow_by_strips(painter: Painter) -> None:
    assert difference(grown(painter, drawn(64, 64), (0, 0, 100, 0)).crop((0, 0, 64, 64)), drawn(64, 64)) == 0
    strips = plan_strips((64, 64), (0, 0, 100, 0), 64)
    assert [strip.grown for strip in strips] == [(0, 0, 25, 0)] * 4
    assert [strip.size for strip in strips] == [(89, 64), (114, 64), (139, 64), (164, 64)]
    assert strips[0].region == (0, 0, 89, 64)  # a small picture is seen as a whole
    assert strips[-1].region == (100, 0, 164, 64)  # of a large one, as much as the checkpoint's pictures
    wide = plan_strips((600, 400), (0, 50, 0, 0), 128)
    assert [strip.region for strip in wide] == [(0, 0, 600, 128)]


def test_all_sides_together() -> None:
    strips = plan_strips((100, 80), (30, 20, 10, 5), 128)
    assert [strip.grown for strip in strips] == [(30, 0, 0, 0), (0, 0, 10, 0), (0, 20, 0, 0), (0, 0, 0, 5)]
    assert strips[-1].size == (140, 105)
    odd = plan_strips((100, 80), (0, 0, 0, 201), 64)
    assert sum(strip.grown[3] for strip in odd) == 201
    assert max(strip.grown[3] for strip in odd) <= 32


def test_strips_have_noise_of_their_own(painter: Painter) -> None:
    made = pixels(grown(painter, drawn(64, 64), (0, 0, 64, 0)))
    assert not np.array_equal(made[:, 64:96], made[:, 96:128])


def test_the_record_is_that_of_the_whole(painter: Painter) -> None:
    edit = Edit(source_in_memory(drawn(64, 64)), 0.9, masked=MaskedNote(None, fill="blur"), sides=(8, 0, 0, 16))
    record = painter.paint("sky", init=edit, seed=4, steps=2).provenance
    assert (record.seed, record.width, record.height) == (4, 72, 80)
    assert record.edit is not None and record.edit.kind == "outpaint" and record.edit.sides == (8, 0, 0, 16)


def test_progress_runs_once_from_none_to_all(painter: Painter) -> None:
    edit = Edit(source_in_memory(drawn(64, 64)), 1.0, masked=MaskedNote(None), sides=(0, 0, 60, 0))
    seen: list[float] = []
    request = painter.paint("sky", init=edit, seed=4, steps=2)
    assert request.image.size == (124, 64)
    from tests.painting.editing.test_inpainting import asked

    list(painter.paint_many([asked(edit, steps=3)], on_step=lambda done, of: seen.append(done / of)))
    assert seen == sorted(seen) and len(seen) == 6 and seen[-1] == 1


@pytest.mark.parametrize(
    ("sides", "word"),
    [((0, 0, 0, 0), "nothing to add"), ((-8, 0, 0, 0), "--left -8"), ((0, 5000, 0, 0), "--up 5000"),
     ((0, 0, 0, -1), "--down -1")],
)  # fmt: skip
def test_what_sides_may_not_be(sides: Box, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        check_sides(sides)


def test_too_large() -> None:
    with pytest.raises(UsageError, match="would have 17000x64 px"):
        plan_strips((15_000, 64), (1000, 0, 1000, 0), 64)


def test_several_of_one_grow_together_as_each_alone(painter: Painter) -> None:
    from tests.painting.editing.test_inpainting import asked

    edits = [Edit(source_in_memory(drawn(64, 64, k)), 0.9, masked=MaskedNote(None), sides=(0, 0, 40, 0)) for k in (0, 1)]
    requests = [asked(edit, seed) for edit, seed in zip(edits, (3, 4), strict=True)]
    previews: list[int] = []
    together = list(painter.paint_many(requests, batch_size=2, preview_every=1,
                                       on_preview=lambda number, *_: previews.append(number)))  # fmt: skip
    alone = [next(painter.paint_many([request])) for request in requests]
    assert all(difference(a.image, b.image) <= 1 for a, b in zip(together, alone, strict=True))
    assert set(previews) == {0, 1}

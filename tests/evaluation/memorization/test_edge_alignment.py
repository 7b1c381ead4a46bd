"""Copies that were cropped, mirrored, recoloured or compressed fit the picture that they come from, and no other one."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.evaluation.drawn_scenes import draw_scene

from impasto.evaluation.memorization.edge_alignment import Alignment, best_alignments
from impasto.evaluation.memorization.structure import SIDE, Structure, StructureEncoder

pytest.importorskip("scipy")


def structure(image: Image.Image) -> Structure:
    return Structure.of_row(StructureEncoder().embed_images([image])[0])


SCENES = [draw_scene(seed) for seed in range(6)]


@pytest.fixture(scope="module")
def scenes() -> list[Structure]:
    return [structure(scene) for scene in SCENES]


def turned_hue(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    return Image.merge("RGB", (green, blue, red)).point(lambda level: 30 + round(0.7 * level))


def as_jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(buffer)


@pytest.mark.parametrize(
    ("change", "part", "mirrored"),
    [
        (lambda i: i, (0, 0, 1, 1), False),
        (ImageOps.mirror, (0, 0, 1, 1), True),
        (turned_hue, (0, 0, 1, 1), False),
        (as_jpeg, (0, 0, 1, 1), False),
        (lambda i: i.resize((90, 90)), (0, 0, 1, 1), False),
        (lambda i: i.crop((32, 0, 160, 96)), (0.2, 0, 0.8, 0.8), False),
        (lambda i: ImageOps.fit(i, (128, 128)), (0.125, 0, 0.75, 1), False),
        (lambda i: as_jpeg(turned_hue(ImageOps.mirror(i.crop((0, 24, 96, 96))))), (0, 0.2, 0.6, 0.6), True),
    ],
    ids=["same", "mirrored", "recoloured", "jpeg", "stretched", "cropped", "square", "all at once"],
)
def test_a_changed_copy_fits_its_source(
    scenes: list[Structure], change: Callable[[Image.Image], Image.Image], part: tuple[float, ...], mirrored: bool
) -> None:
    found = best_alignments(structure(change(SCENES[2])), scenes)
    correlations = [alignment.correlation for alignment in found]
    assert int(np.argmax(correlations)) == 2 and correlations[2] > 0.88
    assert max(correlations[:2] + correlations[3:]) < 0.8
    best = found[2]
    assert (best.left, best.top, best.width, best.height) == pytest.approx(part, abs=0.04)
    assert best.mirrored == mirrored


def test_the_edges_do_not_know_of_colours_and_their_rows_are_exact_in_half_precision() -> None:
    red, green, blue = SCENES[0].split()
    rows = StructureEncoder().embed_images([SCENES[0], Image.merge("RGB", (blue, red, green))])
    assert rows.shape == (2, SIDE * SIDE + 1) and (rows[0] == rows[1]).all()
    assert (rows[:, :-1].astype(np.float16) == rows[:, :-1]).all() and rows[:, :-1].max() <= 255
    assert rows[0, -1] == pytest.approx(160 / 120)
    assert StructureEncoder().embed_images([]).shape == (0, SIDE * SIDE + 1)


def test_pictures_of_one_colour_fit_nothing_and_break_nothing(scenes: list[Structure]) -> None:
    flat = structure(Image.new("RGB", (64, 64), "teal"))
    assert all(alignment.correlation < 0.1 for alignment in best_alignments(flat, [*scenes, flat]))
    assert best_alignments(scenes[0], [flat])[0].correlation < 0.1


def test_very_long_pictures_are_compared_as_wholes(scenes: list[Structure]) -> None:
    strip = structure(draw_scene(9, 400, 40))
    found = best_alignments(strip, [scenes[0], strip])
    assert isinstance(found[0], Alignment) and found[1].correlation == pytest.approx(1, abs=1e-4)

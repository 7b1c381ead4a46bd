"""Where and how large the model paints, and the way back."""

import pytest
from tests.painting.editing.pictures import difference, drawn

from impasto.errors import UsageError
from impasto.painting.editing.canvas import canvas_of, region_around


@pytest.mark.parametrize("size", [(64, 64), (131, 97), (67, 64), (200, 65)])
def test_there_and_back_is_the_same_picture(size: tuple[int, int]) -> None:
    """Sides that are no multiples of 8 are padded and cut, never resampled."""
    image = drawn(*size)
    canvas = canvas_of((0, 0, *size), 64, 8)
    assert canvas.scaled == size
    assert all(side % 8 == 0 and 0 <= side - own < 8 for side, own in zip(canvas.size, size, strict=True))
    placed = canvas.placed(image)
    assert placed.size == canvas.size
    assert difference(canvas.returned(placed), image) == 0


def test_a_region_is_cut_out_and_put_back() -> None:
    image, region = drawn(200, 160), (30, 20, 130, 110)
    canvas = canvas_of(region, 64, 8)
    assert difference(canvas.returned(canvas.placed(image)), image.crop(region)) == 0


def test_small_ones_are_painted_larger() -> None:
    assert canvas_of((0, 0, 20, 40), 128, 8).scaled == (64, 128)  # 64 px a side at least
    assert canvas_of((0, 0, 80, 80), 128, 8).scaled == (80, 80)
    assert canvas_of((0, 0, 80, 80), 128, 8, enlarged=True).scaled == (128, 128)
    assert canvas_of((0, 0, 160, 40), 128, 8, enlarged=True).scaled == (256, 64)
    assert canvas_of((0, 0, 300, 300), 128, 8, enlarged=True).scaled == (300, 300)  # never smaller
    assert canvas_of((0, 0, 64, 64), 128, 16).size == (128, 128)  # latents of 16 px: see painted_size
    painted = canvas_of((0, 0, 80, 80), 128, 8, enlarged=True)
    assert painted.returned(painted.placed(drawn(80, 80))).size == (80, 80)


def test_what_is_too_large_is_said() -> None:
    with pytest.raises(UsageError, match=r"3000x100 px cannot be painted at once.*--only-masked"):
        canvas_of((0, 0, 3000, 100), 128, 8)
    with pytest.raises(UsageError, match="too narrow a strip"):
        canvas_of((0, 0, 2000, 8), 128, 8)


def test_the_region_around_a_mask() -> None:
    assert region_around((100, 100, 200, 180), 32, 400, 300) == (68, 68, 232, 212)
    assert region_around((0, 0, 100, 100), 32, 400, 300) == (0, 0, 132, 132)
    assert region_around((390, 290, 400, 300), 0, 400, 300) == (336, 236, 400, 300)  # 64 px, moved inwards
    assert region_around((10, 10, 12, 12), 4, 40, 300) == (0, 0, 40, 64)

"""Cut-outs of a picture for a scorer."""

import pytest
import torch

from impasto.vision.cutouts import Part, cut, draw_parts, resized


def ramp(height: int, width: int) -> torch.Tensor:
    """Rises from left to right, the same in each colour but for its brightness."""
    row = torch.linspace(0.2, 0.8, width).expand(1, 1, height, width)
    return torch.cat([row, row / 2, row / 4], dim=1)


def test_parts_are_drawn_by_their_generator() -> None:
    first, again, other = (draw_parts(6, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first == again != other and first[0] is None and len(first) == 6
    assert all(0.5 <= part.side <= 1 and 0 <= part.left < 1 for part in first[1:] if part is not None)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (24, 61), (61, 24)])
def test_parts_are_squares_of_one_side(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    made = cut(ramp(height, width), draw_parts(5, generator), 32, generator)
    assert made.shape == (5, 3, 32, 32)
    assert torch.allclose(made[:1], resized(ramp(height, width), 32))


def test_what_is_done_to_a_part() -> None:
    def one(part: Part) -> torch.Tensor:
        return cut(ramp(32, 32), [part], 32, torch.Generator().manual_seed(3))

    plain, mirrored, grey = one(Part(0, 0, 1)), one(Part(0, 0, 1, mirrored=True)), one(Part(0, 0, 1, grey=True))
    assert (plain - mirrored.flip(3)).abs().max() < 0.2  # the noise is not mirrored
    assert (plain - mirrored).abs().max() > 0.4
    assert grey.std(dim=1).mean() < 0.1 < plain.std(dim=1).mean()
    left, right = one(Part(0, 0, 0.5)), one(Part(1, 0, 0.5))
    assert left.mean() < plain.mean() < right.mean()


def test_gradients_reach_the_pixels() -> None:
    picture = ramp(20, 20).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    cut(picture, draw_parts(3, generator), 16, generator).sum().backward()
    assert picture.grad is not None and (picture.grad != 0).all()

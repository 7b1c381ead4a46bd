"""Aspect buckets: their shapes, which one a picture goes to, and an order in which every batch has one shape."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.training.examples.aspect_buckets import BucketedOrder, bucket_shapes, in_buckets, nearest_shape


@pytest.mark.parametrize(("size", "step"), [(64, 32), (128, 32), (256, 32), (512, 64), (768, 64)])
def test_shapes_have_about_one_area_and_whole_steps(size: int, step: int) -> None:
    shapes = bucket_shapes(size)
    assert (size, size) in shapes and len(shapes) >= 3
    for width, height in shapes:
        assert width % step == height % step == 0 and (height, width) in shapes
        assert 0.7 * size * size <= width * height <= size * size and max(width, height) <= 2 * size


def test_stable_diffusion_s_shapes_are_the_known_ones() -> None:
    assert [shape for shape in bucket_shapes(512) if shape[0] <= shape[1]] == [
        (256, 1024), (320, 768), (384, 640), (448, 576), (512, 512),
    ]  # fmt: skip


def test_pictures_go_where_they_are_cropped_least(tmp_path: Path) -> None:
    shapes = bucket_shapes(512)
    assert nearest_shape(1000, 1010, shapes) == (512, 512)
    assert nearest_shape(3000, 1000, shapes) in ((1024, 256), (768, 320))
    assert nearest_shape(400, 600, shapes) == (384, 640)
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn: it is upright when seen
    entries = []
    for name, size, exif in (("a.jpg", (80, 40), None), ("b.jpg", (80, 40), turned), ("c.jpg", (50, 50), None)):
        Image.new("RGB", size).save(tmp_path / name, exif=exif or Image.Exif())
        entries.append(CatalogueEntry(file=tmp_path / name, file_name=name))
    (tmp_path / "d.jpg").write_bytes(b"no picture")
    entries.append(CatalogueEntry(file=tmp_path / "d.jpg", file_name="d.jpg"))
    found = {shape: [entry.file_name for entry in members] for shape, members in in_buckets(entries, 128).items()}
    wide, tall = (shape for shape in sorted(found, reverse=True) if shape != (128, 128))
    assert found == {wide: ["a.jpg"], tall: ["b.jpg"], (128, 128): ["c.jpg", "d.jpg"]} and wide == tall[::-1]


def test_every_batch_is_of_one_bucket_and_every_picture_comes_once_in_an_epoch() -> None:
    buckets = [list(range(13)), list(range(13, 40)), [40, 41]]
    order, again = BucketedOrder(buckets, 4, seed=5), BucketedOrder(buckets, 4, seed=5)
    epochs = 20
    steps = sum(epochs * len(bucket) // 4 for bucket in buckets)
    seen: Counter[int] = Counter()
    for step in range(steps):
        batch = order.at(step).tolist()
        assert len({next(place for place, bucket in enumerate(buckets) if number in bucket) for number in batch}) == 1
        seen.update(batch)
        for bucket in buckets:  # no picture is a whole pass before another of its bucket
            counts = [seen[number] for number in bucket]
            assert max(counts) - min(counts) <= 1
    assert all(epochs - 3 <= seen[number] <= epochs for bucket in buckets for number in bucket)
    for step in (steps - 1, 0, 17, 100):  # asked in any order, as a resumed run does
        assert again.at(step).tolist() == order.at(step).tolist()
    assert BucketedOrder(buckets, 4, seed=6).at(0).tolist() != order.at(0).tolist()


def test_a_batch_larger_than_any_bucket_is_filled() -> None:
    order = BucketedOrder([[0, 1], [2]], 4, seed=0)
    assert {frozenset(order.at(step).tolist()) for step in range(30)} == {frozenset({0, 1}), frozenset({2})}
    with pytest.raises(ImpastoError, match="nothing to train on"):
        BucketedOrder([[]], 4, seed=0)

"""Aspect-ratio buckets: pictures keep nearly their own shape in training, and every batch holds pictures of one shape.

After NovelAI ("NovelAI Improvements on Stable Diffusion", 2022): instead of cropping all pictures to squares, each one goes
to the bucket with the most similar sides. All buckets have about the same area, so that all cost the same.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import upright_size
from impasto.errors import ImpastoError

SMALL = 256  # px: up to this size sides are multiples of 32 px, beyond it of 64
Shape = tuple[int, int]  # width and height in px


def bucket_shapes(size: int, factor: int = 8) -> list[Shape]:
    """Returns the buckets for pictures of `size` x `size` px: sides from half of it to its double, none of a larger area.

    Sides are multiples of 4 latents up to a size of 256 px, of 8 beyond: a U-Net halves latents two or three times. One
    latent covers `factor` px.
    """
    step = factor * (4 if size <= SMALL else 8)
    found = {(size, size)}
    for short in range(max(step, size // 2 // step * step), size, step):
        long = min(2 * size, size * size // short // step * step)
        found |= {(short, long), (long, short)}
    return sorted(found)


def nearest_shape(width: int, height: int, shapes: Sequence[Shape]) -> Shape:
    """Returns the bucket of the most similar aspect ratio."""
    return min(shapes, key=lambda shape: abs(math.log(shape[0] / shape[1]) - math.log(width / height)))


def in_buckets(entries: Sequence[CatalogueEntry], size: int, factor: int = 8) -> dict[Shape, list[CatalogueEntry]]:
    """Returns the entries of each bucket that has any.

    A picture that cannot be opened goes to the square bucket, and is reported when it is decoded.
    """
    shapes = bucket_shapes(size, factor)
    found: dict[Shape, list[CatalogueEntry]] = {}
    for entry in entries:
        try:
            shape = nearest_shape(*upright_size(entry.file), shapes)
        except ImpastoError:
            shape = (size, size)
        found.setdefault(shape, []).append(entry)
    return dict(sorted(found.items()))


class BucketedOrder:
    """The data order of bucketed pictures: each batch is of one bucket; step n needs no information on earlier steps.

    A bucket's pictures form one endless sequence, with a new order in each pass. Every epoch takes as many whole batches
    from it as its share allows. Pictures that do not fill a batch remain for the next epoch, and none is left out.
    """

    def __init__(self, buckets: Sequence[Sequence[int]], batch: int, seed: int) -> None:
        """Sets up the order. `buckets` holds the numbers of the pictures in each bucket."""
        self.buckets = [np.array(bucket, dtype=np.int64) for bucket in buckets if len(bucket)]
        self.count = sum(len(bucket) for bucket in self.buckets)
        if not self.count:
            raise ImpastoError("nothing to train on: the catalogue holds no usable picture")
        self.batch, self.seed = batch, seed
        self._passes = lru_cache(maxsize=2 * len(self.buckets))(self._pass)
        self._epochs = lru_cache(maxsize=2)(self._epoch)

    def at(self, step: int) -> np.ndarray:
        """Returns the picture numbers [batch] of a step."""
        epoch = step * self.batch // self.count  # this epoch or a later one: no epoch has more batches than that
        while self._batches_before(epoch + 1) <= step:
            epoch += 1
        bucket, number = self._epochs(epoch)[step - self._batches_before(epoch)]
        line = range(number * self.batch, (number + 1) * self.batch)
        size = len(self.buckets[bucket])
        return np.array([self._passes(bucket, place // size)[place % size] for place in line], dtype=np.int64)

    def _batches_before(self, epoch: int) -> int:
        return sum(epoch * len(bucket) // self.batch for bucket in self.buckets)

    def _epoch(self, epoch: int) -> list[tuple[int, int]]:
        """Returns bucket and number of each batch of an epoch: buckets are shuffled, batches of one keep their order."""
        spans = [
            range(epoch * len(bucket) // self.batch, (epoch + 1) * len(bucket) // self.batch) for bucket in self.buckets
        ]
        places = np.repeat(np.arange(len(spans)), [len(span) for span in spans])
        numbers = [iter(span) for span in spans]
        shuffled = np.random.default_rng([self.seed, epoch]).permutation(places)
        return [(int(place), next(numbers[place])) for place in shuffled]

    def _pass(self, bucket: int, number: int) -> np.ndarray:
        """Returns the pictures of a bucket in the order of one pass over them."""
        return np.random.default_rng([self.seed, bucket, number]).permutation(self.buckets[bucket])

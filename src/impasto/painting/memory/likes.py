"""Reads the reference pictures that a painting should resemble, given as `picture.png` or `picture.png:0.5`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from impasto.checkpoints.memory import MemoryEncoder, to_grid
from impasto.data.annotations.log import content_of
from impasto.data.catalogue.pictures import open_picture
from impasto.errors import ImpastoError, UsageError
from impasto.painting.memory.codes import features_for, moments_of, pack, unpack
from impasto.painting.memory.record import MOST_LIKES, Like, LikeFile

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

# "picture.png:0.5" or a path; a `Like`, as `read_likes` returns; or a path with its weight.
LikeChoice = str | Path | Like | tuple[str | Path, float]


def read_likes(choices: Sequence[LikeChoice]) -> tuple[Like, ...]:
    """Reads the chosen pictures and opens each once to check that it can be read.

    Raises:
        UsageError: a weight is out of its range, or there are too many.
        ImpastoError: there is no such file, or it is not a picture.
    """
    if len(choices) > MOST_LIKES:
        raise UsageError(f"{len(choices)} pictures to be like: use at most {MOST_LIKES}")
    return tuple(choice if isinstance(choice, Like) else _read(choice) for choice in choices)


def split_weight(word: str) -> tuple[Path, float]:
    """Splits `picture.png:0.5` into (picture.png, 0.5). The default weight is 1. The path itself may contain colons."""
    path, colon, tail = word.rpartition(":")
    if colon and path and not Path(word).exists():
        try:
            return Path(path), float(tail)
        except ValueError:
            pass
    return Path(word), 1.0


def code_of(like: Like, encoder: MemoryEncoder, components: "Components") -> tuple[Like, torch.Tensor]:
    """Returns the `Like` with its code stored in it, and the code, float32 [code].

    Raises:
        ImpastoError: the file has changed since `read_likes`, or its stored code does not fit this memory.
        MissingPart: the packages that compute picture features are not installed.
    """
    config = encoder.config
    if not isinstance(like, LikeFile):
        kept = unpack(like.code, config.code)
        if kept is None or len(kept) != 1:
            raise ImpastoError(f"{like.name} was looked at by another kind of memory: name its file with --like")
        return like, kept[0]
    if content_of(like.path) != like.content_hash:
        raise ImpastoError(f"{like.path} has been changed since it was named: give the same command again")
    code = codes_of_images([open_picture(like.path)], encoder, components)[0]
    return Like(like.name, like.content_hash, like.weight, pack(code)), code


@torch.inference_mode()
def codes_of_images(images: list[Image.Image], encoder: MemoryEncoder, components: "Components") -> torch.Tensor:
    """Computes the codes of pictures, float32 [n, code]."""
    features = torch.from_numpy(features_for(encoder.config).of_images(images))
    return to_grid(encoder.codes(features, moments_of(components, images)))


def mixed(codes: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """Interpolates codes [n, code]: returns their weighted mean, scaled to their average length, since a mean is shorter."""
    shares = torch.tensor(weights, dtype=torch.float32)[:, None] / sum(weights)
    mean = (codes * shares).sum(dim=0)
    length = (codes.norm(dim=1, keepdim=True) * shares).sum()
    return to_grid((mean * length / mean.norm().clamp(min=1e-6)).clamp(-4, 4))


def _read(choice: str | Path | tuple[str | Path, float]) -> Like:
    path, weight = choice if isinstance(choice, tuple) else split_weight(str(choice))
    path = Path(path).expanduser()
    open_picture(path)
    name = path.name if path.name.isprintable() else ascii(path.name)
    return LikeFile(name, content_of(path), float(weight), path=path)

"""Image features of Inception-v3 for FID, KID and the Inception score, with the weights that define those metrics.

Pictures are resized to 299 px as in clean-fid (Parmar, Zhang and Zhu 2022): Pillow's antialiased bicubic filter on every
channel in floating point, without rounding to bytes in between.
"""

import hashlib
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from impasto.errors import ImpastoError, MissingPart
from impasto.inference.batched import BatchedModel
from impasto.inference.models import Weights
from impasto.settings import cache_folder, keep_freed_memory
from impasto.vision.features.inception_network import SIDE, WIDTH, Inception
from impasto.weights.file_hash import hash_file
from impasto.weights.files import fill_module, read_weights

# TensorFlow's inception-2015-12-05 as published by pytorch-fid and torch-fidelity: one file under two names.
FID_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
KNOWN_FILES = ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth")
_SOURCE = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/" + KNOWN_FILES[0]
_CPU_BATCH, _ACCELERATOR_BATCH = 8, 64
_WORTH_CONVERTING = 60  # pictures: converting takes 4 s of a core, and each is seen in 0.17 s of it in place of 0.28
_GRAPH = 1  # raise it when `_SeenNetwork` computes something else


class InceptionFeatures:
    """Encodes pictures as float32 [n, 2048]. An `ImageEncoder`.

    Attributes:
        name, identity, width: see `ImageEncoder`.
        is_fid: whether the weights are those of the FID; distances with other weights must not be called FID.
    """

    width = WIDTH

    def __init__(self, weights: Path | None = None, *, device: torch.device | str = "cpu", batch: int = 0) -> None:
        """Loads the network.

        `weights`: the file; by default the known file in the cache folder or in torch's. `batch`: pictures per batch; 0
        chooses a fast size for the device.

        Raises:
            MissingPart: there is no such file; the message gives its download address.
            ImpastoError: the weights are not those of Inception, or the file has the FID file's name and other content.
        """
        file = find_weights(weights)
        found = hash_file(file)
        self.is_fid = found == FID_SHA256
        if not self.is_fid and file.name in KNOWN_FILES:
            raise ImpastoError(f"{file} is not the file that its name says (SHA-256 {found[:12]}...): download it again")
        self.name = "inception-v3-fid" if self.is_fid else "inception-v3"
        self.identity = hashlib.sha256(f"{self.name}/{found}/{SIDE}".encode()).hexdigest()
        self._device = torch.device(device)
        self._batch = batch or (_CPU_BATCH if self._device.type == "cpu" else _ACCELERATOR_BATCH)
        content = read_weights([file])
        # Some conversions leave out the counters of the batch normalisations, which evaluation does not use.
        for name in [name for name in content if name.endswith("bn.weight")]:
            content.setdefault(name.removesuffix("weight") + "num_batches_tracked", torch.tensor(0))
        if self._device.type == "cpu":
            keep_freed_memory()
        self._network = fill_module(Inception, content, file, torch.float32, self._device).fuse()
        size = sum(tensor.numel() * 4 for tensor in self._network.parameters())
        self._openvino = BatchedModel(
            self.name, partial(Weights, found, size), (SIDE, SIDE, 3), partial(_SeenNetwork, self._network),
            device=self._device, version=_GRAPH, worth=_WORTH_CONVERTING,
        )  # fmt: skip

    def expect(self, pictures: int) -> None:
        """Chooses what sees all pictures to come, OpenVINO or torch, by how many there will be."""
        self._openvino.expect(pictures)

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns features float32 [n, 2048] of pictures of any size; the whole picture is resized to a square."""
        stream, parts = iter(images), [np.zeros((0, WIDTH), np.float32)]
        while group := list(islice(stream, self._batch)):
            parts.append(self.of_squares(np.stack([clean_square(image, SIDE) for image in group])))
        return np.concatenate(parts)

    @torch.inference_mode()
    def of_squares(self, squares: np.ndarray) -> np.ndarray:
        """Returns features float32 [n, 2048] of pictures float32 [n, 299, 299, 3], 0 .. 255, in one batch."""
        seen = self._openvino.run(squares)
        if seen is not None:
            return seen
        x = torch.from_numpy(squares).to(self._device).permute(0, 3, 1, 2)
        # With TF32, NVIDIA's convolutions round to 10 bits, which changes a feature by thousandths.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return self._network((x - 128) / 128).cpu().numpy()

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns logits float64 [n, 1008] of features [n, 2048], without biases, as the Inception score is defined."""
        return features.astype(np.float64) @ self._network.fc.weight.double().cpu().numpy().T


class _SeenNetwork(nn.Module):
    """Pictures float32 [n, 299, 299, 3], 0 .. 255 -> features [n, 2048], as OpenVINO is to compute them."""

    def __init__(self, network: Inception) -> None:
        super().__init__()
        self.network = network

    def forward(self, squares: torch.Tensor) -> torch.Tensor:
        return self.network((squares.permute(0, 3, 1, 2) - 128) / 128)


def clean_square(image: Image.Image, side: int) -> np.ndarray:
    """Resizes a picture to float32 [side, side, 3], 0 .. 255, with Pillow's antialiased bicubic filter, unrounded."""
    channels = [
        np.asarray(channel.convert("F").resize((side, side), Image.Resampling.BICUBIC))
        for channel in image.convert("RGB").split()
    ]
    return np.stack(channels, axis=2).clip(0, 255)


def find_weights(weights: Path | None = None) -> Path:
    """Returns the file of Inception's weights: `weights`, or the known file in the cache folder or in torch's.

    Raises:
        MissingPart: there is no such file; the message gives its download address.
    """
    if weights is not None:
        if not weights.is_file():
            raise MissingPart(f"{weights}: there is no such file of Inception's weights; the FID's is {_SOURCE}")
        return weights
    for folder in (cache_folder(), Path(torch.hub.get_dir()) / "checkpoints"):
        for name in KNOWN_FILES:
            if (folder / name).is_file():
                return folder / name
    raise MissingPart(
        f"Inception's FID weights are not on this machine: put {_SOURCE} into {cache_folder()}, or name it with --weights"
    )

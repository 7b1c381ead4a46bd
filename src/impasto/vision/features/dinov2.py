"""Image features of DINOv2 (Oquab et al. 2023); Fréchet distances on them agree best with humans (Stein et al. 2023)."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import keep_freed_memory
from impasto.vision.preprocessing import read_preprocessing
from impasto.weights.transformers_folder import TransformersFolder, load_transformers_model

WHAT = "a DINOv2 picture encoder"
MODEL_TYPES = ("dinov2", "dinov2_with_registers")
_CPU_BATCH, _ACCELERATOR_BATCH = 8, 64


class Dinov2Features:
    """Encodes pictures as float32 [n, width], the normalised class token.

    An `ImageEncoder`; see there for name, identity and width.
    """

    def __init__(self, folder: TransformersFolder, *, device: torch.device | str = "cpu", batch: int = 0) -> None:
        """Loads the model in fp32. `batch`: pictures per batch; 0 chooses a fast size for the device.

        Raises:
            MissingPart, ImpastoError: as `load_transformers_model` and `read_preprocessing`.
        """
        from transformers import AutoModel

        if folder.model_type not in MODEL_TYPES:
            raise ImpastoError(f"{folder.path} holds a {folder.model_type!r} model, which is not {WHAT}")
        self._preprocessing = read_preprocessing(folder.path)
        self._device = torch.device(device)
        if self._device.type == "cpu":
            keep_freed_memory()
        self._model: Any = load_transformers_model(folder, AutoModel, WHAT, self._device, torch.float32)
        self._batch = batch or (_CPU_BATCH if self._device.type == "cpu" else _ACCELERATOR_BATCH)
        self.name, self.identity = folder.name, folder.identity
        self.width = int(self._model.config.hidden_size)

    @torch.inference_mode()
    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns features float32 [n, width] of pictures of any size, preprocessed as the folder's config specifies."""
        stream, parts = iter(images), [np.zeros((0, self.width), np.float32)]
        while group := list(islice(stream, self._batch)):
            pixels = torch.from_numpy(self._preprocessing.prepare(group)).to(self._device)
            parts.append(self._model(pixel_values=pixels).pooler_output.float().cpu().numpy())
        return np.concatenate(parts)

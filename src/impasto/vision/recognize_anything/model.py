"""Loads RAM, RAM++ and Tag2Text from their published files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import choose_device, choose_precision
from impasto.vision.preprocessing import ImagePreprocessing
from impasto.vision.recognize_anything.files import read_tags, read_thresholds
from impasto.vision.recognize_anything.keys import RAM_PLUS, TAG2TEXT, Layout, layout_of, parts_of, renamed
from impasto.vision.recognize_anything.network import TagNetwork, build
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, read_weights

# The authors' defaults for Tag2Text, of all tags and of three.
TAG2TEXT_THRESHOLD = 0.68
_OTHER_THRESHOLDS = {"person": 0.7, "man": 0.7, "woman": 0.7}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, 0..1


@dataclass(frozen=True)
class RecognizeAnything:
    """A loaded model.

    Attributes:
        name: the name shown to users: the file's, without its suffix.
        identity: SHA-256, hexadecimal, of the weights, the tags and the thresholds.
        kind: one of `keys.KINDS`.
        network: the network, in evaluation mode.
        tags: the tags in the weights' order; Tag2Text's list names 50 of its tags twice.
        thresholds: the lowest probability at which a tag is given, float32 [tags].
        side: px of the squares that pictures are resized to.
    """

    name: str
    identity: str
    kind: str
    file: Path
    network: Any
    tags: tuple[str, ...]
    thresholds: np.ndarray
    side: int
    device: torch.device
    dtype: torch.dtype

    @torch.inference_mode()
    def see(self, image: Image.Image) -> torch.Tensor:
        """Returns the vectors of one picture of any size and mode [1, 1 + places, channels]."""
        prepare = ImagePreprocessing((self.side, self.side), None, Image.Resampling.BILINEAR, 1 / 255, _MEAN, _STD)
        return self.network.see(torch.from_numpy(prepare.prepare([image])).to(self.device, self.dtype))

    @torch.inference_mode()
    def probabilities(self, image: Image.Image) -> np.ndarray:
        """Returns the probability of each tag, float32 [tags], 0..1."""
        return self.network.logits(self.see(image))[0].float().sigmoid().cpu().numpy()


def kind_of_file(file: Path) -> str:
    """Returns which of `keys.KINDS` a published file is, by its weights; they are not copied into memory.

    Raises:
        MissingPart, ImpastoError: the file is another kind of model or broken.
    """
    return layout_of(renamed(read_weights([file])), file).kind


def load_recognize_anything(
    file: Path, *, texts: bool = False, device: str = "auto", precision: str = "auto"
) -> RecognizeAnything:
    """Loads a published file; its list of tags, and RAM's thresholds, lie beside it (`files.read_tags`).

    `texts`: with the text models of Tag2Text.

    Raises:
        MissingPart: a list is missing; the message says where it is published.
        ImpastoError: the file is another kind of model or broken, is a pickle with more than tensors, or fits its lists
            not; or `texts` and it is RAM, which writes none.
    """
    weights = renamed(read_weights([file]))
    layout = layout_of(weights, file)
    if texts and layout.kind != TAG2TEXT:
        raise ImpastoError(f"{file} is {layout.kind}, which gives tags, no captions: use it as --tagger, or Tag2Text here")
    tag_file, tags = read_tags(file, layout.kind)
    _check_count(file, tag_file, layout, len(tags))
    lists = {"tags": tag_file}
    if layout.kind == TAG2TEXT:
        thresholds = np.array([_OTHER_THRESHOLDS.get(tag, TAG2TEXT_THRESHOLD) for tag in tags], np.float32)
    else:
        lists["thresholds"], thresholds = read_thresholds(file, len(tags))
    chosen = choose_device(device)
    dtype = choose_precision(precision, chosen)
    network: TagNetwork = fill_module(
        lambda: build(layout, len(tags), texts=texts), parts_of(weights, layout, texts=texts), file, dtype, chosen
    )
    identity = hash_files({"weights": file, **lists})
    return RecognizeAnything(
        file.stem, identity, layout.kind, file, network, tuple(tags), thresholds, layout.swin.side, chosen, dtype
    )


def _check_count(file: Path, tag_file: Path, layout: Layout, count: int) -> None:
    """RAM++ has the same number of descriptions for each tag; the others have one embedding for each tag."""
    several = layout.kind == RAM_PLUS and layout.labels % count == 0
    if layout.labels != count and not several:
        raise ImpastoError(f"{tag_file} lists {count} tags, {file.name} has {layout.labels}: use the list that came with it")

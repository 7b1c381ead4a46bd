"""Writes and reads classifiers of noised latents: weights in safetensors; labels, checkpoint and shape in a json beside."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import write_atomically
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, read_weights
from impasto.weights.header import read_json

FOLDER, STEM = "classifier", "classifier"
COLUMNS = ("artist", "style")
_MOST_LABELS, _MOST_WIDTH = 100_000, 4096


@dataclass(frozen=True)
class ClassifierCard:
    """What a classifier tells about itself.

    Attributes:
        column: what its labels are: "artist" or "style".
        labels: in the order of the logits.
        channels: of the latents.
        widths: of its levels.
        base: the checkpoint whose latents it sees.
        base_hash: its content hash.
    """

    column: str
    labels: tuple[str, ...]
    channels: int
    widths: tuple[int, ...]
    base: str
    base_hash: str

    def number(self, label: str) -> int:
        """Returns the label's place, whatever its letters' case.

        Raises:
            UsageError: there is no such label.
        """
        wanted = label.strip().casefold()
        for number, known in enumerate(self.labels):
            if known.casefold() == wanted:
                return number
        shown = ", ".join(self.labels[:8]) + (", ..." if len(self.labels) > 8 else "")
        raise UsageError(f"the classifier knows no {self.column} {label!r}: it knows {shown}")


@dataclass(frozen=True)
class SavedClassifier:
    """A classifier that is ready to use: its card, the model on the CPU, and the SHA-256 over its files."""

    card: ClassifierCard
    model: LatentClassifier
    content_hash: str


def find_classifier(path: str | Path) -> Path:
    """Returns the file of weights of the classifier at `path`: the file, its folder, or the run that trained it.

    Raises:
        MissingPart: there is none.
    """
    place = Path(path).expanduser()
    try:
        for file in (place, place / f"{STEM}.safetensors", place / FOLDER / f"{STEM}.safetensors"):
            if file.is_file() and file.suffix == ".safetensors":
                if not file.with_suffix(".json").is_file():
                    raise MissingPart(f"{file} has no {file.stem}.json beside it, which names its labels")
                return file
    except OSError:
        pass
    raise MissingPart(
        f"there is no classifier {path}: train one with `impasto train classifier`, and name its run, folder or .safetensors"
    )


def read_card(file: Path) -> ClassifierCard:
    """Reads the json beside a file of weights.

    Raises:
        ImpastoError: it is no card of a classifier.
    """
    values = read_json(file.with_suffix(".json"))
    try:
        labels, widths = tuple(values["labels"]), tuple(values["widths"])
        card = ClassifierCard(
            values["column"], labels, values["channels"], widths, str(values["base"]), str(values["base_hash"])
        )
        sizes = (*widths, card.channels)
        texts = all(isinstance(label, str) and label.isprintable() for label in (*labels, card.base, card.base_hash))
        whole = all(isinstance(size, int) and 0 < size <= _MOST_WIDTH for size in sizes)
        if not (texts and whole and card.column in COLUMNS and 1 < len(labels) <= _MOST_LABELS and 0 < len(widths) < 9):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ImpastoError(f"{file.with_suffix('.json')} does not describe a classifier of latents") from None
    return card


def classifier_hash(file: Path) -> str:
    """Returns the SHA-256, hexadecimal, over both files."""
    return hash_files({"weights": file, "card": file.with_suffix(".json")})


def load_classifier(path: str | Path) -> SavedClassifier:
    """Loads a classifier, in evaluation mode and without gradients of its weights.

    Raises:
        MissingPart: there is none.
        ImpastoError: it is broken.
    """
    file = find_classifier(path)
    card = read_card(file)

    def make() -> LatentClassifier:
        try:
            return LatentClassifier(card.channels, len(card.labels), card.widths)
        except ValueError:  # widths that groups do not divide
            raise ImpastoError(f"{file.with_suffix('.json')} does not describe a classifier of latents") from None

    model: Any = fill_module(make, read_weights([file]), file, torch.float32, torch.device("cpu"))
    return SavedClassifier(card, model.eval().requires_grad_(False), classifier_hash(file))


def save_classifier(folder: Path, card: ClassifierCard, model: LatentClassifier) -> Path:
    """Writes both files into `folder`, each whole, the weights last; returns the file of weights."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().float().cpu().contiguous() for name, value in model.state_dict().items()}
    write_atomically(folder / f"{STEM}.json", json.dumps(asdict(card), indent=1, ensure_ascii=False).encode())
    write_atomically(folder / f"{STEM}.safetensors", save(weights))
    return folder / f"{STEM}.safetensors"

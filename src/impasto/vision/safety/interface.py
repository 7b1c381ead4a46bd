"""The interface of a safety checker: a model that flags generated pictures which should not be shown without a warning."""

from collections.abc import Sequence
from typing import Protocol

from PIL import Image


class SafetyChecker(Protocol):
    """Flags pictures.

    Attributes:
        name: its name or folder, as given.
        identity: SHA-256, hexadecimal, of its weights and configs.
    """

    name: str
    identity: str

    def flags(self, images: Sequence[Image.Image]) -> list[bool]:
        """Returns for each picture, of any size, whether it is flagged."""
        ...

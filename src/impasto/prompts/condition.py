"""The condition: everything the text encoder is told, and the one template that turns it into text.

The template is the same in training and in painting (section 4 of wu2022 embeds artist, year, style and genre as texts).
"""

import random
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

_YEAR = re.compile(r"-?\d{1,4}")


@dataclass(frozen=True)
class Condition:
    """The parts of a prompt. An empty field is unknown and leaves no trace in the text."""

    caption: str = ""
    artist: str = ""
    year: int | None = None
    style: str = ""
    genre: str = ""
    medium: str = ""
    lighting: str = ""
    colour: str = ""
    detail: str = ""

    def text(self) -> str:
        """The template: "boats at sunset, by Claude Monet, 1872, Impressionism, marina". Empty for an empty condition.

        The parts that catalogues rarely know are named, "in ... light" and the like, so that they can be told apart.
        """
        parts = [
            self.caption,
            f"by {self.artist}" if self.artist else "",
            str(self.year) if self.year is not None else "",
            self.style,
            self.genre,
            f"medium: {self.medium}" if self.medium else "",
            f"lighting: {self.lighting}" if self.lighting else "",
            f"colour: {self.colour}" if self.colour else "",
            f"detail: {self.detail}" if self.detail else "",
        ]
        return ", ".join(" ".join(part.split()) for part in parts if part.strip())

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """The condition whose text this is, for texts that the template wrote with an artist or a year in them.

        What follows the artist and the year is style, then genre. A text with neither is all caption, since nothing marks
        where a caption ends; style and genre without artist and year are read as part of the caption.
        """
        known: dict[str, Any] = {}
        parts = text.split(", ") if text.strip() else []
        for name in ("detail", "colour", "lighting", "medium"):
            for place in range(len(parts) - 1, -1, -1):
                if parts[place].startswith(f"{name}: "):
                    known[name] = ", ".join(parts[place:]).removeprefix(f"{name}: ")
                    parts = parts[:place]
                    break
        starts = [n for n, part in enumerate(parts) if part.startswith("by ") and len(part) > 3]
        years = [n for n, part in enumerate(parts) if _YEAR.fullmatch(part)]
        marks = [starts[-1]] if starts else []
        if years and (not starts or years[-1] == starts[-1] + 1):
            marks.append(years[-1])
        if not marks:
            return cls(caption=", ".join(parts), **known)
        known["caption"] = ", ".join(parts[: marks[0]])
        if starts:
            known["artist"] = parts[starts[-1]].removeprefix("by ")
        if years and years[-1] == marks[-1]:
            known["year"] = int(parts[years[-1]])
        tail = parts[marks[-1] + 1 :]
        if tail:
            known["style"] = tail[0]
            known["genre"] = ", ".join(tail[1:])
        return cls(**known)

    def drop(self, rng: random.Random, all_probability: float = 0.1, field_probability: float = 0.3) -> "Condition":
        """The condition with fields dropped at random, for training: any subset then works in painting.

        With `all_probability` nothing stays (classifier-free guidance, Ho and Salimans 2022); otherwise each filled field
        goes with `field_probability`, one draw of `rng` per filled field.
        """
        if rng.random() < all_probability:
            return Condition()
        kept = {name: value for name, value in self.as_dict().items() if rng.random() >= field_probability}
        return Condition(**kept)

    def as_dict(self) -> dict[str, Any]:
        """The filled fields, in the template's order; all JSON types."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Condition":
        """The condition of a record that `as_dict` wrote; unknown keys and wrong types are left out."""
        known: dict[str, Any] = {}
        for entry in fields(cls):
            value = record.get(entry.name)
            if entry.name == "year":
                if isinstance(value, int) and not isinstance(value, bool):
                    known["year"] = value
            elif isinstance(value, str):
                known[entry.name] = value
        return cls(**known)

"""The condition: everything the text encoder is told, and the one template that turns it into text.

The template is the same in training and in painting: like wu2022 (its introduction), artist, year, style and genre
are embedded as text beside the caption.
"""

import random
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

_NAMED = ("medium", "lighting", "colour", "detail", "resolution")
_YEAR = re.compile(r"-?[0-9]{1,4}")
# "by the sea" and "by candlelight" belong to a caption, "by Claude Monet" does not.
_ARTIST = re.compile(r"by (?!(?:the|an?|his|her|its|their) |(?:night|day|dawn|dusk|(?:moon|candle|lamp|fire)light)$)\S.*")
# What tells a genre from a style, and both from a caption: WikiArt's genres as catalogues write them, in small letters ...
_GENRES = frozenset({
    "abstract", "abstract painting", "advertisement", "allegorical painting", "animal painting", "battle painting",
    "capriccio", "caricature", "cityscape", "cloudscape", "design", "figurative", "flower painting", "genre painting",
    "history painting", "illustration", "interior", "landscape", "literary painting", "marina", "miniature",
    "mythological painting", "nude painting", "pastorale", "portrait", "poster", "religious painting",
    "self-portrait", "sketch and study", "still life", "symbolic painting", "vanitas", "veduta",
    "wildlife painting",
})  # fmt: skip
# ... and the names of movements, which are written with a capital.
_STYLE = re.compile(r"[A-Z].*ism|(?:[A-Z]\S* )*(?:Baroque|Rococo|Renaissance|Gothic|Ukiyo-e)|Art Nouveau.*|Art Deco")


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
    resolution: str = ""

    def text(self) -> str:
        """The template: "boats at sunset, by Claude Monet, 1872, Impressionism, marina". Empty for an empty condition.

        The parts that catalogues rarely know follow with their names, "medium: oil on canvas, lighting: dusk", so that
        they can be told apart. Runs of white space become one space.
        """
        words = {name: " ".join(str(value).split()) for name, value in self.as_dict().items()}
        forms = {"artist": "by {}", **{name: f"{name}: {{}}" for name in _NAMED}}
        return ", ".join(forms.get(name, "{}").format(value) for name, value in words.items() if value)

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """The condition that the template wrote as `text`: `parse(c.text()) == c` for sensible values.

        It cannot be, since the template marks neither, where
        - an artist, a style or a genre of one part holds ", " ("Monet, Claude"), a caption holds ", detail: ", or
          white space comes in runs;
        - a caption ends like the fields after it: "Delft, 1660" reads as a year, "trees, by water" as an artist, and
          "sea, landscape" as a genre, each only if the condition has no artist, year or genre of its own behind it;
        - there is neither artist nor year, and the style or the genre is not one that can be known by its name:
          it stays in the caption. Behind an artist or a year a lone unknown name is read as the style.
        Whatever the reading, `parse(text).text() == text` for every text that the template wrote.
        """
        known: dict[str, Any] = {}
        parts = text.split(", ") if text.strip() else []
        for name in reversed(_NAMED):
            for place in range(len(parts) - 1, -1, -1):
                if parts[place].startswith(f"{name}: "):
                    known[name] = ", ".join(parts[place:]).removeprefix(f"{name}: ")
                    parts = parts[:place]
                    break
        artists = [place for place, part in enumerate(parts) if _ARTIST.fullmatch(part)]
        years = [place for place, part in enumerate(parts) if _YEAR.fullmatch(part) and str(int(part)) == part]
        end = len(parts)  # of the caption
        if artists:
            end = artists[-1]
            known["artist"] = parts[end].removeprefix("by ")
            years = [place for place in years if place == end + 1]
        if years:
            end = min(end, years[-1])
            known["year"] = int(parts[years[-1]])
        tail = parts[end + ("artist" in known) + ("year" in known) :]
        if end == len(parts):  # neither artist nor year: only names that are known leave the caption
            if end and parts[-1] in _GENRES:
                known["genre"] = parts[end := end - 1]
            if end and _STYLE.fullmatch(parts[end - 1]):
                known["style"] = parts[end := end - 1]
        elif tail:
            known["style"] = "" if tail[0] in _GENRES else tail.pop(0)
            known["genre"] = ", ".join(tail)
        return cls(caption=", ".join(parts[:end]), **known)

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

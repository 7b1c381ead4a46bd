"""The condition of a picture: the caption and other prompt fields, and the template that converts them to text.

The text is the input of the text encoder. The template is the same in training and in painting: as in wu2022 (its
introduction), artist, year, style and genre are embedded as text with the caption.
"""

import random
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

# The probability with which training leaves out each filled field of a text but the caption; the papers name none.
FIELD_DROPOUT = 0.3
_NAMED = ("medium", "lighting", "colour", "detail", "resolution")
_YEAR = re.compile(r"-?[0-9]{1,4}")
# "by the sea" and "by candlelight" belong to a caption, "by Claude Monet" does not.
_ARTIST = re.compile(r"by (?!(?:the|an?|his|her|its|their) |(?:night|day|dawn|dusk|(?:moon|candle|lamp|fire)light)$)\S.*")
# By these the parser recognises genres and styles: WikiArt's genres as catalogues write them, in lower case ...
_GENRES = frozenset({
    "abstract", "abstract painting", "advertisement", "allegorical painting", "animal painting", "battle painting",
    "capriccio", "caricature", "cityscape", "cloudscape", "design", "figurative", "flower painting", "genre painting",
    "history painting", "illustration", "interior", "landscape", "literary painting", "marina", "miniature",
    "mythological painting", "nude painting", "pastorale", "portrait", "poster", "religious painting",
    "self-portrait", "sketch and study", "still life", "symbolic painting", "vanitas", "veduta",
    "wildlife painting",
})  # fmt: skip
# ... and the names of art movements, which begin with a capital.
_STYLE = re.compile(r"[A-Z].*ism|(?:[A-Z]\S* )*(?:Baroque|Rococo|Renaissance|Gothic|Ukiyo-e)|Art Nouveau.*|Art Deco")


@dataclass(frozen=True)
class Condition:
    """The parts of a prompt. An empty field is unknown and does not appear in the text."""

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
        """Formats the condition: "boats at sunset, by Claude Monet, 1872, Impressionism, marina"; "" for an empty condition.

        Parts that catalogues rarely contain follow with their names, "medium: oil on canvas, lighting: dusk", so that
        they can be distinguished. Runs of white space become one space.
        """
        words = {name: " ".join(str(value).split()) for name, value in self.as_dict().items()}
        forms = {"artist": "by {}", **{name: f"{name}: {{}}" for name in _NAMED}}
        return ", ".join(forms.get(name, "{}").format(value) for name, value in words.items() if value)

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Parses the template's text back to a condition: `parse(c.text()) == c` for sensible values.

        The template does not mark the fields, so this does not hold where
        - an artist, a style or a genre of one part holds ", " ("Monet, Claude"), a caption holds ", detail: ", or
          white space comes in runs;
        - a caption ends like the fields after it: "Delft, 1660" reads as a year, "trees, by water" as an artist, and
          "sea, landscape" as a genre, each only if the condition has no artist, year or genre of its own after it;
        - there is neither artist nor year, and the style or the genre cannot be recognised by its name: it stays in
          the caption. After an artist or a year, a single unknown name is read as the style.
        In all cases `parse(text).text() == text` for every text that the template wrote.
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
        if end == len(parts):  # neither artist nor year: only known names are taken out of the caption
            if end and parts[-1] in _GENRES:
                known["genre"] = parts[end := end - 1]
            if end and _STYLE.fullmatch(parts[end - 1]):
                known["style"] = parts[end := end - 1]
        elif tail:
            known["style"] = "" if tail[0] in _GENRES else tail.pop(0)
            known["genre"] = ", ".join(tail)
        return cls(caption=", ".join(parts[:end]), **known)

    def drop(
        self, rng: random.Random, all_probability: float = 0.1, field_probability: float = FIELD_DROPOUT
    ) -> "Condition":
        """Returns the condition with fields dropped at random, for training, so that any subset works in painting.

        With `all_probability` all fields are dropped (classifier-free guidance, Ho and Salimans 2022). Otherwise each filled
        field but the caption is dropped with `field_probability`, with one draw of `rng` per such field. The caption stays:
        it alone says what a picture shows.
        """
        if rng.random() < all_probability:
            return Condition()
        filled = self.as_dict().items()
        kept = {name: value for name, value in filled if name == "caption" or rng.random() >= field_probability}
        return Condition(**kept)

    def as_dict(self) -> dict[str, Any]:
        """Returns the filled fields in the template's order, with JSON types only."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Condition":
        """Creates a condition from a record that `as_dict` returned; unknown keys and values of wrong types are ignored."""
        known: dict[str, Any] = {}
        for entry in fields(cls):
            value = record.get(entry.name)
            if entry.name == "year":
                if isinstance(value, int) and not isinstance(value, bool):
                    known["year"] = value
            elif isinstance(value, str):
                known[entry.name] = value
        return cls(**known)

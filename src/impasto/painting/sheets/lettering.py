"""Draws text on sheets: loads a font, wraps lines, and transliterates letters that the font lacks."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import ImageDraw, ImageFont

_FONT = "mpl-data/fonts/ttf/DejaVuSans.ttf"


class Lettering:
    """A font of one size, in pixels.

    The font is DejaVu Sans, if matplotlib is installed, which includes it: Latin, Greek, Cyrillic and more. Otherwise it is
    Pillow's own font, which has little more than ASCII. A letter that the font lacks is transliterated ("日" as "Ri").
    """

    def __init__(self, size: int) -> None:
        self._font = _load(size)
        self._missing = self._shape("\uffff")
        self._written: dict[str, str] = {}
        self.line = sum(self._font.getmetrics())

    def width(self, text: str) -> int:
        """Returns the width of `text` on one line, in pixels."""
        return math.ceil(self._font.getlength(text))

    def wrap(self, text: str, width: int, most: int | None) -> list[str]:
        """Wraps `text` to at most `most` lines of `width` pixels; None for as many as it needs.

        Lines break between words, or within a word that is too long for a line. If text is cut off, the last line ends
        in "…".
        """
        lines: list[str] = []
        for word in self._writable(text).split():
            for piece in self._pieces(word, width):
                if lines and self.width(f"{lines[-1]} {piece}") <= width:
                    lines[-1] += f" {piece}"
                else:
                    lines.append(piece)
        if most is not None and len(lines) > most:
            last = lines[most - 1]
            while last and self.width(f"{last}…") > width:
                last = last[:-1]
            lines[most - 1 :] = [f"{last.rstrip()}…"]
        return lines

    def draw(self, pen: ImageDraw.ImageDraw, left: float, top: float, lines: list[str], within: int | None = None) -> None:
        """Draws `lines` below each other; each is centred in `within` pixels, if that is given."""
        for number, line in enumerate(lines):
            shift = 0 if within is None else max(0, within - self.width(line)) / 2
            pen.text((left + shift, top + number * self.line), line, fill="black", font=self._font)

    def _pieces(self, word: str, width: int) -> list[str]:
        pieces = [""]
        for letter in word:
            if pieces[-1] and self.width(pieces[-1] + letter) > width:
                pieces.append("")
            pieces[-1] += letter
        return pieces

    def _shape(self, letter: str) -> bytes:
        mask: Any = self._font.getmask(letter)
        return bytes(mask)

    def _writable(self, text: str) -> str:
        from anyascii import anyascii

        for letter in set(text) - self._written.keys():
            has = letter.isspace() or self._shape(letter) != self._missing
            self._written[letter] = letter if has else anyascii(letter)
        return "".join(self._written[letter] for letter in text)


def _load(size: int) -> ImageFont.FreeTypeFont:
    found = find_spec("matplotlib")
    for place in (found and found.submodule_search_locations) or ():
        if (Path(place) / _FONT).is_file():
            return ImageFont.truetype(Path(place) / _FONT, size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # true whenever a size is given
    return font

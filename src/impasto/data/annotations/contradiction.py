"""Detects contradictions between a caption and a picture's tags: the caption names a tag with a low probability."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np


class TagsInText:
    """Finds a vocabulary's tags in texts: "two boats" names the tag boat. Of overlapping tags the longest is used."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = tuple(tags)
        self._number = {_singular(tag): number for number, tag in reversed(list(enumerate(self.tags)))}
        self._longest = max((len(tag.split()) for tag in self.tags), default=1)

    def find(self, text: str) -> list[int]:
        """Returns the numbers of the tags that a text names, in the text's order, each once."""
        words = [_singular(word) for word in re.findall(r"[^\W_]+(?:['’][a-z]+)?", text)]
        found: list[int] = []
        place = 0
        while place < len(words):
            for size in range(min(self._longest, len(words) - place), 0, -1):
                number = self._number.get(" ".join(words[place : place + size]))
                if number is not None:
                    found.append(number)
                    place += size
                    break
            else:
                place += 1
        return list(dict.fromkeys(found))

    def contradictions(self, text: str, probabilities: np.ndarray, *, below: float) -> list[str]:
        """Returns the tags that a text names although their probability is less than `below`.

        `probabilities`: [tags], 0..1.
        """
        return [self.tags[number] for number in self.find(text) if probabilities[number] < below]


@cache
def _singular(text: str) -> str:
    """Converts a text to lower case and removes the s of a plural or a genitive from each word."""
    return " ".join(_stem(word) for word in re.sub(r"['’]s\b", "", text.casefold()).split())


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word

"""Reads the vocabulary of tags for pictures: visible things that paintings show.

`tag_vocabulary.tsv` is curated from the subject terms of the Tate collection (CC0, github.com/tategallery/collection).
Subjects of paintings that Tate lacks are added. Artists, places and what cannot be seen ("irony") are left out.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from impasto.data.catalogue.plain_text import cleaned
from impasto.errors import ImpastoError

_HEADER = "tag\tcategory\tsubjects"


@dataclass(frozen=True)
class Tag:
    """One tag.

    Attributes:
        name: the tag as a person would type it, "sailing boat"; lower case except for names, "Virgin Mary".
        category: "animals", "weather and light", ...; "" in a vocabulary with one tag per line.
        subjects: the terms of the Tate collection that mean the tag, spelled exactly as there; () if there are none.
    """

    name: str
    category: str = ""
    subjects: tuple[str, ...] = ()


def tag_vocabulary(path: Path | None = None) -> list[Tag]:
    """Reads the tags of a file, in its order; without a file, returns the tags that come with Impasto.

    The file has one tag per line, or three tab-separated columns with the header "tag, category, subjects", as in
    `tag_vocabulary.tsv`. Empty lines and lines that begin with # are ignored.

    Raises:
        ImpastoError: there is no such file, it cannot be read or is not UTF-8, it contains no tag, the same tag twice
            (ignoring case), or a line with another number of columns.
    """
    return list(_built_in()) if path is None else _tags(_text(Path(path)), str(path))


@cache
def _built_in() -> tuple[Tag, ...]:
    file = files("impasto.data.annotations").joinpath("tag_vocabulary.tsv")
    return tuple(_tags(file.read_text("utf-8"), file.name))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ImpastoError(f"{path}: there is no such file") from None
    except UnicodeDecodeError:
        raise ImpastoError(f"{path} is not UTF-8: save the tags as UTF-8 text, one a line") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None


def _tags(text: str, name: str) -> list[Tag]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip() and not line.startswith("#")]
    columns = 1
    if lines and lines[0][1].rstrip("\r") == _HEADER:
        columns = len(_HEADER.split("\t"))
        del lines[0]
    tags: list[Tag] = []
    first: dict[str, int] = {}
    for number, line in lines:
        cells = line.rstrip("\r").split("\t") if columns > 1 else line.strip().split("\t")
        tag = cleaned(cells[0]).strip()
        if len(cells) != columns or not tag:
            what = "a tag, its category and its subjects, with tabs between" if columns > 1 else "one tag and no tabs"
            raise ImpastoError(f"{name}, line {number}: a line here holds {what}")
        if tag.casefold() in first:
            raise ImpastoError(f'{name}, line {number}: the tag "{tag}" is already on line {first[tag.casefold()]}')
        first[tag.casefold()] = number
        category, subjects = (cells[1].strip(), cells[2]) if columns > 1 else ("", "")
        tags.append(Tag(tag, category, tuple(subject for subject in subjects.strip().split(" | ") if subject)))
    if not tags:
        raise ImpastoError(f"{name} holds no tag: write one a line")
    return tags

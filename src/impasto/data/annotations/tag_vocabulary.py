"""The tags that pictures can be given: what paintings show and one can see.

`tag_vocabulary.tsv` is curated from the subject terms of the Tate collection (CC0, github.com/tategallery/collection); what
Tate lacks and paintings show is added. Artists, places and what cannot be seen ("irony") are left out.
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
        name: as a person would type it, "sailing boat"; small letters but for names, "Virgin Mary".
        category: "animals", "weather and light", ...; "" in a vocabulary of plain lines.
        subjects: the terms of the Tate collection that mean the tag, word for word; () where there are none.
    """

    name: str
    category: str = ""
    subjects: tuple[str, ...] = ()


def tag_vocabulary(path: Path | None = None) -> list[Tag]:
    """The tags of a file, in its order; without one, those that come with Impasto.

    The file has one tag a line, or three columns with tabs between and the line "tag, category, subjects" above, as
    `tag_vocabulary.tsv` has. Empty lines and those that begin with # say nothing.

    Raises:
        ImpastoError: there is no such file, it cannot be read or is not UTF-8, it holds no tag, one twice (capitals do not
            matter), or a line with other columns.
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

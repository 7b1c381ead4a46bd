"""Maps the column names of other tables to a catalogue's columns."""

import ast
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from impasto.data.catalogue.artist_names import repair_text

# ArtGAN's class list has another name for this style than the archive's folders and the hub.
_OTHER_WORDS = {"Art Nouveau": "Art Nouveau Modern"}
# Column names in other tables, by the catalogue's column.
_COLUMNS = {
    "file_name": (
        "file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_path", "image_file", "image_name",
        "img", "img_path", "image_filename", "picture",
    ),
    "artist": ("artist", "painter", "artist_name", "artistname", "author", "creator"),
    "title": ("title", "name", "artwork", "artwork_title", "work", "painting"),
    "year": ("year", "date", "completion_year", "completitionyear", "date_created", "created", "year_created", "dating"),
    "style": ("style", "movement", "art_style", "school"),
    "genre": ("genre", "category", "subject_type"),
    "text": ("text", "caption", "captions", "description", "prompt", "additional_feature", "sentence", "sentences",
             "comment", "comments", "caption_text", "image_caption", "image_description", "alt_text", "alt", "instruction",
             "edit_instruction", "edit_prompt"),
    "tags": ("tags", "keywords", "tag_string"),
    "license": (
        "license", "licence", "rights", "copyright", "license_name", "licence_name", "usage_rights", "rights_statement",
        "license_url", "licence_url",
    ),
    "source": ("source", "source_name", "provider", "repository", "credit", "attribution"),
    "url": ("url", "image_url", "source_url", "link", "page_url", "permalink", "href", "uri", "img_url", "imageurl"),
}  # fmt: skip
_COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}
# Columns that name a picture by the number that img2dataset gives it.
KEY_COLUMNS = ("key", "image_id", "id")


@lru_cache(maxsize=4000)
def column_of(name: str) -> str | None:
    """Returns the catalogue's column for a table's column `name`, or None."""
    return _COLUMN_OF.get(plain_column(name))


@lru_cache(maxsize=4000)
def plain_column(name: str) -> str:
    """Returns a column's name in lower case, with underscores for spaces and hyphens."""
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())


def names_pictures(columns: Iterable[str]) -> bool:
    """Returns whether one of the columns holds the pictures' file names."""
    return any(column_of(column) == "file_name" for column in columns)


def with_catalogue_columns(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row with the columns of other tables renamed to a catalogue's; a column of the right name goes first."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        column = column_of(name)
        renamed = column is not None and column != name and column not in row and column not in found
        if renamed and column is not None and value not in (None, "") and isinstance(value, _TEXT_OR_LIST):
            found[column] = value
        else:
            found.setdefault(name, value)
    return found


_TEXT_OR_LIST = (str, int, float, list)


def text_variants_of(value: Any) -> tuple[str, ...]:
    """Returns the texts of a caption column: one text, a list of texts or objects, a list written as text, or an object.

    Of an object the text is taken, `{"raw": "..."}`, `{"caption": "..."}`; without such a column all its texts, one a
    language or length as `{"en": "...", "de": "..."}`, English first.
    """
    if isinstance(value, str):
        return text_list(value) or ((value,) if value.strip() else ())
    if isinstance(value, dict):
        return _texts_of_object(value)
    if isinstance(value, list | tuple):
        texts: list[str] = []
        for one in value:
            if isinstance(one, dict) and not _is_caption_object(one):
                continue
            texts += text_variants_of(one) if isinstance(one, str | list | tuple | dict) else ()
        return tuple(dict.fromkeys(text for text in texts if text.strip()))
    return ()


# Columns of an object that is one caption, as Karpathy's splits have it: {"raw": "...", "tokens": [...]}.
_IN_OBJECTS = ("raw", "value", "content", "string", "sent")
_QUALIFIERS = (
    "en eng english de ger german fr fre french es spa spanish it ita italian nl dutch pt por portuguese ru rus "
    "russian zh chi chinese cn ja jp jpn japanese ko kor korean ar pl sv tr uk cs hi vi th fa he hu fi da el "
    "ro short long brief dense detailed detail medium full main original orig raw clean cleaned new old re refined "
    "enhanced augmented generated synthetic auto ai human manual alt gt top best first second third blip blip2 "
    "llava cogvlm gpt gpt4 gpt4v gpt4o florence florence2 qwen gemini claude internvl joycaption moondream kosmos "
    "coca git wd14 clip vlm llm image img sd sdxl all "
)
_QUALIFYING = frozenset(_QUALIFIERS.split())


def is_qualifier(word: str) -> bool:
    """Returns whether the word says which of several captions it is: a language, a length, a model, a number."""
    return word in _QUALIFYING or word.isdecimal()


def _is_caption_object(value: dict[str, Any]) -> bool:
    names = [plain_column(name) for name in value]
    return any(column_of(name) == "text" or name in _IN_OBJECTS or is_qualifier(name) for name in names)


def _texts_of_object(value: dict[str, Any]) -> tuple[str, ...]:
    said = [name for name in value if column_of(name) == "text"] or [n for n in value if plain_column(n) in _IN_OBJECTS]
    if not said:
        said = sorted(value, key=lambda name: plain_column(name) not in ("en", "eng", "english"))
    found = [value[name] for name in said if isinstance(value[name], str | list | tuple)]
    return tuple(dict.fromkeys(text for one in found for text in text_variants_of(one)))


def text_list(value: Any) -> tuple[str, ...]:
    """Returns the texts of a list that is written as one text, as a CSV file has it; none if the value is no such text."""
    words = value.strip() if isinstance(value, str) else ""
    if words[:1] != "[" or words[-1:] != "]":
        return ()
    try:
        found = ast.literal_eval(words)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(dict.fromkeys(one for one in found if one.strip()))
    return ()


def class_words(name: str) -> str:
    """Converts a style or genre to words: "still_life" becomes "still life"; "Unknown Genre" and the like become ""."""
    words = " ".join(repair_text(name).replace("_", " ").split())
    if words.lower().startswith("unknown") or words.lower() == "none":
        return ""
    return _OTHER_WORDS.get(words, words)

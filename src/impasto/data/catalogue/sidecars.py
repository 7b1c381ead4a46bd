"""Reads captions, tags and metadata that lie beside a picture: `name.txt`, `name.caption`, `name.json`, `name.tags`."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from impasto.data.catalogue.caption_columns import with_captions
from impasto.data.catalogue.columns import column_of, plain_column, text_variants_of
from impasto.data.catalogue.endings import CAPTION_ENDINGS, TAG_ENDINGS
from impasto.data.catalogue.text_files import WESTERN, decoded
from impasto.errors import ImpastoError

MAX_SIDECAR_BYTES = 1 << 20
_CAPTION_FOLDERS = frozenset({"captions", "caption", "texts", "text", "txt", "prompts"})
_SETTINGS = re.compile(r"(?m)^(?:Negative prompt:|Steps: \d+,)")
# What img2dataset writes about its own work.
_BOOKKEEPING = frozenset(
    {"key", "status", "error_message", "exif", "width", "height", "original_width", "original_height", "shard_id"}
    | {"file_name", "filename", "sample_id"}
)


@dataclass(frozen=True)
class Beside:
    """What lies beside a picture.

    Attributes:
        row: columns of a catalogue, with `text` as a list of captions.
        endings: the endings of the files that were read.
        remarks: files that could not be read, or that say nothing.
        western: the files that are not UTF-8 and were read as Windows-1252.
        unread: the files that could not be read.
    """

    row: dict[str, Any]
    endings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    western: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def sidecar_names(key: str, there: Mapping[str, str]) -> list[str]:
    """Returns the files that lie beside the picture `key` and bear its name.

    `there` maps the names of all files, in lower case, to those names as written.
    """
    path = PurePosixPath(key)
    folder = key[: len(key) - len(path.name)]
    # "a.txt" and "a.jpg.txt" for "a.jpg"; a WebDataset sample's key ends at its first point.
    stems = dict.fromkeys((path.stem, path.name, path.name.partition(".")[0]))
    endings = (*CAPTION_ENDINGS, *TAG_ENDINGS, ".json")
    wanted = (f"{folder}{stem}{end}".lower() for stem in stems if stem for end in endings)
    return [there[name] for name in wanted if name in there]


def caption_folders(there: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Returns the caption files that lie in a folder of captions beside a folder of pictures, as `captions/0.txt`.

    The keys are (path around the folder, path inside it without the ending), in lower case.
    """
    found: dict[tuple[str, str], str] = {}
    for lower, key in there.items():
        parts = lower.split("/")
        for place, folder in enumerate(parts[:-1]):
            if folder in _CAPTION_FOLDERS and not lower.endswith(".json"):
                stem = "/".join(parts[place + 1 :]).removesuffix(_ending(lower))
                found.setdefault(("/".join(parts[:place]), stem), key)
    return found


def in_caption_folder(key: str, folders: Mapping[tuple[str, str], str]) -> list[str]:
    """Returns the file of `caption_folders` that belongs to the picture `key`: `images/0.jpg` to `captions/0.txt`."""
    if not folders:
        return []
    parts = PurePosixPath(key.lower()).with_suffix("").as_posix().split("/")
    for place in range(len(parts)):
        around = "/".join(parts[:place])
        for inside in ("/".join(parts[place + 1 :]), "/".join(parts[place:])):
            if inside and (around, inside) in folders:
                return [folders[around, inside]]
    return []


def read_beside(names: list[str], read: Callable[[str], bytes]) -> Beside:
    """Reads the files `names` (see `sidecar_names`) with `read`.

    Lines of a caption file are different captions, except that lines of one wrapped sentence, and paragraphs with empty
    lines between, are one caption.
    """
    captions: list[str] = []
    tags: list[str] = []
    row: dict[str, Any] = {}
    endings, remarks, western, unread = [], [], [], []
    for name in names:
        short = PurePosixPath(name).name
        try:
            data = read(name)
            if len(data) > MAX_SIDECAR_BYTES:
                raise ImpastoError(f"{short} is larger than {MAX_SIDECAR_BYTES >> 20} MiB")
            text, encoding = decoded(data, short)
            text = text.strip("\ufeff \t\r\n\0")
            western += [name] if encoding == WESTERN else []
        except (ImpastoError, OSError) as error:
            remarks.append(str(error))
            unread.append(name)
            continue
        ending = _ending(short)
        if not text:
            remarks.append(f"{short} is empty")
        elif ending == ".json":
            found = _json_row(text)
            if found is None:
                remarks.append(f"{short} is not a JSON object")
            else:
                row |= {column: value for column, value in found.items() if column not in row}
                endings.append(ending)
        elif ending in TAG_ENDINGS:
            tags += [tag.strip() for tag in text.replace("\n", ",").split(",") if tag.strip()]
            endings.append(ending)
        else:
            captions += captions_of(text)
            endings.append(ending)
    told = next((name for name in row if column_of(name) == "text"), None)
    if captions and told is None:
        row["text"] = list(dict.fromkeys(captions))
    elif captions and told is not None:  # img2dataset writes the caption twice
        row[told] = list(dict.fromkeys([*captions, *(t.strip() for t in text_variants_of(row[told]))]))
    if tags and not any(column_of(name) == "tags" for name in row):
        row["tags"] = list(dict.fromkeys(tags))
    return Beside(row, tuple(endings), tuple(remarks), tuple(western), tuple(unread))


def captions_of(text: str) -> list[str]:
    """Returns the captions of a caption file's text, see `read_beside`."""
    # What generators write beside their pictures: the prompt, then what was not wanted and the settings.
    text = _SETTINGS.split(text, maxsplit=1)[0] or text
    lines = [line.strip() for line in text.strip().splitlines()]
    full = [line for line in lines if line]
    if len(full) < 2:
        return full
    paragraphs = any(not line for line in lines[lines.index(full[0]) :])
    wrapped = full[0][:1].isupper() and any(after[:1].islower() or before[-1] in ",;:-" for before, after in pairwise(full))
    return [" ".join(full)] if paragraphs or wrapped else full


def _ending(name: str) -> str:
    endings = sorted((*CAPTION_ENDINGS, *TAG_ENDINGS, ".json"), key=len, reverse=True)
    return next((end for end in endings if name.lower().endswith(end)), "")


def _json_row(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return {
        name: inner
        for name, inner in with_captions(value).items()
        if plain_column(name) not in _BOOKKEEPING and inner is not None and not isinstance(inner, dict)
    }

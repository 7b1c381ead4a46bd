"""Tells pictures that only accompany a work from works: masks, and the condition pictures of ControlNet's data sets."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from impasto.data.catalogue.columns import names_pictures, plain_column
from impasto.data.catalogue.endings import is_picture

_CONDITION = re.compile(
    r"(conditioning|condition|cond|control|hint|guide|mask|masks|depth|canny|edge|edges|scribble|lineart|openpose|pose|"
    r"normal|seg|segmentation|source|input|before|original|reference|ip_adapter)"
    r"(_?(image|images|img|picture|map|file|file_name|path))?"
)
# Columns that hold the work where others hold what it is made from: "target" beside "source".
_TARGETS = ("target", "edited_image", "output_image", "target_image", "output", "after")
_FOLDERS = frozenset(
    {"mask", "masks", "masklabels", "conditioning", "conditioning_image", "conditioning_images", "conditioning_data"}
    | {"conditions", "condition", "control", "controls", "control_images", "controlnet", "hints", "depth", "depth_maps"}
    | {"canny", "openpose", "poses", "segmentation", "segmentations", "lineart", "normals"}
)
# OneTrainer's a-masklabel.png and a-condlabel.png, and the usual a_mask.png, beside a.png.
_BESIDE = re.compile(
    r"(?i)(.+)[-_. ](masklabel|condlabel|mask|conditioning|control|canny|depth|openpose|lineart|segmentation)"
)


def is_condition(column: str) -> bool:
    """Returns whether a column of this name holds what a picture is made from, where another column holds the picture."""
    return _CONDITION.fullmatch(plain_column(column)) is not None


def with_target(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row whose work stands beside its source, `{"source": ..., "target": ...}`, with the work as `file_name`."""
    if names_pictures(row):
        return row
    found = next((name for name in row if plain_column(name) in _TARGETS and _is_name(row[name])), None)
    return row if found is None else {**{n: v for n, v in row.items() if n != found}, "file_name": row[found]}


def conditions_of(row: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of a row that may name condition pictures or masks, with the names."""
    return {name: value for name, value in row.items() if _is_name(value) and is_condition(name)}


class Companions:
    """The masks and condition pictures among the keys of pictures, told from their names and folders."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._stems: dict[str, str] = {}
        self._inside: dict[tuple[str, str], str] = {}
        for key in keys:
            parts = _stem(key).split("/")
            self._stems.setdefault("/".join(parts), key)
            for place in range(len(parts)):
                if parts[place] not in _FOLDERS:
                    self._inside.setdefault(("/".join(parts[:place]), "/".join(parts[place + 1 :])), key)

    def work_of(self, key: str) -> str:
        """Returns the picture that the picture `key` accompanies, or ""."""
        stem = _stem(key)
        folder, slash, name = stem.rpartition("/")
        if (found := _BESIDE.fullmatch(name)) and (work := self._stems.get(f"{folder}{slash}{found[1]}")):
            return work
        parts = stem.split("/")
        for place, part in enumerate(parts[:-1]):
            if part in _FOLDERS:
                around, inside = "/".join(parts[:place]), "/".join(parts[place + 1 :])
                bare = inside.rpartition("/")
                names = [inside]
                if found := _BESIDE.fullmatch(bare[2]):
                    names.append(f"{bare[0]}{bare[1]}{found[1]}")
                for one in names:
                    work = self._inside.get((around, one)) or self._stems.get(f"{around}/{one}" if around else one)
                    if work is not None and work != key:
                        return work
        return ""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 1024 and is_picture(value.strip())


def _stem(key: str) -> str:
    return PurePosixPath(key.lower()).with_suffix("").as_posix()

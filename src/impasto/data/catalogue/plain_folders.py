"""Tells whether a folder's name is one of storage ("train", "hi-res", "100CANON") or of a subject, not of a person."""

import re
from functools import lru_cache
from importlib.resources import files

from impasto.data.annotations.tag_vocabulary import tag_vocabulary

SPLITS = frozenset({"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "holdout"})
REGULARISATION = frozenset({"reg", "regs", "regularization", "regularisation", "reg images", "regularization images"})
_SIZED = re.compile(r"\d+\s*(px|p|k)?(\s*[x×]\s*\d+)?")
_DATED = re.compile(r"\d{1,2}(st|nd|rd|th)( century)?|\d{3,4}s")
_CAMERA = re.compile(r"[1-9]\d\d[a-z_]{3}[a-z\d_]{2}")  # DCF's folders below DCIM: 100CANON, 101APPLE, 100_PANA
_CODE = re.compile(
    r"[a-z]{1,3}\d+[a-z]{0,2}|[a-z]{0,2}\d{5,}|(?=[a-f]*\d)[0-9a-f]{8,}([ -][0-9a-f]{4,})*"
)  # v2, n01440764, hashes, UUIDs


def plain(name: str) -> str:
    """Returns the name in lower case, with single spaces for spaces, underscores, hyphens and points."""
    return " ".join(re.split(r"[\s_.-]+", name.casefold())).strip()


@lru_cache(maxsize=1 << 14)
def is_plain(name: str) -> bool:
    """Returns whether a folder's name tells of no person: words of storage, numbers, sizes, dates, or a subject."""
    words = plain(re.sub(r"[()\[\]{}#+&,;!]", " ", name))
    if any(pattern.fullmatch(words) for pattern in (_SIZED, _DATED, _CODE)) or _CAMERA.fullmatch(name.casefold()):
        return True
    named = [bare for word in words.split() if (bare := re.sub(r"^\d+|\d+$", "", word)) and bare not in _words()]
    return all(len(word) < 2 for word in named) or words in _subjects()


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    lines = files("impasto.data.catalogue").joinpath("plain_folders.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(words | SPLITS | {word for name in REGULARISATION for word in name.split()})


@lru_cache(maxsize=1)
def _subjects() -> frozenset[str]:
    """The visible things of the tag vocabulary, also in the plural: "boats" and "Water Lilies" are no painters."""
    found = {plain(tag.name) for tag in tag_vocabulary()}
    plurals = {f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith(("s", "h", "x")) else f"{name}s"
               for name in found}  # fmt: skip
    return frozenset(found | plurals)

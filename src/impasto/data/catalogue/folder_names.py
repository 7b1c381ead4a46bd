"""Reads what a picture's folders say: an artist, a style or genre, kohya's repeats; or nothing, as `train/images/00000`."""

import re
from dataclasses import dataclass
from functools import lru_cache

from impasto.data.catalogue.artist_names import artist_name, is_listed_artist, name_key
from impasto.prompts.knowledge.handbook import handbook

SPLITS = frozenset({"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "holdout"})
_PLAIN = SPLITS | frozenset(
    {"image", "images", "img", "imgs", "picture", "pictures", "pics", "photo", "photos", "painting", "paintings", "art"}
    | {"artwork", "artworks", "data", "dataset", "datasets", "raw", "input", "inputs", "output", "outputs", "src", "source"}
    | {"resized", "processed", "cropped", "crops", "original", "originals", "full", "all", "new", "files", "file"}
    | {
        "download",
        "downloads",
        "archive",
        "scan",
        "scans",
        "jpg",
        "jpeg",
        "png",
        "webp",
        "tif",
        "tiff",
        "sample",
        "samples",
        "misc",
    }
    | {"media", "content", "upload", "uploads", "export", "import", "model", "models", "log", "logs", "captioned", "wikiart"}
    | {"instance images", "class images", "instance", "untitled folder", "new folder", "temp", "tmp", "batch", "part"}
    | {"shard", "split", "high res", "low res", "hires", "small", "large", "thumbnails", "thumbs"}
)
_REGULARISATION = frozenset({"reg", "regs", "regularization", "regularisation", "reg images", "regularization images"})
# kohya's folders: how often an epoch shows each picture, then the words that stand for a caption.
_REPEATS = re.compile(r"^(?P<count>[1-9]\d{0,2})_(?P<words>\S.*)$")
_NUMBERED = re.compile(r"^\d{1,3}\s*[._)-]\s*(?P<words>\S.*)$")
_SIZED = re.compile(r"\d+\s*(px|p|k)?(\s*[x×]\s*\d+)?")
_DATED = re.compile(r"\d{1,2}(st|nd|rd|th)( century)?|\d{3,4}s")
_SHARD = re.compile(r"(?i)(part|shard|batch|chunk|split|set|vol|volume|page|folder|dir)?[\s_-]*\d[\d\s._-]*")
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
_NO_TITLE = re.compile(r"(?i)(img|dsc[fn]?|pxl|image|picture|photo|scan|untitled|p|pic|wp|screenshot)?[\s_-]*[\d\s_.()-]*")


@dataclass(frozen=True)
class FolderWords:
    """What the folders of a picture say.

    Attributes:
        artist, style, genre: the words of the nearest folder that names one, in their normal form, or "".
        folder: the folder that names the artist, as written.
        repeats: kohya's repeats; 1 if there are none.
        words: the words after the repeats, which kohya uses as the caption of a picture without one; "" if they name an
            artist.
        is_regularisation: the picture lies in one of kohya's regularisation folders.
    """

    artist: str = ""
    style: str = ""
    genre: str = ""
    folder: str = ""
    repeats: int = 1
    words: str = ""
    is_regularisation: bool = False


@lru_cache(maxsize=1 << 14)
def words_of_folders(folders: tuple[str, ...]) -> FolderWords:
    """Reads the names of the folders around a picture, the outermost first."""
    found: dict[str, str] = {}
    repeats, words, owner = 1, "", ""
    for folder in reversed(folders):
        name = _without_archive(folder)
        if name != folder and not _is_known_artist(name):
            continue  # an archive is named after its contents or its number, rarely after who painted them
        counted = _REPEATS.match(name)
        if counted:
            named = " ".join(counted["words"].replace("_", " ").split())
            if _is_known_artist(named):
                name = named
            else:
                if len(named) > 1 and not words and repeats == 1:
                    words = named
                name = ""
            repeats = max(repeats, int(counted["count"]))
        elif numbered := _NUMBERED.match(name):
            name = numbered["words"]
        if not name or _is_plain(name):
            continue
        kind, value = _class_of(name)
        if kind:
            found.setdefault(kind, value)
        elif "artist" not in found:
            artist = artist_name(name)
            if artist:
                found["artist"], owner = artist, folder
    regularisation = any(_plain(name) in _REGULARISATION for name in folders) and len(folders) > 1
    return FolderWords(**found, folder=owner, repeats=repeats, words=words, is_regularisation=regularisation)


def title_of(stem: str, artist: str = "") -> str:
    """Returns the title that a file name says; "" for a number, a camera's name, or the artist's own name and a number."""
    words = " ".join(stem.replace("-", " ").replace("_", " ").split())
    if _NO_TITLE.fullmatch(words):
        return ""
    if artist and name_key(re.sub(r"[\d\s().]+$", "", words)) in (name_key(artist), ""):
        return ""
    return words


def is_split(folder: str) -> bool:
    """Returns whether a folder's name is that of a part of a data set (train, test, validation)."""
    return _plain(folder) in SPLITS


def _without_archive(folder: str) -> str:
    ending = next((ending for ending in _ARCHIVES if folder.lower().endswith(ending)), "")
    return folder[: len(folder) - len(ending)]


def _plain(name: str) -> str:
    return " ".join(re.split(r"[\s_.-]+", name.casefold())).strip()


def _is_plain(name: str) -> bool:
    plain = _plain(name)
    without_number = re.sub(r"[\s\d]+$", "", plain)
    return (
        plain in _PLAIN or plain in _REGULARISATION or without_number in _PLAIN or not without_number
        or len(without_number) < 2 or any(pattern.fullmatch(plain) for pattern in (_SIZED, _SHARD, _DATED))
    )  # fmt: skip


def _class_of(name: str) -> tuple[str, str]:
    """Returns ("style" or "genre", its words) if the name is that of a style or genre of the handbook, else ("", "")."""
    return _classes().get(name_key(re.sub(r"[_-]", " ", name)), ("", ""))


@lru_cache(maxsize=1)
def _classes() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for entry in handbook():
        if entry.kind in ("styles", "genres"):
            kind = entry.kind.removesuffix("s")
            title = entry.title if kind == "style" else entry.title.lower()
            key = name_key(entry.title.replace("-", " "))
            found |= {key: (kind, title), f"{key}s": (kind, title)}
    for name, other in (("art nouveau", "art nouveau modern"), ("seascape", "marina"), ("pop", "pop art")):
        found |= {name: found[other], f"{name}s": found[other]}
    return found


@lru_cache(maxsize=1)
def _handbook_artists() -> frozenset[str]:
    return frozenset(name_key(entry.title) for entry in handbook() if entry.kind == "artists")


def _is_known_artist(name: str) -> bool:
    return is_listed_artist(name) or name_key(artist_name(name)) in _handbook_artists()


def parent_folders(key: str) -> tuple[str, ...]:
    """Returns the folders of a picture's key, the outermost first."""
    return tuple(key.split("/")[:-1])

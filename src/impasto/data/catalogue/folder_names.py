"""Reads what a picture's folders say: an artist, a style or genre, kohya's repeats; or nothing, as `train/images/00000`."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from impasto.data.catalogue.artist_names import artist_name, is_listed_artist, listed_keys, name_key, without_life_dates
from impasto.data.catalogue.plain_folders import REGULARISATION, SPLITS, is_plain, plain
from impasto.prompts.knowledge.handbook import handbook

# kohya's folders: how often an epoch shows each picture, then the words that stand for a caption.
_REPEATS = re.compile(r"^(?P<count>[1-9]\d{0,2})_(?P<words>\S.*)?$")
_NUMBERED = re.compile(r"^\d{1,3}\s*[._)-]\s*(?P<words>\S.*)$")
# Words before a painter's name that make the works another's.
_ANOTHERS = re.compile(
    r"\b(after|like|style|styles|school|circle|follower|followers|workshop|studio|copy|copies|imitation|not)\b"
)
_PARTICLES = frozenset({"van", "von", "de", "da", "di", "del", "der", "la", "le", "el"})
# Words after a name that say what the folder holds: "Jane Doe paintings".
_HELD = re.compile(
    r"(?i)[\s_-]+(the\s+)?((complete|collected|selected|all|oil|best|train(ing)?)[\s_]+)?"
    r"(paintings?|works?|artworks?|images?|imgs|pictures?|pics|photos?|dataset|scans|jpe?gs?|pngs?)$"
)
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
_NO_TITLE = re.compile(r"(?i)(img|dsc[fn]?|pxl|image|picture|photo|scan|untitled|p|pic|wp|screenshot)?[\s_-]*[\d\s_.()-]*")


@dataclass(frozen=True)
class FolderWords:
    """What the folders of a picture say.

    Attributes:
        artist, style, genre: the words of the nearest folder that names one, in their normal form, or "".
        artist_dates: the artist's dates of life as the folder writes them, "1840-1926", or "".
        folder: the folder that names the artist, as written.
        repeats: kohya's repeats; 1 if there are none.
        words: the words after the repeats, which kohya uses as the caption of a picture without one; "" if they name an
            artist.
        is_regularisation: the picture lies in one of kohya's regularisation folders.
    """

    artist: str = ""
    style: str = ""
    genre: str = ""
    artist_dates: str = ""
    folder: str = ""
    repeats: int = 1
    words: str = ""
    is_regularisation: bool = False


@lru_cache(maxsize=1 << 14)
def words_of_folders(folders: tuple[str, ...]) -> FolderWords:
    """Reads the names of the folders around a picture, the outermost first.

    The nearest folder that means something names the artist, but a known painter's folder goes before one that may be
    anything: in `Claude Monet/Giverny` it is Monet's.
    """
    found: dict[str, str] = {}
    repeats, words, owner, is_known = 1, "", "", False
    for folder in reversed(folders):
        name = _without_archive(folder)
        if name != folder and not known_painter(name):
            continue  # an archive is named after its contents or its number, rarely after who painted them
        counted = _REPEATS.match(name)
        if counted:
            named = " ".join((counted["words"] or "").replace("_", " ").split())
            if known_painter(named):
                name = named
            else:
                if len(named) > 1 and not words and repeats == 1:
                    words = named
                name = ""
            repeats = max(repeats, int(counted["count"]))
        elif numbered := _NUMBERED.match(name):
            name = numbered["words"]
        known = known_painter(name)
        kind, value = _class_of(name)
        if kind:
            found.setdefault(kind, value)
        elif not name or (not known and is_plain(name)):
            continue
        elif "artist" not in found or (known and not is_known):
            artist, dates = without_life_dates(name)
            artist = known or artist_name(_without_what_it_holds(artist))
            if artist:
                found["artist"], found["artist_dates"], owner, is_known = artist, dates, folder, bool(known)
    regularisation = any(plain(name) in REGULARISATION for name in folders) and len(folders) > 1
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
    return plain(folder) in SPLITS


def _without_archive(folder: str) -> str:
    ending = next((ending for ending in _ARCHIVES if folder.lower().endswith(ending)), "")
    return folder[: len(folder) - len(ending)]


def _without_what_it_holds(name: str) -> str:
    """Returns "Jane Doe" for "Jane Doe - paintings", "Jane Doe (scans)" and "Jane Doe works"; a name of one word stays."""
    parts = [part.strip() for part in re.split(r"\s[-–—|]+\s|[()\[\]]", name)]
    told = [part for part in parts if part and not is_plain(part)]
    name = told[0] if len(told) == 1 else name
    bare = re.sub(r"[\s_-]+\d{1,3}$", "", _HELD.sub("", name))
    return bare if len(re.findall(r"[^\W_]+", bare)) > 1 else name


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
def _known_painters() -> dict[str, str]:
    """Returns a dict from key (`name_key`) to the name of the painters of the handbook and of `known_painters.txt`."""
    lines = files("impasto.data.catalogue").joinpath("known_painters.txt").read_text("utf-8").splitlines()
    names = [entry.title for entry in handbook() if entry.kind == "artists"]
    return {name_key(name): artist_name(name) for name in (*lines, *names) if name and not name.startswith("#")}


@lru_cache(maxsize=1 << 14)
def known_painter(name: str) -> str:
    """Returns the one known painter whom a folder's name names, in the normal form, or "".

    The name may have other words with it, "CLAUDE MONET - paintings", "Claude Monet (1840-1926)"; next to a name of one
    word or a surname ("Raphael", "van Gogh") these must mean nothing, and "after Claude Monet" is somebody else.
    """
    name = without_life_dates(name.replace("_", " "))[0]
    normal = artist_name(name)
    if is_listed_artist(name) or name_key(normal) in _known_painters():
        return _known_painters().get(name_key(normal), normal)
    key = name_key(name)
    if _ANOTHERS.search(key):
        return ""
    found: dict[str, str] = {}
    for one in _known_keys():
        if one in key and (place := re.search(rf"\b{one}\b", key)):
            rest = f"{key[: place.start()]} {key[place.end() :]}".strip()
            whole = " " in one and one.split()[0] not in _PARTICLES
            if is_plain(rest) if not whole else not re.search(r"\b(and|und|et|vs|with)\b", rest):
                found[one] = _known_painters().get(one) or artist_name(one)
    longest = [one for one in found if not any(one != other and one in other for other in found)]
    return found[longest[0]] if len({found[one] for one in longest}) == 1 else ""


@lru_cache(maxsize=1)
def _known_keys() -> tuple[str, ...]:
    return tuple(sorted(listed_keys().union(_known_painters())))


def parent_folders(key: str) -> tuple[str, ...]:
    """Returns the folders of a picture's key, the outermost first."""
    return tuple(key.split("/")[:-1])

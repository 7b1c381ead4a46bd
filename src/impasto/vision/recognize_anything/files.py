"""Finds the published files of RAM, RAM++ and Tag2Text, and the lists of tags and thresholds that belong to them."""

from pathlib import Path

import numpy as np

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.settings import cache_folder
from impasto.vision.recognize_anything.keys import KINDS, RAM, RAM_PLUS, TAG2TEXT
from impasto.weights.hub import HUB_NAME, cached_folder

FILES = {
    RAM: "ram_swin_large_14m.pth",
    RAM_PLUS: "ram_plus_swin_large_14m.pth",
    TAG2TEXT: "tag2text_swin_14m.pth",
}
_CODE = "https://github.com/xinyu1205/recognize-anything"
_SPACE = "xinyu1205/Recognize_Anything-Tag2Text"
_REPOSITORIES = ("xinyu1205/recognize_anything_model", "xinyu1205/recognize-anything-plus-model")
_ADDRESSES = {
    RAM: f"https://huggingface.co/spaces/{_SPACE}",
    RAM_PLUS: f"https://huggingface.co/{_REPOSITORIES[1]}",
    TAG2TEXT: f"https://huggingface.co/spaces/{_SPACE}",
}
TAG_LISTS = {
    RAM: ("ram_tag_list.txt",),
    RAM_PLUS: ("ram_tag_list.txt",),
    TAG2TEXT: ("tag2text_ori_tag_list.txt", "tag_list.txt"),
}
THRESHOLDS = "ram_tag_list_threshold.txt"
_SUFFIXES = (".pth", ".pt", ".safetensors")


def find_file(name: str, kinds: tuple[str, ...] = KINDS) -> Path | None:
    """Returns the weights file that `name` means; None if it may be another kind of model.

    `name`: ram, ram++ or tag2text, which are searched in the user's cache and in the Hugging Face cache; a weights file; a
    folder that holds one; or the name of a hub repository in the cache. `kinds`: what a folder with several files is
    searched for.

    Raises:
        UsageError: a folder holds several files, of which none has a published name.
        MissingPart: the file of a short name is not on this machine; the message says where it is published.
    """
    if name in FILES:
        return _known(name)
    path = Path(name).expanduser()
    try:
        if name.strip() and path.is_file():
            return path
        if name.strip() and path.is_dir():
            return _inside(path, kinds)
    except OSError:
        return None
    folder = cached_folder(name) if HUB_NAME.fullmatch(name) else None
    return None if folder is None else _inside(folder, kinds)


def _inside(folder: Path, kinds: tuple[str, ...]) -> Path | None:
    for place in (folder, folder / "pretrained"):
        for kind in kinds:
            if (place / FILES[kind]).is_file():
                return place / FILES[kind]
    if (folder / "config.json").is_file():
        return None
    found = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.name not in FILES.values())
    if len(found) > 1:
        raise UsageError(f"{folder} holds several files of weights, {found[0].name} and {found[1].name}: name one of them")
    return found[0] if found else None


def _known(kind: str) -> Path:
    folders = [cache_folder(), *(cached_folder(name) for name in _REPOSITORIES), _cached_space()]
    for folder in folders:
        if folder is not None and (folder / FILES[kind]).is_file():
            return folder / FILES[kind]
    raise MissingPart(
        f"{FILES[kind]} is not on this machine: get it from {_ADDRESSES[kind]}, and put it into {cache_folder()}, "
        "or give its path"
    )


def _cached_space() -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(_SPACE, repo_type="space", local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return None


def read_tags(file: Path, kind: str) -> tuple[Path, list[str]]:
    """Returns the list of tags beside a weights file, one a line in the weights' order, and where it was found.

    Raises:
        MissingPart: there is none; the message says where the authors publish it.
        ImpastoError: it cannot be read, or a line is empty.
    """
    path = _beside(file, TAG_LISTS[kind])
    tags = [line.strip() for line in _lines(path)]
    if not tags or not all(tags):
        empty = tags.index("") + 1 if tags else 1
        raise ImpastoError(f"{path}, line {empty}: there is no tag, but each line has one, in the order of the weights")
    return path, tags


def read_thresholds(file: Path, count: int) -> tuple[Path, np.ndarray]:
    """Returns RAM's thresholds float32 [count], 0..1, one a line in the order of the tags, and where they were found.

    Raises:
        MissingPart: there is no such list beside the weights file.
        ImpastoError: it cannot be read, or has another number of lines.
    """
    path = _beside(file, (THRESHOLDS,))
    try:
        found = np.array([float(line) for line in _lines(path)], np.float32)
    except ValueError:
        found = np.full(1, np.nan)
    if not ((found >= 0) & (found <= 1)).all():
        raise ImpastoError(f"{path}: a line is no threshold, which is a number from 0 to 1")
    if len(found) != count:
        raise ImpastoError(f"{path} has {len(found)} lines for {count} tags: use the list that belongs to the weights")
    return path, found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").rstrip().split("\n")
    except UnicodeDecodeError:
        raise ImpastoError(f"{path} is not UTF-8: fetch it again from {_CODE}, folder ram/data") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None


def _beside(file: Path, names: tuple[str, ...]) -> Path:
    above = file.parent.parent
    for folder in (file.parent, file.parent / "data", file.parent / "ram" / "data", above / "ram" / "data", cache_folder()):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    raise MissingPart(f"{file} needs {names[0]} beside it, which is in the folder ram/data of {_CODE}")

"""Finds the LoRAs that prompts ask for by name, `<lora:monet:0.8>`, in folders of LoRAs."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from impasto.adapters.lora.files import POCKET_STUDENT, WEIGHT_ENDINGS, WEIGHTS, find_lora, output_name
from impasto.settings import cache_folder

FOLDERS = "IMPASTO_LORAS"
_RUNS = "runs"
_MOST_FILES = 20_000


def lora_folders(given: Iterable[str | Path] = ()) -> list[Path]:
    """Returns the folders of LoRAs: those given, those of `$IMPASTO_LORAS`, `loras` in the cache folder, and `runs`."""
    set_by = [word for word in os.environ.get(FOLDERS, "").split(os.pathsep) if word]
    folders = [Path(word).expanduser() for word in [*given, *set_by]]
    return list(dict.fromkeys([*folders, cache_folder() / "loras", Path(_RUNS)]))


def find_named_lora(name: str, folders: Sequence[Path]) -> Path | None:
    """Returns the file or folder of the LoRA called `name`, which `load_lora` reads; None if there is none.

    A LoRA is called by its file without the ending, by its folder, or by the name that kohya's trainer wrote into its
    metadata. The first folder that has it counts, the name as it is before other upper and lower case, and a LoRA beside
    before one in a subfolder. `name` may hold subfolders ("styles/monet"), but does not lead out of a folder.
    """
    if name == POCKET_STUDENT:
        return Path(name) if find_lora(name) is not None else None
    wanted = name.replace("\\", "/").strip("/")
    if not wanted or ".." in wanted.split("/"):
        return None
    for folder in folders:
        found = _in_folder(wanted, folder)
        if found is not None:
            return found
    return None


def _in_folder(wanted: str, folder: Path) -> Path | None:
    places = _places(folder)
    for same in (lambda one: one == wanted, lambda one: one.casefold() == wanted.casefold()):
        for path in places:
            inside = path.relative_to(folder)
            names = {inside.name, inside.as_posix()}
            if path.suffix.lower() in WEIGHT_ENDINGS:
                names |= {inside.stem, inside.with_suffix("").as_posix()}
            if any(map(same, names)):
                return path
    return next((path for path in places if path.is_file() and output_name(path) == wanted), None)


def _places(folder: Path) -> list[Path]:
    """Returns the LoRAs in a folder: files of weights, and folders that hold one; those nearest to the folder first."""
    found: list[Path] = []
    if not folder.is_dir():
        return found
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        if here != folder and find_lora(here) is not None:
            found.append(here)
        if here.parts and WEIGHTS not in files:
            found += [here / name for name in sorted(files) if Path(name).suffix.lower() in WEIGHT_ENDINGS]
        if len(found) > _MOST_FILES:
            break
    return sorted(found, key=lambda path: len(path.parts))

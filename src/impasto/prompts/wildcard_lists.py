"""Reads the user's lists for wildcards from a folder: name.txt with one value a line, or lists by name in YAML or JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from impasto.files import decoded

TABLES = (".yaml", ".yml", ".json")
_WEIGHTED = re.compile(r"(\d*\.?\d+)::(.+)", re.DOTALL)

State = tuple[tuple[str, int, int], ...]
Value = tuple[str, float]  # a text and its weight


@dataclass(frozen=True)
class OwnLists:
    """The lists of a folder.

    Attributes:
        lists: name -> values with their weights.
        broken: name of a file without its ending ("book", "deep/book") -> why it cannot be read, with the file and the line.
        remarks: sentences on values that were left out.
    """

    lists: dict[str, list[Value]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


class _Unreadable(Exception):
    """Why a file cannot be read, after its name."""


def state_of(folder: Path) -> State:
    """Returns the folder's lists with their times and sizes."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".txt", *TABLES) and path.is_file()]
    return tuple((str(path), (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)


@lru_cache(maxsize=4)
def own_lists(folder: Path, state: State) -> OwnLists:
    """Returns the user's lists in a folder and its subfolders, in any usual encoding.

    name.txt has one value a line; lines that begin with # are comments. A YAML or JSON file has lists by name, which may be
    nested; a list is called by its own name, or with the file's before it. A file that cannot be read is left out and named.

    Args:
        folder: the folder.
        state: the files with their times and sizes, from which they are read anew if one changes.
    """
    found = OwnLists()
    remarks: list[str] = []
    for name, _, _ in state:
        path = Path(name)
        inside = path.relative_to(folder).with_suffix("").as_posix()
        try:
            _read(path, inside, found.lists, remarks)
        except _Unreadable as why:
            found.broken[inside] = f"{path}{why}"
    return OwnLists(found.lists, found.broken, tuple(remarks))


def _read(path: Path, inside: str, lists: dict[str, list[Value]], remarks: list[str]) -> None:
    """Adds the lists of one file.

    Raises:
        _Unreadable: it cannot be read.
    """
    try:
        text = decoded(path.read_bytes())
    except UnicodeDecodeError:
        raise _Unreadable(" cannot be read: it is no text: save it as UTF-8") from None
    except OSError as error:
        raise _Unreadable(f" cannot be read: {error.strerror}") from None
    if path.suffix.lower() == ".txt":
        lines = [line.strip() for line in text.splitlines()]
        lists[inside] = _collected([line for line in lines if line and not line.startswith("#")], path, remarks)
        return
    content = _parsed(path, text)
    if isinstance(content, list):
        lists[inside] = _collected(content, path, remarks)
        return
    before = inside.rpartition("/")[0]
    try:
        named = list(_flat(content))
    except RecursionError:
        raise _Unreadable(" cannot be read: it is nested too deeply, or holds itself") from None
    for key, values in named:
        lists["/".join(filter(None, (before, key)))] = lists[f"{inside}/{key}"] = _collected(values, path, remarks)


def _flat(lists: dict[Any, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yields name -> values of nested lists, with the names of all levels: "sky/dawn"."""
    for key, values in lists.items():
        if isinstance(values, dict):
            yield from ((f"{key}/{inner}", found) for inner, found in _flat(values))
        else:
            yield str(key), values if isinstance(values, list) else [values]


def _collected(values: list[Any], path: Path, remarks: list[str]) -> list[Value]:
    """Returns texts with their weights: "text", "3::text", {"text": ..., "weight": 3}; others are left out with a remark."""
    entries: list[Value] = []
    for value in values:
        text, weight = value, "1"
        if isinstance(value, dict):
            text, weight = value.get("text") or value.get("content"), value.get("weight", "1")
        elif isinstance(value, str) and (weighted := _WEIGHTED.fullmatch(value)):
            weight, text = weighted.groups()
        if isinstance(text, dict | list) or (text is None and value is not None):
            form = '{"text": ..., "weight": 2}'
            remarks.append(f"{path}: {str(value)[:60]} is no value and is left out: write a text, or {form}")
            continue
        try:
            number = float(weight)
        except (TypeError, ValueError):
            number = -1.0
        if not 0 <= number < float("inf"):
            remarks.append(f"{path}: the weight {weight!r} of {str(text)[:60]!r} is no number from 0 on: it counts once")
            number = 1.0
        if text is not None and str(text).strip():
            entries.append((str(text), number))
    return entries


def _parsed(path: Path, text: str) -> Any:
    """Returns the content of a YAML or JSON file; all values of YAML are texts ("no" is not False).

    Raises:
        _Unreadable: it is neither a list nor lists by name.
    """
    import yaml

    content: Any = None
    try:
        content = json.loads(text) if path.suffix.lower() == ".json" else yaml.load(text, yaml.BaseLoader)
    except json.JSONDecodeError as error:
        try:
            content = yaml.load(text, yaml.BaseLoader)  # which also takes a comma too many
        except (yaml.YAMLError, RecursionError):
            raise _Unreadable(f", line {error.lineno}, cannot be read: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1},"
        raise _Unreadable(f"{line} cannot be read: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise _Unreadable(f" cannot be read: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise _Unreadable(" cannot be read: it is nested too deeply") from None
    if content is None or content == "":
        return {}
    if not isinstance(content, dict | list):
        raise _Unreadable(" holds neither a list nor lists by name")
    return content

r"""Resolves wildcards in prompts, `{dawn|dusk}` and `__colour__`, by a seed with the dynamicprompts library.

`__medium__`, `__lighting__`, `__colour__`, `__detail__`, `__resolution__`, `__subject__`, `__style__`, `__genre__` and
`__artist__` choose from the values that `impasto compose --list` prints. Any other name is looked up in the user's own
folder, in which `name.txt` has one value per line (or a YAML or JSON file has several lists). The folder takes precedence
if both have a name. `\{`, `\}`, `\|` and `\_` are the characters themselves.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError
from impasto.files import decoded
from impasto.prompts.parts import PARTS, known_values

_NAME = re.compile(r"__([\w/*-]+?)__")
_SYNTAX = re.compile(rf"\{{[^{{}}]*\}}|{_NAME.pattern}")
_LONGEST = 4000  # characters; the parser is not made for long texts
_WEIGHTED = re.compile(r"(\d+(?:\.\d+)?)::(.+)")
_TABLES = (".yaml", ".yml", ".json")
# Backslashed, these are the characters themselves. They are replaced by private characters during parsing.
_BACKSLASHED = re.compile(r"\\([{}|_])")
_LITERAL = dict(zip("{}|_", "\ue004\ue005\ue006\ue007", strict=True))
# In dynamicprompts' grammar these characters begin a variable, a comment or a selection mode. They are replaced by private
# characters during parsing, so that "50 %" and "#1" stay unchanged. `{2$$a|b|c}`, two of the three, keeps its meaning.
_ESCAPED = str.maketrans({"%": "\ue000", "$": "\ue001", "#": "\ue002", "\\": "\ue003"})
_RESTORED = str.maketrans({"\ue000": "%", "\ue001": "$", "\ue002": "#", "\ue003": "\\"}) | {
    ord(private): mark for mark, private in _LITERAL.items()
}


def has_wildcards(template: str) -> bool:
    """Returns whether the text contains a wildcard, or a backslashed character of their syntax."""
    return _SYNTAX.search(template) is not None or _BACKSLASHED.search(template) is not None


def resolve_wildcards(template: str, seed: int, folder: Path | None = None, *, of: str = "prompt") -> str:
    """Returns one prompt from the template; the same seed gives the same prompt. A text without wildcards is unchanged.

    Args:
        template: the text; `\\{`, `\\}`, `\\|` and `\\_` are the characters themselves.
        seed: 0 or more.
        folder: the user's own lists.
        of: "prompt", or "negative" for the negative prompt, which chooses independently of the prompt.

    Raises:
        UsageError: the braces do not match, a name is unknown or its list is empty, or there is no such folder.
        ImpastoError: a file of the folder cannot be read.
    """
    if not has_wildcards(template):
        return template
    if len(template) > _LONGEST:
        raise UsageError(f"a prompt with wildcards may have {_LONGEST} characters, not {len(template)}")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--wildcards {folder}: there is no such folder")
    literal = _BACKSLASHED.sub(lambda found: _LITERAL[found[1]], template)
    if _SYNTAX.search(literal) is None:
        return literal.translate(_RESTORED)
    from dynamicprompts.generators import RandomPromptGenerator
    from dynamicprompts.wildcards import WildcardManager
    from pyparsing import ParseException

    ours: Any = {part: list(known_values(part)) for part in PARTS}
    own = {} if folder is None else own_lists(folder, _state(folder))
    manager = WildcardManager(root_map={"": [ours, dict(own)]})
    for name in dict.fromkeys(_NAME.findall(literal)):
        if not manager.get_values(name).string_values:
            _say_unknown(name, folder)
    escaped = literal.translate(_ESCAPED).replace("\ue001\ue001", "$$")
    if of != "prompt":
        seed = int.from_bytes(hashlib.sha256(f"{of} {seed}".encode()).digest()[:8])
    try:
        (found,) = RandomPromptGenerator(manager, seed=seed).generate(escaped, 1)
    except RecursionError:
        raise UsageError("the prompt's wildcards cannot be read: a list leads to itself") from None
    except (ParseException, ValueError) as error:
        raise UsageError(f"the prompt's wildcards cannot be read: {str(error).splitlines()[0]}") from None
    return " ".join(str(found).translate(_RESTORED).split())


def _say_unknown(name: str, folder: Path | None) -> None:
    """Raises UsageError: nothing is known for this name."""
    known = ", ".join(f"__{part}__" for part in PARTS)
    if folder is not None and any((folder / f"{name}{ending}").is_file() for ending in (".txt", *_TABLES)):
        raise UsageError(f"__{name}__: its file in {folder} holds no value: write one a line, not after a #")
    raise UsageError(f"nothing is known for __{name}__: use {known}, or --wildcards DIR with {name}.txt")


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The folder's lists with their times and sizes."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".txt", *_TABLES) and path.is_file()]
    return tuple((str(path), (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)


@lru_cache(maxsize=4)
def own_lists(folder: Path, state: tuple[tuple[str, int, int], ...]) -> dict[str, Any]:
    """Returns name -> values of the user's lists in a folder and its subfolders, in any usual encoding.

    name.txt has one value a line; lines that begin with # are comments. A YAML or JSON file has lists by name, which may be
    nested; a list is called by its own name, or with the file's before it.

    Args:
        folder: the folder.
        state: the files with their times and sizes, from which they are read anew if one changes.

    Raises:
        ImpastoError: a file cannot be read.
    """
    found: dict[str, Any] = {}
    for name, _, _ in state:
        path = Path(name)
        inside = path.relative_to(folder).with_suffix("").as_posix()
        try:
            text = decoded(path.read_bytes())
        except UnicodeDecodeError:
            raise ImpastoError(f"{path} cannot be read: it is no text: save it as UTF-8") from None
        except OSError as error:
            raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
        if path.suffix.lower() == ".txt":
            lines = [line.strip() for line in text.splitlines()]
            found[inside] = _collected([line for line in lines if line and not line.startswith("#")])
            continue
        lists = _parsed(path, text)
        if isinstance(lists, list):
            found[inside] = _collected(lists)
            continue
        before = inside.rpartition("/")[0]
        for key, values in _flat(lists):
            collected = _collected(values)
            found["/".join(filter(None, (before, key)))] = found[f"{inside}/{key}"] = collected
    return found


def _flat(lists: dict[Any, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yields name -> values of nested lists, with the names of all levels: "sky/dawn"."""
    for key, values in lists.items():
        if isinstance(values, dict):
            yield from ((f"{key}/{inner}", found) for inner, found in _flat(values))
        else:
            yield str(key), values if isinstance(values, list) else [values]


def _collected(values: list[Any]) -> Any:
    """Returns one list for dynamicprompts: texts, or with weights "3::text" and {"text": ..., "weight": 3}."""
    from dynamicprompts.wildcards.collection.list import ListWildcardCollection
    from dynamicprompts.wildcards.item import WildcardItem

    entries: list[Any] = []
    for value in values:
        text, weight = str(value if value is not None else ""), 1.0
        if isinstance(value, dict):
            text, weight = str(value.get("text") or value.get("content") or ""), value.get("weight", 1)
        elif weighted := _WEIGHTED.fullmatch(text):
            text, weight = weighted[2], float(weighted[1])
        if not isinstance(weight, int | float) or not text.strip():
            continue
        entries.append(text if weight == 1 else WildcardItem(content=text, weight=float(weight)))
    return ListWildcardCollection(entries)


def _parsed(path: Path, text: str) -> Any:
    """Returns the content of a YAML or JSON file.

    Raises:
        ImpastoError: it is neither a list nor lists by name.
    """
    import yaml

    try:
        content = yaml.safe_load(text)  # JSON is YAML, too
    except yaml.YAMLError as error:
        raise ImpastoError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if content is None:
        return {}
    if not isinstance(content, dict | list):
        raise ImpastoError(f"{path} holds neither a list nor lists by name")
    return content

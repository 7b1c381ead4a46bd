r"""Resolves wildcards in prompts, `{dawn|dusk}` and `__colour__`, by a seed with the dynamicprompts library.

`__medium__`, `__lighting__`, `__colour__`, `__detail__`, `__resolution__`, `__subject__`, `__style__`, `__genre__` and
`__artist__` choose from the values that `impasto compose --list` prints. Any other name is looked up in the user's own
folder, in which `name.txt` has one value per line (or a YAML or JSON file has several lists). The folder takes precedence
if both have a name. `{2$$a|b|c}`, `{0.5::a|b}`, `${x=red} ${x}` and `%{... at night$$boats}` mean what they do in
dynamicprompts. `\{`, `\}`, `\|` and `\_` are the characters themselves.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.parts import PARTS, known_values
from impasto.prompts.wildcard_grammar import balanced, literal, plain, prepared, without_samplers
from impasto.prompts.wildcard_lists import TABLES, OwnLists, own_lists, state_of

_NAME = re.compile(r"__([~@!]?)([\w/*-]+?)(\([^()]*\))?__")
_SPACED = re.compile(r"__((?:(?!__)[\w/-])+(?: (?:(?!__)[\w/-])+)+)__")
_SYNTAX = re.compile(rf"\{{[^{{}}]*\}}|{_NAME.pattern}|{_SPACED.pattern}")
_BACKSLASHED = re.compile(r"\\([{}|_])")
_LONGEST = 4000  # characters; the parser is not made for long texts
_OPEN_NAME = re.compile(r"__([\w/-]+)|(?<!\w)([\w/-]+)__")
_ASSIGNED = re.compile(r"\$\{\s*([A-Za-z_-][\w-]*)\s*\??=")
_READ = re.compile(r"\$\{\s*([A-Za-z_-][\w-]*)\s*\}")

Say = Callable[[str], object]


def _nothing(note: str) -> None:
    """Takes a note that nobody reads."""


def has_wildcards(template: str) -> bool:
    """Returns whether the text contains a wildcard, or a backslashed character of their syntax."""
    return _SYNTAX.search(template) is not None or _BACKSLASHED.search(template) is not None


def resolve_wildcards(
    template: str, seed: int, folder: Path | None = None, *, of: str = "prompt", say: Say = _nothing
) -> str:
    """Returns one prompt from the template; the same seed gives the same prompt. A text without wildcards is unchanged.

    Args:
        template: the text; `\\{`, `\\}`, `\\|` and `\\_` are the characters themselves.
        seed: 0 or more.
        folder: the user's own lists.
        of: "prompt", or "negative" for the negative prompt, which chooses independently of the prompt.
        say: called with notes on what was not understood, and on lists that cannot be read and are not used.

    Raises:
        UsageError: a name is unknown or its list is empty, a variable has no value, or there is no such folder.
        ImpastoError: a list that the template uses cannot be read.
    """
    text = balanced(literal(template), say)
    is_read = has_wildcards(template)
    if is_read and len(template) > _LONGEST:
        raise UsageError(f"a prompt with wildcards may have {_LONGEST} characters, not {len(template)}")
    if is_read and folder is not None and not folder.is_dir():
        raise UsageError(f"--wildcards {folder}: there is no such folder")
    own = own_lists(folder, state_of(folder)) if folder is not None and folder.is_dir() else OwnLists()
    ours = {part: list(known_values(part)) for part in PARTS}
    _say_open_names(text, {*ours, *own.lists, *own.broken}, say)
    if not is_read:
        return template
    if _SYNTAX.search(text) is None:
        return plain(text)
    return _chosen(text, seed, folder, own, ours, of, say)


def _chosen(text: str, seed: int, folder: Path | None, own: OwnLists, ours: dict[str, list[str]], of: str, say: Say) -> str:
    """Returns one prompt from a text with balanced braces; see `resolve_wildcards`."""
    from dynamicprompts.generators import RandomPromptGenerator
    from dynamicprompts.wildcards import WildcardManager
    from pyparsing import ParseException

    manager = WildcardManager(root_map={"": [_collections(ours), _collections(own.lists)]})

    def is_known(name: str) -> bool:
        return bool(manager.get_values(name).string_values)

    text = without_samplers(text, say)
    for found in _NAME.finditer(text):
        if not found[3] and not is_known(found[2]) and "${" not in found[2]:
            _say_unknown(found[2], folder, own)
    for note in [*own.remarks, *(f"{why}; it is left out" for why in own.broken.values())]:
        say(note)
    spaced = {found[1] for found in _SPACED.finditer(_NAME.sub(" ", text)) if is_known(found[1])}
    text = prepared(text, lambda name: name in spaced or _NAME.fullmatch(f"__{name}__") is not None)
    assigned = set(_ASSIGNED.findall(text))
    for name in _READ.findall(text):
        if name not in assigned:
            raise UsageError(f"${{{name}}} has no value: write ${{{name}=red}} before it, or ${{{name}:red}}")
    if of != "prompt":
        seed = int.from_bytes(hashlib.sha256(f"{of} {seed}".encode()).digest()[:8])
    try:
        (chosen,) = RandomPromptGenerator(manager, seed=seed).generate(text, 1)
    except RecursionError:
        raise UsageError("the prompt's wildcards cannot be read: a list leads to itself") from None
    except KeyError as error:
        raise UsageError(f"the prompt's wildcards cannot be read: {error.args[0]}: write ${{x=red}} before it") from None
    except ParseException as error:
        rest = plain(error.line[error.col - 1 :])[:60]
        raise UsageError(f"the prompt's wildcards cannot be read from {rest!r} on") from None
    except ValueError as error:
        raise UsageError(f"the prompt's wildcards cannot be read: {str(error).splitlines()[0]}") from None
    for found in _NAME.finditer(str(chosen)):  # in a value of a list
        if not is_known(found[2]):
            _say_unknown(found[2], folder, own)
    return " ".join(plain(str(chosen)).split())


@lru_cache(maxsize=1 << 16)  # each picture of a batch chooses from the same lists
def _prepared_value(text: str) -> str:
    return prepared(balanced(literal(text), _nothing), lambda name: _NAME.fullmatch(f"__{name}__") is not None)


def _collections(lists: Any) -> Any:
    """Returns lists for dynamicprompts, whose values are read in the same grammar as the prompt."""
    from dynamicprompts.wildcards.collection.list import ListWildcardCollection
    from dynamicprompts.wildcards.item import WildcardItem

    def item(value: Any) -> Any:
        text, weight = value if isinstance(value, tuple) else (value, 1.0)
        text = _prepared_value(text)
        return text if weight == 1 else WildcardItem(content=text, weight=weight)

    return {name: ListWildcardCollection([item(value) for value in values]) for name, values in lists.items()}


def _say_unknown(name: str, folder: Path | None, own: OwnLists) -> None:
    """Raises UsageError: nothing is known for this name; or ImpastoError: its list may be in a file that is broken."""
    known = ", ".join(f"__{part}__" for part in PARTS)
    stems = [stem for stem in own.broken if stem == name or name.startswith(f"{stem}/")]
    tables = [stem for stem, why in own.broken.items() if any(f"{stem}{ending}" in why for ending in TABLES)]
    for stem in [*stems, *tables]:
        raise ImpastoError(f"__{name}__: {own.broken[stem]}")
    if folder is not None and any((folder / f"{name}{ending}").is_file() for ending in (".txt", *TABLES)):
        raise UsageError(f"__{name}__: its file in {folder} holds no value: write one a line, not after a #")
    raise UsageError(f"nothing is known for __{name}__: use {known}, or --wildcards DIR with {name}.txt")


def _say_open_names(text: str, known: set[str], say: Say) -> None:
    """Calls `say` for each `__name` whose other underscores are missing, although there is a list of that name."""
    rest = _SPACED.sub(" ", _NAME.sub(" ", text))
    for found in _OPEN_NAME.finditer(rest):
        name = found[1] or found[2]
        if name in known:
            say(f"{found[0]!r} is painted as words: the wildcard is __{name}__, with two underscores on both sides")

"""Resolves wildcards in prompts, `{dawn|dusk}` and `__colour__`, by a seed with the dynamicprompts library.

`__medium__`, `__lighting__`, `__colour__`, `__detail__`, `__resolution__`, `__subject__`, `__style__`, `__genre__` and
`__artist__` choose from the values that `impasto compose --list` prints. Any other name is looked up in the user's own
folder, in which `name.txt` has one value per line (or a YAML or JSON file has several lists). The folder takes precedence
if both have a name.
"""

import re
from pathlib import Path
from typing import Any

from impasto.errors import UsageError
from impasto.prompts.parts import PARTS, known_values

_NAME = re.compile(r"__([\w/*-]+?)__")
_SYNTAX = re.compile(rf"\{{[^{{}}]*\}}|{_NAME.pattern}")
_LONGEST = 4000  # characters; the parser is not made for long texts
# In dynamicprompts' grammar these characters begin a variable, a comment or a selection mode. They are replaced by private
# characters during parsing, so that "50 %" and "#1" stay unchanged. `{2$$a|b|c}`, two of the three, keeps its meaning.
_ESCAPED = str.maketrans({"%": "\ue000", "$": "\ue001", "#": "\ue002", "\\": "\ue003"})
_RESTORED = str.maketrans({"\ue000": "%", "\ue001": "$", "\ue002": "#", "\ue003": "\\"})


def has_wildcards(template: str) -> bool:
    """Returns whether the text contains a wildcard."""
    return _SYNTAX.search(template) is not None


def resolve_wildcards(template: str, seed: int, folder: Path | None = None) -> str:
    """Returns one prompt from the template; the same seed gives the same prompt. A text without wildcards is unchanged.

    Raises:
        UsageError: the braces do not match, a name is unknown, or there is no such folder.
    """
    if not has_wildcards(template):
        return template
    if len(template) > _LONGEST:
        raise UsageError(f"a prompt with wildcards may have {_LONGEST} characters, not {len(template)}")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--wildcards {folder}: there is no such folder")
    from dynamicprompts.generators import RandomPromptGenerator
    from dynamicprompts.wildcards import WildcardManager
    from pyparsing import ParseException

    ours: Any = {part: list(known_values(part)) for part in PARTS}
    manager = WildcardManager(root_map={"": [ours] if folder is None else [ours, folder]})
    for name in dict.fromkeys(_NAME.findall(template)):
        if not manager.get_values(name).string_values:
            known = ", ".join(f"__{part}__" for part in PARTS)
            raise UsageError(f"nothing is known for __{name}__: use {known}, or --wildcards DIR with {name}.txt")
    escaped = template.translate(_ESCAPED).replace("\ue001\ue001", "$$")
    try:
        (found,) = RandomPromptGenerator(manager, seed=seed).generate(escaped, 1)
    except (ParseException, ValueError, RecursionError) as error:
        raise UsageError(f"the prompt's wildcards cannot be read: {str(error).splitlines()[0]}") from None
    return " ".join(str(found).translate(_RESTORED).split())

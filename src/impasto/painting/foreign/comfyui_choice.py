"""ComfyUI's nodes that choose: one line of several by its number, one at random, or a size from a list of presets."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from impasto.painting.foreign.comfyui_graph import Node, Untold, called, is_link
from impasto.painting.foreign.record import plain_text, size_of, whole_number

# Classes of nodes whose text is another one for each seed, and of those that only fill in alternatives and wildcards.
_BY_CHANCE = re.compile(r"random|randint|shuffl|lottery|roulette|gacha|one ?button ?prompt|surprise", re.IGNORECASE)
_DRAWS = re.compile(r"wildcard|dynamic|^DP(random|combin|magic)", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\{[^{}]*\|[^{}]*\}|__[\w/*-]+__")
_SEEDS = ("seed", "noise_seed", "random_seed", "search_seed")
_LINES = re.compile(r"line|list|multiline|prompts|rows?\b|index|cycle|increment|iterat|loop|batch|queue|select|pick|choose",
                    re.IGNORECASE)  # fmt: skip
_INDEXES = ("start_index", "index", "line_index", "prompt_index", "current_index", "idx", "select", "start")
_UNCLEAR = ("line_number", "line", "row", "row_number", "number", "position")
_COUNTS = ("max_rows", "max_lines", "num_lines", "line_count", "count", "rows", "limit", "length", "value_count")
_YES = (True, "true", "True", "on", "On", "yes", "Yes", "enable", "enabled")
# Inputs of a node that loads models or samples, too: its seed is the sampler's.
_OF_SAMPLERS = ("model", "clip", "ckpt_name", "steps", "pipe")
_PRESETS = re.compile(r"resol|dimens|size|ratio|preset|aspect", re.IGNORECASE)
_RATIO = re.compile(r"(?<![\d:])\d{1,3}\s*:\s*\d{1,3}(?![\d:])")


def check_chance(node: Node, text: str) -> None:
    """Checks that the `text` of a node is what the node gives, not what it draws from.

    Raises:
        Untold: the node draws its text at random.
    """
    low = {name.lower() for name in node.inputs}
    lines = [line for line in text.splitlines() if line.strip()]
    if _DRAWS.search(node.kind):
        chance = bool(_ALTERNATIVES.search(text))
    else:
        seeded = bool(low.intersection(_SEEDS)) and not low.intersection(_OF_SAMPLERS)
        chance = by_chance(node) or (seeded and len(lines) > 1 and bool(_LINES.search(node.kind)))
    if chance:
        raise Untold(f"the node {called(node)} draws it at random from {plain_text(text)[:200]!r}")


def by_chance(node: Node) -> bool:
    """Returns whether a node's class says that it draws what it gives at random."""
    return bool(_BY_CHANCE.search(node.kind))


def line_of(node: Node, text: str, number: Callable[[Any], Any]) -> str:
    """Returns the line that a node takes from its `text` by a number; the whole text if it takes none.

    `number` gives the number behind an input's value. Lines count from 0, as easy promptLine, CR Prompt List and Impact's
    ImpactStringSelector count them.

    Raises:
        Untold: the number or how it counts cannot be told, or the node gives several lines, one for each picture.
    """
    low = {name.lower(): value for name, value in node.inputs.items()}
    lines = text.splitlines()
    if low.get("remove_empty_lines") in _YES:
        lines = [line.strip() for line in lines if line.strip()]
    if len(lines) < 2 or not _LINES.search(node.kind):
        return text
    if low.get("multiline") in _YES:  # Impact's: one text between lines that begin with a hash
        if any(line.startswith("#") for line in lines):
            raise Untold(f"the node {called(node)} takes one of several texts")
        return text
    name = next((name for name in _INDEXES if name in low), None)
    if name is None:
        if any(name in low for name in _UNCLEAR):
            raise Untold(f"the node {called(node)} takes a line by a number that impasto cannot count")
        return text
    most = next((low[name] for name in _COUNTS if name in low), 1)
    at, most = (whole_number(number(value)) for value in (low[name], most))
    if at is None or most is None:
        raise Untold(f"which line the node {called(node)} takes is calculated")
    if name == "select":  # Impact's wraps around
        at %= len(lines)
    taken = lines[at : at + most] if at >= 0 and most > 0 else []
    if len(taken) != 1:
        what = f"gives {len(taken)} lines, one for each picture" if taken else f"has no line {at}"
        raise Untold(f"the node {called(node)} {what}")
    before, after = (value if isinstance(value := low.get(key), str) else "" for key in ("prepend_text", "append_text"))
    return before + taken[0] + after


def preset_size(node: Node) -> tuple[int, int] | None:
    """Returns the width and height of a node that names them in a preset, "3:4 portrait 896x1152"; None if it has none.

    Raises:
        Untold: the preset is only a ratio.
    """
    low = {name.lower(): value for name, value in node.inputs.items()}
    override = [whole_number(low.get(f"{side}_override")) or 0 for side in ("width", "height")]
    for name, value in node.inputs.items():
        if not isinstance(value, str) or not _PRESETS.search(name) or re.search("custom", value[:200], re.IGNORECASE):
            continue
        width, height = size_of(value)
        if width and height:
            if _swaps(low):
                width, height = height, width
            scale = low.get("prescale_factor", 1)
            scale = scale if isinstance(scale, int | float) and not is_link(scale) and 0 < scale < 100 else 1
            return override[0] or int(width * scale), override[1] or int(height * scale)
        if _RATIO.search(value[:200]):
            raise Untold(f"the node {called(node)} calculates it from {plain_text(value)[:60]!r}")
    return None


def _swaps(low: Mapping[str, Any]) -> bool:
    value = next((low[name] for name in ("swap_dimensions", "swap", "flip", "swap_wh") if name in low), None)
    return value in _YES

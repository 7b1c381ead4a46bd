"""Instructions for changing a picture, each with the text of the picture before and after.

Brooks et al. (2023) let a language model that was fine-tuned on 700 examples write them. These are made from templates and
from the parts of a prompt: season, time of day, weather, light, colours, medium, style, the hand of another painter, and
things that are added or exchanged.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from impasto.errors import UsageError
from impasto.prompts.condition import Condition
from impasto.prompts.parts import known_values

# What the instruction says -> what the caption says.
_SEASONS = {season: f"in {season}" for season in ("spring", "summer", "autumn", "winter")}
_TIMES = {"dawn": "at dawn", "noon": "at noon", "dusk": "at dusk", "night": "at night"}
_WEATHER = {
    "foggy": "in fog", "stormy": "in a storm", "rainy": "in rain", "snowy": "in snow", "sunny": "in sunshine",
    "windy": "in wind",
}  # fmt: skip
_MEDIA = {
    "a watercolour": "watercolour", "a charcoal drawing": "charcoal drawing", "an etching": "etching",
    "a woodcut": "woodcut", "a fresco": "fresco", "a mosaic": "mosaic", "an oil painting": "oil on canvas",
    "a pastel": "pastel on paper", "an ink painting": "ink and wash", "a pencil drawing": "pencil drawing",
    "stained glass": "stained glass",
}  # fmt: skip
_LIGHTS = ("moonlight", "candlelight", "lamplight", "firelight", "backlight", "golden hour", "chiaroscuro", "snow light")
_THINGS = (
    "boats", "horses", "sheep", "cows", "dogs", "birds", "trees", "flowers", "sunflowers", "roses", "mountains",
    "a bridge", "a church", "a windmill", "a lighthouse", "a waterfall", "a rainbow", "ruins", "a tower", "children",
    "dancers", "soldiers",
)  # fmt: skip
# What is painted if no captions are given: out of doors, where season, time and weather are to be seen.
SCENES = (
    "a harbour", "a river", "a village", "a wheat field", "a garden", "mountains by a lake", "a street in a town",
    "a forest", "the sea and rocks", "a farm", "a country road", "a meadow", "a canal in a city", "a coast with cliffs",
    "a hill with houses", "an orchard", "a pond", "a castle on a hill", "a market square", "a path through trees",
    "a valley", "a bay with houses", "a railway station", "a park", "a lane with cottages", "haystacks in a field",
    "a waterfall", "a beach",
)
# A half of the pictures before an edit name another value of the same kind, so that words are exchanged and not only added.
_NAMED_BEFORE = 0.5


@dataclass(frozen=True)
class Instruction:
    """An instruction, and the pictures that it leads from and to.

    Attributes:
        kind: a key of `KINDS`.
        texts: the instruction in several words, each a sentence of its own.
        before, after: what the pictures show.
        swaps: words of `before` that others of `after` replace.
    """

    kind: str
    texts: tuple[str, ...]
    before: Condition
    after: Condition
    swaps: tuple[tuple[str, str], ...] = ()


Make = Callable[[Condition, random.Random, Sequence[str]], Instruction]


def _of_caption(kind: str, values: Mapping[str, str], sayings: Sequence[str]) -> Make:
    """Edits that end the caption with other words."""

    def make(scene: Condition, rng: random.Random, _: Sequence[str]) -> Instruction:
        new, *others = rng.sample(list(values), len(values))
        before, swaps = scene, ()
        if rng.random() < _NAMED_BEFORE:
            before = replace(scene, caption=f"{scene.caption} {values[others[0]]}")
            swaps = ((values[others[0]], values[new]),)
        after = replace(scene, caption=f"{scene.caption} {values[new]}")
        return Instruction(kind, tuple(saying.format(new) for saying in sayings), before, after, swaps)

    return make


def _of_field(kind: str, field: str, values: Callable[[], Mapping[str, str]], sayings: Sequence[str]) -> Make:
    """Edits that give a field of the condition another value."""

    def make(scene: Condition, rng: random.Random, _: Sequence[str]) -> Instruction:
        known = values()
        new, *others = rng.sample(list(known), len(known))
        before, swaps = replace(scene, **{field: ""}), ()
        if rng.random() < _NAMED_BEFORE:
            before = replace(scene, **{field: known[others[0]]})
            swaps = ((known[others[0]], known[new]),)
        after = replace(scene, **{field: known[new]})
        return Instruction(kind, tuple(saying.format(new) for saying in sayings), before, after, swaps)

    return make


def _hand(scene: Condition, rng: random.Random, painters: Sequence[str]) -> Instruction:
    """The hand of another painter."""
    old, new = rng.sample(list(dict.fromkeys(painters)), 2)
    sayings = ("paint it in the manner of {}", "let {} paint it", "as {} would have painted it", "in the hand of {}")
    return Instruction(
        "hand", tuple(saying.format(new) for saying in sayings), replace(scene, artist=old), replace(scene, artist=new),
        ((old, new),),
    )  # fmt: skip


def _add(scene: Condition, rng: random.Random, _: Sequence[str]) -> Instruction:
    """A thing that is added."""
    new = rng.choice(_THINGS)
    texts = tuple(saying.format(new) for saying in ("add {}", "put {} into it", "let there be {}", "paint {} into it"))
    return Instruction("add", texts, scene, replace(scene, caption=f"{scene.caption} with {new}"))


def _exchange(scene: Condition, rng: random.Random, _: Sequence[str]) -> Instruction:
    """A thing that becomes another."""
    old, new = rng.sample(_THINGS, 2)
    named = f"the {old.removeprefix('a ')}"
    sayings = ("replace {} by {}", "turn {} into {}", "change {} to {}", "swap {} for {}")
    before, after = (replace(scene, caption=f"{scene.caption} with {thing}") for thing in (old, new))
    return Instruction("exchange", tuple(one.format(named, new) for one in sayings), before, after, ((old, new),))


def _same(values: Sequence[str]) -> dict[str, str]:
    return {value: value for value in values}


KINDS: Mapping[str, Make] = MappingProxyType({
    "season": _of_caption("season", _SEASONS, ("make it {}", "change the season to {}", "turn it into {}", "let it be {}")),
    "time": _of_caption("time", _TIMES, ("make it {}", "change the time of day to {}", "let it be {}", "show it at {}")),
    "weather": _of_caption("weather", _WEATHER,
                           ("make it {}", "make the weather {}", "let it be {}", "show it in {} weather")),
    "light": _of_field("light", "lighting", lambda: _same(_LIGHTS),
                       ("change the light to {}", "paint it in {}", "let the light be {}", "show it in {}")),
    "colour": _of_field("colour", "colour", lambda: _same(known_values("colour")),
                        ("change the colours to {}", "use {}", "paint it with {}", "let the colours be {}")),
    "medium": _of_field("medium", "medium", lambda: _MEDIA,
                        ("make it {}", "turn it into {}", "change it to {}", "show it as {}")),
    "style": _of_field("style", "style", lambda: _same(known_values("style")),
                       ("change the style to {}", "paint it in the style of {}", "turn it into {}", "use the style of {}")),
    "hand": _hand,
    "add": _add,
    "exchange": _exchange,
})  # fmt: skip


def check_kinds(kinds: Sequence[str]) -> None:
    """Raises UsageError if one of the kinds is unknown."""
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"unknown kind of instruction {kind!r}: use {', '.join(KINDS)}")


def instruct(kind: str, scene: Condition, rng: random.Random, painters: Sequence[str]) -> Instruction:
    """Makes an instruction of a kind for a scene; `rng` chooses its words.

    Args:
        kind: a key of `KINDS`.
        scene: what the picture shows, without the part that is edited.
        painters: names for the kind `hand`, two or more.

    Raises:
        UsageError: there is no such kind.
    """
    check_kinds([kind])
    made = KINDS[kind](scene, rng, painters)
    return replace(made, texts=tuple(rng.sample(made.texts, len(made.texts))))

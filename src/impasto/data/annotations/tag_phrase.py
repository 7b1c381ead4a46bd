"""Converts tags to a phrase: "a woman reading in a straw hat, with a garden and a dog, in the evening"."""

import re
from collections.abc import Sequence

from impasto.data.annotations.tag_vocabulary import Tag

_PICTURES, _PEOPLE, _ACTIONS, _BODY, _CLOTHES = "kind of picture", "people", "action", "body and posture", "clothes"
_UNSEEN = frozenset({"abstract"})  # describes how a picture is made, which a phrase about its contents does not need
# These add nothing to a phrase: people have faces, and the other tags already describe a genre scene.
_UNSAID = frozenset({"genre scene", "face", "head"})
_TIMES = {
    "sunrise": "at sunrise", "sunset": "at sunset", "dusk": "at dusk", "night": "at night", "morning": "in the morning",
    "evening": "in the evening", "spring": "in spring", "summer": "in summer", "autumn": "in autumn", "winter": "in winter",
    "moonlight": "by moonlight", "candlelight": "by candlelight", "firelight": "by firelight",
}  # fmt: skip
_DEFINITE = frozenset({"sea", "sky", "sun", "moon", "seafront", "waterfront", "river bank", "coast"})
# Uncountable nouns, which take no article.
_UNCOUNTED = (
    "water calm_sea snow ice mist wind rain smoke fire sunlight shadow chiaroscuro lightning woodland farmland heath marsh "
    "grass foliage bamboo ivy wheat blossom cherry_blossom lace fur drapery armour jewellery food bread cheese meat seafood "
    "fruit wine beer milk pottery cutlery stonework classical_architecture gothic_architecture machinery sheet_music paper "
    "long_hair red_hair hair blood dead_game"
)
_MASS = frozenset(words.replace("_", " ") for words in _UNCOUNTED.split())
_DOING = re.compile(r"^\w+ing\b")


def with_article(tag: str) -> str:
    """Adds the article that a tag needs: "a boat", "an old man", "clouds", "the sea", "Christ"."""
    if tag in _DEFINITE:
        return f"the {tag}"
    last = tag.split()[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    if tag in _MASS or plural or tag[0].isupper():
        return tag
    return f"{'an' if tag[0] in 'aeiou' else 'a'} {tag}"


def listed(parts: Sequence[str]) -> str:
    """Joins parts to a list in words: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def tags_as_phrase(tags: Sequence[Tag]) -> str:
    """Returns a phrase that names the tags, without a capital or a full stop; "" if no tag names anything visible.

    Only the first tag is used where several would contradict each other: one kind of picture, one time.
    """
    seen = [tag for tag in tags if tag.category not in _UNSEEN]
    seen = [tag for tag in seen if tag.name not in _UNSAID] or seen
    picture = next((tag.name for tag in seen if tag.category == _PICTURES), "")
    people = [tag.name for tag in seen if tag.category == _PEOPLE]
    time = next((_TIMES[tag.name] for tag in seen if tag.name in _TIMES), "")
    doing = [t.name for t in seen if t.category == _ACTIONS or (t.category == _BODY and _DOING.match(t.name))]
    worn = [tag.name for tag in seen if tag.category == _CLOTHES]
    parts = [tag.name for tag in seen if tag.category == _BODY and tag.name not in doing]
    things = [
        tag.name
        for tag in seen
        if tag.category not in (_PICTURES, _PEOPLE, _ACTIONS, _BODY, _CLOTHES) and tag.name not in _TIMES
    ]
    if doing and not people:
        people = ["figure"]
    whom = with_article(people[0]) if people else ""
    if whom and (worn or doing):
        whom += f" {doing[0]}" if doing and _DOING.match(doing[0]) else ""
        whom += f" in {with_article(worn[0])}" if worn else ""
    elif worn and not people:
        things = [*worn[:1], *things]
    if parts and whom:
        whom += f" with {with_article(parts[0])}"
    elif parts:
        things = [*parts[:1], *things]
    head = with_article(picture) if picture else ""
    if head and whom:
        # "a portrait of a man" names the sitter with "of"; other pictures use "with".
        joint = "of" if "portrait" in picture else "with"
        head = head if " of a " in head else f"{head} {joint} {whom}"
        head = f"{head}{whom.removeprefix(with_article(people[0]))}" if " of a " in picture else head
    head = head or whom
    rest = listed([with_article(thing) for thing in things[:4]])
    if not head:
        head, rest = rest, ""
    text = f"{head}{', ' if ' with ' in head else ' with '}{rest}" if rest else head
    return f"{text}, {time}" if time and text else text or time

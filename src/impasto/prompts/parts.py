"""The parts of a prompt and known values for each, for `impasto compose` and wildcards.

The parts are those of the lecture on pre-trained models ("anatomy of a good prompt"): subject, medium, style, artist,
resolution, additional details, colour and lighting. Its ninth part, the website, stands for living artists' work and is
left out.
"""

from collections.abc import Sequence
from functools import cache

from impasto.errors import UsageError
from impasto.prompts.artists import plain_name
from impasto.prompts.knowledge.handbook import handbook

# Part -> the field of `Condition` that holds it.
PARTS: dict[str, str] = {
    "subject": "caption",
    "artist": "artist",
    "style": "style",
    "genre": "genre",
    "medium": "medium",
    "lighting": "lighting",
    "colour": "colour",
    "detail": "detail",
    "resolution": "resolution",
}
_HANDBOOK = {"subject": "themes", "artist": "artists", "style": "styles", "genre": "genres"}
_VALUES: dict[str, tuple[str, ...]] = {
    "medium": (
        "oil on canvas", "oil on panel", "oil on copper", "tempera on panel", "fresco", "gouache", "watercolour",
        "pastel on paper", "ink and wash", "ink on silk", "charcoal drawing", "red chalk drawing", "pencil drawing",
        "pen and ink", "etching", "engraving", "drypoint", "aquatint", "mezzotint", "lithograph", "woodcut",
        "colour woodblock print", "linocut", "encaustic", "gold leaf on panel", "mosaic", "stained glass", "tapestry",
        "enamel", "distemper on canvas", "acrylic on canvas", "collage",
    ),
    "lighting": (
        "dawn", "early morning", "morning haze", "noon", "afternoon sun", "golden hour", "dusk", "twilight", "moonlight",
        "starlight", "night", "candlelight", "lamplight", "gaslight", "firelight", "lightning", "overcast sky", "fog",
        "mist", "diffuse light", "soft window light", "light from the left", "backlight", "raking light",
        "chiaroscuro", "tenebrism", "sfumato", "dappled light", "glow of sunset", "northern lights", "snow light",
    ),
    "colour": (
        "muted blues", "cool blues and greys", "cobalt and gold", "blue and orange", "warm earth colours", "ochre and umber",
        "burnt sienna", "deep reds", "crimson and black", "rose and grey", "pastel colours", "pale pinks", "lilac and green",
        "fresh greens", "olive and gold", "emerald", "turquoise", "silvery greys", "black and white", "sepia",
        "monochrome", "grisaille", "pure unmixed colours", "complementary colours", "jewel colours", "faded colours",
        "bright yellow", "gold ground", "white on white", "brown and cream",
    ),
    "detail": (
        "thick impasto", "visible brushstrokes", "short broken brushstrokes", "swirling brushstrokes", "smooth glazes",
        "fine detail", "loose handling", "flat areas of colour", "dark outlines", "small dots of colour",
        "palette knife", "dry brush", "wet on wet", "cross-hatching", "bare canvas showing", "craquelure",
        "ornamental patterns", "low horizon", "high horizon", "view from above", "close view", "wide view", "many figures",
        "a single figure", "reflections in water", "stormy sky", "empty foreground", "symmetrical composition",
    ),
    "resolution": ("sharp", "highly detailed", "finely detailed", "soft focus", "sketchy", "high resolution"),
}  # fmt: skip


@cache
def known_values(part: str) -> tuple[str, ...]:
    """Returns the known values of a part; for artist, style, genre and subject, the handbook's titles.

    Raises:
        UsageError: there is no part of that name; the message lists the parts.
    """
    if part in _VALUES:
        return _VALUES[part]
    if part in _HANDBOOK:
        return tuple(entry.title for entry in handbook() if entry.kind == _HANDBOOK[part])
    raise UsageError(f"a prompt has no part {part!r}: use one of {', '.join(PARTS)}")


def complete(part: str, words: str) -> str:
    """Completes `words` to the known value that they begin or abbreviate.

    "moon" becomes "moonlight", "oil canvas" becomes "oil on canvas". If no known value fits, or several, the user's words
    are returned as they are: nothing is guessed.
    """
    wanted = plain_name(words)
    if not wanted:
        return ""
    for fits in (_is, _begins, _holds_words):
        found = [value for value in known_values(part) if fits(plain_name(value), wanted)]
        if found:
            return found[0] if len(found) == 1 else " ".join(words.split())
    return " ".join(words.split())


def candidates(part: str, words: str) -> Sequence[str]:
    """Returns the known values that `words` could be completed to."""
    wanted = plain_name(words)
    names = {value: plain_name(value) for value in known_values(part)}
    return [value for value, name in names.items() if _begins(name, wanted) or _holds_words(name, wanted)]


def _is(value: str, wanted: str) -> bool:
    return value == wanted


def _begins(value: str, wanted: str) -> bool:
    return value.startswith(wanted)


def _holds_words(value: str, wanted: str) -> bool:
    return all(any(word.startswith(part) for word in value.split()) for part in wanted.split())

"""Classifies paintings into eight motifs by a catalogue's genre and title, and reads the prompts for each motif."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from impasto.errors import ImpastoError

PORTRAIT, LANDSCAPE, MARINE, STILL_LIFE = "portrait", "landscape", "marine", "still life"
CITY, SCENE, NUDE, ANIMAL = "city", "interior or genre scene", "nude", "animal"
MOTIFS = (PORTRAIT, LANDSCAPE, MARINE, STILL_LIFE, CITY, SCENE, NUDE, ANIMAL)

# WikiArt's genre names, normalised by `_folded`. Genres that do not mean a single motif (religious painting, sketch and
# study, illustration, history painting ...) are left out.
_GENRES = {
    "portrait": PORTRAIT,
    "self portrait": PORTRAIT,
    "group portrait": PORTRAIT,
    "miniature portrait": PORTRAIT,
    "landscape": LANDSCAPE,
    "winter landscape": LANDSCAPE,
    "forest landscape": LANDSCAPE,
    "mountain landscape": LANDSCAPE,
    "cloudscape": LANDSCAPE,
    "marina": MARINE,
    "marine": MARINE,
    "seascape": MARINE,
    "still life": STILL_LIFE,
    "flower": STILL_LIFE,
    "vanitas": STILL_LIFE,
    "cityscape": CITY,
    "veduta": CITY,
    "urban landscape": CITY,
    "genre": SCENE,
    "genre scene": SCENE,
    "genre art": SCENE,
    "interior": SCENE,
    "nude": NUDE,
    "nu": NUDE,
    "animal": ANIMAL,
    "animals": ANIMAL,
    "wildlife": ANIMAL,
    "bird and flower": ANIMAL,
}

_BEASTS = (
    "horses?|cows?|cattle|bulls?|oxen|dogs?|hounds?|cats?|kittens?|sheep|rams?|goats?|lions?|tigers?|leopards?|deer|stags?|"
    "donkeys?|monkeys?|fox(?:es)?|wolf|wolves|bears?|elephants?|birds?|ducks?|hens?|cocks?|swans?|parrots?|stallions?|mares?"
)
# What a title must contain to name a motif. The patterns are narrow: it is better to leave a vague title unclassified.
_IN_TITLE = {
    PORTRAIT: r"^(?:self )?portrait\b|^(?:\w+ )?head of an? (?:old |young )?(?:man|woman|girl|boy)\b",
    LANDSCAPE: r"\blandscape\b|\bforest\b|\bmountains?\b|\bmeadows?\b|\bcountryside\b|\bwheat ?fields?\b|\bwaterfall\b",
    MARINE: r"\bseascapes?\b|\bmarine\b|\bshipwreck\b|\bships?\b|\bfrigates?\b|\bsailing\b|\bregatta\b|\bstormy sea\b|"
    r"\bsea with\b|^(?:the )?(?:sea|waves?|ocean)$|\bsea view\b|\bfishing boats\b|\bboats? on the sea\b",
    STILL_LIFE: r"\bstill life\b|\bbouquet\b|\bflower ?piece\b|\b(?:vase|bowl|basket|jug) (?:of|with)\b|\bflowers in an?\b|"
    r"\bvanitas\b|^(?:apples|pears|peaches|grapes|roses|peonies|sunflowers|tulips|lilacs|fruits?)\b",
    CITY: r"\bcityscape\b|\bstreet\b|\brue\b|\bboulevard\b|\bpiazza\b|\bgrand canal\b|\b(?:market|town|city) square\b|"
    r"\brooftops\b",
    SCENE: r"\binterior\b|\btavern\b|\bkitchen\b|\bpeasants (?:dancing|drinking|smoking|eating)\b|\bcard players\b|"
    r"\bmerry company\b|\bmusic lesson\b",
    NUDE: r"\bnudes?\b|\bodalisque\b|\bnaked\b|\bfemale nude\b",
    ANIMAL: rf"^(?:(?:the|an?|two|three|four|some|group of|flock of|herd of|study of|portrait of an?) )*"
    rf"(?:\w+ )?(?:{_BEASTS})\b(?! (?:carts?|drawn|train|hunt(?:er)?s?|sledges?|market|fair|painter|"
    r"with (?:a|the|two)? ?(?:rider|man|woman)))",
}  # fmt: skip
# These words also mean the sea if the genre is landscape or missing: in a genre painting or a cityscape they are only the
# background.
_SHORES = re.compile(r"\bboats\b|\bharbou?r\b|\bport of\b|\bbeach\b|\bcoast\b|\bseashore\b|\bat sea\b|\bby the sea\b")
# A title with one of these words does not (only) name an animal, things on a table, or the sea.
_PEOPLE = re.compile(
    r"\b(?:man|men|woman|women|boys?|girls?|lady|ladies|child(?:ren)?|shepherd(?:ess)?|riders?|jockeys?|saint|st|christ|"
    r"madonna|virgin|peasants?|soldiers?|maid|emigrants|fisher\w*|nymphs?)\b"
)
_PATTERNS = {motif: re.compile(pattern) for motif, pattern in _IN_TITLE.items()}


def motif_of(genre: str, title: str = "") -> str | None:
    """Returns the motif of a catalogue's picture, or None if genre and title do not determine it or contradict each other.

    The genre decides, however it is spelled. But WikiArt files the sea under landscapes, cityscapes and genre paintings, and
    animals under genre paintings: in these cases the title decides. Without a genre, the title must name exactly one motif.
    """
    words, motif = _folded(title), _GENRES.get(_folded_genre(genre))
    named = [motif for motif, pattern in _PATTERNS.items() if pattern.search(words)]
    if MARINE not in named and _SHORES.search(words) and (motif == LANDSCAPE or not genre.strip()):
        named.append(MARINE)
    if _PEOPLE.search(words):
        named = [motif for motif in named if motif not in (ANIMAL, STILL_LIFE, MARINE)]
    if ANIMAL in named and PORTRAIT in named:  # for example the portrait of a horse
        named.remove(PORTRAIT)
    if not genre.strip():
        return named[0] if len(named) == 1 else None
    if motif is None:
        return None
    if motif in (LANDSCAPE, CITY, SCENE) and named == [MARINE]:
        return MARINE
    if motif == SCENE and named == [ANIMAL]:
        return ANIMAL
    taken_for = {LANDSCAPE: (MARINE, ANIMAL, NUDE, STILL_LIFE), CITY: (MARINE, NUDE, STILL_LIFE),
                 SCENE: (MARINE, ANIMAL, NUDE, STILL_LIFE), PORTRAIT: (ANIMAL, NUDE)}  # fmt: skip
    return None if set(named) & set(taken_for.get(motif, ())) else motif


def read_motif_prompts(text: str) -> dict[str, list[str]]:
    """Reads the prompts of each motif from lines "motif: prompt"; empty lines and lines that begin with # are skipped.

    Raises:
        ImpastoError: a line has no known motif or no prompt (the message names the line), or a motif has no prompt.
    """
    found: dict[str, list[str]] = {motif: [] for motif in MOTIFS}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        motif, _, prompt = (part.strip() for part in line.partition(":"))
        if motif not in found or not prompt:
            raise ImpastoError(f"line {number}, {line.strip()!r}: write MOTIF: PROMPT, with a motif of {', '.join(MOTIFS)}")
        found[motif].append(prompt)
    for motif, prompts in found.items():
        if not prompts:
            raise ImpastoError(f"there is no prompt for {motif}")
    return found


def prompts_in_turn(prompts: dict[str, list[str]], count: int) -> list[tuple[str, str]]:
    """Returns `count` pairs of (motif, prompt), cycling through the motifs, and through the prompts of each motif."""
    motifs = list(prompts)
    return [
        (motif, prompts[motif][number // len(motifs) % len(prompts[motif])])
        for number in range(count)
        for motif in [motifs[number % len(motifs)]]
    ]


def confusion(named: Sequence[str], asked: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Returns the confusion matrix, int [k, k]: rows are the class `asked` for, columns the class `named`."""
    table = np.zeros((len(classes), len(classes)), np.int64)
    places = {name: place for place, name in enumerate(classes)}
    for is_named, is_asked in zip(named, asked, strict=True):
        table[places[is_asked], places[is_named]] += 1
    return table


def right_shares(table: np.ndarray) -> np.ndarray:
    """Returns the share of correctly named pictures in each row of a confusion matrix, 0 to 1; nan for an empty class."""
    totals = table.sum(1)
    return np.where(totals > 0, np.diag(table) / np.maximum(totals, 1), np.nan)


def _folded(text: str) -> str:
    """Lower case without accents; each run of other characters than letters and digits becomes one space."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z0-9]+", plain.replace("'", "")))


def _folded_genre(genre: str) -> str:
    """Normalises a genre name of WikiArt: "nude painting (nu)", "nude_painting" and "Nude Painting" give the same."""
    folded = _folded(re.sub(r"\(.*?\)", " ", genre)) or _folded(genre)
    return folded.removesuffix(" painting").removesuffix(" paintings")

"""Filters the candidates for prompt expansion, and gives a reason for each rejected one."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.term_table import words_of
from impasto.prompts.knowledge.handbook import handbook

_MARKUP = re.compile(r"https?:|www\.|[<>{}|\\^~`#*_=]|\[\[|\]\]|&[a-z]+;|\(\(|:[0-9.]+\)|--[a-z]+\b|\bref\b.*\bname\b")
_LISTING = re.compile(r"^\s*(?:[0-9]{1,2}[.):]|[-•·–]|[a-z]\)|step [0-9]+)\s", re.IGNORECASE)
_CHAT = re.compile(
    r"\b(?:sure,? here|certainly[!,]|of course[!,]|as an ai|language model|i(?:'m| am| can|'ll| will|'d) |i hope|"
    r"let me know|here(?:'s| is| are) (?:a|an|the|some|my|your)\b|you(?:'re| are| can|r) |please|thank you|feel free|"
    r"assistant|(?:the|this|your) (?:prompt|sentence|question|text|user|description)|how can|would you|we can see|"
    r"in summary|"
    r"ignore (?:the|all|any|every|previous)|instructions?)\b",
    re.IGNORECASE,
)
# Words that no museum label of a public-domain master would contain. If the user's prompt has them, they are allowed.
_UNSAFE = re.compile(
    r"\b(?:nsfw|porn\w*|hentai|naked|nudes?|sexy?|sexual\w*|erotic\w*|breasts?|nipples?|genital\w*|rape[ds]?|gore|gory|"
    r"behead\w*|dismember\w*|mutilat\w*|suicid\w*|torture[ds]?|nazis?|slurs?)\b",
    re.IGNORECASE,
)
_IN_A_MANNER = re.compile(
    r"\b(?:in the (?:style|manner) of|style of|inspired by|reminiscent of|artstation|deviantart|unreal engine|octane|pixar|"
    r"disney|ghibli|anime|(?:photo|hyper|sur)realis\w+|(?:impression|expression|cub|fauv|pointill|dada|constructiv|"
    r"suprematis|manner|neoclassic|minimal)is(?:m|ts?|tic)|4k|8k|hdr|trending|greg rutkowski|award[- ]winning)\b",
    re.IGNORECASE,
)
# Painters that are in no list: "Luke Fildes painted a doctor", "paintings by Joseph Wright of Derby".
_NAME, _VERB = r"[A-Z][\w’'-]+", r"(?:painted|drew|sketched|engraved|etched|sculpted|photographed)"
_FULL_NAME = rf"\b{_NAME}(?: (?:van|von|der|den|de|da|di|du|la|le|the|of))*"
_AT_WORK = re.compile(
    rf"{_FULL_NAME}(?: {_NAME})* (?:and (?:other|his|her) [\w ]{{0,30}})?(?:later |often |also |once )?{_VERB}\b"
    rf"|{_FULL_NAME}(?: {_NAME})+ [^.;]*? and {_VERB}\b"
    rf"|{_FULL_NAME}(?: {_NAME})+ [^.;]*?(?<!is )(?<!are )(?<!was )(?<!were )\b{_VERB} (?:an?|the|them|it|him|his|her)\b"
    r"|\b(?:paint(?:ed|ings?)|drawn|drawings?|engrav(?:ed|ings?)|pictures?|prints?|murals?|posters?|works?|canvases) "
    rf"(?:\w+ ){{0,3}}by (?:the )?{_NAME}"
    rf"|{_NAME}['’]s (?:paintings?|pictures?|prints?|canvases)"
)
# About a picture's title instead of what it shows: 'a painting of China is titled "Urbanization"', "bears the title".
_PICTURE = (
    r"(?:paintings?|pictures?|images?|(?:art)?works?|photo(?:graph)?s?|drawings?|prints?|canvas|illustrations?|portraits?|"
    r"murals?|posters?|scenes?|pieces?)"
)
_TITLE = re.compile(
    rf"\b{_PICTURE}\b[^.;]*?\b(?:(?:is|are|was|were) (?:also |often |commonly )?(?:called|named|known as)|(?:en)?titled)\b"
    r"|\b(?:en)?titled,? (?=[\"'“‘«A-Z])|\b(?:title|name) of (?:the|this|that|a) " + _PICTURE +
    r"|\b(?:bears|has|carries|with|under) the (?:title|caption)\b|\b(?:its|the) title (?:is|was|reads|refers)\b"
)
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("«", "»"))
# An apostrophe that opens a quotation, and one that can close it. "'Tis", "'em" and "'90s" open none.
_OPENS = re.compile(r"(?:^|(?<=[\s(\[,:—–-]))['‘](?=\w)(?!(?:tis|twas|til|em|cause|[0-9]0s)\b)", re.IGNORECASE)
_CLOSES = re.compile(r"(?<=[\w.,!?…])['’](?=$|[\s.,;:!?)\]—–-])")
_DANGLING = re.compile(
    r"\b(?:a|an|the|of|and|or|with|in|on|at|to|by|for|from|as|that|which|is|are|was|were|its|their|his|her)$", re.IGNORECASE
)
_PRONOUN = re.compile(r"^(?:it|he|she|they|this|these|those|that|his|her|their|its|we|i|there)\b", re.IGNORECASE)
_LEAST_WORDS, _MOST_WORDS = 3, 60


def why_unfit(text: str, prompt: str, *, any_style: bool = False, goes_on: bool = False) -> str | None:
    """Returns the reason why `text` cannot expand `prompt`, or None if it can.

    With `any_style`, the text may name styles and painters that the prompt does not. With `goes_on`, the text continues the
    prompt's own words and need not name its subject again.
    """
    words = text.split()
    if len(words) < _LEAST_WORDS:
        return "too short"
    if len(words) > _MOST_WORDS:
        return "too long"
    if any(ord(letter) < 32 for letter in text) or _MARKUP.search(text):
        return "markup or a link"
    if _LISTING.search(text):
        return "an item of a list"
    if _CHAT.search(text):
        return "speaks to somebody"
    if _DANGLING.search(text.rstrip(" ,.;:!?")):
        return "breaks off"
    if _is_open(text) and not (goes_on and not _is_open(f"{prompt}{text}")):
        return "breaks off in a quotation or brackets"
    if (title := _TITLE.search(text)) and not _TITLE.search(prompt):
        return f"is about a title ({title[0].strip()[-40:]})"
    if _PRONOUN.search(text) and not goes_on:
        return "does not name its subject"
    if len(set(words_of(text))) < 0.5 * len(words_of(text)):
        return "repeats itself"
    new = _without(text, prompt)
    if _UNSAFE.search(new):
        return "unsafe"
    if not any_style and (named := next(_manners(new), None) or _painter_at_work(text, prompt)):
        return f"brings in {named}"
    return None


def _is_open(text: str) -> bool:
    """Returns whether a quotation or a bracket is not closed, or closed without having been opened."""
    if any(text.count(opening) != text.count(closing) for opening, closing in _PAIRS):
        return True
    if text.count('"') % 2 or sum(map(text.count, "“”„")) % 2:
        return True
    return len(_OPENS.findall(text)) > len(_CLOSES.findall(text))


def _without(text: str, prompt: str) -> str:
    """Returns the text without the words that are also in the prompt."""
    own = set(words_of(prompt))
    return re.sub(r"[^\W_]+(?:['’][a-z]+)?", lambda match: "" if match[0].casefold() in own else match[0], text)


def _painter_at_work(text: str, prompt: str) -> str | None:
    """Returns the words that mention a painter at work whom the prompt does not name, or None."""
    match = _AT_WORK.search(text)
    if match is None:
        return None
    own = set(words_of(prompt))
    named = [word for word in re.findall(_NAME, match[0]) if word.casefold() not in own]
    return f"a painter ({match[0]})" if named else None


def unsafe(text: str) -> bool:
    """Returns whether a text contains words that no museum label of a public-domain master would."""
    return _UNSAFE.search(text) is not None


def names_manner(text: str) -> bool:
    """Returns whether a text names a style or a painter of the handbook, or asks for a manner ("in the style of")."""
    return next(_manners(text), None) is not None


def _manners(text: str) -> Iterator[str]:
    """Yields the styles and painters that a text names."""
    if match := _IN_A_MANNER.search(text):
        yield match[0]
    pattern, names = _handbook_manners()
    for match in pattern.finditer(plain_name(text)):
        yield names[match[0]]


@cache
def _handbook_manners() -> tuple[re.Pattern[str], dict[str, str]]:
    """Returns a pattern of all plain names of painters and styles in the handbook, and a dict to their written forms."""
    entries = [entry for entry in handbook() if entry.kind in ("artists", "styles")]
    names = {plain_name(name): name for entry in entries for name in entry.names}
    longest_first = sorted(filter(None, names), key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b"), names


def near_duplicates(texts: Sequence[str], *, most_shared: float = 0.7) -> list[int]:
    """Returns for each text the index of its first near-duplicate, or its own index if there is none before it.

    Two texts are near-duplicates if their sets of words share at least `most_shared` of their union.
    """
    sets = [set(words_of(text)) for text in texts]
    places: list[int] = []
    for place, words in enumerate(sets):
        twin = place
        for earlier in range(place):
            union = len(words | sets[earlier])
            if places[earlier] == earlier and union and len(words & sets[earlier]) >= most_shared * union:
                twin = earlier
                break
        places.append(twin)
    return places

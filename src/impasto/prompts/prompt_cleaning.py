"""Cleans prompts by many users for training a prompt model: removes unsuitable clauses and prompts, and counts them.

Prompts for image generators often name renderers, cameras, fan sites and living artists, and some contain unsafe content. A
model trained on them would add all of that to prompts that did not ask for it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from impasto.prompts.entities import names_people
from impasto.prompts.expansion.candidate_filter import names_manner, unsafe
from impasto.prompts.expansion.term_table import words_of

_WEIGHT = re.compile(r"[(\[{]+([^()\[\]{}:]*)(?::\s*[0-9.]+)?[)\]}]+")
_FLAG = re.compile(r"(?:^|\s)(?:--?[a-z]+(?:\s+[0-9][0-9:.]*)?|::\s*[-0-9.]*|<[^<>]*>|https?:\S+|www\.\S+)", re.IGNORECASE)
_CLAUSE = re.compile(r"\s*[,;|\n]+\s*|(?<=[a-z])[.!]\s+(?=[A-Z])|\s+-\s+")
# Cameras, renderers, sites and words for quality: they describe how a file was made, not what a painting shows.
_NOISE = re.compile(
    r"\b(?:canon|nikon|sony|leica|hasselblad|fuji\w*|kodak\w*|polaroid|eos|d?slr|gopro|drone shot|iso ?[0-9]+|f ?/ ?[0-9.]+|"
    r"[0-9]+(?:\.[0-9])? ?mm|[0-9]+ ?(?:k|p|px|fps|dpi)\b|u?hd|hdr|raw photo|bokeh|depth of field|dof|lens|shutter|exposure|"
    r"octane|unreal|unity|ue[45]|blender|cinema ?4d|v-?ray|redshift|renderman|zbrush|render\w*|ray ?trac\w*|cgi|3d|vfx|"
    r"path ?trac\w*|global illumination|artstation\w*|deviantart|behance|cgsociety|pixiv|pinterest|instagram|flickr|"
    r"shutterstock|getty|patreon|imdb|trending|award\w*|contest|master ?piece|(?:best|high|highest|top|extreme) (?:quality|"
    r"resolution|detail\w*)|high-?res\w*|(?:hyper|ultra|photo|super|hyper-|ultra-|photo-)\s?-?(?:real\w*|detail\w*|quality)|"
    r"midjourney|stable diffusion|dall-?e|nft|logo|icon|wallpaper|screenshot|stock (?:photo|image)|watermark|signature|"
    r"manga|comics?|cartoon|marvel|dc|dnd|d&d|warhammer|pokemon|minecraft|skyrim|fortnite|star wars|batman|superman|"
    r"spider-?man|naruto|barbie|lego|funko|cosplay|waifu|furry|digital (?:art|painting)|concept art|illustration|"
    r"vector|pixel art|isometric|low[- ]poly|vaporwave|synthwave|cyberpunk|steampunk|album cover|movie poster|"
    r"character (?:design|sheet)|sharp focus|studio lighting)\b",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\b(?:by|art of|à la|a la)\s+(?!(?:the|an?|his|her|its|their|my|some|one|two|night|day|\w+light)\b)"
    r"(?:[A-Z@][\w.'’-]*|[a-z]+(?: [a-z]+)?$)"
)
_OPENING = re.compile(
    r"^(?:an? |the )?(?:\w+ ){0,3}?(?:photo(?:graph)?|picture|image|painting|drawing|sketch|portrait photo|shot|still|"
    r"close-?up|poster|print|artwork|rendering|scene)(?: shot)? (?:of|showing|depicting|with) ",
    re.IGNORECASE,
)
# Some of these words are harmless, but in such prompts they seldom are.
_UNSUITED = re.compile(
    r"\b(?:bikini|lingerie|pant(?:y|ies|yhose)|underw\w+|undress\w*|topless|bottomless|braless|bra|thong|cleavage|boobs?|"
    r"busty|buxom|curvy|voluptuous|seductive\w*|sensual\w*|sultry|fetish\w*|bondage|latex|kneel\w*|lick\w*|moan\w*|thighs?|"
    r"butt(?:ocks)?|booty|ass|feet|toes?|soles|barefoot|bulge|crotch|legs|skirt|stockings?|tight|wet t\w*|nylon|schoolgirl|"
    r"loli\w*|teen\w*|little girl|underage|pregnan\w+|no (?:pants|clothes|cover)|birthday suit|bare|bend\w* over|tickl\w*|"
    r"blood\w*|corpses?|dead|kill\w*|murder\w*|zombies?|horror|gruesome|decapitat\w+|guns?|rifles?|trump|biden|putin|hitler|"
    r"obama|musk|pope|muslims?|jews?|jewish|isis|terroris\w+)\b",
    re.IGNORECASE,
)
_LEAST_WORDS, _MOST_WORDS = 4, 55


@dataclass
class Cleaning:
    """The cleaned prompts in order, and how many prompts were dropped or clauses cut for each reason."""

    prompts: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)


def clean_prompts(lines: Iterable[str]) -> Cleaning:
    """Cleans prompts, one per line; of prompts with the same words only the first is kept.

    A whole prompt is dropped if it is unsafe, names a person in its subject, is in another script, or too little is left.
    From the others, clauses that name a person, a style or an artist, and clauses about cameras, renderers and quality are
    removed.

    Raises:
        MissingPart: spaCy, which recognises names of people, is not installed.
    """
    done, seen = Cleaning(), set[tuple[str, ...]]()
    rows = [_clauses(line) for line in lines]
    named = names_people([", ".join(clauses) for clauses in rows])
    for clauses, people in zip(rows, named, strict=True):
        text = _clean(clauses, people, done)
        if text is None:
            continue
        key = tuple(words_of(text))
        if key in seen:
            done.dropped["said already"] += 1
            continue
        seen.add(key)
        done.prompts.append(text)
    return done


def _clauses(line: str) -> list[str]:
    text = unicodedata.normalize("NFKC", line).replace("’", "'").replace("“", '"').replace("”", '"')
    text = _FLAG.sub(" ", _WEIGHT.sub(r"\1", text))
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    parts = [" ".join(part.strip(" \"'`*_.:!?-").split()) for part in _CLAUSE.split(text)]
    return [part for part in parts if re.search(r"[^\W_]", part)]


def _clean(clauses: list[str], people: list[str], done: Cleaning) -> str | None:
    whole = ", ".join(clauses)
    reason = None
    if not clauses:
        reason = "no words"
    elif sum(letter.isascii() for letter in whole) < 0.9 * len(whole):
        reason = "another script"
    elif unsafe(whole) or _UNSUITED.search(whole):
        reason = "unsafe"
    if reason is None:
        kept = []
        for place, clause in enumerate(clauses):
            why = _why_cut(clause, people)
            if why is None:
                kept.append(_OPENING.sub("", clause) if place == 0 else clause)
            elif place == 0:
                reason = "names a person" if why == "a person" else why
                break
            else:
                done.cut[why] += 1
        words = 0
        for count, clause in enumerate(kept):
            words += len(clause.split())
            if words > _MOST_WORDS:
                kept = kept[:count]
                break
        text = ", ".join(kept)
        if reason is None and len(text.split()) >= _LEAST_WORDS:
            return text
    done.dropped[reason or "too short"] += 1
    return None


def _why_cut(clause: str, people: list[str]) -> str | None:
    if _NOISE.search(clause):
        return "cameras, renderers, quality"
    if any(name in clause for name in people):
        return "a person"
    if _BY.search(clause) or names_manner(clause):
        return "a style or an artist"
    if len(clause.split()) > _MOST_WORDS:
        return "too long"
    return None

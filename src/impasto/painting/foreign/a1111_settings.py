"""The settings of A1111's `parameters` text: where they begin, and their names and values.

They are `Steps: 25, Sampler: DPM++ 2M, ...`. A value with a comma, a colon or a line break is a JSON string, and
newer tools write whole JSON lists and objects. SD.Next separates the settings by `|`.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from impasto.painting.foreign.record import count, plain_text, real_number, size_of, whole_number

# Extensions write the texts from which a prompt was made behind the settings, a line each, to the end.
_TEMPLATE = re.compile(r"\s*(Template|Negative Template)\s*:", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# A line that begins with a name is a setting of its own, not the rest of a value with a line break.
_NAME = re.compile(r"[ \t]*[A-Za-z][\w ./+()-]{0,40}:(?=\s|$)")
_BRACKETS = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = r'"?[+-]?\d+(?:[.,]0+)?"?'
_STEPS_LINE = re.compile(rf"^[ \t]*(steps[ \t]*:[ \t]*{_NUMBER}[ \t]*(?=[,|\r\n]|$))", re.IGNORECASE | re.MULTILINE)
_AFTER_STEPS = r"(?:sampler|schedule type|scheduler|(?:distilled )?cfg scale|guidance(?: scale)?|seed|size|width|model)"
_STEPS_INSIDE = re.compile(rf"(?<![\w])(steps[ \t]*:[ \t]*{_NUMBER}\s*[,|]\s*{_AFTER_STEPS}[ \t]*:)", re.IGNORECASE)
# Any other name behind the steps; then the rest must hold a usual setting, too.
_STEPS_LOOSE = re.compile(rf"(?<![\w])(Steps[ \t]*:[ \t]*{_NUMBER}\s*[,|]\s*[A-Z][\w ./+()-]{{0,40}}:)")
# The first names on the lines that SD.Next writes before the steps.
_BEFORE_STEPS = {"version", "pipeline", "parser", "backend", "app", "operations", "sampler", "model", "model hash", "size"}
# A decimal comma: no space behind it, and the next comma or the end behind its digits.
_DECIMAL = re.compile(r"[+-]?\d{1,6},\d{1,6}(?=[ \t]*(?:[,|\r\n]|$))")
# A value that looks like JSON but is none costs a pass over the text; a real record has few.
_MOST_FAILURES = 8
# More settings than any tool writes: what follows is one text.
_MOST_SETTINGS, _MOST_BEFORE = 5_000, 50
_DECODER = json.JSONDecoder(strict=False)

# Lower-case names -> what they mean.
MEANINGS = {
    "steps": "steps",
    "sampler": "sampler",
    "sampler name": "sampler",
    "cfg scale": "guidance",
    "guidance scale": "guidance",
    "cfg": "guidance",
    "guidance": "guidance",
    "seed": "seed",
    "size": "size",
    "width": "width",
    "height": "height",
    "model": "checkpoint",
    "model name": "checkpoint",
}
_NUMBERS = {"steps": count, "guidance": real_number, "seed": whole_number, "width": count, "height": count}


@dataclass(frozen=True)
class Setting:
    """A setting of the text: its name and value, and where its name begins."""

    name: str
    value: str
    at: int


def parse_settings(text: str) -> dict[str, str]:
    """Parses the names and values in `text`. The time is linear in its length for any content."""
    return {one.name: one.value for one in read_settings(text, 0)}


def meaning(name: str) -> str:
    """Returns what a setting's name means ("steps", "guidance", ...), without regard to case; "" if it is another one."""
    return MEANINGS.get(" ".join(name.lower().replace("_", " ").split()), "")


def find_settings(text: str) -> tuple[int, list[Setting]]:
    """Returns where the settings of `text` begin and the settings; (length of `text`, []) if it has none.

    They begin at "Steps: N" at a line's start, at "Steps: N, Sampler:" (or another usual name) inside a line, else
    with a last line of at least three settings. Words inside quoted and JSON values and templates are not taken for them.
    """
    strict = [found.start(1) for found in (_STEPS_LINE.search(text), _STEPS_INSIDE.search(text)) if found]
    loose = _STEPS_LOOSE.search(text)
    first = min(strict, default=len(text))
    settings = read_settings(text, first) if strict else []
    if loose is not None and loose.start(1) < first:
        more = read_settings(text, loose.start(1))
        if sum(map(_is_valid, more)) >= 2:
            first, settings = loose.start(1), more
    if not settings:
        start = text.rstrip().rfind("\n") + 1
        last = read_settings(text, start)
        known = [one for one in last if _is_valid(one)]
        if len(last) >= 3 and len(known) >= 2 and known[0] is last[0]:
            return start, last
        return len(text), []
    # A prompt may speak of steps as well: the last steps that are a setting, not a part of a value, count.
    begins = [n for n, one in enumerate(settings) if meaning(one.name) == "steps" and count(one.value) is not None]
    lines = {found.start(1) for found in _STEPS_LINE.finditer(text)}
    later = [n for n in begins if settings[n].at in lines]
    at = later[-1] if later else begins[0] if begins else 0
    start = settings[at].at if settings else first
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip():  # other settings may stand before the steps on their line
        whole = read_settings(text, line)
        if whole and _is_valid(whole[0]) and not text[line : whole[0].at].strip():
            return line, whole
    before, lead = _lines_before(text, start)
    return (before, [*lead, *settings[at:]])


def read_settings(text: str, start: int) -> list[Setting]:
    """Parses the settings in `text` from `start` on."""
    settings: list[Setting] = []
    place, failures = start, 0
    mark = "|" if re.match(r"[^,|\n:]*:[^,|\n:]*\|", text[start : start + 200]) else ","
    template = None
    while (colon := text.find(":", place)) >= 0:
        if len(settings) >= _MOST_SETTINGS:
            settings.append(Setting("After the settings", text[place:].strip(), place))
            break
        begin = max(text.rfind(mark, place, colon), text.rfind("\n", place, colon)) + 1
        begin = max(begin, place)
        name = text[begin:colon].strip()
        begin += len(text[begin:colon]) - len(text[begin:colon].lstrip())
        place = colon + 1
        template = _TEMPLATE.match(text, begin)
        if template is not None and (begin == start or text[begin - 1] == "\n"):
            settings += _templates(text, begin)
            break
        while place < len(text) and text[place] == " ":
            place += 1
        if place < len(text) and text[place] in '"{[' and failures < _MOST_FAILURES:
            value, rest = _whole_value(text, place, mark)
            if value is not None:
                settings.append(Setting(name, value, begin))
                place = rest
                continue
            failures += text[place] != '"'
        end = _end_of_value(text, place, mark)
        settings.append(Setting(name, text[place:end].strip().rstrip(mark + " "), begin))
        place = end + 1
    return settings


def _is_valid(setting: Setting) -> bool:
    """Returns whether a setting has a usual name and a value of its type."""
    kind = meaning(setting.name)
    if kind == "size":
        return size_of(setting.value)[0] is not None
    return bool(kind) and bool(setting.value) and (kind not in _NUMBERS or _NUMBERS[kind](setting.value) is not None)


def _whole_value(text: str, place: int, mark: str) -> tuple[str | None, int]:
    """Returns the JSON string, list or object at `place` as text and where the next setting begins; None if it is none."""
    if text[place] == '"':
        quoted = _QUOTED.match(text, place)
        end = quoted.end() if quoted else place
    else:
        try:
            _, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = _closing(text, place)
    rest = end
    while rest < len(text) and text[rest] in " \t\r":
        rest += 1
    if end == place or not (rest == len(text) or text[rest] in (mark, ",", "\n")):
        return None, place
    value = text[place:end]
    if value.startswith('"'):
        with suppress(ValueError):
            value = str(json.loads(value, strict=False))
    return value, rest + 1


def _closing(text: str, place: int) -> int:
    """Returns the end of what is bracketed at `place` but no JSON ("['a', 'b']"); `place` if it is never closed."""
    open_ones: list[str] = []
    for found in _BRACKETS.finditer(text, place):
        mark = found.group()
        if mark in "{[":
            open_ones.append("}" if mark == "{" else "]")
        elif mark in "}]" and open_ones.pop() != mark:
            return place
        if not open_ones:
            return found.end()
    return place


def _end_of_value(text: str, place: int, mark: str) -> int:
    """Returns where the plain value at `place` ends: at the mark, or before a line that begins with a name."""
    if mark == "," and (decimal := _DECIMAL.match(text, place)):
        return decimal.end()
    comma = text.find(mark, place)
    end = len(text) if comma < 0 else comma
    line = text.find("\n", place, end)
    while line >= 0:
        if _NAME.match(text, line + 1):
            return line
        line = text.find("\n", line + 1, end)
    return end


def _templates(text: str, place: int) -> list[Setting]:
    """Returns the templates that begin at `place`, each to the next one or to the end of the text."""
    found: list[Setting] = []
    starts = [place, *(m.start() + 1 for m in re.finditer(r"\n(?=(?:Negative )?Template\s*:)", text[place:], re.IGNORECASE))]
    starts = [place, *(place + at for at in starts[1:])]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name, _, value = text[start:end].partition(":")
        found.append(Setting(name.strip(), value.strip(), start))
    return found


def _lines_before(text: str, start: int) -> tuple[int, list[Setting]]:
    """Returns where the settings begin if the lines before `start` hold nothing but settings, too, and those settings."""
    lead: list[Setting] = []
    while start > 0 and text[start - 1] == "\n" and len(lead) < _MOST_BEFORE:
        line = text.rfind("\n", 0, start - 1) + 1
        words = text[line : start - 1].strip().rstrip(",")
        pieces = [piece.partition(":") for piece in words.split(",")]
        if len(pieces) < 2 or not all(colon and name.strip() and value.strip() for name, colon, value in pieces):
            break
        if pieces[0][0].strip().lower() not in _BEFORE_STEPS:
            break
        lead = [Setting(name.strip(), plain_text(value), line) for name, _, value in pieces] + lead
        start = line
    return start, lead

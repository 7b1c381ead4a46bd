"""The axes of a sheet, such as `--rows artist="Claude Monet,Rembrandt"`, and how their values change a picture.

To add an axis, add a row to `AXES`.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError
from impasto.files import check_file, decoded
from impasto.jobs.painting.picture import Picture
from impasto.jobs.painting.prompt_steps import OFF

NONE = "none"
_NEVER = object()
_TABLES = {".csv": ",", ".tsv": "\t"}
_MOST_VALUES = 10_000
_RANGE = re.compile(r"(\d{1,19})-(\d{1,19})(?::(\d{1,9}))?")


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise ValueError
    return int(text)


@dataclass(frozen=True)
class AxisKind:
    """A setting that can change from row to row or from column to column.

    Attributes:
        name: the name of the axis.
        title: format of a value on the sheet.
        read: converts the text of a value.
        none: the value that `none` stands for, if the setting may be left out.
        adds: whether the value is added to the values that the option already has.
        is_text: whether values may contain commas, so that only semicolons separate them.
    """

    name: str
    title: str = "{}"
    read: Callable[[str], Any] = str
    none: Any = _NEVER
    adds: bool = False
    is_text: bool = False

    @property
    def field(self) -> str:
        """The field of `Picture` that the axis changes."""
        return {"guide": "guides"}.get(self.name, self.name.replace("-", "_"))

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        return self.read is _whole

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.is_whole or self.read is float


AXES: dict[str, AxisKind] = {
    kind.name: kind
    for kind in (
        AxisKind("prompt", is_text=True),
        AxisKind("artist", none=""),
        AxisKind("year", read=_whole, none=None),
        AxisKind("style", none=""),
        AxisKind("genre", none=""),
        AxisKind("negative", "not: {}", none="", is_text=True),
        AxisKind("expand", "expand {}"),
        AxisKind("expand-rank", "extension {}", _whole),
        AxisKind("expand-seed", "expansion seed {}", _whole),
        AxisKind("seed", "seed {}", _whole),
        AxisKind("sampler"),
        AxisKind("steps", "{} steps", _whole),
        AxisKind("guidance", "guidance {}", float),
        AxisKind("guider"),
        AxisKind("guidance-interval", "guided in {}", is_text=True),
        AxisKind("eta", "eta {}", float),
        AxisKind("size", "{} px"),
        AxisKind("checkpoint"),
        AxisKind("concept", none=None, adds=True),
        AxisKind("lora", none=None, adds=True),
        AxisKind("memory", "memory {}", none="none"),
        AxisKind("like", "like {}", none=None, adds=True),
        AxisKind("strength", "strength {}", float),
        AxisKind("cross-replace", "cross {}", float),
        AxisKind("self-replace", "self {}", float),
        AxisKind("control-weight", "control weight {}", float),
        AxisKind("guide", "{}", none=None, adds=True, is_text=True),
        AxisKind("guide-weight", "guide weight {}", float),
        AxisKind("scale", "scale {}", float),
        AxisKind("weight", "weight {}", float),
    )
}


# Axes that change a number of the last LoRA, reference picture or guide, or of all controls.
NUMBERS_OF = {"scale": "lora", "weight": "like", "guide-weight": "guide", "control-weight": "control"}


@dataclass(frozen=True)
class Axis:
    """An axis with its values as the user typed them. An axis without a name has one value and changes nothing."""

    name: str = ""
    values: tuple[str, ...] = ("",)

    @classmethod
    def parse(cls, option: str, text: str) -> "Axis":
        """Parses NAME=VALUES, the value of `--rows` or `--columns`; `option` is used in error messages.

        Values are separated by semicolons, or by commas if there is no semicolon; texts by semicolons only. 1-8 and 10-50:10
        are number ranges. `@FILE` reads the values from a file, one per line. `none` leaves out an artist, a LoRA and
        similar settings.

        Raises:
            UsageError: the text does not have this form, or there is no such axis, no value, or too many values.
            ImpastoError: the file cannot be read.
        """
        name, equals, values = text.partition("=")
        name = name.strip().lower()
        if not equals:
            raise UsageError(f"{option} {text!r}: use AXIS=VALUES, such as seed=1-4 or artist=\"Monet,Klimt\"")
        if name not in AXES:
            raise UsageError(f"{option} {text!r}: there is no axis {name!r}, use {', '.join(AXES)}")
        kind, values = AXES[name], values.strip()
        if values.startswith("@"):
            found = read_lines(Path(values[1:]), name)
        else:
            separator = ";" if kind.is_text or ";" in values else ","
            found = [value.strip() for value in values.split(separator) if value.strip()]
        if kind.read is _whole:
            found = [counted for value in found for counted in _counted(value)]
        if not found:
            raise UsageError(f"{option} {text!r}: the axis {name} has no values")
        if len(found) > _MOST_VALUES:
            raise UsageError(f"{option}: {len(found)} values of {name}: use at most {_MOST_VALUES}")
        return cls(name, tuple(found))

    def title(self, value: str) -> str:
        """Returns the text of a value on the sheet."""
        if not self.name:
            return ""
        kind = AXES[self.name]
        return f"no {self.name}" if _is_none(kind, value) else kind.title.format(value)

    def check_free(self, picture: Picture) -> None:
        """Raises UsageError if an option sets the same setting that the axis changes."""
        if not self.name or self.name in NUMBERS_OF or AXES[self.name].adds:
            return
        names = ("size", "width", "height") if self.name == "size" else (AXES[self.name].field,)
        for name, field in Picture.model_fields.items():
            if name in names and getattr(picture, name) != field.default:
                word = "PROMPT" if name == "prompt" else f"--{name.replace('_', '-')}"
                raise UsageError(f"{self.name} is an axis: leave {word} away")

    def apply(self, picture: Picture, value: str) -> Picture:
        """Returns the picture with this value.

        Raises:
            UsageError: the value is invalid for this axis.
        """
        if not self.name:
            return picture
        kind = AXES[self.name]
        try:
            read = kind.none if _is_none(kind, value) else kind.read(value)
        except ValueError:
            number = "whole number" if kind.read is _whole else "number"
            raise UsageError(f"{self.name} {value!r}: use a {number}") from None
        if kind.adds:
            given = getattr(picture, kind.field)
            return picture.model_copy(update={kind.field: given if read is None else (*given, read)})
        if self.name in NUMBERS_OF:
            return _NUMBERED[self.name](picture, read)
        if self.name == "expand":
            return _expanded_by(picture, str(read))
        return picture.model_copy(update={kind.field: read})


def cross(rows: Axis, columns: Axis, picture: Picture) -> list[list[Picture]]:
    """Returns the picture of each cell: `picture`, changed by the row's and the column's value.

    Raises:
        UsageError: the axes are the same, a value is invalid for its axis, or a field sets what an axis changes.
    """
    if rows.name and rows.name == columns.name:
        raise UsageError(f"{rows.name} cannot be both the rows and the columns: choose another axis for one of them")
    for axis in (rows, columns):
        axis.check_free(picture)
        if axis.name == "expand":
            _check_knowledge(picture, axis.values)

    def cell(row: str, column: str) -> Picture:
        made, without = picture, ""
        # The LoRA is applied before its scale, and a rank before the method "off", which takes it away.
        last = (*NUMBERS_OF, "expand")
        for axis, value in sorted(((rows, row), (columns, column)), key=lambda step: step[0].name in last):
            if axis.name in NUMBERS_OF.values() and _is_none(AXES[axis.name], value):
                without = axis.name
            if NUMBERS_OF.get(axis.name, "-") != without:
                made = axis.apply(made, value)
        return made

    for number, owner in NUMBERS_OF.items():
        field = AXES[owner].field if owner in AXES else owner
        if number in (rows.name, columns.name) and owner not in (rows.name, columns.name) and not getattr(picture, field):
            what = {"lora": "a LoRA", "like": "a picture to be like", "guide": "a guide", "control": "a control"}[owner]
            other = f", or take {owner} as the other axis" if owner in AXES else ""
            raise UsageError(f"the axis {number} needs {what}: add --{owner}{other}")
    return [[cell(row, column) for column in columns.values] for row in rows.values]


def read_lines(path: Path, what: str) -> list[str]:
    """Returns the non-empty lines of a text file in any usual encoding; of a .csv or .tsv, the column called `what`.

    Raises:
        UsageError: there is no such file, no such line, or no such column; or lines hold options.
        ImpastoError: the file cannot be read.
    """
    check_file(path.expanduser())
    try:
        text = decoded(path.expanduser().read_bytes())
    except UnicodeDecodeError:
        raise ImpastoError(f"{path} cannot be read: it is no text: save it as UTF-8") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if path.suffix.lower() in _TABLES:
        lines = _column(text, what, path)
    if not lines:
        raise UsageError(f"{path} is empty: write one {what} a line into it")
    if what == "prompt" and (option := next((line for line in lines if line.startswith("--")), "")):
        raise UsageError(f"{path}: {option[:80]!r} holds options: write the prompts alone, and give the options to impasto")
    return lines


def _column(text: str, what: str, path: Path) -> list[str]:
    """Returns the column of a table, .csv or .tsv, that is called like the axis.

    Raises:
        UsageError: it has no such column.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=_TABLES[path.suffix.lower()])
    names = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
    if what not in names:
        raise UsageError(f"{path} has no column {what!r}: it has {', '.join(map(str, rows.fieldnames or ()))[:200]}")
    return [" ".join(value.split()) for row in rows if (value := row.get(names[what]) or "").strip()]


def _counted(value: str) -> list[str]:
    """Expands a range: "1-3" to ["1", "2", "3"], "10-30:10" to ["10", "20", "30"]; any other value stays alone."""
    span = _RANGE.fullmatch(value)
    if span is None:
        return [value]
    first, last, step = int(span[1]), int(span[2]), int(span[3] or 1)
    if not step or last < first:
        raise UsageError(f"{value!r} counts nothing: use FIRST-LAST or FIRST-LAST:STEP")
    if (last - first) // step >= _MOST_VALUES:
        raise UsageError(f"{value!r} counts too far: use at most {_MOST_VALUES} values")
    return [str(number) for number in range(first, last + 1, step)]


def _is_none(kind: AxisKind, value: str) -> bool:
    return kind.none is not _NEVER and value.lower() == NONE


def _expanded_by(picture: Picture, method: str) -> Picture:
    """The picture expanded by this method, without the options that belong to another one."""
    usual = {name: field.default for name, field in Picture.model_fields.items()}
    others = {"wu2022": ("prompt_model",), "wang2023": ("index",)}.get(method, ())
    if method == OFF:
        others = ("expand_rank", "index", "prompt_model", "expand_seed", "expand_style", "expansion_config")
    return picture.model_copy(update={"expand": method, **{name: usual[name] for name in others}})


def _check_knowledge(picture: Picture, methods: Sequence[str]) -> None:
    """Raises UsageError if an index or a prompt model is given, and no cell is expanded by its method."""
    given = (("--index", picture.index, "wu2022"), ("--prompt-model", picture.prompt_model, "wang2023"))
    for option, value, method in given:
        if value is not None and method not in methods:
            raise UsageError(f"{option} is for expand={method}, which is no value of this axis")


def _weighted(picture: Picture, weight: float) -> Picture:
    """The picture with its last reference picture (`--like`) at this weight."""
    from impasto.painting.memory.likes import split_weight

    likes = picture.like
    return picture.model_copy(update={"like": (*likes[:-1], f"{split_weight(likes[-1])[0]}:{weight!r}")})


def _scaled(picture: Picture, scale: float) -> Picture:
    """The picture with its last LoRA at this scale."""
    from impasto.adapters.lora.merge import check_scale
    from impasto.adapters.merge import split_scale

    loras = picture.lora
    return picture.model_copy(update={"lora": (*loras[:-1], f"{split_scale(loras[-1])[0]}:{check_scale(scale)!r}")})


def _guided(picture: Picture, weight: float) -> Picture:
    """The picture with its last guide at this weight."""
    from impasto.painting.guides.guide import with_weight

    guides = picture.guides
    return picture.model_copy(update={"guides": (*guides[:-1], with_weight(guides[-1], weight))})


def _controlled(picture: Picture, weight: float) -> Picture:
    """The picture with all of its controls at this weight."""
    return picture.model_copy(update={"control_weight": (weight,)})


_NUMBERED: dict[str, Callable[[Picture, float], Picture]] = {
    "scale": _scaled, "weight": _weighted, "guide-weight": _guided, "control-weight": _controlled,
}  # fmt: skip

"""`run.json`: which recipe a run follows, with which choices, and the command that goes on with it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.files import write_atomically

RECORD = "run.json"


@dataclass(frozen=True)
class RunRecord:
    """What a run was begun as.

    Attributes:
        recipe: its name.
        arguments: the words behind `impasto` on the command line; none where it was begun from Python.
        choices: what it was told, as plain JSON, by the names of a recipe's choices.
        seed: of its random numbers.
        begun: when, ISO 8601 in UTC.
        impasto: the package's version then.
        directory: where the command was given, since its paths may be relative.
    """

    recipe: str
    arguments: tuple[str, ...] = ()
    choices: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    begun: str = ""
    impasto: str = ""
    directory: str = ""

    def write(self, folder: Path) -> None:
        """Writes `run.json`, whole or not at all.

        Raises:
            ImpastoError: the disk refuses.
        """
        try:
            write_atomically(folder / RECORD, json.dumps(asdict(self), ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise ImpastoError(f"{folder / RECORD} cannot be written: {error.strerror}") from None


def read_record(folder: Path) -> RunRecord | None:
    """The record of a run's folder; None where there is none.

    Raises:
        ImpastoError: it cannot be read, or is no record of a run.
    """
    path = folder / RECORD
    try:
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content["recipe"], str) or not isinstance(content["choices"], dict):
            raise ValueError
        return RunRecord(
            recipe=content["recipe"],
            arguments=tuple(str(word) for word in content["arguments"]),
            choices=content["choices"],
            seed=int(content["seed"]),
            begun=str(content.get("begun", "")),
            impasto=str(content.get("impasto", "")),
            directory=str(content.get("directory", "")),
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ImpastoError(f"{path} is no record of a run: give another folder") from None


def plain_choices(choices: object) -> dict[str, Any]:
    """Choices (a dataclass or a mapping) as JSON holds them: paths absolute, tuples as lists."""
    content = asdict(choices) if is_dataclass(choices) and not isinstance(choices, type) else choices
    if not isinstance(content, Mapping):
        raise TypeError(f"choices are a dataclass or a mapping, not {type(choices).__name__}")
    return json.loads(json.dumps(dict(content), default=_plain))


def _plain(value: object) -> object:
    return str(value.expanduser().absolute()) if isinstance(value, Path) else str(value)


def first_difference(
    was: Mapping[str, Any], wanted: Mapping[str, Any], changeable: Collection[str] = ()
) -> tuple[str, Any, Any] | None:
    """The first choice of `wanted` that `was` another one: (name, as it was, as it is wanted); None where all are the same.

    A choice that only one of them knows belongs to another version of Impasto, and is no difference.
    """
    for name, value in wanted.items():
        if name in changeable or name not in was or was[name] == value:
            continue
        if isinstance(value, dict) and isinstance(was[name], dict):
            inner = first_difference(was[name], value, changeable)
            if inner is not None:
                return f"{name}.{inner[0]}", inner[1], inner[2]
            continue
        return name, was[name], value
    return None

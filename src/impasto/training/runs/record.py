"""Reads and writes `run.json`, the record of a run: its recipe, its choices and the command that resumes it."""

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
    """The recipe and options that a run was begun with.

    Attributes:
        recipe: the recipe's name.
        arguments: the arguments after `impasto` on the command line; none if the run was begun from Python.
        choices: the recipe's choices by name, as plain JSON.
        seed: the seed of its random numbers.
        begun: when it was begun, ISO 8601 in UTC.
        impasto: the package's version at that time.
        directory: the working directory of the command, since its paths may be relative.
    """

    recipe: str
    arguments: tuple[str, ...] = ()
    choices: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    begun: str = ""
    impasto: str = ""
    directory: str = ""

    def write(self, folder: Path) -> None:
        """Writes `run.json` atomically.

        Raises:
            ImpastoError: the write fails.
        """
        try:
            write_atomically(folder / RECORD, json.dumps(asdict(self), ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise ImpastoError(f"{folder / RECORD} cannot be written: {error.strerror}") from None


def read_record(folder: Path) -> RunRecord | None:
    """Returns the record of a run's folder; None if there is none.

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
    """Converts choices (a dataclass or a mapping) to plain JSON values: paths become absolute, tuples become lists."""
    content = asdict(choices) if is_dataclass(choices) and not isinstance(choices, type) else choices
    if not isinstance(content, Mapping):
        raise TypeError(f"choices are a dataclass or a mapping, not {type(choices).__name__}")
    return json.loads(json.dumps(dict(content), default=_plain))


def _plain(value: object) -> object:
    return str(value.expanduser().absolute()) if isinstance(value, Path) else str(value)


def first_difference(
    was: Mapping[str, Any], wanted: Mapping[str, Any], changeable: Collection[str] = ()
) -> tuple[str, Any, Any] | None:
    """Returns the first choice that differs: (name, value in `was`, value in `wanted`); None if all are the same.

    A choice that only one of them contains belongs to another version of Impasto, and does not count as a difference.
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

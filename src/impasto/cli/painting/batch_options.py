"""Reads the prompts, artists and settings of which a batch paints every combination."""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.base import Job
    from impasto.jobs.batch import BatchJob


def text_of(name: str, option: str) -> str:
    """Returns the text of a file that an option names; "-" is stdin.

    Raises:
        UsageError: there is no such file.
    """
    from impasto.files import check_file, decoded

    if name == "-":
        return sys.stdin.read()
    path = Path(name).expanduser()
    check_file(path, f"{option} ")
    return decoded(path.read_bytes())


def lines_of(file: Path, option: str) -> list[str]:
    """Returns the lines of a file that are not empty.

    Raises:
        UsageError: there is no such file, or no line in it.
    """
    lines = [line.strip() for line in text_of(str(file), option).splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{option} {file}: there is no line in it")
    return lines


def batch_of(job: "Job", prompts: Sequence[str], artists: str = "", vary: Sequence[str] = ()) -> "BatchJob":
    """Returns the batch that paints like `job`: all prompts, artists ("A,B" or "@FILE"), settings and seeds.

    Args:
        vary: "steps=10,20" for each option that takes several values.

    Raises:
        UsageError: the job does not paint, or an option of it does not go with a batch.
    """
    from impasto.jobs.batch import OWN_FIELDS, BatchJob
    from impasto.jobs.painting.paint import PaintJob

    if not isinstance(job, PaintJob):
        raise UsageError(f"--prompts, --artists and --vary go with paint, not with {job.kind}")
    given = json.loads(job.model_dump_json(exclude_defaults=True))
    for field in ("expand_count", "expand_original", "sheet", "keep_all", "batch"):
        if field in given:
            raise UsageError(f"--{field.replace('_', '-')} does not go with --prompts, --artists or --vary")
    named = tuple(given.get("artists", ()))
    if artists:
        if named or job.artist:
            raise UsageError("name the artists with --artists or with paint's own --artist, not with both")
        named = tuple(lines_of(Path(artists[1:]), "--artists")) if artists.startswith("@") else _split(artists)
    return BatchJob(
        base={name: value for name, value in given.items() if name not in OWN_FIELDS}, prompts=tuple(prompts), artists=named,
        settings=tuple(_varied(vary)), seed=job.seed, count=job.count, out=job.out,
    )  # fmt: skip


def _varied(options: Sequence[str]) -> Iterator[dict[str, Any]]:
    """All combinations of the values of several options."""
    axes: list[tuple[str, tuple[str, ...]]] = []
    for option in options:
        name, _, values = option.partition("=")
        if not name.strip() or not _split(values):
            raise UsageError(f"--vary {option}: use OPTION=VALUE,VALUE, such as steps=10,20")
        axes.append((name.strip().lstrip("-").replace("-", "_"), _split(values)))
    if axes:
        for values in product(*(values for _, values in axes)):
            yield {name: _value(value) for (name, _), value in zip(axes, values, strict=True)}


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text

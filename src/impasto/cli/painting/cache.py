"""`impasto cache`: lists and removes the models that were converted for OpenVINO."""

from dataclasses import asdict
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.errors import ImpastoError

cache = typer.Typer(
    help="Models converted for OpenVINO: what they take on the disk. They can be made again at any time.",
    no_args_is_help=True,
)


@cache.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the converted models, the most recently used first."""
    from impasto.inference.store import engines_folder, limit_bytes, list_models

    folder, limit, models = engines_folder(), limit_bytes(), list_models()
    if as_json:
        say_json({"folder": folder, "limit": limit, "models": [asdict(one) for one in models]})
        return
    for one in models:
        say(f"{one.key[:12]}  {one.size / 2**20:7.1f} MB  {one.name}, {one.part}  {one.engine}, {one.precision}")
    total = sum(one.size for one in models)
    say(f"{len(models)} model(s), {total / 2**20:.1f} MB of at most {limit / 2**20:.0f} MB in {folder}")


@cache.command()
def clear() -> None:
    """Remove all converted models, and nothing else."""
    from impasto.inference.store import clear_models, engines_folder

    try:
        freed = clear_models()
    except OSError as error:
        raise ImpastoError(f"{engines_folder()}: {error.strerror or error}: remove it yourself") from None
    say(f"{freed / 2**20:.1f} MB are free again")

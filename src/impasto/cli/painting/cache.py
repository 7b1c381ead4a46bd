"""`impasto cache`: lists and removes the models that were converted for OpenVINO, or merged for llama.cpp."""

from dataclasses import asdict
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.errors import ImpastoError

cache = typer.Typer(
    help="Models converted for OpenVINO or merged for llama.cpp: what they take on the disk. They are made again.",
    no_args_is_help=True,
)


@cache.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the converted models, the most recently used first."""
    from impasto.inference.store import engines_folder, limit_bytes, list_models
    from impasto.language.merged_gguf import list_merged

    folder, limit, models, merged = engines_folder(), limit_bytes(), list_models(), list_merged()
    if as_json:
        kept = [{"file": file, "size": file.stat().st_size} for file in merged]
        say_json({"folder": folder, "limit": limit, "models": [asdict(one) for one in models], "merged": kept})
        return
    for one in models:
        say(f"{one.key[:12]}  {one.size / 2**20:7.1f} MB  {one.name}, {one.part}  {one.engine}, {one.precision}")
    total = sum(one.size for one in models)
    say(f"{len(models)} model(s), {total / 2**20:.1f} MB of at most {limit / 2**20:.0f} MB in {folder}")
    for file in merged:
        say(f"{file.stat().st_size / 2**20:.1f} MB: a language model with its LoRA, {file}")


@cache.command()
def clear() -> None:
    """Remove all converted and merged models, and nothing else."""
    from impasto.inference.store import clear_models
    from impasto.language.merged_gguf import list_merged

    try:
        freed = clear_models()
        for file in list_merged():
            freed += file.stat().st_size
            file.unlink()
    except OSError as error:
        raise ImpastoError(f"{error.filename}: {error.strerror or error}: remove it yourself") from None
    say(f"{freed / 2**20:.1f} MB are free again")

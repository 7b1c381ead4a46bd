"""`impasto checkpoints`: lists, inspects and exports checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say, say_facts, say_json, say_note, say_table
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.checkpoints.listing import CheckpointInfo

checkpoints = typer.Typer(help="What there is to paint with: list, inspect, export.")
Name = Annotated[str, typer.Argument(help="pocket, a folder, a hub name or a file.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@checkpoints.callback(invoke_without_command=True)
def _checkpoints(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@checkpoints.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the checkpoints on this machine."""
    from impasto.checkpoints.listing import list_checkpoints

    found = list_checkpoints()
    if as_json:
        say_json([_facts(info) for info in found])
        return
    rows = [
        (i.name, i.kind, i.default_size or "", round(i.bytes / 2**20, 1), i.artists, i.path) for i in found
    ]
    say_table(("name", "kind", "pixels", "MiB", "artists", "where"), rows)
    if not found:
        say_note("no checkpoint on this machine: reinstall impasto, or `impasto train pocket-autoencoder`")


@checkpoints.command()
def inspect(name: Name, as_json: AsJson = False) -> None:
    """Show what a checkpoint holds, without loading its weights."""
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.checkpoints.painting_defaults import read_painting_defaults

    info = inspect_checkpoint(name)
    own = read_painting_defaults(info.path)
    usual = {f"usual_{what}": getattr(own, what) for what in ("guider", "guidance", "sampler", "steps")}
    usual = {what: value for what, value in usual.items() if value}
    facts = {**_facts(info), **usual, "content_hash": info.content_hash}
    if as_json:
        say_json(facts)
        return
    parameters: dict[str, int | None] = facts.pop("parameters")
    counts = [(f"{part} parameters", f"{n:,}") for part, n in parameters.items() if n is not None]
    say_facts([*((key.replace("_", " "), value) for key, value in facts.items()), *counts])


@checkpoints.command()
def export(
    name: Name,
    out: Annotated[Path, typer.Argument(help="A new or empty folder; a new file with --format.", metavar="OUT")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="One .safetensors file: sd-v1 as A1111 and ComfyUI read it; of a LoRA, kohya as they do, or diffusers.",
            metavar="FORMAT",
        ),
    ] = None,
) -> None:
    """Write a checkpoint as a folder that a plain diffusers StableDiffusionPipeline loads, or it or a LoRA as one file."""
    if form is None:
        from impasto.checkpoints.export.diffusers import export_checkpoint

        say(export_checkpoint(name, out))
    elif form == "sd-v1":
        from impasto.checkpoints.export.single_file import export_single_file

        say(export_single_file(name, out))
    elif form in ("kohya", "diffusers"):
        from impasto.adapters.lora.export import export_lora, only_ours_in_kohya
        from impasto.adapters.lora.files import load_lora

        lora = load_lora(name)
        say(export_lora(lora, out, form))
        if form == "kohya" and (ours := only_ours_in_kohya(lora)):
            say_note(f"other tools do not know {len(ours)} of its layers, such as {ours[0]}: diffusers' keys keep them")
    else:
        raise UsageError(f"--format {form!r}: use sd-v1, for a LoRA kohya or diffusers, or leave it out for a folder")


def _facts(info: "CheckpointInfo") -> dict[str, Any]:
    names = "name path kind parameters prediction_type default_size artists works bytes license"
    return {name: getattr(info, name) for name in names.split()}

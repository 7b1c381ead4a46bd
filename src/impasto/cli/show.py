"""`impasto show`: what made a picture."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say_facts, say_json


def show(
    file: Annotated[
        Path, typer.Argument(help="A picture: ours, or A1111's, InvokeAI's, ComfyUI's.", metavar="FILE")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how a picture was made, from the record inside its file."""
    from impasto.painting.provenance import Provenance, read_provenance

    record = read_provenance(file)
    fields = asdict(record)
    if isinstance(record, Provenance):
        fields = {"tool": "impasto", **fields}
    if as_json:
        say_json(fields)
        return
    parts = fields.pop("condition", None) or {}
    others = fields.pop("extra", None) or {}
    if isinstance(record, Provenance):
        del fields["loras"], fields["concepts"]
        facts = [("file", file), ("prompt", record.prompt)]
        facts += [(name, value) for name, value in parts.items() if name != "caption"]
        facts += [(name, value) for name, value in fields.items() if name != "prompt"]
        facts += [("lora", f"{x.name}:{x.scale:g} ({x.path}, {x.content_hash[:12]})") for x in record.loras]
        facts += [("concept", f"{x.name} ({x.path}, {x.content_hash[:12]})") for x in record.concepts]
    else:
        facts = [("file", file), *fields.items(), *others.items()]
    say_facts([(name.replace("_", " "), value) for name, value in facts], title="")

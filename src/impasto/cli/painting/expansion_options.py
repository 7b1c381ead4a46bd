"""The command-line options of prompt expansion, shared by `expand`, by all verbs that paint, and by `reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

KEEP = "keep"
STYLE_HELP = "keep: no style or painter you did not name; free: any."

IndexFolder = Annotated[
    Path | None, typer.Option("--index", help="For wu2022: what `impasto knowledge build` wrote.", metavar="DIR")
]
PromptModel = Annotated[
    str | None,
    typer.Option("--prompt-model", help="For wang2023: by `impasto train prompt-model`, or gpt2.", metavar="DIR|NAME"),
]
ExpandSeed = Annotated[int, typer.Option("--expand-seed", help="Of what language models write in expansions.")]
ExpandStyle = Annotated[str, typer.Option("--expand-style", help=f"In expansions, {STYLE_HELP}", metavar="keep|free")]
ExpansionConfig = Annotated[
    Path | None,
    typer.Option(
        "--expansion-config", help="Settings of expansion, .toml or .json; see `expand --write-config`.", metavar="FILE"
    ),
]

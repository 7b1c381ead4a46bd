"""The command-line options of a series of paintings, and of the best of several."""

from typing import Annotated

import typer

_SERIES, _BEST = "Series", "Best of several"

ExpandCount = Annotated[
    int | None,
    typer.Option(
        help="A series of so many extended prompts, the best first, by each --artist; the method is wu2022 if not given.",
        rich_help_panel=_SERIES,
        metavar="N",
    ),
]
ExpandOriginal = Annotated[
    bool,
    typer.Option("--expand-original", help="Also the prompt as you typed it, as the first row.", rich_help_panel=_SERIES),
]
SheetFile = Annotated[
    str,
    typer.Option(
        help="The sheet of a series, with each text under its row: .png, .webp or .pdf; none for none.",
        rich_help_panel=_SERIES,
        metavar="FILE",
        show_default="beside the paintings",
    ),
]
BestOf = Annotated[
    int,
    typer.Option(
        help="Paint each picture with so many seeds, and keep the one nearest to prompt and artist; see docs/series.md.",
        rich_help_panel=_BEST,
        metavar="N",
    ),
]
KeepAll = Annotated[bool, typer.Option("--keep-all", help="Keep the others, too.", rich_help_panel=_BEST)]
Scorer = Annotated[
    str | None,
    typer.Option(
        help="What ranks them: pocket, a folder of `impasto train pocket-scorer`, or CLIP's folder.",
        rich_help_panel=_BEST,
        metavar="NAME|DIR",
        show_default="pocket",
    ),
]

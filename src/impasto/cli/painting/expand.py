"""`impasto expand`: finds and ranks richer prompts for a prompt, each with its reasons."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say_json, say_note, say_table
from impasto.cli.run_job import run_job


def expand(
    prompt: Annotated[str, typer.Argument(help="What to paint, in a few words.")],
    method: Annotated[str, typer.Option(help="wu2022: knowledge and language models; wang2023: a prompt model.")] = "wu2022",
    model: Annotated[
        Path | None, typer.Option(help="For wang2023: what `impasto train prompt-model` wrote.", metavar="DIR")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="For wu2022: what `impasto knowledge build` wrote.", metavar="DIR")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many expansions.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of what language models write.")] = 0,
    style: Annotated[str, typer.Option(help="keep: no style or painter you did not name; free: any.")] = "keep",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Also what was dropped, and why.")] = False,
) -> None:
    """Propose richer prompts: your words stay first, what is added is ranked (wu2022, equation 20)."""
    from impasto.errors import UsageError
    from impasto.jobs.painting.expand import ExpandJob

    if style not in ("keep", "free"):
        raise UsageError(f"--style {style}: use keep or free")
    job = ExpandJob(
        prompt=prompt, method=method, model=model, index=index, count=count, seed=seed, any_style=style == "free"
    )
    expansions = run_job(job, begin="expanding")
    found = expansions.found
    dropped = [(one.reason, one.source, one.text) for one in expansions.dropped] if explain else []
    if as_json:
        rows = [expansion.as_dict() for expansion in found]
        if explain:
            rows += [{"dropped": reason, "source": source, "text": text} for reason, source, text in dropped]
        say_json(rows)
        return
    names = list(found[0].components) if found else []
    say_table(
        ("", "score", *names, "source", "text"),
        [
            (rank, f"{e.score:.3f}", *(f"{e.components[name]:.3f}" for name in names), e.source, e.text)
            for rank, e in enumerate(found, start=1)
        ],
    )
    for expansion in found:
        if expansion.left_out:
            say_note(f"no room in 77 tokens for: {'; '.join(expansion.left_out)}")
    if not found:
        say_note("nothing was found that expands this prompt; paint it as it is")
    if dropped:
        say_table(("dropped because", "source", "text"), dropped)

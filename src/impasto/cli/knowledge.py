"""`impasto knowledge`: what expansions are made from."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.errors import UsageError

knowledge = typer.Typer(help="What prompt expansion knows: search it, and count how rare words are.")


@knowledge.command()
def search(
    query: Annotated[str, typer.Argument(help="Words to look up.")],
    count: Annotated[int, typer.Option(min=1, max=100, help="How many articles at most.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look up words in the handbook that comes with Impasto."""
    from impasto.prompts.proposers.knowledge import handbook_index

    found = handbook_index().search(query, count)
    if as_json:
        say_json(
            [{"title": a.title, "score": round(worth, 4), "source": a.source, "text": a.text} for a, worth in found]
        )
        return
    say_table(("title", "score", "text"), [(a.title, f"{worth:.2f}", a.text) for a, worth in found])
    if not found:
        say_note(f"nothing is known about {query!r}")


@knowledge.command()
def terms(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders: .txt, .json, .jsonl, .csv, also .gz.")],
    out: Annotated[Path, typer.Option(help="The table to write (.tsv.gz).")],
    source: Annotated[list[str] | None, typer.Option(help="What the texts are and their terms; may be repeated.")] = None,
    at_least: Annotated[int, typer.Option(min=1, help="Leave out words in fewer texts than this.")] = 4,
) -> None:
    """Count in how many texts each word stands: the table behind the TF-IDF term of a score."""
    from impasto.prompts.term_table import TermTable
    from impasto.prompts.text_files import read_texts

    for file in files:
        if not file.exists():
            raise UsageError(f"{file}: there is no such file")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    table = TermTable.count((text for file in files for text in read_texts(file)), source or (), at_least=at_least)
    table.write(out)
    say(f"{out}: {len(table.frequencies)} words of {table.documents} texts, {out.stat().st_size / 2**20:.2f} MiB")

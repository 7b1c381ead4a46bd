"""`impasto knowledge`: what expansions are made from."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import progress_bar, say, say_json, say_note, say_table
from impasto.errors import StoppedError, UsageError

knowledge = typer.Typer(help="What prompt expansion knows: search it, build more of it, count how rare words are.")


@knowledge.command()
def search(
    query: Annotated[str, typer.Argument(help="Words to look up.")],
    count: Annotated[int, typer.Option(min=1, max=100, help="How many articles at most.")] = 5,
    index: Annotated[
        Path | None, typer.Option(help="What `impasto knowledge build` wrote, in place of the handbook.", metavar="DIR")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look up words in the handbook that comes with Impasto, or in an index of your own."""
    from impasto.prompts.expansion.expander import knowledge_indexes

    found = knowledge_indexes(index)[-1].search(query, count)
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
    from impasto.prompts.expansion.term_table import TermTable
    from impasto.prompts.knowledge.text_files import read_texts

    for file in files:
        if not file.exists():
            raise UsageError(f"{file}: there is no such file")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    table = TermTable.count((text for file in files for text in read_texts(file)), source or (), at_least=at_least)
    table.write(out)
    say(f"{out}: {len(table.frequencies)} words of {table.documents} texts, {out.stat().st_size / 2**20:.2f} MiB")


@knowledge.command()
def build(
    out: Annotated[Path, typer.Option(help="The index's folder: new, empty, or one to go on with.", metavar="DIR")],
    wikipedia: Annotated[
        Path, typer.Option(help="A pages-articles dump (.xml, .bz2, .gz), or .jsonl (title, text).", metavar="FILE")
    ],
    name: Annotated[str, typer.Option(help="What expansions call their source.")] = "wikipedia",
    sentences: Annotated[int, typer.Option(min=1, max=40, help="Of each article, from its beginning.")] = 12,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; as many as cores if not given.")] = None,
) -> None:
    """Index a Wikipedia dump for expansion; killed and run again it goes on."""
    import time

    from impasto.prompts.knowledge.wiki_build import build_wiki_index

    if not wikipedia.is_file():
        raise UsageError(f"--wikipedia {wikipedia}: there is no such file")
    begun, said = time.monotonic(), time.monotonic()
    try:
        with progress_bar("reading", 1.0) as update:

            def on_progress(share: float, pages: int, articles: int) -> None:
                nonlocal said
                text = f"{pages} pages read, {articles} articles kept"
                update(text, share)
                if not sys.stderr.isatty() and time.monotonic() - said > 30:
                    said = time.monotonic()
                    print(f"{100 * share:.1f} % {text}", file=sys.stderr, flush=True)

            articles = build_wiki_index(
                wikipedia, out, name=name, most_sentences=sentences, workers=workers, on_progress=on_progress
            )
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: run the same command again to go on from what is kept in {out}") from None
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    say(f"{out}: {articles} articles, {size / 2**20:.1f} MiB, {time.monotonic() - begun:.1f} s")

"""`impasto knowledge`: searches and builds the knowledge indexes and term tables for prompt expansion."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.data.progress_lines import progress_lines
from impasto.cli.run_job import run_job

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
    """Look up words in the handbook (artists, styles, genres, themes) that comes with Impasto, or in your own index."""
    from impasto.prompts.expansion.expander import knowledge_indexes
    from impasto.prompts.expansion.proposers.knowledge import whole_handbook_index

    where = knowledge_indexes(index)[-1] if index is not None else whole_handbook_index()
    found = where.search(query, count)
    if as_json:
        rows = [(a.title, a.kind, round(worth, 4), a.source, a.text) for a, worth in found]
        say_json([dict(zip(("title", "kind", "score", "source", "text"), row, strict=True)) for row in rows])
        return
    say_table(("title", "kind", "score", "text"), [(a.title, a.kind, f"{worth:.2f}", a.text) for a, worth in found])
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
    from impasto.jobs.data.terms import CountedTerms, TermsJob

    job = TermsJob(files=tuple(files), out=out, sources=tuple(source or ()), at_least=at_least)
    counted: CountedTerms = run_job(job, begin="counting")
    say(f"{out}: {counted.words} words of {counted.texts} texts, {counted.bytes / 2**20:.2f} MiB")


@knowledge.command()
def build(
    out: Annotated[Path, typer.Option(help="The index's folder: new, empty, or one to go on with.", metavar="DIR")],
    wikipedia: Annotated[
        list[Path],
        typer.Option(
            help="A pages-articles dump, a folder or pattern with its parts, or .jsonl, .parquet with title and text; "
            "packed or not; may be repeated.",
            metavar="FILE|DIR",
        ),
    ],
    more: Annotated[list[Path] | None, typer.Argument(help="More of the same.", metavar="[FILE|DIR]...")] = None,
    name: Annotated[str, typer.Option(help="What expansions call their source.")] = "wikipedia",
    sentences: Annotated[int, typer.Option(min=1, max=40, help="Of each article, from its beginning.")] = 12,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; as many as cores if not given.")] = None,
) -> None:
    """Index a Wikipedia dump for expansion; killed and run again it goes on."""
    from impasto.jobs.data.knowledge_build import BuiltIndex, KnowledgeBuildJob

    job = KnowledgeBuildJob(out=out, wikipedia=(*wikipedia, *(more or ())), name=name, sentences=sentences, workers=workers)
    listener = progress_lines(lambda progress: f"{100 * (progress.share or 0.0):.1f} % {progress.stage}")
    built: BuiltIndex = run_job(job, begin="reading", on_progress=listener)
    say(f"{out}: {built.articles} articles, {built.bytes / 2**20:.1f} MiB, {built.seconds:.1f} s")

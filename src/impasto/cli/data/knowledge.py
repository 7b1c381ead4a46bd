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
    from impasto.jobs.data.terms import CountedTerms, TermsJob

    job = TermsJob(files=tuple(files), out=out, sources=tuple(source or ()), at_least=at_least)
    counted: CountedTerms = run_job(job, begin="counting")
    say(f"{out}: {counted.words} words of {counted.texts} texts, {counted.bytes / 2**20:.2f} MiB")


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
    from impasto.jobs.data.knowledge_build import BuiltIndex, KnowledgeBuildJob

    job = KnowledgeBuildJob(out=out, wikipedia=wikipedia, name=name, sentences=sentences, workers=workers)
    listener = progress_lines(lambda progress: f"{100 * (progress.share or 0.0):.1f} % {progress.stage}")
    built: BuiltIndex = run_job(job, begin="reading", on_progress=listener)
    say(f"{out}: {built.articles} articles, {built.bytes / 2**20:.1f} MiB, {built.seconds:.1f} s")

"""The job `knowledge-build`: builds an index of a Wikipedia dump for prompt expansion."""

import time
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar

from pydantic import field_validator, model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_number

_MOST_TOLD = 20  # lines and pages that are named one by one


@dataclass(frozen=True)
class BuiltIndex:
    """A finished index; `bytes` is the size of all its files, `skipped` the number of lines, pages and files left out."""

    folder: Path
    articles: int
    bytes: int
    seconds: float
    skipped: int = 0


class KnowledgeBuildJob(Job):
    """Indexes a Wikipedia dump for prompt expansion. After a kill, running it again resumes.

    Attributes:
        out: the index's folder: new, empty, or one to resume.
        wikipedia: files, folders and patterns: pages-articles dumps, whole or in parts; .jsonl, .json or .parquet with title
            and text; WikiExtractor's files; also as .bz2, .gz or .xz.
        name: the name of the source in expansions.
        sentences: number of sentences kept from the beginning of each article, 1 to 40.
        workers: number of processes, 1 to 256; None for the number of cores.
    """

    kind: ClassVar[str] = "knowledge-build"

    out: Path
    wikipedia: tuple[Path, ...]
    name: str = "wikipedia"
    sentences: int = 12
    workers: int | None = None

    @field_validator("wikipedia", mode="before")
    @classmethod
    def _one_or_more(cls, given: object) -> object:
        return (given,) if isinstance(given, str | PurePath) else given

    @model_validator(mode="after")
    def _check(self) -> "KnowledgeBuildJob":
        if not self.wikipedia:
            raise UsageError("--wikipedia: name a dump, a folder with its parts, or a .jsonl")
        check_number("--sentences", self.sentences, 1, 40)
        check_number("--workers", self.workers, 1, 256)
        return self

    def run(self, context: Context) -> BuiltIndex:
        """Reads the dump and writes the index; notes what is left out.

        Raises:
            UsageError: there is no such dump, or the folder holds something else.
            MissingPart: bm25s or mwparserfromhell is not installed.
            ImpastoError: a file is truncated, or there is no article.
            StoppedError: the job was stopped.
        """
        from impasto.prompts.knowledge.wiki_build import build_wiki_index

        def on_progress(share: float, pages: int, articles: int) -> None:
            context.progress(f"{pages} pages read, {articles} articles kept", share, pages=pages, articles=articles)

        skipped = 0

        def on_trouble(what: str) -> None:
            nonlocal skipped
            skipped += 1
            if skipped <= _MOST_TOLD:
                context.note(what if what.endswith("read") or "read;" in what else f"{what}; skipped")

        begun = time.monotonic()
        try:
            articles = build_wiki_index(
                self.wikipedia, self.out, name=self.name, most_sentences=self.sentences, workers=self.workers,
                on_progress=on_progress, on_trouble=on_trouble,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: run the same command again to go on from what is kept in {self.out}") from None
        size = sum(file.stat().st_size for file in self.out.rglob("*") if file.is_file())
        if skipped > _MOST_TOLD:
            context.note(f"{skipped - _MOST_TOLD} more were skipped for such reasons")
        return BuiltIndex(self.out, articles, size, time.monotonic() - begun, skipped)

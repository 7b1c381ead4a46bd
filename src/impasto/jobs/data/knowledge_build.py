"""The job `knowledge-build`: builds an index of a Wikipedia dump for prompt expansion."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_number


@dataclass(frozen=True)
class BuiltIndex:
    """A finished index; `bytes` is the size of all its files."""

    folder: Path
    articles: int
    bytes: int
    seconds: float


class KnowledgeBuildJob(Job):
    """Indexes a Wikipedia dump for prompt expansion. After a kill, running it again resumes.

    Attributes:
        out: the index's folder: new, empty, or one to resume.
        wikipedia: a pages-articles dump (.xml, .bz2, .gz), or .jsonl with title and text.
        name: the name of the source in expansions.
        sentences: number of sentences kept from the beginning of each article, 1 to 40.
        workers: number of processes, 1 to 256; None for the number of cores.
    """

    kind: ClassVar[str] = "knowledge-build"

    out: Path
    wikipedia: Path
    name: str = "wikipedia"
    sentences: int = 12
    workers: int | None = None

    @model_validator(mode="after")
    def _check(self) -> "KnowledgeBuildJob":
        check_number("--sentences", self.sentences, 1, 40)
        check_number("--workers", self.workers, 1, 256)
        return self

    def run(self, context: Context) -> BuiltIndex:
        """Reads the dump and writes the index.

        Raises:
            UsageError: there is no such dump, or the folder holds something else.
            MissingPart: bm25s or mwparserfromhell is not installed.
            ImpastoError: the dump is truncated, or holds no article.
            StoppedError: the job was stopped.
        """
        if not self.wikipedia.is_file():
            raise UsageError(f"--wikipedia {self.wikipedia}: there is no such file")
        from impasto.prompts.knowledge.wiki_build import build_wiki_index

        def on_progress(share: float, pages: int, articles: int) -> None:
            context.progress(f"{pages} pages read, {articles} articles kept", share, pages=pages, articles=articles)

        begun = time.monotonic()
        try:
            articles = build_wiki_index(
                self.wikipedia, self.out, name=self.name, most_sentences=self.sentences, workers=self.workers,
                on_progress=on_progress,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: run the same command again to go on from what is kept in {self.out}") from None
        size = sum(file.stat().st_size for file in self.out.rglob("*") if file.is_file())
        return BuiltIndex(self.out, articles, size, time.monotonic() - begun)

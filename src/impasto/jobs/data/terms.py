"""The job `terms`: counts document frequencies of words, the table for the TF-IDF term of a score."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_number

_TELL_EVERY = 1000  # texts


@dataclass(frozen=True)
class CountedTerms:
    """A written table: the numbers of its words and counted texts, and the file's size."""

    file: Path
    words: int
    texts: int
    bytes: int


class TermsJob(Job):
    """Counts in how many texts each word occurs.

    Attributes:
        files: text files or folders: .txt, .json, .jsonl, .csv, also .gz.
        out: the table to write (.tsv.gz).
        sources: descriptions of the texts and their licence terms; they are written to the table.
        at_least: words that occur in fewer texts than this are left out.
    """

    kind: ClassVar[str] = "terms"

    files: tuple[Path, ...]
    out: Path
    sources: tuple[str, ...] = ()
    at_least: int = 4

    @model_validator(mode="after")
    def _check(self) -> "TermsJob":
        if not self.files:
            raise UsageError("there is nothing to count: name a file or a folder of texts")
        check_number("--at-least", self.at_least, 1)
        return self

    def run(self, context: Context) -> CountedTerms:
        """Reads the texts one at a time and writes the table.

        Raises:
            UsageError: a file, or the folder of `out`, does not exist.
            ImpastoError: a file has another format, or is broken.
            StoppedError: the job was stopped; nothing was written.
        """
        for file in self.files:
            if not file.exists():
                raise UsageError(f"{file}: there is no such file")
        if not self.out.parent.is_dir():
            raise UsageError(f"--out {self.out}: there is no folder {self.out.parent}")
        from impasto.prompts.expansion.term_table import TermTable

        try:
            table = TermTable.count(self._texts(context), self.sources, at_least=self.at_least)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None
        table.write(self.out)
        return CountedTerms(self.out, len(table.frequencies), table.documents, self.out.stat().st_size)

    def _texts(self, context: Context) -> Iterator[str]:
        from impasto.prompts.knowledge.text_files import read_texts

        read = 0
        for number, file in enumerate(self.files):
            for text in read_texts(file):
                if read % _TELL_EVERY == 0:
                    context.progress(f"{read} texts read", number / len(self.files))
                read += 1
                yield text

"""Python API of catalogues: import, tag, caption, filter, search and export a folder of pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from impasto.api.session import OnEvent, ShouldStop, as_path, run_job
from impasto.errors import UsageError
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.data.annotations.captioning import CaptionOutcome
    from impasto.data.annotations.filtering import FilterOutcome
    from impasto.data.annotations.imported_captions import CaptionImport
    from impasto.data.annotations.opting_out import OptedOut
    from impasto.data.annotations.tagging import TagOutcome
    from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
    from impasto.data.exporting.exporter import ExportSummary
    from impasto.data.search import Found
    from impasto.data.statistics.counts import CatalogueStatistics
    from impasto.evaluation.memorization.calibration import Threshold
    from impasto.jobs.base import Job


class Catalogue:
    """A folder of pictures with metadata. Each verb can be stopped; calling it again resumes.

    Attributes:
        folder: the folder.
        entries: the usable pictures, with merged captions, tags and a person's decisions; read on first access.
        report: the files of the folder that are not used, and why.
    """

    def __init__(
        self, folder: str | Path, *, on_event: OnEvent | None = None, should_stop: ShouldStop | None = None
    ) -> None:
        """See `open`."""
        self.folder = as_path("folder", folder)
        self._on_event, self._should_stop = on_event, should_stop
        self._read: Any = None

    @classmethod
    def open(
        cls, folder: str | Path, *, on_event: OnEvent | None = None, should_stop: ShouldStop | None = None
    ) -> "Catalogue":
        """Opens the catalogue in `folder`.

        Args:
            folder: the catalogue's folder.
            on_event: called with the typed events of all verbs; if not given, notes go to the logger `impasto`.
            should_stop: called while a verb runs; True ends it with `StoppedError`.

        Raises:
            UsageError: there is no such folder.
        """
        if address_of(folder) is None and not as_path("folder", folder).is_dir():
            raise UsageError(f"{folder}: there is no such folder")
        return cls(folder, on_event=on_event, should_stop=should_stop)

    @classmethod
    def import_(
        cls,
        source: str | Path,
        out: str | Path,
        *,
        kind: Literal["folder", "wikiart"] = "folder",
        artist: str = "",
        style: str = "",
        genre: str = "",
        lists: str | Path | None = None,
        images: Literal["link", "copy"] = "link",
        max_side: int | None = None,
        workers: int | None = None,
        on_event: OnEvent | None = None,
        should_stop: ShouldStop | None = None,
    ) -> "Catalogue":
        """Imports pictures into the catalogue `out`, a new one or one to add to.

        Args:
            source: the folder with the pictures.
            out: the catalogue's folder.
            kind: any folder of pictures, or WikiArt in one of the formats in which it is distributed.
            artist, style, genre: for a folder, the values of pictures whose metadata has none.
            lists: for WikiArt, the folder of ArtGAN's lists.
            images: hard links if the file system supports them, or copies.
            max_side: limit of the longer side in pixels; larger pictures are resized.
            workers: number of processes; None for the number of cores.

        Raises:
            UsageError, MissingPart, ImpastoError: the import failed; the message is one sentence.
            StoppedError: `should_stop` returned True, or the user pressed Ctrl-C.
        """
        from impasto.jobs.data.importing import ImportJob

        job = ImportJob(
            source=as_path("source", source), out=as_path("out", out), source_kind=kind, artist=artist, style=style,
            genre=genre, lists=None if lists is None else as_path("lists", lists), images=images, max_side=max_side,
            workers=workers,
        )  # fmt: skip
        run_job(job, on_event, should_stop)
        return cls(out, on_event=on_event, should_stop=should_stop)

    @property
    def entries(self) -> "list[CatalogueEntry]":
        return self._whole().entries

    @property
    def report(self) -> "CatalogueReport":
        return self._whole().report

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> "Iterator[CatalogueEntry]":
        return iter(self.entries)

    def tag(self, *, tagger: str | None = None, at_least: float | None = None, most: int = 12) -> "TagOutcome":
        """Tags every picture that has no tags yet.

        Args:
            tagger: "pocket", "zero-shot", "ram", "ram++", "tag2text", the path of one of these files, or an image
                classifier's folder or hub name; None for pocket.
            at_least: one probability threshold for all tags; None for each tag's own threshold.
            most: maximal number of tags of a picture.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.tag import TagJob

        return self._run(TagJob(catalogue=self.folder, tagger=tagger, at_least=at_least, most=most)).outcome

    def caption(
        self,
        *,
        captioner: str | None = None,
        tagger: str | None = None,
        scorer: str | None = None,
        candidates: int = 3,
        all_pictures: bool = False,
        most: int | None = None,
        seed: int = 0,
    ) -> "CaptionOutcome":
        """Captions every picture that has no text yet.

        Args:
            captioner: "pocket", "tag2text", "blip", "git", ..., or a model's file, folder or hub name; None for pocket.
            tagger: whose tags the captioner is told, as for `tag`; None for Tag2Text's own if it captions, otherwise pocket.
            scorer: what chooses among the candidates: "pocket", "clip", or a folder or hub name; None for pocket.
            candidates: number of candidate captions for each picture.
            all_pictures: also captions pictures that already have a text, which keeps precedence.
            most: number of pictures after which captioning ends.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.caption import CaptionJob

        job = CaptionJob(
            catalogue=self.folder, captioner=captioner, tagger=tagger, scorer=scorer, candidates=candidates,
            all_pictures=all_pictures, most=most, seed=seed,
        )  # fmt: skip
        return self._run(job).outcome

    def import_captions(
        self, table: str | Path, *, by: str | None = None, replace: bool = False, dry_run: bool = False
    ) -> "CaptionImport":
        """Merges the captions of a table, which names pictures by file name or by the SHA-256 of their content.

        Args:
            table: CSV, TSV, JSON, JSON lines or parquet.
            by: "person", or a machine's name; None for what each row says, else the table's name.
            replace: whether a person's captions replace decisions of this catalogue's review.
            dry_run: leaves the catalogue unchanged.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.import_captions import ImportCaptionsJob

        job = ImportCaptionsJob(
            catalogue=self.folder, table=as_path("table", table), by=by, replace=replace, dry_run=dry_run
        )
        return self._run(job)

    def filter(self, *, below: float | None = None, scorer: str | None = None, dry_run: bool = False) -> "FilterOutcome":
        """Drops pictures whose caption does not match (wang2023, section 4.1); a person's decisions are kept.

        Args:
            below: the threshold of the similarity, -1 to 1, below which a pair is dropped; None for the scorer's own.
            dry_run: leaves the catalogue unchanged.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.filter import FilterJob

        return self._run(FilterJob(catalogue=self.folder, below=below, scorer=scorer, dry_run=dry_run)).outcome

    def opt_out(self, file: str | Path, *, dry_run: bool = False) -> "OptedOut":
        """Leaves out, now and in later imports, the artists, file hashes and addresses that `file` names, one per line.

        Args:
            dry_run: leaves the catalogue unchanged.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.filter import FilterJob

        return self._run(FilterJob(catalogue=self.folder, opt_out=as_path("file", file), dry_run=dry_run)).opted_out

    def search(
        self, words: str | None = None, *, like: str | Path | None = None, count: int = 10, scorer: str | None = None
    ) -> "list[Found]":
        """Returns the pictures that are most similar to the words or to the picture `like`, most similar first.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.search import SearchJob

        picture = None if like is None else as_path("like", like)
        job = SearchJob(catalogue=self.folder, words=words, like=picture, count=count, scorer=scorer)
        return self._run(job)

    def export(
        self,
        to: Literal["captions.csv", "imagefolder", "webdataset", "shards", "parquet"],
        out: str | Path,
        *,
        force: bool = False,
        shard_size: int = 1000,
        copies: bool = False,
    ) -> "ExportSummary":
        """Writes the pictures that are neither rejected nor dropped, in a format of other tools.

        Args:
            force: replaces an earlier export.
            shard_size: number of pictures in one file of webdataset, shards and parquet.
            copies: copies pictures into an imagefolder, instead of hard links.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.export import ExportJob

        job = ExportJob(
            catalogue=self.folder, to=to, out=as_path("out", out), force=force, shard_size=shard_size, copies=copies
        )
        return self._run(job)

    def statistics(self) -> "CatalogueStatistics":
        """Counts artists, styles, genres, years, sizes and captions.

        Raises:
            UsageError, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.statistics import StatisticsJob

        return self._run(StatisticsJob(place=self.folder)).found

    def copy_index(self, file: str | Path, *, overwrite: bool = False) -> "Threshold":
        """Writes an index for detecting copies of these pictures elsewhere; returns the similarity threshold of a copy.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: the same as `import_`.
        """
        from impasto.jobs.data.copy_index import CopyIndexJob

        return self._run(CopyIndexJob(catalogue=self.folder, file=as_path("file", file), overwrite=overwrite)).threshold

    def _run(self, job: "Job") -> Any:
        self._read = None
        return run_job(job, self._on_event, self._should_stop)

    def _whole(self) -> Any:
        if self._read is None:
            from impasto.data.catalogue.read import read_catalogue

            self._read = read_catalogue(self.folder, check_images=False)
        return self._read

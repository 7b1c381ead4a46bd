"""The reproduction's own catalogue: the artists' pictures with tags and captions, filtered (wang2023, section 4.1).

It holds hard links to the pictures of the user's catalogue (copies on another disk), so that nothing is written into that
one, with the texts and the decisions that are there already.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from impasto.data.annotations.caption_work import CaptionWork, Models, names_of
from impasto.data.annotations.captioning import CANDIDATES, Asked, write_captions
from impasto.data.annotations.filtering import filter_catalogue
from impasto.data.annotations.log import FOLDER, AnnotationLog, content_of
from impasto.data.annotations.merged import Annotations, annotated
from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.data.annotations.tagging import tag_catalogue
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import read_catalogue
from impasto.data.exporting.imagefolder import write_imagefolder
from impasto.data.exporting.rows import ExportRow, ExportRows
from impasto.errors import ImpastoError
from impasto.reproduction.time_bounds import Bound, TimeIsUp
from impasto.spreading import HERE, Spread
from impasto.vision.scorers.interface import TextImageScorer
from impasto.vision.taggers.interface import EncodingTagger

METADATA = "metadata.jsonl"
OnShare = Callable[[str, float], None]


@dataclass(frozen=True)
class AnnotatedData:
    """What the phases of section 4.1 did, for Table 1 and for the comparison with the paper.

    Attributes:
        pictures, captioned, dropped, untagged: artist -> number of pictures in all; of those with a caption; of those that
            the filter or a person removed; of those without tags.
        tagger, captioner, scorer: names of the models that ran; "" where the catalogue had everything already, or the
            phase was left out.
        threshold: the similarity below which a pair was removed; None if nothing was filtered here.
        reviewed: number of pictures that a person has decided about.
        skipped: a sentence for each phase that had nothing to do, or skipped pictures.
        late: number of pictures without a caption because the time was up.
        spread: encodes and captions the pictures.
    """

    pictures: dict[str, int] = field(default_factory=dict)
    captioned: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    untagged: dict[str, int] = field(default_factory=dict)
    tagger: str = ""
    captioner: str = ""
    scorer: str = ""
    threshold: float | None = None
    reviewed: int = 0
    skipped: tuple[str, ...] = ()
    late: int = 0

    def as_dict(self) -> dict[str, object]:
        """Returns the fields as JSON types."""
        return asdict(self)


@dataclass
class AnnotatedCatalogue:
    """The catalogue in the workspace's folder, and the phases that annotate it, each of which can be resumed.

    Attributes:
        folder: the catalogue's own folder, which need not exist yet.
        source: the user's catalogue.
        artists: whose pictures are used, by the catalogue's spelling.
        skipped: a sentence for each phase that had nothing to do, or skipped pictures.
        late: number of pictures without a caption because the time was up.
        spread: encodes and captions the pictures.
    """

    folder: Path
    source: Path
    artists: tuple[str, ...]
    skipped: list[str] = field(default_factory=list)
    late: int = 0
    spread: Spread = HERE

    def make(self, on_share: OnShare) -> None:
        """Writes metadata, links and the logs of earlier decisions; does nothing if that is done.

        Raises:
            ImpastoError: the catalogue cannot be read, or the disk cannot be written.
        """
        if (self.folder / METADATA).is_file():  # written last
            return
        catalogue = read_catalogue(self.source, check_images=False, annotations=False)
        chosen = [entry for entry in catalogue.entries if entry.artist in self.artists]
        annotations = Annotations(self.source)
        rows = []
        for entry, known in zip(chosen, annotations.of(chosen), strict=True):
            try:
                content = content_of(entry.file)
            except ImpastoError:
                continue  # it cannot be read: no phase could use it
            name = PurePosixPath(entry.file_name.replace("\\", "/")).as_posix()
            rows.append(ExportRow(annotated(entry, known), name, content, ""))
        try:
            shutil.rmtree(self.folder, ignore_errors=True)  # an unfinished start
            self.folder.mkdir(parents=True)
            for log in sorted((self.source / FOLDER).glob("*.jsonl")):
                (self.folder / FOLDER).mkdir(exist_ok=True)
                shutil.copyfile(log, self.folder / FOLDER / log.name)
            write_imagefolder(
                ExportRows.of_rows(rows), self.folder,
                on_progress=lambda done: on_share(f"picture {done}", done / len(rows)),
            )  # fmt: skip
        except OSError as error:
            raise ImpastoError(f"{self.folder} cannot be written: {error.strerror}") from None

    def tag(self, load: Callable[[], EncodingTagger], on_share: OnShare) -> str:
        """Tags the pictures, unless all have tags; returns the tagger's name, or "" if nothing was to do.

        Raises:
            ImpastoError: as `tag_catalogue`.
        """
        entries = self._given()
        tagged = sum(bool(entry.tags) for entry in entries)
        if tagged == len(entries):
            self.skipped.append(f"skipped tagging: all {tagged} pictures have tags in the catalogue")
            return ""
        tagger = load()
        outcome = tag_catalogue(
            self.folder, tagger, on_progress=_counted("tagged", on_share), spread=self.spread
        )
        self._tell("tagging", outcome.report)
        return tagger.name

    def caption(
        self,
        load: Callable[[], Models],
        bound: Bound,
        on_share: OnShare,
    ) -> str:
        """Captions the pictures that have no text, until `bound` is over; returns the captioner's name, or "".

        The artists take turns, so that a bound leaves as many pictures of each.

        Raises:
            ImpastoError: as `write_captions`.
        """
        entries = self._given()
        if all(entry.caption for entry in entries):
            self.skipped.append(f"skipped captioning: all {len(entries)} pictures have captions in the catalogue")
            return ""
        work = CaptionWork(load, tuple(tag_vocabulary()), CANDIDATES, 0)
        names = names_of(work, self.spread)

        def on_progress(done: int, of: int) -> None:
            on_share(f"captioned {done} of {of} pictures", done / max(of, 1))
            bound.check()  # after a chunk is on disk

        try:
            bound.check()
            outcome = write_captions(self.folder, work, names, Asked(by_turns=True), on_progress, self.spread)
            self._tell("captioning", outcome.report)
        except TimeIsUp:
            self.late = sum(not entry.caption for entry in self._entries())
        return names.captioner

    def filter(
        self, load: Callable[[], TextImageScorer], below: float | None, on_share: OnShare
    ) -> tuple[str, float | None]:
        """Removes pairs whose similarity is too low; returns the scorer's name and the threshold, or ("", None).

        Raises:
            ImpastoError: as `filter_catalogue`.
        """
        judged = AnnotationLog(self.source, "filter").latest()
        texts = {entry.file_name: entry.caption for entry in self._entries() if entry.caption}
        if texts and all(judged.get(name, {}).get("text") == text for name, text in texts.items()):
            self.skipped.append(f"skipped filtering: the catalogue's filter has judged all {len(texts)} captions")
            return "", None
        scorer = load()
        outcome = filter_catalogue(self.folder, scorer, below, on_progress=_counted("compared", on_share))
        self._tell("filtering", outcome.report)
        return scorer.name, outcome.threshold

    def told(self, tagger: str, captioner: str, scorer: str, threshold: float | None) -> AnnotatedData:
        """Returns the numbers of the data after all phases."""
        entries = self._entries()
        annotations = Annotations(self.folder)
        known = annotations.of(entries)
        removed = [one.reason_against(entry) for entry, one in zip(entries, known, strict=True)]

        def count(wanted: Sequence[bool] | Sequence[str]) -> dict[str, int]:
            found = Counter(entry.artist for entry, yes in zip(entries, wanted, strict=True) if yes)
            return {artist: found[artist] for artist in self.artists}

        return AnnotatedData(
            count([True] * len(entries)), count([entry.caption for entry in entries]), count(removed),
            count([not entry.tags for entry in entries]), tagger, captioner, scorer, threshold,
            sum(one.verdict is not None for one in known), tuple(self.skipped), self.late,
        )  # fmt: skip

    def _entries(self) -> list[CatalogueEntry]:
        """All pictures with their texts and tags in force, also those that are removed."""
        entries = read_catalogue(self.folder, check_images=False, annotations=False).entries
        return [annotated(entry, one) for entry, one in zip(entries, Annotations(self.folder).of(entries), strict=True)]

    def _tell(self, phase: str, report: CatalogueReport) -> None:
        """Notes how many pictures a phase could not use, with the first one and its reason."""
        if report.skipped:
            first = report.skipped[0]
            self.skipped.append(f"skipped {len(report.skipped)} in {phase}: {first.file_name}: {first.reason}")

    def _given(self) -> list[CatalogueEntry]:
        """All pictures with the texts and tags that the user's catalogue has."""
        return read_catalogue(self.folder, check_images=False, annotations=False).entries


def _counted(verb: str, on_share: OnShare) -> Callable[[int, int], None]:
    return lambda done, of: on_share(f"{verb} {done} of {of} pictures", done / max(of, 1))

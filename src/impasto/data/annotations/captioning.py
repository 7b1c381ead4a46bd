"""Writes captions for a catalogue's pictures: a captioner proposes candidates, a tagger and a scorer choose among them.

wang2023 (section 4.1) tags with RAM and captions with Tag2Text, which takes the tags as input. Here the captioner also gets
the tags. A candidate that names a tag with a low probability is discarded; the scorer picks the best of the others.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from impasto.data.annotations.caption_work import CaptionNames, CaptionWork, Models, read_captions
from impasto.data.annotations.log import FOLDER, IMPORTED, AnnotationLog, content_of
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.errors import ImpastoError, UsageError
from impasto.spreading import HERE, Spread, Unit, results, unit_key
from impasto.vision.captioners.interface import Captioner
from impasto.vision.scorers.interface import TextImageScorer
from impasto.vision.taggers.interface import EncodingTagger

CHUNK = 64  # pictures whose captions go to disk together: a kill loses at most these, a third of a minute of work
CANDIDATES = 3


@dataclass
class CaptionOutcome:
    """The numbers of pictures captioned in this run (`captioned`) and before (`known`), and a report of what was skipped."""

    captioned: int = 0
    known: int = 0
    contradicted: int = 0  # candidates discarded because of the tags
    from_tags: int = 0  # pictures whose candidates were all discarded: the caption is a phrase made of the tags
    report: CatalogueReport = field(default_factory=CatalogueReport)


@dataclass(frozen=True)
class Asked:
    """Which pictures are captioned.

    Attributes:
        all_pictures: also pictures that have a text, which still takes precedence over the generated caption.
        most: the run ends after so many pictures; None for all.
        by_turns: the artists take turns within each part of the catalogue, so that a stopped run has captioned as many
            pictures of each.
    """

    all_pictures: bool = False
    most: int | None = None
    by_turns: bool = False


def caption_catalogue(
    folder: Path,
    captioner: Captioner,
    tagger: EncodingTagger,
    scorer: TextImageScorer,
    vocabulary: Sequence[Tag],
    *,
    candidates: int = CANDIDATES,
    seed: int = 0,
    all_pictures: bool = False,
    most: int | None = None,
    by_turns: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CaptionOutcome:
    """Captions every picture that has no text in the metadata and no caption by this captioner yet, with loaded models.

    A killed run can be resumed. `scorer` picks among the candidates. `all_pictures`, `most`, `by_turns`: see `Asked`.
    `on_progress` is called with (done, total).

    Raises:
        UsageError: `candidates` is less than 1.
        ImpastoError: the catalogue cannot be read, its log cannot be written, or the captioner cannot run.
    """
    work = CaptionWork(lambda: Models(captioner, tagger, scorer), tuple(vocabulary), candidates, seed)
    return write_captions(folder, work, work.names(), Asked(all_pictures, most, by_turns), on_progress)


def write_captions(
    folder: Path,
    work: CaptionWork,
    names: CaptionNames,
    asked: Asked,
    on_progress: Callable[[int, int], None] | None = None,
    spread: Spread = HERE,
) -> CaptionOutcome:
    """Captions what is asked, chunk by chunk, by whoever `spread` has do the work; `names` are those of `work`'s models.

    Raises:
        UsageError, ImpastoError: the same as `caption_catalogue`.
    """
    if work.candidates < 1:
        raise UsageError(f"--candidates {work.candidates}: use 1 or more")
    outcome = CaptionOutcome()
    for part in catalogue_parts(folder, check_images=False, annotations=False):
        left = None if asked.most is None else asked.most - outcome.captioned
        if left == 0:
            break
        missing = _missing(part, names.settings, asked, outcome)
        before, of = part.progress(0, len(missing))
        missing = missing[:left]

        def tell(done: int, before: int = before, of: int = of if left is None else before + len(missing)) -> None:
            if on_progress is not None:
                on_progress(before + done, of)

        _caption_part(part, missing, work, names, outcome, tell, spread)
        outcome.report.add(part.report)
    return outcome


def _caption_part(
    part: Catalogue,
    missing: Sequence[tuple[CatalogueEntry, str]],
    work: CaptionWork,
    names: CaptionNames,
    outcome: CaptionOutcome,
    tell: Callable[[int], None],
    spread: Spread,
) -> None:
    """Captions the `missing` pictures of a part, each given with the hash of its content; tells how many are done."""
    log = AnnotationLog(part.home, "captions")

    def units() -> Iterator[Unit]:
        for number, start in enumerate(range(0, len(missing), CHUNK)):
            chunk = missing[start : start + CHUNK]
            payload = [(entry.file.absolute(), entry.file_name, content) for entry, content in chunk]
            key = unit_key(names.settings, *(f"{name}/{content}" for _, name, content in payload))
            yield Unit(number, key, payload, len(chunk))

    tell(0)  # a run that goes on begins where it was
    done, place = 0, part.home / FOLDER / f".captions-{unit_key(names.settings)[:16]}"
    with results(spread, work, units(), rows=len(missing), place=place) as found:
        for one in found:
            captions = read_captions(one.value())
            by = {"by": names.captioner, "captioner": names.settings}
            log.append([{"file_name": row["file_name"], "content": row["content"], **by, **row} for row in captions.rows])
            outcome.captioned += len(captions.rows)
            outcome.contradicted += captions.contradicted
            outcome.from_tags += captions.from_tags
            part.report.skipped += captions.skipped
            done += one.unit.rows
            tell(done)


def _missing(part: Catalogue, settings: str, asked: Asked, outcome: CaptionOutcome) -> list[tuple[CatalogueEntry, str]]:
    """Returns the part's pictures to caption, each with the hash of its content; counts the others in `outcome`."""
    before = AnnotationLog(part.home, "captions").latest()
    missing: list[tuple[CatalogueEntry, str]] = []
    has_text: Counter[str] = Counter()  # pictures of each artist that need no caption
    for entry in part.entries:
        if entry.caption and not asked.all_pictures:
            has_text[entry.artist] += 1
            continue
        try:
            content = content_of(entry.file)
        except ImpastoError as error:
            part.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
            continue
        row = before.get(entry.file_name, {})
        is_imported = str(row.get("captioner")).startswith(IMPORTED) and not asked.all_pictures
        if row.get("content") == content and (row.get("captioner") == settings or is_imported):
            outcome.known += 1
            has_text[entry.artist] += 1
        else:
            missing.append((entry, content))
    return _in_turns(missing, has_text) if asked.by_turns else missing


def _in_turns(missing: Sequence[tuple[CatalogueEntry, str]], has_text: Counter[str]) -> list[tuple[CatalogueEntry, str]]:
    """Returns the pictures so that at every place the artists have about as many texts, counting those that they have."""
    counts, turns = has_text.copy(), []
    for entry, _ in missing:
        turns.append(counts[entry.artist])
        counts[entry.artist] += 1
    return [one for _, one in sorted(zip(turns, missing, strict=True), key=lambda pair: pair[0])]

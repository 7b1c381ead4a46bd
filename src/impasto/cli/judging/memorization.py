"""`impasto evaluate PAINTINGS --memorization CATALOGUE`: are the paintings copies of training pictures?"""

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.console import progress_bar, say, say_json, say_note, say_table
from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.context import Context
from impasto.jobs.judging.training_pictures import USUAL_FEATURES, Training, say_skipped
from impasto.jobs.painting.output import check_writable

if TYPE_CHECKING:
    from impasto.evaluation.memorization.search import MemorizationReport

_LISTED = 10


def evaluate_copies(
    paintings: Path,
    training: Path,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    features: str = USUAL_FEATURES,
    false_alarms: float | None = None,
    as_json: bool = False,
) -> None:
    """Compares the paintings with training pictures, prints the most similar pairs and writes the page `out`.

    Args:
        paintings: a folder of pictures, or one picture.
        training: a catalogue, or an index that `impasto data copy-index` wrote.
        out: an .html file; nothing is written where it is None.
        features: see `load_copy_features`.
        false_alarms: the share of held-out real works that may be called copies, 0.005 if not given.

    Raises:
        UsageError: an option's value cannot be used, or there is nothing to compare.
        ImpastoError: none of the pictures can be read, or the page cannot be written.
        StoppedError: Ctrl-C.
    """
    if out is not None:
        _check_page(out, overwrite)
    from impasto.data.catalogue.entry import CatalogueReport
    from impasto.evaluation.memorization.calibration import USUAL_FALSE_ALARMS, Calibration
    from impasto.evaluation.memorization.json_report import copies_json
    from impasto.evaluation.memorization.page import copies_page
    from impasto.evaluation.memorization.search import compare_paintings, paintings_in
    from impasto.files import write_atomically

    # What is wrong with these costs no look at thousands of training pictures.
    Calibration().threshold(USUAL_FALSE_ALARMS if false_alarms is None else false_alarms)
    paintings_in(paintings)
    loaded = Training.load(training, features, Context())
    threshold = loaded.index.calibration.threshold(USUAL_FALSE_ALARMS if false_alarms is None else false_alarms)
    try:
        with progress_bar("comparing", 1.0) as update:
            report = compare_paintings(
                paintings,
                loaded.index,
                loaded.features,
                threshold,
                training=training,
                on_progress=lambda what, done, of: update(f"{what}: {done} of {of}", done / of),
            )
    except KeyboardInterrupt:
        raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
    if out is not None:
        try:
            write_atomically(out, copies_page(report))
        except OSError as error:
            raise ImpastoError(f"{out} cannot be written: {error.strerror}") from None
    say_skipped(CatalogueReport(report.skipped), Context(on_event=lambda event: say_note(getattr(event, "text", ""))))
    if as_json:
        say_json(copies_json(report))
    else:
        _say(report, out)


def _check_page(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the page's name must end in .html")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already: choose another name, or add --overwrite")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    check_writable(out.parent)


def _say(report: "MemorizationReport", out: Path | None) -> None:
    rows = []
    for pair in report.pairs[:_LISTED]:
        verdict = "copy" if pair.copy else "-"
        rows.append((f"{pair.match.similarity:.3f}", verdict, pair.painting.file_name, pair.match.training.file_name))
    say_table(("similarity", "", "painting", "nearest training picture"), rows)
    count, copies = len(report.pairs), len(report.copies)
    looks = f"painting{'' if count == 1 else 's'} {'looks' if copies == 1 else 'look'}"
    say(f"{copies} of {count} {looks} like a copy of one of {report.training_pictures} training pictures")
    say(f"threshold {report.threshold}")
    if out is not None:
        say(out)

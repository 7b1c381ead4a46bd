"""Plans a series: a prompt, its extensions, and paintings of each by one or several artists (wu2022, figures 5 to 8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.jobs.painting.prompt_steps import Extension, PromptSteps, best_extensions, extended
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

NO_ARTIST = "none"  # as an artist: a painting without one


@dataclass(frozen=True)
class SeriesRow:
    """One text of a series.

    Attributes:
        text: the prompt that is painted, without artist, style and the like.
        extension: where it comes from; None for the prompt as it was typed.
    """

    text: str
    extension: Extension | None = None

    @property
    def rank(self) -> int:
        """The rank of the extension, from 1; 0 for the prompt as it was typed."""
        return 0 if self.extension is None else self.extension.note.rank

    @property
    def caption(self) -> str:
        """The words under the row."""
        if self.extension is None:
            return self.text
        note = self.extension.note
        return f"{self.text} (extension {note.rank}, score {note.score:.3f}, {note.source})"


@dataclass(frozen=True)
class Series:
    """The paintings of a series: every row by every artist, `count` pictures each.

    Attributes:
        prompt: the prompt as it was typed.
        rows: the texts, in their order.
        artists: the artists' full names; "" for none.
        count: pictures of each text by each artist.
        requests: row by row, within a row artist by artist, then by seed.
    """

    prompt: str
    rows: tuple[SeriesRow, ...]
    artists: tuple[str, ...]
    count: int
    requests: "tuple[PaintRequest, ...]"

    def stem(self, record: "Provenance") -> str:
        """Returns the stem of a painting's file: the prompt, which extension it is, and of several artists, which one."""
        rank = 0 if record.extension is None else record.extension.rank
        words = [slug(self.prompt)]
        if any(row.rank for row in self.rows):
            words.append(f"extension-{rank}" if rank else "original")
        if len(self.artists) > 1:
            artist = str(record.condition.get("artist") or "")
            words.append(slug(artist) if artist else "no-artist")
        return "-".join(words)


def resolve_artists(artists: Sequence[str], setup: PaintingSetup, any_artist: bool) -> tuple[str, ...]:
    """Returns the full names, each once; "" for "none".

    Raises:
        UsageError: the checkpoint has a list of artists without one of them.
    """
    named = [artist.strip() for artist in artists]
    wanted = ["" if name.casefold() == NO_ARTIST else name for name in named]
    return tuple(dict.fromkeys(name if any_artist or not name else setup.resolve_artist(name) for name in wanted))


def plan_series(
    first: "PaintRequest",
    steps: PromptSteps,
    artists: tuple[str, ...],
    *,
    extensions: int | None,
    original: bool,
    seeds: Sequence[int],
    say: Callable[[str], None],
) -> Series:
    """Plans the paintings of a prompt, its best extensions, or both.

    Wildcards are resolved once, with the first seed, so that the whole series has one prompt. The extensions fit the text
    encoder beside the longest artist's name, so that all artists paint the same text.

    Args:
        first: the request of the first painting, with the prompt as it was typed.
        steps: wildcards, and how the prompt is expanded.
        artists: full names; "" for none.
        extensions: how many of the best extensions are painted; None for the one that `steps` chooses, if any.
        original: whether the prompt as it was typed is painted, too, as the first row.
        seeds: the seeds of each text by each artist.
        say: called with notes: the extensions, and if there are fewer.

    Raises:
        UsageError, MissingPart, ImpastoError: a wildcard is unknown; the prompt cannot be expanded.
    """
    typed = first.condition.caption
    plain = replace(steps, expansion=None).apply([replace(first, seed=seeds[0])], say)[0]
    conditions = [replace(plain.condition, artist=artist) for artist in artists]
    rows: list[SeriesRow] = []
    if steps.expansion is not None and plain.condition.caption:
        if extensions is None:
            chosen = steps.choose(conditions, say)
            found = [] if chosen is None else [chosen]
        else:
            found = best_extensions(steps.expansion, conditions, extensions, say)
        rows = [SeriesRow(one.text, one) for one in found]
    elif extensions is not None:
        raise UsageError("--expand-count expands a prompt: give one")
    if original or not rows:
        rows.insert(0, SeriesRow(plain.condition.caption))
    requests = [
        replace(extended(replace(plain, condition=condition), typed, row.extension), seed=seed)
        for row in rows
        for condition in conditions
        for seed in seeds
    ]
    return Series(typed, tuple(rows), artists, len(seeds), tuple(requests))

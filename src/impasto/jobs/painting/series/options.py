"""Checks the options of a series, before anything is loaded."""

from pathlib import Path

from impasto.errors import UsageError
from impasto.jobs.painting.prompt_steps import MOST_EXTENSIONS, OFF

NO_SHEET = "none"
MOST_ARTISTS = 1000


def check_series(
    artist: str,
    artists: tuple[str, ...],
    extensions: int | None,
    *,
    method: str,
    rank: int,
    original: bool,
    sheet: str,
) -> None:
    """Checks what a series is made of.

    Args:
        artist: the one artist; "" if `artists` are given.
        artists: several artists.
        extensions: `--expand-count`; None if it is not given.
        method: `--expand`.
        rank: `--expand-rank`.
        original: `--expand-original`.
        sheet: `--sheet`.

    Raises:
        UsageError: an option is invalid, contradicts another, or has no effect.
    """
    if artist.strip() and artists:
        raise UsageError("artist and artists are both given: name all of them in artists")
    if len(artists) > MOST_ARTISTS:
        raise UsageError(f"{len(artists)} artists: use at most {MOST_ARTISTS}")
    if "" in {name.strip() for name in artists}:
        raise UsageError("one of several artists has no name: use 'none' for paintings without an artist")
    if extensions is not None and not 1 <= extensions <= MOST_EXTENSIONS:
        raise UsageError(f"expand-count {extensions}: use 1 to {MOST_EXTENSIONS}")
    if extensions is not None and method == OFF:
        raise UsageError(
            f"--expand-count {extensions} paints expansions, --expand {OFF} makes none: leave one out or use --expand wu2022"
        )
    if extensions is not None and rank != 1:
        raise UsageError("--expand-count takes the best extensions, --expand-rank one of them: give one of the two")
    if original and extensions is None and method == OFF:
        raise UsageError("--expand-original goes with --expand or --expand-count: without, only the original is painted")
    if sheet and extensions is None and not original and len(artists) < 2:
        raise UsageError("--sheet is for a series: give --expand-count, or --artist several times; else see `impasto grid`")
    if sheet and sheet != NO_SHEET:
        from impasto.painting.sheets.file import check_suffix

        check_suffix(Path(sheet))

"""Draws the figures of wang2023: 7 (tags and captions), 8 to 11 (two prompts each), and one for each artist."""

from collections import Counter
from pathlib import Path

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.painting.file_names import slug
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.real_works import RealWorks, evenly_spread
from impasto.reproduction.report import Figure
from impasto.reproduction.sheets import WIDE_CELL, Captioned, save_captioned, save_sheet
from impasto.reproduction.wang2023.findings import CELLS, FIGURES, PROMPTS, Findings, Sets

FIRST_FIGURE = 8  # of the figures with two prompts each
_PROMPTS_A_FIGURE = 2
_SHOWN = 8  # held-out texts in an artist's own figure, and pictures in figure 7
_COLUMNS = 4  # of figure 7
_TAGS = 6  # of a picture in figure 7
FIGURE_7 = "figure-7.png"


def draw_figures(protocol: Wang2023, folder: Path, sets: Sets, found: Findings, works: RealWorks) -> None:
    """Draws all figures into `folder`.

    Raises:
        ImpastoError: a picture is missing or broken, or a file cannot be written.
    """
    _draw_figure_7(folder / FIGURE_7, sample_works(protocol, works), found)
    sampling = protocol.sampling
    words = f"{sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}"
    for number, places in numbered_figures(protocol):
        prompts = [protocol.prompts[place] for place in places]
        rows = [
            [sets[f"{FIGURES}, {artist}", "", kind].files[place] for place in places for kind in PROMPTS]
            for artist in ("", *protocol.artists)
        ]
        titles = ["original", *(f"{artist}, retrained" for artist in protocol.artists)]
        columns = [title for prompt in prompts for title in (prompt, "the same, expanded")]
        notes = [f"Expanded: {found.expanded[prompt][0] or 'nothing was found, so painted as it is'}" for prompt in prompts]
        legend = f"{words}, seed {protocol.figure_seed} in all cells; expanded with seed {protocol.expand_seeds[0]}"
        save_sheet(
            folder / f"figure-{number}.png", rows, titles, columns, legend, column_notes=notes, cell=WIDE_CELL
        )  # fmt: skip
    for artist in protocol.artists:
        pictures = [sets[artist, *kind].files[:_SHOWN] for kind in CELLS]
        shown = sets[artist, *CELLS[0]].wanted[:_SHOWN]
        columns = [one.request.condition.caption or one.request.condition.text() for one in shown]
        legend = f"{artist}: {words}, the same seed in a column"
        names = [f"{checkpoint}, {prompts}" for checkpoint, prompts in CELLS]
        save_sheet(folder / f"{slug(artist)}.png", pictures, names, columns, legend)


def numbered_figures(protocol: Wang2023) -> list[tuple[int, range]]:
    """Returns (number of the figure, places of its prompts): figures 8 to 11 for the paper's eight prompts."""
    starts = range(0, len(protocol.prompts), _PROMPTS_A_FIGURE)
    return [
        (FIRST_FIGURE + number, range(start, min(start + _PROMPTS_A_FIGURE, len(protocol.prompts))))
        for number, start in enumerate(starts)
    ]


def sample_works(protocol: Wang2023, works: RealWorks) -> list[CatalogueEntry]:
    """Returns the pictures of figure 7: as many of each artist, spread evenly, first those that have tags and a caption."""
    share = -(-_SHOWN // len(protocol.artists))
    chosen = []
    for artist in protocol.artists:
        own = works.works(artist)
        told = [entry for entry in own if entry.caption and entry.tags] or [entry for entry in own if entry.caption] or own
        chosen.append(evenly_spread(told, share))
    turns = [entry for number in range(share) for own in chosen for entry in own[number : number + 1]]
    return turns[:_SHOWN]


def _draw_figure_7(path: Path, works: list[CatalogueEntry], found: Findings) -> None:
    cells = []
    for entry in works:
        texts = [f"“{entry.caption}”" if entry.caption else f"no caption; title: {entry.title or 'none'}"]
        texts.append(f"tags: {', '.join(entry.tags[:_TAGS])}" if entry.tags else "no tags")
        texts.append(", ".join(filter(None, (entry.artist, str(entry.year or "")))))
        cells.append(Captioned(entry.file, tuple(texts)))
    told = (("tags", found.data.tagger), ("captions", found.data.captioner))
    by = ", ".join(f"{what} by {name}" for what, name in told if name)
    licences = Counter(entry.license or "not stated" for entry in works)
    by += f"{'; ' if by else ''}licence: {', '.join(f'{name} ({count})' for name, count in licences.most_common())}"
    save_captioned(path, cells, _COLUMNS, legend=by, cell=WIDE_CELL)


def listed_figures(protocol: Wang2023) -> tuple[Figure, ...]:
    """Returns all figures with their captions, in the order of the report."""
    figures = [Figure(FIGURE_7, "Figure 7: real works of the catalogue with their tags and captions.")]
    for number, places in numbered_figures(protocol):
        prompts = " and ".join(f"“{protocol.prompts[place]}”" for place in places)
        figures.append(
            Figure(
                f"figure-{number}.png",
                f"Figure {number}: {prompts}, each also expanded (the text is under the columns); first row: the original"
                " checkpoint without an artist, then each artist's retrained one, which is told its artist's name.",
            )
        )
    figures += [
        Figure(f"{slug(artist)}.png", f"{artist}: the texts of held-out works, by both checkpoints, plain and expanded.")
        for artist in protocol.artists
    ]
    return tuple(figures)

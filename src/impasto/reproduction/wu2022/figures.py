"""Draws figures 4 to 12 of wu2022, a figure of the arms, and one of the extended prompts."""

from collections.abc import Sequence
from pathlib import Path

from impasto.reproduction.protocols import NONE, Wu2022
from impasto.reproduction.report import Figure
from impasto.reproduction.sheets import WIDE_CELL, Captioned, save_captioned, save_sheet
from impasto.reproduction.wu2022.findings import ARM_WORDS, FIGURE_4, Findings, Sets

_COLUMNS = 6  # of figures 9 to 12: the paper's thirty artists stand in five rows
EXTENDED = "figures-5-to-8-extended.png"
FIGURE_4_ARMS = "figure-4-arms.png"


def draw_figures(protocol: Wu2022, artists: Sequence[str], folder: Path, sets: Sets, found: Findings) -> None:
    """Draws all figures into `folder`.

    Raises:
        ImpastoError: a painting is missing or broken, or a file cannot be written.
    """
    arms, sampling = found.arms, protocol.sampling
    eta = f", eta {sampling.eta:g}" if sampling.eta else ""
    words = f"{sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}{eta}, seed {protocol.seed}"
    last = arms[-1]

    def figure_4(name: str, four: Sequence[tuple[str, str]]) -> None:
        rows = [sets[f"{FIGURE_4} {artist}", arm].files for artist, arm in four]
        titles = [f"{artist}, {ARM_WORDS[arm]}" if artist else "the original, no artist" for artist, arm in four]
        save_sheet(folder / name, rows, titles, protocol.figure_4_prompts, words)

    figure_4("figure-4.png", [("", NONE), *((artist, last) for artist in protocol.four)])
    if len(arms) > 1:
        figure_4(FIGURE_4_ARMS, [(artist, arm) for artist in protocol.four for arm in arms])

    def first(artist: str, prompt: int, arm: str) -> Path:
        place = (artists.index(artist) * len(protocol.prompts) + prompt) * protocol.paintings
        return sets["all", arm].files[place]

    for number, prompt in enumerate(protocol.prompts):
        rows = [[first(artist, number, arm) for artist in protocol.four] for arm in arms]
        titles = [ARM_WORDS[arm] for arm in arms]
        save_sheet(
            folder / f"figure-{5 + number}.png", rows, titles, protocol.four, words, title=f"“{prompt}”", cell=WIDE_CELL
        )  # fmt: skip
        cells = [Captioned(first(artist, number, last), (artist,)) for artist in artists]
        legend = f"{ARM_WORDS[last]}; {words}"
        save_captioned(folder / f"figure-{9 + number}.png", cells, _COLUMNS, title=f"“{prompt}”", legend=legend)
    if found.extended is not None:
        names = ["initial", *(f"extended {number}" for number in range(1, len(found.extended.texts)))]
        places = [artists.index(artist) * protocol.paintings for artist in protocol.four]
        rows = [[sets[name, last].files[place] for place in places] for name in names]
        titles = ["the initial prompt", *names[1:]]
        save_sheet(
            folder / EXTENDED, rows, titles, protocol.four, f"{ARM_WORDS[last]}; {words}",
            row_captions=[f"“{text}”" for text in found.extended.texts], cell=WIDE_CELL,
        )  # fmt: skip


def listed_figures(protocol: Wu2022, found: Findings) -> tuple[Figure, ...]:
    """Returns all figures with their captions, in the order of the report."""
    last, several = ARM_WORDS[found.arms[-1]], len(found.arms) > 1
    listed, count = ", ".join(ARM_WORDS[arm] for arm in found.arms), len(protocol.four)
    figures = [
        Figure(
            "figure-4.png",
            f"Figure 4: the prompts of Rombach et al. (2021), by the original without an artist, and by {count} artists"
            f" ({last}).",
        )
    ]
    if several:
        figures.append(Figure(FIGURE_4_ARMS, f"Figure 4 by every arm: {listed}."))
    figures += [
        Figure(f"figure-{5 + number}.png", f"Figure {5 + number}: “{prompt}” by {count} artists: {listed}.")
        for number, prompt in enumerate(protocol.prompts)
    ]
    if found.extended is not None:
        figures.append(
            Figure(
                EXTENDED,
                f"Figures 5 to 8 with prompts extended here: the initial prompt and {len(found.extended.texts) - 1} extended"
                f" ones, each text under its row, by {count} artists ({last}).",
            )
        )
    figures += [
        Figure(f"figure-{9 + number}.png", f"Figure {9 + number}: “{prompt}” by {protocol.artists} artists ({last}).")
        for number, prompt in enumerate(protocol.prompts)
    ]
    return tuple(figures)

"""The tables of the report on wang2023: 1 (data), 2 (expanded prompts), 3 (distances), and further ones."""

from dataclasses import replace

from impasto.evaluation.estimate import Estimate, Measured
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.report import Table, percent, told
from impasto.reproduction.report_parts import duration
from impasto.reproduction.wang2023.findings import CELLS, CHANGES, CHECKPOINTS, PROMPTS, Findings, change_of

# Numbers of paintings in the whole of WikiArt that a text at hand prints: wu2022, section 4.
_WIKIART = {"Vincent van Gogh": 1889, "Nicholas Roerich": 1860, "Pierre-Auguste Renoir": 1400}
_WITH = {"plain": "without expansion", "expanded": "with expansion"}
HEADER = tuple(f"{checkpoint}, {_WITH[prompts]}" for checkpoint, prompts in CELLS)
CHANGE_WORDS = ("by retraining, plain", "by retraining, expanded", "by expansion, original", "by expansion, retrained")
FLOOR = "his training pictures"


def whose(protocol: Wang2023) -> tuple[str, ...]:
    """Returns the artists, and "all" if they are several."""
    return (*protocol.artists, "all") if len(protocol.artists) > 1 else protocol.artists


def table_1(protocol: Wang2023, found: Findings) -> Table:
    """Table 1: the number of paintings by each artist."""
    data, rows = found.data, []
    for artist in protocol.artists:
        training, held_out = found.facts[artist][0], found.held_out[artist]
        counts = (data.pictures[artist], data.captioned[artist], data.dropped[artist]) if data.pictures else ()
        rows.append((artist, *map(str, counts), str(training), str(held_out), str(_WIKIART.get(artist, "–"))))
    middle = ("in the catalogue", "with a caption", "removed by the filter or in review") if data.pictures else ()
    note = (
        "Training and held-out pictures are those that are used: in colour, not stretched, not removed. The last column is"
        " the number in all of WikiArt where a text at hand prints it (wu2022, section 4); of the paper's own Table 1 the"
        " text at hand has only the caption."
    )
    header = ("Table 1: artist", *middle, "trained on", "held out", "in WikiArt")
    return Table(header, tuple(rows), note)


def table_2(protocol: Wang2023, found: Findings) -> Table:
    """Table 2: the expanded text prompts, with the seed of each beside it."""
    seeds = protocol.expand_seeds
    rows = tuple((prompt, *(text or "nothing was found" for text in texts)) for prompt, texts in found.expanded.items())
    painted = f"Figures 8 to 11 are painted with those of seed {seeds[0]}." if rows else ""
    return Table(("Table 2: prompt", *(f"expanded with seed {seed}" for seed in seeds)), rows, painted)


def table_3(protocol: Wang2023, found: Findings) -> Table:
    """Table 3: the distances of paintings and real works; original or retrained x without or with expansion, per artist."""
    name = found.judge.distance_name
    rows = tuple(
        (
            of, *(told(found.measure(of, *cell, "frechet")) for cell in CELLS),
            _floor(found, of), f"{found.paintings * (len(protocol.artists) if of == 'all' else 1)} to {found.held_out[of]}",
        )
        for of in whose(protocol)
    )  # fmt: skip
    note = (
        f"{name} to the artist's held-out works, lower is nearer, with 95 % intervals of chance in the pictures. “His"
        f" training pictures” are as many real ones, where he has so many. {floor_words(protocol, found)} The paper's own"
        " FIDs could not be put beside: the text at hand has of Table 3 only its caption"
    )
    note += "." if name == "FID" else "; on other features they could not be compared anyway."
    return Table((f"Table 3: {name}", *HEADER, FLOOR, "n"), rows, note)


def floor_words(protocol: Wang2023, found: Findings) -> str:
    """Says whether the training pictures' distance is a floor, as an artist's own hand should be, or lies above others."""
    nearer = {of: cells for of in whose(protocol) if (cells := found.below_floor(of))}
    if not nearer:
        return "They are about what an artist's own hand has, and so a floor: no set of paintings here is nearer."
    named = "; ".join(
        f"{of}: {'all four sets' if len(cells) == len(CELLS) else ' and '.join(cells)}" for of, cells in nearer.items()
    )
    least = min(found.held_out[of] for of in nearer)
    return (
        f"An artist's own hand should be a floor, and here it is none for {len(nearer)} of {len(whose(protocol))} rows:"
        f" these paintings are nearer than his training pictures ({named}). With as few as {least} held-out works the"
        " distance is mostly an error of the small number, which grows with the variety of a set, and real works vary more"
        " than paintings by one checkpoint."
    )


def _floor(found: Findings, of: str) -> str:
    """The distance of real training pictures, with their number if it differs from that of the paintings."""
    count = len(found.judged[of, "real", ""].distance.ours)
    other = "" if count == len(found.judged[of, "original", "plain"].distance.ours) else f" (n {count})"
    return f"{told(found.measure(of, 'real', '', 'frechet'))}{other}"


def changes(protocol: Wang2023, found: Findings) -> Table:
    """The changes of the distance by retraining and by expansion."""
    rows = tuple(
        (
            of, *(told(found.retraining(of, prompts).get("frechet")) for prompts in PROMPTS),
            *(told(found.expansion(of, checkpoint).get("frechet")) for checkpoint in CHECKPOINTS),
        )
        for of in whose(protocol)
    )  # fmt: skip
    header = ("change of the distance", *CHANGE_WORDS)
    note = "Below 0 is nearer. The intervals are of pairs: the same prompt and seed, the same held-out works."
    return Table(header, rows, note)


def seed_by_seed(protocol: Wang2023, found: Findings) -> Table:
    """The changes of the distance with each seed of training and pictures, and with the paintings of all together."""
    rows = []
    for of in whose(protocol):
        cells = []
        for change in CHANGES:
            each = ", ".join(told(one) for one in map(_value, found.with_every_seed(of, change, "frechet")))
            cells.append(f"{each}; together {told(change_of(found.pooled, of, change).get('frechet'))}")
        rows.append((of, *cells))
    note = (
        f"{protocol.seeds} seeds of the retraining and of the pictures, one after the other; then all their paintings as one"
        " set, with a 95 % interval of chance in the pictures. Below 0 is nearer."
    )
    return Table(("change of the distance, seed by seed", *CHANGE_WORDS), tuple(rows), note)


def _value(found: Measured | None) -> Measured | None:
    """The measure without its interval."""
    return replace(found, low=None, high=None) if isinstance(found, Estimate) else found


def other_measures(protocol: Wang2023, found: Findings) -> Table:
    """The probe, the kernel distance, diversity and similarity to the prompt."""
    rows = []
    kernel = "KID" if found.judge.distance_name == "FID" else "kernel distance"
    names = (
        ("probe names him", "named", percent), (kernel, "kernel", told), ("diversity", "diversity", told),
        ("similarity to the prompt", "similarity", told),
    )  # fmt: skip
    for of in whose(protocol):
        for label, name, words in names:
            cells = [words(found.measure(of, *cell, name)) for cell in CELLS]
            if all(cell == "–" for cell in cells):
                continue
            rows.append((f"{of}: {label}", *cells, words(found.measure(of, "real", "", name))))
    return Table(("", *HEADER, FLOOR), tuple(rows))


def retrainings(protocol: Wang2023, found: Findings) -> Table:
    """The statistics of each artist's retraining."""
    rows = []
    for artist, (pictures, facts, before) in found.facts.items():
        loss = f"{facts.validation[-1][1]:.4g}" if facts.validation else "–"
        steps = str(facts.steps) if facts.steps else "–"
        time = duration(facts.seconds) if facts.seconds else "–"
        rows.append((artist, str(pictures), steps, time, loss, "was there before" if before else "trained here"))
    header = ("artist", "training pictures", "steps", "time", "validation loss at the end", "")
    return Table(header, tuple(rows))

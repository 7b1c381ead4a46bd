"""Builds the report on wang2023: a table like Table 3, conclusions, differences from the paper, and reasons to doubt."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from impasto.evaluation.estimate import Measured
from impasto.painting.file_names import slug
from impasto.reproduction.manifest import shown_name
from impasto.reproduction.measures import Judge, Judged
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.report import Figure, Report, Section, Table, Value, compared, percent, told
from impasto.reproduction.report_parts import cost_section, duration, used_section
from impasto.reproduction.retrainings import TrainingFacts
from impasto.training.recipes.wang2023 import WANG2023_MASTERS

CHECKPOINTS, PROMPTS = ("original", "retrained"), ("plain", "expanded")
_CELLS = tuple((checkpoint, prompts) for checkpoint in CHECKPOINTS for prompts in PROMPTS)
_DISTANCES = ("frechet", "frechet_infinite", "kernel")
_HEADER = tuple(f"{checkpoint}, {prompts}" for checkpoint, prompts in _CELLS)


@dataclass(frozen=True)
class Findings:
    """The measured results of the reproduction.

    Attributes:
        judge: the extractor, probe and scorer of the measures.
        judged: (artist or "all", checkpoint or "real", prompts or "") -> its measures.
        held_out: the number of held-out works of each artist, and of "all" together.
        facts: artist -> (number of training pictures, statistics of the run, whether the run existed before).
        unexpanded: (number of prompts without an expansion, number of all prompts).
    """

    judge: Judge
    judged: Mapping[tuple[str, str, str], Judged]
    held_out: Mapping[str, int]
    facts: Mapping[str, tuple[int, TrainingFacts, bool]]
    unexpanded: tuple[int, int]

    def measure(self, of: str, checkpoint: str, prompts: str, name: str) -> Measured | None:
        """Returns one measure; None if it was not computed."""
        return self.judged[of, checkpoint, prompts].measures.get(name)

    def retraining(self, of: str, prompts: str) -> dict[str, Measured]:
        """Returns the changes from the original to the retrained checkpoint."""
        return self.judged[of, "original", prompts].change_to(self.judged[of, "retrained", prompts])

    def expansion(self, of: str, checkpoint: str) -> dict[str, Measured]:
        """Returns the changes from plain to expanded prompts."""
        return self.judged[of, checkpoint, "plain"].change_to(self.judged[of, checkpoint, "expanded"])


def wang2023_report(
    protocol: Wang2023, checkpoint: str, found: Findings, seconds: Mapping[str, float], used: Mapping[str, str]
) -> Report:
    """Builds the whole report; it contains no folder of this machine."""
    extractor = found.judge.extractor.name
    table = _distances(protocol, found)
    what = f"{len(protocol.artists)} artists, {protocol.paintings} paintings in each of four sets per artist"
    summary = (
        f"The protocol of wang2023's Table 3 and figures 8 to 11 with the checkpoint {shown_name(checkpoint)}: {what}, in"
        f" {duration(sum(seconds.values()))}. Distances are Fréchet distances on {extractor}'s features to held-out works;"
        " they are no FID."
    )
    sections = (
        Section("What the numbers show", points=_points(protocol, found)),
        Section("The table", tables=(table, _changes(protocol, found)), paragraphs=(_reading(found),)),
        Section("Other measures", tables=(_others(protocol, found),), paragraphs=(f"Named: {found.judge.probe_told}.",)),
        _figures(protocol),
        Section("What differs from the paper", points=_differences(protocol, checkpoint, found)),
        Section("Reasons to doubt", points=_doubts(protocol, found)),
        Section("The retrainings", tables=(_retrainings(protocol, found),)),
        cost_section(seconds),
        used_section(used),
    )
    return Report(
        "wang2023, reproduced", summary, sections, table, tuple(_values(protocol, found)), seconds, used, asdict(protocol)
    )


def _whose(protocol: Wang2023) -> tuple[str, ...]:
    return (*protocol.artists, "all") if len(protocol.artists) > 1 else protocol.artists


def _counted(found: Findings, of: str) -> str:
    """The numbers of pictures on both sides: paintings and held-out works."""
    return f"{len(found.judged[of, 'original', 'plain'].distance.ours)} to {found.held_out[of]}"


def _floor(found: Findings, of: str) -> str:
    """The distance of real training pictures, with their number if it differs from that of the paintings."""
    count = len(found.judged[of, "real", ""].distance.ours)
    other = "" if count == len(found.judged[of, "original", "plain"].distance.ours) else f" (n {count})"
    return f"{told(found.measure(of, 'real', '', 'frechet'))}{other}"


def _distances(protocol: Wang2023, found: Findings) -> Table:
    rows = tuple(
        (
            of, *(told(found.measure(of, *cell, "frechet")) for cell in _CELLS),
            _floor(found, of), _counted(found, of),
        )
        for of in _whose(protocol)
    )  # fmt: skip
    note = (
        "Fréchet distance to the artist's held-out works, lower is nearer, with 95 % intervals of chance in the pictures."
        " “His"
        " training pictures” are as many real ones, where he has so many: about what an artist's own hand has, and so a"
        " floor."
        " The paper's own FIDs could not be put beside: the text at hand has of Table 3 only its caption; on other"
        " features and"
        " pictures they could not be compared anyway."
    )
    return Table(("artist", *_HEADER, "his training pictures", "n"), rows, note)


def _changes(protocol: Wang2023, found: Findings) -> Table:
    rows = tuple(
        (
            of, *(told(found.retraining(of, prompts).get("frechet")) for prompts in PROMPTS),
            *(told(found.expansion(of, checkpoint).get("frechet")) for checkpoint in CHECKPOINTS),
        )
        for of in _whose(protocol)
    )  # fmt: skip
    header = (
        "change of the distance", "by retraining, plain", "by retraining, expanded", "by expansion, original",
        "by expansion, retrained",
    )  # fmt: skip
    note = "Below 0 is nearer. The intervals are of pairs: the same prompt and seed, the same held-out works."
    return Table(header, rows, note)


def _reading(found: Findings) -> str:
    few = any(len(judged.distance.theirs) <= found.judge.extractor.width for judged in found.judged.values())
    words = "n is the number of paintings and of held-out works. Compare along a line only."
    if few:
        words += (
            " With fewer pictures than features the distance is too large, by how much depends on n, and there is no"
            " extrapolation to infinitely many; what chance in these pictures does to it was found by leaving each out once."
        )
    return words


def _others(protocol: Wang2023, found: Findings) -> Table:
    rows = []
    names = (
        ("probe names him", "named", percent), ("kernel distance", "kernel", told), ("diversity", "diversity", told),
        ("similarity to the prompt", "similarity", told),
    )  # fmt: skip
    for of in _whose(protocol):
        for label, name, words in names:
            cells = [words(found.measure(of, *cell, name)) for cell in _CELLS]
            if all(cell == "–" for cell in cells):
                continue
            rows.append((f"{of}: {label}", *cells, words(found.measure(of, "real", "", name))))
    return Table(("", *_HEADER, "his training pictures"), tuple(rows))


def _figures(protocol: Wang2023) -> Section:
    figures = [
        Figure(
            "figures-8-to-11.png",
            "Figures 8 to 11: the paper's eight prompts, plain and expanded, by the original checkpoint and by each"
            " retrained"
            " one, which is told its artist's name.",
        )
    ]
    figures += [
        Figure(f"{slug(artist)}.png", f"{artist}: the texts of held-out works, by both checkpoints, plain and expanded.")
        for artist in protocol.artists
    ]
    return Section("Figures", paragraphs=("All pictures are paintings made here.",), figures=tuple(figures))


def _points(protocol: Wang2023, found: Findings) -> tuple[str, ...]:
    artists, points = protocol.artists, []
    for prompts in PROMPTS:
        changes = [found.retraining(artist, prompts).get("frechet") for artist in artists]
        what = f"With {prompts} prompts, the distance from original to retrained"
        points.append(compared(changes, better="falls", what=what))
    for checkpoint in CHECKPOINTS:
        changes = [found.expansion(artist, checkpoint).get("frechet") for artist in artists]
        points.append(compared(changes, better="falls", what=f"With the {checkpoint} checkpoint, the distance by expansion"))
    for prompts in PROMPTS:
        changes = [found.retraining(artist, prompts).get("named") for artist in artists]
        what = f"With {prompts} prompts, the share that the probe names as the artist asked for"
        points.append(compared(changes, better="rises", what=what))
    if len(artists) > 1:
        for prompts in PROMPTS:
            before, after = (told(found.measure("all", one, prompts, "frechet")) for one in CHECKPOINTS)
            change = told(found.retraining("all", prompts).get("frechet"))
            points.append(f"All artists together, {prompts} prompts: {before} before, {after} after, a change of {change}.")
    points.append(
        "The paper says: “the retrained model achieves more realistic results compared with the original model”, and that"
        " with"
        " expansion both “demonstrate better performance” (section 4.4)."
    )
    return tuple(points)


def _differences(protocol: Wang2023, checkpoint: str, found: Findings) -> tuple[str, ...]:
    reasons = {master.name: master.reason for master in WANG2023_MASTERS}
    artists = "; ".join(f"{artist} ({reasons.get(artist, 'asked for on the command line')})" for artist in protocol.artists)
    trained = "the recipe's epochs" if protocol.minutes is None else f"{protocol.minutes:g} minutes each"
    sampling = protocol.sampling
    return (
        f"Checkpoint: {shown_name(checkpoint)}, not Stable Diffusion v1-5 at 512 px.",
        f"Retraining: the recipe wang2023-artist for a checkpoint of this size, {trained}; the paper's is batch 1,"
        " learning rate"
        " 1e-5, 50 epochs on an RTX 4090.",
        f"Artists: {len(protocol.artists)}; the paper has nine, of whom its text names three: {artists}.",
        "Data: the catalogue named below, a tenth of it held out from training. Texts are its captions, or titles where"
        " there are"
        " none, with artist, year, style and genre; the paper wrote captions with RAM and Tag2Text, dropped those that"
        " CLIP gave"
        " less than 0.2, and looked through the rest.",
        "Features: those named above, not Inception's; so the distances are no FID, and not on the paper's scale.",
        "Real pictures: held-out works, which no retraining has seen. The paper does not say which it compared with, nor"
        " how many.",
        "Prompts of the measured paintings: the texts of those held-out works. The paper does not say which it used for"
        " Table 3.",
        f"Expansion: a LoRA of SmolLM2-135M on cleaned prompts ({protocol.expansion} in `impasto expand`), not GPT-2 on"
        f" 80,000; the best of {protocol.expansions} that are looked for.",
        f"Painting: {sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}; the paper names no sampler.",
    )


def _doubts(protocol: Wang2023, found: Findings) -> tuple[str, ...]:
    least = min(found.held_out[artist] for artist in protocol.artists)
    most = max(found.held_out[artist] for artist in protocol.artists)
    width = found.judge.extractor.width
    return (
        f"Few real works: {least} to {most} an artist, against {width} features. The distance's size says little; only the"
        " order"
        " along a line does, as far as the intervals allow.",
        f"One retraining an artist (seed {protocol.training_seed}). The intervals are of chance in the pictures, not in the"
        " training: another seed may change the sign of a small change.",
        "Distance and probe see the same features, made to tell photographs apart: they agree more easily than two judges"
        " would.",
        "The original checkpoint is told the artist too. Where it was trained on the same artists' works (its model card"
        " tells),"
        " there is less left to gain than for a checkpoint of photographs.",
        "Held-out works may be other views of a motif that was trained on; `impasto evaluate --memorization` looks for"
        " copies.",
        f"For {found.unexpanded[0]} of {found.unexpanded[1]} prompts nothing was found that expands them; in the expanded"
        " sets"
        " they are painted as they are.",
        "Several artists, checkpoints and prompts are compared: of twenty intervals of 95 %, one misses by itself.",
    )


def _retrainings(protocol: Wang2023, found: Findings) -> Table:
    rows = []
    for artist in protocol.artists:
        pictures, facts, before = found.facts[artist]
        loss = f"{facts.validation[-1][1]:.4g}" if facts.validation else "–"
        steps = str(facts.steps) if facts.steps else "–"
        time = duration(facts.seconds) if facts.seconds else "–"
        rows.append((artist, str(pictures), steps, time, loss, "was there before" if before else "trained here"))
    header = ("artist", "training pictures", "steps", "time", "validation loss at the end", "")
    return Table(header, tuple(rows))


def _values(protocol: Wang2023, found: Findings) -> list[Value]:
    values = []
    for (of, checkpoint, prompts), judged in found.judged.items():
        values += [
            Value(of, checkpoint, prompts, name, measured, found.held_out[of] if name in _DISTANCES else 0)
            for name, measured in judged.measures.items()
        ]
    for of in _whose(protocol):
        for prompts in PROMPTS:
            changes = found.retraining(of, prompts).items()
            values += [Value(of, "original to retrained", prompts, name, one, found.held_out[of]) for name, one in changes]
        for checkpoint in CHECKPOINTS:
            changes = found.expansion(of, checkpoint).items()
            values += [Value(of, checkpoint, "plain to expanded", name, one, found.held_out[of]) for name, one in changes]
    return values

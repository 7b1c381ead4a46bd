"""Builds the report on wu2022: measures before and after, curves of both stages, differences from the paper, doubts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from impasto.evaluation.estimate import Measured, estimate_mean
from impasto.reproduction.manifest import shown_name
from impasto.reproduction.measures import Judge, Judged
from impasto.reproduction.protocols import Wu2022
from impasto.reproduction.report import Figure, Report, Section, Table, Value, compared, percent, told
from impasto.reproduction.report_parts import cost_section, duration, used_section
from impasto.reproduction.retrainings import TrainingFacts

WHEN = ("before", "after")
STAGES = ("text encoder", "text encoder and U-Net")
_MEASURES = (
    ("Fréchet distance to held-out works", "frechet", told), ("kernel distance", "kernel", told),
    ("probe names the artist asked for", "named", percent), ("similarity to the prompt", "similarity", told),
    ("diversity", "diversity", told),
)  # fmt: skip


@dataclass(frozen=True)
class Findings:
    """The measured results of the reproduction.

    Attributes:
        judge: the extractor, probe and scorer of the measures.
        judged: "before", "after" and "real" (training pictures) -> the measures.
        asked: the requested artist of each painting, in order.
        held_out, training: the numbers of real works for the comparison and for training.
        loss: the original checkpoint's validation loss.
        facts: the statistics of the two stages.
    """

    judge: Judge
    judged: Mapping[str, Judged]
    asked: tuple[str, ...]
    held_out: int
    training: int
    loss: float | None
    facts: tuple[TrainingFacts, ...]

    @property
    def changes(self) -> dict[str, Measured]:
        """The changes from before to after."""
        return self.judged["before"].change_to(self.judged["after"])


def wu2022_report(
    protocol: Wu2022, checkpoint: str, found: Findings, seconds: Mapping[str, float], used: Mapping[str, str]
) -> Report:
    """Builds the whole report; it contains no folder of this machine."""
    table = _measures(found)
    what = f"{len(protocol.prompts)} prompts by {protocol.artists} artists, {protocol.paintings} paintings of each"
    summary = (
        f"Figures 4 to 12 of wu2022 with the checkpoint {shown_name(checkpoint)}: {what}, before and after the two stages of"
        f" retraining, in {duration(sum(seconds.values()))}. Distances are on {found.judge.extractor.name}'s features;"
        " they are"
        " no FID."
    )
    sections = (
        Section("What the numbers show", points=_points(found)),
        Section("Before and after", tables=(table, _artists(found)), paragraphs=(f"Named: {found.judge.probe_told}.",)),
        Section("The two stages", tables=(_curve(found),)),
        Section("Figures", paragraphs=("All pictures are paintings made here.",), figures=_figures(protocol)),
        Section("What differs from the paper", points=_differences(protocol, checkpoint, found)),
        Section("Reasons to doubt", points=_doubts(protocol, found)),
        cost_section(seconds),
        used_section(used),
    )
    return Report("wu2022, reproduced", summary, sections, table, tuple(_values(found)), seconds, used, asdict(protocol))


def _measures(found: Findings) -> Table:
    rows = []
    for label, name, words in _MEASURES:
        cells = [words(found.judged[when].measures.get(name)) for when in (*WHEN, "real")]
        change = words(found.changes[name]) if name in found.changes else "–"
        rows.append((label, *cells[:2], change, cells[2]))
    count = len(found.judged["before"].distance.ours)
    note = (
        f"{count} paintings, before and after, against {found.held_out} held-out works of the same artists; intervals of"
        " 95 %,"
        " those of changes of pairs with the same prompt and seed. “Training pictures” are real ones, and so a floor. The"
        " paintings show the paper's prompts, the real works do not, so that a distance between them stays whatever the"
        " hand."
    )
    return Table(("", *WHEN, "change", "training pictures"), tuple(rows), note)


def _named(found: Findings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Artist -> 1 or 0 for each of the artist's paintings, before and after."""
    asked, (before, after) = np.array(found.asked), (found.judged[when].named for when in WHEN)
    if not len(before):
        return {}
    return {name: (before[asked == name], after[asked == name]) for name in dict.fromkeys(found.asked)}


def _artists(found: Findings) -> Table:
    shares = {name: map(estimate_mean, both) for name, both in _named(found).items()}
    return Table(("probe names him", *WHEN), tuple((name, *map(percent, both)) for name, both in shares.items()))


def _curve(found: Findings) -> Table:
    rows = [("the original", "–", "–", f"{found.loss:.4g}" if found.loss is not None else "–")]
    for stage, facts in zip(STAGES, found.facts, strict=True):
        rows += [(stage, str(step), duration(facts.seconds), f"{loss:.4g}") for step, loss in facts.validation]
    note = "The mean squared error of the prediction on the same held-out pictures; the first stage begins untrained."
    return Table(("stage", "steps", "time of the whole stage", "validation loss"), tuple(rows), note)


def _figures(protocol: Wu2022) -> tuple[Figure, ...]:
    return (
        Figure("figure-4.png", "Figure 4: the prompts of Rombach et al. (2021), by the original and by four artists."),
        Figure("figures-5-to-8.png", "Figures 5 to 8: four prompts by four artists, before and after."),
        *(Figure(f"figures-9-to-12-{when}.png", f"Figures 9 to 12: {protocol.artists} artists, {when}.") for when in WHEN),
    )


def _points(found: Findings) -> tuple[str, ...]:
    changes = found.changes
    shares = [estimate_mean(after - before) for before, after in _named(found).values()]
    points = [compared([changes.get("frechet")], better="falls", what="The distance to held-out works", of="comparisons")]
    points.append(compared(shares, better="rises", what="The share that the probe names as the artist asked for"))
    last = found.facts[-1].validation
    if last and found.loss is not None:
        less = "lower than" if last[-1][1] < found.loss else "not lower than"
        points.append(
            f"After both stages the loss on held-out pictures is {last[-1][1]:.4g}, {less} the original's {found.loss:.4g}."
        )
    points.append("The paper claims no number: it shows that “the painting skills and styles of the artists are reflected”.")
    return tuple(points)


def _differences(protocol: Wu2022, checkpoint: str, found: Findings) -> tuple[str, ...]:
    trained = "the recipes' epochs" if protocol.minutes is None else f"{protocol.minutes:g} minutes each"
    sampling = protocol.sampling
    paper = (sampling.sampler, sampling.steps, sampling.guidance, sampling.eta) == ("ddim", 200, 5.0, 1.0)
    return (
        f"Checkpoint: {shown_name(checkpoint)}, not Stable Diffusion v1-4 at 512 px.",
        f"Retraining: the recipes wu2022-text-encoder and wu2022-joint for a checkpoint of this size, {trained}, on"
        f" {found.training} pictures; the paper used 8 A100 and all of WikiArt, and does not say how long.",
        "Texts: the catalogue's captions, or titles where there are none, with artist, year, style and genre.",
        f"Artists: {protocol.artists}, the four of figures 5 to 8 and those with the most works in this catalogue, for the"
        " paper's thirty.",
        f"Painting: {sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}, eta {sampling.eta:g}"
        + (", as in the paper." if paper else "; the paper: ddim, 200 steps, guidance 5, eta 1."),
        "Figure 4's prompts are those of Rombach et al. (2021), figure 5, which the paper names and does not print; its"
        " rows are"
        " ours, before and after, not those of that paper's own model.",
        "Figures 6 to 8 and 10 to 12 have the paper's extended prompts as they are printed; they are not extended anew.",
        "Features: those named below, not Inception's; the paper measures nothing.",
    )


def _doubts(protocol: Wu2022, found: Findings) -> tuple[str, ...]:
    return (
        f"{len(protocol.prompts)} prompts are few: what is true of them need not be of others.",
        f"One retraining (seed {protocol.training_seed}). The intervals are of chance in the pictures, not in the training.",
        f"{found.held_out} real works against {found.judge.extractor.width} features: compare the distances only with each"
        " other.",
        "Distance and probe see the same features, made to tell photographs apart: they agree more easily than two judges"
        " would.",
        "The original is told the artists too. Where it was trained on their works, there is less left to gain.",
    )


def _values(found: Findings) -> list[Value]:
    values = [
        Value("all", when, "", name, measured, found.held_out if name in ("frechet", "frechet_infinite", "kernel") else 0)
        for when, judged in found.judged.items()
        for name, measured in judged.measures.items()
    ]
    values += [Value("all", "before to after", "", name, one, found.held_out) for name, one in found.changes.items()]
    for artist, shares in _named(found).items():
        values += [Value(artist, when, "", "named", estimate_mean(one)) for when, one in zip(WHEN, shares, strict=True)]
    return values

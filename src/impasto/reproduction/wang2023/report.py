"""Builds the report on wang2023: tables 1 to 3, figures, conclusions, differences from the paper, and reasons to doubt."""

from collections.abc import Mapping
from dataclasses import asdict

from impasto.checkpoints.painting_defaults import DOMAIN
from impasto.evaluation.estimate import Estimate
from impasto.reproduction.differences import differences_section
from impasto.reproduction.manifest import shown_name
from impasto.reproduction.parts import Parts
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.report import Report, Section, Value, compared, told
from impasto.reproduction.report_parts import cost_section, duration, used_section
from impasto.reproduction.wang2023 import tables
from impasto.reproduction.wang2023.differences import wang2023_differences
from impasto.reproduction.wang2023.figures import listed_figures
from impasto.reproduction.wang2023.findings import (
    CHANGES,
    CHECKPOINTS,
    PROMPTS,
    Change,
    Findings,
    change_of,
    named_with_seed,
)

_SHOWN = (
    "Figure 7 shows real works of the catalogue: whether they may be published depends on their licences, which it names."
    " All other pictures are paintings made here."
)
_GUIDED = (
    " The retrained checkpoints are painted by Domain Guidance, as is their default: the negative side is predicted by the"
    " original's U-Net."
)
_DISTANCES = ("frechet", "frechet_infinite", "kernel")


def wang2023_report(
    protocol: Wang2023,
    checkpoint: str,
    side: int,
    parts: Parts,
    found: Findings,
    seconds: Mapping[str, float],
    used: Mapping[str, str],
) -> Report:
    """Builds the whole report; it contains no folder of this machine."""
    table_3, name = tables.table_3(protocol, found), found.judge.distance_name
    what = f"{len(protocol.artists)} artists, {found.paintings} paintings in each of four sets per artist"
    if found.again:
        what += f", all of it with {protocol.seeds} seeds"
    no_fid = "" if name == "FID" else " They are no FID."
    summary = (
        f"The protocol of wang2023 with the checkpoint {shown_name(checkpoint)}: {what}, in"
        f" {duration(sum(seconds.values()))}. Distances are {name}s on {found.judge.extractor.name}'s features to"
        f" held-out works.{no_fid}{_GUIDED if DOMAIN in found.guiders else ''}"
    )
    again = (tables.seed_by_seed(protocol, found),) if found.again else ()
    named = (f"Named: {found.judge.probe_told}.",)
    sections = (
        Section("What the numbers show", points=_points(protocol, found)),
        Section("Table 1: the data", tables=(tables.table_1(protocol, found),), paragraphs=_data(protocol, found)),
        Section("Table 2: expanded prompts", tables=(tables.table_2(protocol, found),)),
        Section(
            f"Table 3: {name}", tables=(table_3, tables.changes(protocol, found), *again),
            paragraphs=(_reading(protocol, found),),
        ),
        Section("Other measures", tables=(tables.other_measures(protocol, found),), paragraphs=named),
        Section(
            "Figures", figures=listed_figures(protocol),
            paragraphs=(_SHOWN,),
        ),
        differences_section(wang2023_differences(protocol, checkpoint, side, parts, found)),
        Section("Reasons to doubt", points=_doubts(protocol, found)),
        Section("The retrainings", tables=(tables.retrainings(protocol, found),)),
        cost_section(seconds),
        used_section(used),
    )  # fmt: skip
    return Report(
        "wang2023, reproduced", summary, sections, table_3, tuple(_values(protocol, found)), seconds, used, asdict(protocol)
    )


def _data(protocol: Wang2023, found: Findings) -> tuple[str, ...]:
    data = found.data
    if not protocol.annotates:
        return ("Texts are those of the catalogue: tagging, captioning and filtering (section 4.1) were left out.",)
    steps = [
        f"Tags by {data.tagger}" if data.tagger else "", f"captions by {data.captioner}" if data.captioner else "",
        f"pairs below {data.threshold:g} removed by {data.scorer}" if data.threshold is not None else "",
    ]  # fmt: skip
    done = ", ".join(filter(None, steps))
    words = f"{done[0].upper()}{done[1:]} (section 4.1)." if done else ""
    late = f"For {data.late} pictures the time was up: their titles stand for captions." if data.late else ""
    skipped = [f"{sentence[0].upper()}{sentence[1:]}." for sentence in data.skipped]
    return tuple(filter(None, (words, *skipped, late)))


def _reading(protocol: Wang2023, found: Findings) -> str:
    words = "n is the number of paintings and of held-out works. Compare along a line only."
    if any(len(judged.distance.theirs) <= found.judge.extractor.width for judged in found.judged.values()):
        words += (
            " With fewer pictures than features the distance is too large, by how much depends on n, and there is no"
            " extrapolation to infinitely many; what chance in these pictures does to it was found by leaving each out once."
        )
    if found.paintings < protocol.paintings:
        words += f" {protocol.paintings} paintings in each set were planned; the time was up after {found.paintings}."
    return words


def _points(protocol: Wang2023, found: Findings) -> tuple[str, ...]:
    artists, points = protocol.artists, []
    for prompts in PROMPTS:
        moved = [found.retraining(artist, prompts).get("frechet") for artist in artists]
        what = f"With {prompts} prompts, the distance from original to retrained"
        points.append(compared(moved, better="falls", what=what))
    for checkpoint in CHECKPOINTS:
        moved = [found.expansion(artist, checkpoint).get("frechet") for artist in artists]
        points.append(compared(moved, better="falls", what=f"With the {checkpoint} checkpoint, the distance by expansion"))
    for prompts in PROMPTS:
        moved = [found.retraining(artist, prompts).get("named") for artist in artists]
        what = f"With {prompts} prompts, the share that the probe names as the artist asked for"
        points.append(compared(moved, better="rises", what=what))
    if len(artists) > 1:
        for prompts in PROMPTS:
            before, after = (told(found.measure("all", one, prompts, "frechet")) for one in CHECKPOINTS)
            change = told(found.retraining("all", prompts).get("frechet"))
            points.append(f"All artists together, {prompts} prompts: {before} before, {after} after, a change of {change}.")
    if found.again:
        points += [_with_every_seed(protocol, found, *one) for one in zip(CHANGES, tables.CHANGE_WORDS, strict=True)]
    points.append(
        "The paper says: “the retrained model achieves more realistic results compared with the original model”, and that"
        " with expansion both “demonstrate better performance” (section 4.4)."
    )
    return tuple(points)


def _with_every_seed(protocol: Wang2023, found: Findings, change: Change, what: str) -> str:
    """Says for how many artists the distance falls with every seed, and what all their paintings together show."""
    seeds = protocol.seeds
    values = {
        of: [one.value for one in found.with_every_seed(of, change, "frechet") if isinstance(one, Estimate)]
        for of in tables.whose(protocol)
    }
    falls, rises = (
        sum(len(values[of]) == seeds and all(sign * value > 0 for value in values[of]) for of in protocol.artists)
        for sign in (-1, 1)
    )
    whose = "all" if "all" in values else protocol.artists[0]
    together = told(change_of(found.pooled, whose, change).get("frechet"))
    return (
        f"With each of {seeds} seeds, the distance {what}, falls for {falls} of {len(protocol.artists)} artists, and rises"
        f" for {rises}; of all paintings together it changes by {together}."
    )


def _doubts(protocol: Wang2023, found: Findings) -> tuple[str, ...]:
    least = min(found.held_out[artist] for artist in protocol.artists)
    most = max(found.held_out[artist] for artist in protocol.artists)
    width, (lacking, asked) = found.judge.extractor.width, found.unexpanded
    doubts = [
        f"One retraining an artist (seed {protocol.training_seed}). The intervals are of chance in the pictures, not in the"
        " training: another seed may change the sign of a small change."
        if not found.again
        else f"{protocol.seeds} retrainings an artist. The intervals are of chance in the pictures; that of the training"
        " shows only between the seeds.",
        "Distance and probe see the same features, made to tell photographs apart: they agree more easily than two judges"
        " would.",
        "The original checkpoint is told the artist too. Where it was trained on the same artists' works (its model card"
        " tells), there is less left to gain than for a checkpoint of photographs.",
        "Held-out works may be other views of a motif that was trained on; `impasto evaluate --memorization` looks for"
        " copies.",
        "Several artists, checkpoints and prompts are compared: of twenty intervals of 95 %, one misses by itself.",
    ]
    if most <= width:
        doubts.insert(0, (
            f"Few real works: {least} to {most} an artist, against {width} features. The distance's size says little; only"
            " the order along a line does, as far as the intervals allow."
        ))  # fmt: skip
    if any(found.below_floor(of) for of in tables.whose(protocol)):
        doubts.append(
            "Some sets of paintings are nearer to the held-out works than the artist's own training pictures are (see the"
            " note under Table 3): so the distance measures more than whether a hand is met."
        )
    if lacking:
        late = f" (for {found.late} the time was up)" if found.late else ""
        doubts.append(
            f"For {lacking} of {asked} prompts nothing was found that expands them{late}; in the expanded sets they are"
            " painted as they are."
        )
    return tuple(doubts)


def _values(protocol: Wang2023, found: Findings) -> list[Value]:
    values = []
    for seed, sets in enumerate((found.judged, *found.again)):
        for (of, checkpoint, prompts), judged in sets.items():
            values += [
                Value(
                    named_with_seed(of, seed), checkpoint, prompts, name, measured,
                    found.held_out[of] if name in _DISTANCES else 0,
                )
                for name, measured in judged.measures.items()
            ]  # fmt: skip
    for of in tables.whose(protocol):
        for prompts in PROMPTS:
            moved = found.retraining(of, prompts).items()
            values += [Value(of, "original to retrained", prompts, name, one, found.held_out[of]) for name, one in moved]
        for checkpoint in CHECKPOINTS:
            moved = found.expansion(of, checkpoint).items()
            values += [Value(of, checkpoint, "plain to expanded", name, one, found.held_out[of]) for name, one in moved]
        for change in CHANGES if found.again else ():
            (before, plain), (after, richer) = change
            which = f"{before} to {after}" if before != after else before
            prompts = f"{plain} to {richer}" if plain != richer else plain
            sets = {named_with_seed(of, seed): one for seed, one in enumerate(found.again, 1)}
            for name, judged in {**sets, f"{of}, all seeds": found.pooled}.items():
                moved = change_of(judged, of, change).items()
                values += [Value(name, which, prompts, key, one, found.held_out[of]) for key, one in moved]
    return values

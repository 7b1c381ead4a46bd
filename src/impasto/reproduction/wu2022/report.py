"""Builds the report on wu2022: the arms of the ablation, the extension, the figures, differences from the paper, doubts."""

from collections.abc import Mapping
from dataclasses import asdict

from impasto.data.catalogue.artist_names import artist_name
from impasto.data.statistics.published_numbers import WU2022
from impasto.evaluation.estimate import Estimate, estimate_mean
from impasto.reproduction.differences import differences_section
from impasto.reproduction.manifest import shown_name
from impasto.reproduction.parts import Parts
from impasto.reproduction.protocols import JOINT, NONE, TWO_STAGES, Wu2022
from impasto.reproduction.report import Report, Section, Table, Value, compared, percent, told
from impasto.reproduction.report_parts import cost_section, duration, used_section
from impasto.reproduction.wu2022.differences import wu2022_differences
from impasto.reproduction.wu2022.figures import listed_figures
from impasto.reproduction.wu2022.findings import ARM_WORDS, REAL, Findings

_TOP = 30  # artists, as in figure 3
_DISTANCES = ("frechet", "frechet_infinite", "kernel")
# The survey, "Pretraining is All You Need for Image-to-Image Translation", table "Finetune strategy".
_PITI = "fixed decoder 12.6, one stage 13.3, two stages 8.9"


def wu2022_report(
    protocol: Wu2022,
    checkpoint: str,
    side: int,
    parts: Parts,
    found: Findings,
    seconds: Mapping[str, float],
    used: Mapping[str, str],
) -> Report:
    """Builds the whole report; it contains no folder of this machine."""
    table, name = _measures(found), found.judge.distance_name
    what = f"{len(protocol.prompts)} prompts by {protocol.artists} artists, {protocol.paintings} paintings of each"
    arms = ", ".join(ARM_WORDS[arm] for arm in found.arms)
    no_fid = "" if name == "FID" else " They are no FID."
    summary = (
        f"Figures 4 to 12 of wu2022 with the checkpoint {shown_name(checkpoint)}: {what}, by {len(found.arms)} arms"
        f" ({arms}), in {duration(sum(seconds.values()))}. Distances are {name}s on"
        f" {found.judge.extractor.name}'s features.{no_fid}"
    )
    sections = [
        Section("What the numbers show", points=_points(found)),
        Section("Figure 3: the artists with the most works", tables=_figure_3(found)),
        Section(
            "The arms", tables=(table, *_changes(found), *_artists(found)), paragraphs=(f"Named: {found.judge.probe_told}.",)
        ),
    ]  # fmt: skip
    if found.extended is not None:
        sections.append(Section("With extension", tables=(_extension(found),), paragraphs=_extension_words(found)))
    if found.facts:
        sections.append(Section("The retrainings", tables=(_curve(found),)))
    sections += [
        Section("Figures", paragraphs=("All pictures are paintings made here.",), figures=listed_figures(protocol, found)),
        differences_section(wu2022_differences(protocol, checkpoint, side, parts, found)),
        Section("Reasons to doubt", points=_doubts(protocol, found)),
        cost_section(seconds),
        used_section(used),
    ]
    return Report(
        "wu2022, reproduced", summary, tuple(sections), table, tuple(_values(found)), seconds, used, asdict(protocol)
    )  # fmt: skip


def _figure_3(found: Findings) -> tuple[Table, ...]:
    total = sum(count for _, count in found.works)
    printed = {artist_name(name): count for name, count in WU2022.top_artists}
    artists = tuple((name, str(count), str(printed.get(name, "–"))) for name, count in found.works[:_TOP])
    shares = tuple(
        (f"the first {top}", f"{100 * sum(count for _, count in found.works[:top]) / total:.2f}", share)
        for top, share in WU2022.top_shares
        if total and len(found.works) >= top
    )
    tables = [Table(("Figure 3: artist", "works here", "in the paper"), artists)]
    if shares:
        tables.append(Table(("share of all works in per cent", "here", "in the paper"), shares))
    return tuple(tables)


def _rows(found: Findings) -> tuple:
    name = found.judge.distance_name
    kernel = "KID" if name == "FID" else "kernel distance"
    return (
        (f"{name} to held-out works", "frechet", told), (kernel, "kernel", told),
        ("probe names the artist asked for", "named", percent), ("similarity to the prompt", "similarity", told),
        ("diversity", "diversity", told),
    )  # fmt: skip


def _measures(found: Findings) -> Table:
    columns = (*found.arms, REAL)
    rows = tuple(
        (label, *(words(found.judged[arm].measures.get(name)) for arm in columns)) for label, name, words in _rows(found)
    )
    count = len(found.judged[NONE].distance.ours)
    note = (
        f"{count} paintings in each arm against {found.held_out} held-out works of the same artists; intervals of 95 %."
        f" {_floor_words(found)} The paintings show the paper's prompts, the real works do not, so that a distance between"
        " them stays whatever the hand."
    )
    return Table(("", *(ARM_WORDS[arm] for arm in columns)), rows, note)


def _floor_words(found: Findings) -> str:
    floor = found.judged[REAL].measures.get("frechet")
    nearer = [
        ARM_WORDS[arm]
        for arm in found.arms
        if isinstance(floor, Estimate)
        and isinstance(own := found.judged[arm].measures.get("frechet"), Estimate)
        and own.value < floor.value
    ]
    if not nearer:
        return "“Training pictures” are real ones, and so a floor."
    return (
        f"“Training pictures” are real ones and should be a floor, but {' and '.join(nearer)} lie nearer: with"
        f" {found.held_out} held-out works the distance is mostly an error of the small number, which grows with the variety"
        " of a set."
    )


def _changes(found: Findings) -> tuple[Table, ...]:
    if not found.pairs:
        return ()
    rows = tuple(
        (f"{ARM_WORDS[one]} to {ARM_WORDS[other]}", told(change.get("frechet")), percent(change.get("named")))
        for one, other in found.pairs
        for change in [found.change((one, other))]
    )
    note = "The intervals are of pairs with the same prompt and seed. Distances below 0 are nearer."
    return (Table(("change", "distance", "probe names the artist"), rows, note),)


def _artists(found: Findings) -> tuple[Table, ...]:
    named = found.named()
    if not named:
        return ()
    rows = tuple((name, *(percent(estimate_mean(by_arm[arm])) for arm in found.arms)) for name, by_arm in named.items())
    return (Table(("probe names him", *(ARM_WORDS[arm] for arm in found.arms)), rows),)


def _extension(found: Findings) -> Table:
    assert found.extended is not None
    names = ["the initial prompt", *(f"extended {number}" for number in range(1, len(found.extended.texts)))]
    rows_shown = [row for row in _rows(found) if row[1] in found.extended.judged[0]]
    rows = tuple(
        (name, text, *(words(judged.get(measure)) for _, measure, words in rows_shown))
        for name, text, judged in zip(names, found.extended.texts, found.extended.judged, strict=True)
    )
    note = (
        f"Painted by the checkpoint of the arm “{ARM_WORDS[found.extended.arm]}” with the same artists and seeds. Similarity"
        " is to the initial prompt, of which an extended one may leave less to see."
    )
    return Table(("", "prompt", *(label for label, _, _ in rows_shown)), rows, note)


def _extension_words(found: Findings) -> tuple[str, ...]:
    assert found.extended is not None
    have, wanted = len(found.extended.texts) - 1, found.extended.wanted
    return () if have >= wanted else (f"{wanted} extended prompts were looked for, and {have} found.",)


def _curve(found: Findings) -> Table:
    rows = [(ARM_WORDS[NONE], "the original", "–", "–", f"{found.loss:.4g}" if found.loss is not None else "–")]
    for (arm, stage), facts in found.facts.items():
        curve = facts.validation or ((facts.steps, None),)
        rows += [
            (ARM_WORDS[arm], stage, str(step), duration(facts.seconds), "–" if loss is None else f"{loss:.4g}")
            for step, loss in curve
        ]
    note = "The mean squared error of the prediction on the same held-out pictures; the text encoder alone begins untrained."
    return Table(("arm", "stage", "steps", "time of the whole stage", "validation loss"), tuple(rows), note)


def _points(found: Findings) -> tuple[str, ...]:
    points = []
    for arm in found.arms[1:]:
        change = found.change((NONE, arm))
        what = f"From {ARM_WORDS[NONE]} to {ARM_WORDS[arm]} the distance to held-out works"
        points.append(compared([change.get("frechet")], better="falls", what=what, of="comparisons"))
        shares = [estimate_mean(by_arm[arm] - by_arm[NONE]) for by_arm in found.named().values()]
        what = f"From {ARM_WORDS[NONE]} to {ARM_WORDS[arm]} the share that the probe names as the artist asked for"
        points.append(compared(shares, better="rises", what=what))
    if (JOINT, TWO_STAGES) in found.pairs:
        change = found.change((JOINT, TWO_STAGES))
        what = f"From {ARM_WORDS[JOINT]} to {ARM_WORDS[TWO_STAGES]}, trained as long, the distance"
        sentence = compared([change.get("frechet")], better="falls", what=what, of="comparisons")
        points.append(f"{sentence} The survey's PITI (other data, image to image) has the same three as FID: {_PITI}.")
    last = {arm: facts.validation[-1][1] for (arm, _), facts in found.facts.items() if facts.validation}
    if found.loss is not None and last:
        told_losses = ", ".join(f"{ARM_WORDS[arm]} {loss:.4g}" for arm, loss in last.items())
        points.append(f"The loss on held-out pictures at the end: {told_losses}; the original's is {found.loss:.4g}.")
    if found.extended is not None and len(found.extended.judged) > 1:
        before, *after = (one.get("similarity") for one in found.extended.judged)
        points.append(
            f"Similarity to the initial prompt: {told(before)} when it is painted, and {', '.join(map(told, after))} when"
            " the extended ones are."
        )
    points.append("The paper claims no number: it shows that “the painting skills and styles of the artists are reflected”.")
    return tuple(points)


def _doubts(protocol: Wu2022, found: Findings) -> tuple[str, ...]:
    doubts = [f"{len(protocol.prompts)} prompts are few: what is true of them need not be of others."]
    if len(found.arms) > 1:
        doubts.append(
            f"One retraining an arm (seed {protocol.training_seed}). The intervals are of chance in the pictures, not in the"
            " training."
        )
    if found.held_out <= found.judge.extractor.width:
        doubts.append(
            f"{found.held_out} real works against {found.judge.extractor.width} features: compare the distances only with"
            " each other."
        )
    doubts += [
        "Distance and probe see the same features, made to tell photographs apart: they agree more easily than two judges"
        " would.",
        "The original is told the artists too. Where it was trained on their works, there is less left to gain.",
    ]
    if JOINT in found.arms and TWO_STAGES in found.arms:
        doubts.append(
            "The arms joint only and two stages train equally long; the first begins with the original's text encoder."
        )
    return tuple(doubts)


def _values(found: Findings) -> list[Value]:
    values = [
        Value("all", arm, "", name, measured, found.held_out if name in _DISTANCES else 0)
        for arm, judged in found.judged.items()
        for name, measured in judged.measures.items()
    ]
    for one, other in found.pairs:
        changes = found.change((one, other)).items()
        values += [Value("all", f"{one} to {other}", "", name, each, found.held_out) for name, each in changes]
    for artist, by_arm in found.named().items():
        values += [Value(artist, arm, "", "named", estimate_mean(by_arm[arm])) for arm in found.arms]
    if found.extended is not None:
        for number, judged in enumerate(found.extended.judged):
            prompts = f"extended {number}" if number else "initial"
            values += [Value("all", found.extended.arm, prompts, name, each) for name, each in judged.items()]
    return values

"""Judges all paintings of a reproduction of wang2023: each artist's, all artists' together, and all seeds' together."""

from collections.abc import Mapping
from dataclasses import dataclass

from impasto.evaluation.features import FeatureSet
from impasto.reproduction.measures import Judge, Judged, OnShare, together
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.real_works import RealWorks, evenly_spread
from impasto.reproduction.wang2023.findings import CELLS, Sets, named_with_seed

# (artist or "all", checkpoint or "real", prompts or "") -> its measures
JudgedSets = dict[tuple[str, str, str], Judged]


@dataclass(frozen=True)
class AllJudged:
    """See `Findings` for the first three.

    Attributes:
        held_out: the number of held-out works of each artist, and of "all" together.
    """

    judged: JudgedSets
    again: tuple[JudgedSets, ...]
    pooled: JudgedSets
    held_out: Mapping[str, int]


def judge_all(judge: Judge, protocol: Wang2023, works: RealWorks, sets: Sets, tell: OnShare) -> AllJudged:
    """Judges the paintings of every artist and seed against the artist's held-out works.

    Args:
        sets: the measured sets; of a further seed, their key has `named_with_seed`.
        tell: called with (name of the step, share done).

    Raises:
        ImpastoError: a painting is missing or broken; the same command paints it again.
    """
    artists = protocol.artists
    real = {artist: judge.features(f"{artist}, held out", works.works(artist, held_out=True)) for artist in artists}
    everyone = together("held out", list(real.values()))
    all_real = {**real, "all": everyone}
    each: list[JudgedSets] = []
    features: list[dict[tuple[str, str, str], FeatureSet]] = []
    for seed in range(protocol.seeds):
        judged: JudgedSets = {}
        seen: dict[tuple[str, str, str], FeatureSet] = {}
        for artist in artists:
            if not seed:
                own = evenly_spread(works.works(artist), len(sets[artist, *CELLS[0]].wanted))
                floor = judge.features(f"{artist}, training pictures", own)
                seen[artist, "real", ""] = floor
                judged[artist, "real", ""] = judge.judge_rows(floor, real[artist], [artist] * len(floor.rows))
            for cell in CELLS:
                name = named_with_seed(artist, seed)
                judged[artist, *cell], seen[artist, *cell] = judge.judge_set(
                    f"{name}, {cell[0]}, {cell[1]}", sets[name, *cell], real[artist]
                )
        tell(named_with_seed("all artists together", seed), seed / protocol.seeds)
        for cell in CELLS if seed else (("real", ""), *CELLS):
            parts = [seen[artist, *cell] for artist in artists]
            judged["all", *cell] = _judged(judge, artists, parts, everyone)
            seen["all", *cell] = together(f"all, {cell[0]}", parts)
        each.append(judged)
        features.append(seen)
    pooled: JudgedSets = {}
    for of in (*artists, "all") if protocol.seeds > 1 else ():
        tell(f"{of}, all seeds together", 1.0)
        whose = artists if of == "all" else (of,)
        for cell in CELLS:
            parts = [seen[artist, *cell] for seen in features for artist in whose]
            pooled[of, *cell] = _judged(judge, whose * protocol.seeds, parts, all_real[of])
    counts = {of: len(one.rows) for of, one in all_real.items()}
    return AllJudged(each[0], tuple(each[1:]), pooled, counts)


def _judged(judge: Judge, whose: tuple[str, ...], parts: list[FeatureSet], real: FeatureSet) -> Judged:
    """The measures of several sets as one; `whose` are the artists of the sets."""
    names = [artist for artist, part in zip(whose, parts, strict=True) for _ in part.rows]
    return judge.judge_rows(together("together", parts), real, names)

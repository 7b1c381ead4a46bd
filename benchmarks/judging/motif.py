"""`--only motif`: whether a linear probe finds in a painting the motif that a plain prompt asked for."""

from pathlib import Path
from typing import Any

import numpy as np

from impasto.data.catalogue.read import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.evaluation.motifs import MOTIFS, confusion, motif_of, prompts_in_turn, read_motif_prompts, right_shares
from impasto.evaluation.style_probe import StyleProbe
from impasto.prompts.condition import Condition
from judged_pictures import JudgedPictures

PROMPTS = Path(__file__).with_name("motif_prompts.txt")
FEWEST = 5  # training pictures of a motif


def motif(judged: JudgedPictures, count: int, prompts: Path = PROMPTS) -> dict[str, Any]:
    """Trains the probe on training pictures whose genre or title tells their motif; paints prompts without an artist."""
    train, taught = _labelled(judged.training)
    test, shown = _labelled(judged.held_out)
    few = [name for name in MOTIFS if taught.count(name) < FEWEST or name not in shown]
    if few:
        raise ImpastoError(f"the catalogue has not {FEWEST} training pictures and a held-out one of: {', '.join(few)}")
    model = StyleProbe.train(judged.real_features(train), taught)
    real = confusion(model.name(judged.real_features(test)), shown, MOTIFS)
    pairs = prompts_in_turn(read_motif_prompts(prompts.read_text("utf-8")), count)
    asked = [name for name, _ in pairs]
    requests = [judged.request(Condition(caption=text), 12000 + number) for number, (_, text) in enumerate(pairs)]
    _, features, _ = judged.painted("motif", requests)
    ours = confusion(model.name(features), asked, MOTIFS)
    means = {"real": float(np.nanmean(right_shares(real))), "paintings": float(np.nanmean(right_shares(ours)))}
    print(f"\nmotif: what a linear probe of {len(MOTIFS)} motifs names, taught by {len(train)} training pictures")
    _print_confusion(f"{len(test)} held-out real paintings", real)
    _print_confusion(f"{count} paintings of the checkpoint, by plain prompts", ours)
    ratio = means["paintings"] / means["real"] if means["real"] else float("nan")
    print("  named as they are, mean over motifs:")
    print(f"    held-out real paintings {means['real']:.1%}, paintings of the checkpoint {means['paintings']:.1%}, "
          f"chance {1 / len(MOTIFS):.1%}; paintings over real ones {ratio:.2f}")  # fmt: skip
    shares = {name: {"real": float(a), "paintings": None if np.isnan(b) else float(b)}
              for name, a, b in zip(MOTIFS, right_shares(real), right_shares(ours), strict=True)}  # fmt: skip
    found = {**means, "ratio": ratio, "chance": 1 / len(MOTIFS), "count": count, "real_count": len(test)}
    tables = {"real_confusion": real.tolist(), "paintings_confusion": ours.tolist()}
    return {**found, "motifs": shares, **tables}


def _labelled(entries: list[CatalogueEntry]) -> tuple[list[CatalogueEntry], list[str]]:
    pairs = [(entry, name) for entry in entries if (name := motif_of(entry.genre, entry.title)) is not None]
    return [entry for entry, _ in pairs], [name for _, name in pairs]


def _print_confusion(what: str, table: np.ndarray) -> None:
    """Rows are what they are or were asked for, columns what they are named, in per cent of the row."""
    print(f"  {what}; named as, in % of the row:")
    print(f"    {'':26s}{'number':>7s}" + "".join(f"{name.split()[0][:9]:>10s}" for name in MOTIFS))
    for name, row in zip(MOTIFS, table, strict=True):
        total = max(1, int(row.sum()))
        print(f"    {name:26s}{int(row.sum()):7d}" + "".join(f"{100 * n / total:10.0f}" for n in row))

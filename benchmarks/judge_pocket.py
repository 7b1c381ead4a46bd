"""Judges a checkpoint against a catalogue of real paintings; prints plain tables, writes JSON, can be stopped.

    motif       a linear probe finds the motif that a plain prompt asked for; beside it the same on held-out real paintings
    probe       a linear probe names the asked artist; beside it the same on held-out real paintings, and chance
    nearest     cosine to the nearest training picture, beside the same for held-out real paintings; d1/d2
    frechet     Fréchet distance to real paintings, beside its neighbours: other real ones, reconstructions, blurred ones
    samplers    dpm++ with 20 steps against the 2022 paper's setting (DDIM, eta 1, 200 steps): seconds and distances
    new-artist  with --artist: whether paintings are named as his with 30 of his works in the memory, and without

All on EfficientNet-Lite2 features of real pictures prepared as in training; none of the distances is an "FID".
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.painting.memory.record import NONE, OWN
from impasto.settings import cache_folder
from judged_pictures import JudgedPictures
from judging.distances import frechet, samplers
from judging.motif import PROMPTS, motif
from judging.nearness import nearest
from judging.new_artist import new_artist
from judging.style import probe

ROOT = Path(__file__).parents[1]
PARTS = ("motif", "probe", "nearest", "frechet", "samplers", "new-artist")


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="a folder of real paintings with its metadata")
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated")
    parser.add_argument("--work", type=Path, default=Path("scratch/judge"), help="what is done already; goes on from there")
    numbers = parser.add_argument_group("how many are painted")
    numbers.add_argument("--motif-paintings", type=int, default=400, help="the 8 motifs take turns")
    numbers.add_argument("--probe-paintings", type=int, default=400)
    numbers.add_argument("--nearest-paintings", type=int, default=400)
    numbers.add_argument("--paintings", type=int, default=2000, help="of the Fréchet distance")
    numbers.add_argument("--sampler-paintings", type=int, default=1000)
    numbers.add_argument("--artist-paintings", type=int, default=200, help="of `new-artist`, with each memory")
    how = parser.add_argument_group("how they are painted")
    how.add_argument("--guidance", type=float, help="else what the checkpoint says, else 4")
    how.add_argument("--size", type=int, help="pixels of a side, real and painted; else the checkpoint's")
    how.add_argument("--sampler", help="in all parts but `samplers`; else what the checkpoint says, else dpm++")
    how.add_argument("--steps", type=int, help="the same; else 20")
    how.add_argument("--memory", default="default", metavar="none|default|CATALOGUE", help="what the painter may look at")
    how.add_argument("--guider", help="a key of painting/guidance/guiders.py; else what the checkpoint says, else cfg")
    parser.add_argument("--prompts", type=Path, default=PROMPTS, help="of `motif`: lines MOTIF: PROMPT")
    parser.add_argument("--artist", help="of `new-artist`")
    parser.add_argument("--artist-works", type=Path, metavar="CATALOGUE", help="where his works are, if not in --catalogue")
    parser.add_argument("--figure", type=Path, default=ROOT / "docs/nearest.png", help="of `nearest`")
    chosen = parser.parse_args(words)
    counts = {name: value for name, value in vars(chosen).items() if name.endswith("paintings")}
    if min(counts.values()) < 2:
        parser.error("at least 2 paintings of each kind")
    if chosen.only and "new-artist" in chosen.only and not chosen.artist:
        parser.error("new-artist needs --artist NAME")
    if chosen.memory not in ("default", NONE) and not Path(chosen.memory).is_dir():
        parser.error(f"--memory {chosen.memory}: there is no such folder")
    return chosen


def main(words: Sequence[str] | None = None) -> None:
    chosen = parse(words)
    try:
        chosen.work.mkdir(parents=True, exist_ok=True)
        judged = JudgedPictures(
            chosen.catalogue,
            chosen.checkpoint,
            chosen.work,
            cache_folder(),
            guidance=chosen.guidance,
            steps=chosen.steps,
            sampler=chosen.sampler,
            memory=OWN if chosen.memory == "default" else chosen.memory,
            guider=chosen.guider,
            size=chosen.size,
        )
        works = chosen.artist_works or chosen.catalogue
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "motif": lambda: motif(judged, chosen.motif_paintings, chosen.prompts),
            "probe": lambda: probe(judged, chosen.probe_paintings),
            "nearest": lambda: nearest(judged, chosen.nearest_paintings, chosen.figure),
            "frechet": lambda: frechet(judged, chosen.paintings),
            "samplers": lambda: samplers(judged, chosen.sampler_paintings),
            "new-artist": lambda: new_artist(judged, chosen.artist_paintings, chosen.artist, works),
        }
        how = {**asdict(judged.sampling), "memory": chosen.memory, "size": judged.size}
        print(", ".join(f"{name} {value}" for name, value in how.items() if value is not None))
        file = judged.work / "judgement.json"
        results = json.loads(file.read_text("utf-8")) if file.exists() else {}
        for name, part in parts.items():
            if name in chosen.only if chosen.only else name != "new-artist" or chosen.artist:
                results[name] = {**part(), **how}
                file.write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
        print(f"\n{file}")
    except ImpastoError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()

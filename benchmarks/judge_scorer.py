"""Judges a text-image scorer on paintings that its training never saw: retrieval, the filter, tags, captions.

    recall    text -> picture recall@10 among 500, by title and by title, genre and style; beside chance and beside the same
              projections untrained
    filter    what share of shuffled captions the threshold rejects, where it rejects one true caption in ten
    captions  for pictures with a machine's caption: how often the scorer prefers it over another picture's
    tags      the area under the curve, mean over tags, for what titles of held-out paintings name: the shipped tagger, and
              the scorer by comparing the picture with the tag's name

The figures are computed here anew, with NumPy and from the scorer's public interface.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from impasto.data.annotations.contradiction import TagsInText
from impasto.data.annotations.merged import Annotations
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.training.methods.tagger import areas_under_curves
from impasto.training.recipes.pocket_scorer import held_out_places, words_of
from impasto.vision.scorers.interface import TextImageScorer, load_scorer
from impasto.vision.scorers.pocket import PocketScorer, Projections
from impasto.vision.taggers.pocket import PocketTagger
from impasto.vision.taggers.zero_shot import ZeroShotTagger

FIELDS = {"title": (0,), "title, genre, style": (0, 1, 2)}


def text_of(entry: CatalogueEntry, fields: tuple[int, ...]) -> str:
    """The fields that are known, with commas between."""
    words = words_of(entry)
    return ", ".join(words[field] for field in fields if words[field])


def recall(products: np.ndarray, at: int) -> float:
    """The share of texts [n, n pictures] whose own picture, number k for text k, is among the `at` best."""
    own = products.diagonal()[:, None]
    return float(((products > own).sum(axis=1) < at).mean())


def judge(scorer: TextImageScorer, entries: list[CatalogueEntry], name: str) -> dict[str, Any]:
    """Recall@10 and the filter's figures on the entries; printed and returned."""
    pictures = image_vectors(entries, scorer)
    shuffled = np.roll(np.arange(len(entries)), len(entries) // 2)
    found: dict[str, Any] = {}
    for told, fields in FIELDS.items():
        products = scorer.embed_texts([text_of(entry, fields) for entry in entries]) @ pictures.T
        true, wrong = products.diagonal(), products[np.arange(len(entries)), shuffled]
        cut = float(np.quantile(true, 0.1))
        found[told] = {
            "recall_at_10": recall(products, 10), "threshold_at_10_percent": cut,
            "shuffled_rejected": float((wrong < cut).mean()),
            "true_below_own_threshold": float((true < scorer.threshold).mean()),
            "shuffled_below_own_threshold": float((wrong < scorer.threshold).mean()),
        }  # fmt: skip
        row = found[told]
        print(
            f"{name}, {told}: recall@10 {row['recall_at_10']:.1%}; at {cut:.3f}, which rejects 10 % of the true, "
            f"{row['shuffled_rejected']:.1%} of the shuffled go; below its own {scorer.threshold:.3f}: "
            f"{row['true_below_own_threshold']:.1%} of the true, {row['shuffled_below_own_threshold']:.1%} of the shuffled"
        )
    return found


def untrained(scorer: PocketScorer) -> PocketScorer:
    """The same scorer with projections as they are before training; means and deviations stay."""
    torch.manual_seed(0)
    fresh = Projections(scorer.config).eval()
    trained = scorer.projections
    for side in ("image", "text"):
        getattr(fresh, side).mean.copy_(getattr(trained, side).mean)
        getattr(fresh, side).deviation.copy_(getattr(trained, side).deviation)
    other = PocketScorer.__new__(PocketScorer)
    other.__dict__.update(scorer.__dict__)
    other.projections, other.identity = fresh, f"{scorer.identity[:56]}-untrain"
    return other


def judge_captions(scorer: TextImageScorer, catalogue: Path, entries: list[CatalogueEntry], count: int) -> dict[str, Any]:
    """How often a picture's own machine caption is more similar than another picture's, on held-out pictures."""
    annotations = Annotations(catalogue)
    pairs = [(e, a.caption) for e, a in zip(entries, annotations.of(entries), strict=True) if a.caption]
    pairs = [pair for pair in pairs if is_held_out(pair[0].file_name)][:count]
    if len(pairs) < 2:
        sys.exit("too few held-out pictures have a caption: run `impasto data caption` first")
    products = scorer.embed_texts([text for _, text in pairs]) @ image_vectors([e for e, _ in pairs], scorer).T
    others = np.random.default_rng(0).permutation(len(pairs))
    others = np.where(others == np.arange(len(pairs)), (others + 1) % len(pairs), others)
    own, other = products.diagonal(), products[others, np.arange(len(pairs))]
    share = float((own > other).mean())
    same = float(np.mean([pairs[k][1] == pairs[n][1] for k, n in enumerate(others)]))
    print(f"captions: a picture's own is preferred over another's in {share:.1%} of {len(pairs)} (equal texts: {same:.1%})")
    return {"pictures": len(pairs), "own_preferred": share, "equal_texts": same}


def judge_tags(scorer: TextImageScorer, entries: list[CatalogueEntry]) -> dict[str, Any]:
    """How often a picture whose title names a tag has it at a higher probability than one whose title does not."""
    tested = [entry for entry in entries if is_held_out(entry.file_name) and entry.title]
    trained = PocketTagger()
    in_text, named = TagsInText(trained.tags), np.zeros((len(tested), len(trained.tags)), bool)
    for row, entry in zip(named, tested, strict=True):
        row[in_text.find(entry.title)] = True
    found: dict[str, Any] = {"pictures": len(tested)}
    for name, tagger in (("trained", trained), ("by comparing", ZeroShotTagger(scorer, trained.tags))):
        vectors = image_vectors(tested, tagger.encoder)
        whole = np.isfinite(vectors).all(axis=1)
        areas = areas_under_curves(tagger.probabilities_of(vectors)[whole], named[whole])
        found[name] = float(np.mean(list(areas.values())))
        print(f"tags, {name}: area under the curve {found[name]:.3f}, mean of {len(areas)} tags, {whole.sum()} paintings")
    return found


def main() -> None:
    """Runs the parts; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--scorer", help="pocket, or a folder")
    parser.add_argument("--only", choices=("recall", "captions", "tags"), action="append")
    parser.add_argument("--captions", type=int, default=300, help="pictures for `captions`")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "scratch" / "scorer.json")
    chosen = parser.parse_args()
    results: dict[str, Any] = {}
    try:
        scorer = load_scorer(chosen.scorer)
        entries = read_catalogue(chosen.catalogue, check_images=False).entries
        if "recall" in (chosen.only or ["recall"]):
            tested = [entries[n] for n in held_out_places(entries)[0]]
            print(f"{len(tested)} held-out paintings; chance of recall@10: {10 / max(10, len(tested)):.1%}")
            results["trained"] = judge(scorer, tested, scorer.name)
            if isinstance(scorer, PocketScorer):
                results["untrained"] = judge(untrained(scorer), tested, "untrained")
        if "captions" in (chosen.only or []):
            results["captions"] = judge_captions(scorer, chosen.catalogue, entries, chosen.captions)
        if "tags" in (chosen.only or []):
            results["tags"] = judge_tags(scorer, entries)
    except ImpastoError as error:
        sys.exit(str(error))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()

"""Measures how well paintings match their prompts: the similarity of each one to its own prompt (wang2023, section 4.1)."""

from collections.abc import Callable, Sequence

import numpy as np

from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.evaluation.estimate import Measured, Refused, estimate_mean
from impasto.spreading import HERE, Spread
from impasto.vision.scorers.interface import TextImageScorer


def prompt_similarity(
    entries: Sequence[CatalogueEntry],
    prompts: Sequence[str],
    scorer: TextImageScorer,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    seed: int = 0,
    spread: Spread = HERE,
) -> Measured:
    """Returns the mean similarity, -1 .. 1, of paintings to their prompts; paintings with an empty prompt are left out.

    The note states the mean score of paintings with the prompts of other paintings, which is the scorer's baseline for any
    painting.
    """
    asked = [(entry, prompt) for entry, prompt in zip(entries, prompts, strict=True) if prompt.strip()]
    if not asked:
        return Refused("no painting has a record that tells its prompt")
    pictures = image_vectors([entry for entry, _ in asked], scorer, on_progress, spread=spread)
    texts = list(dict.fromkeys(prompt for _, prompt in asked))
    numbers = np.array([texts.index(prompt) for _, prompt in asked])
    scores = pictures @ scorer.embed_texts(texts).T
    whole = np.flatnonzero(np.isfinite(scores).all(1))
    if not len(whole):
        return Refused("no painting with a prompt can be opened")
    own = scores[whole, numbers[whole]].astype(np.float64)
    note = scorer.name
    if len(texts) > 1:
        others = (scores[whole].sum(1, dtype=np.float64) - own) / (len(texts) - 1)
        note += f"; {others.mean():.3f} with the others' prompts"
    return estimate_mean(own, seed=seed, note=note)

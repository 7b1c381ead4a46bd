"""The works of a checkpoint's memory that a retraining shows to the U-Net beside the texts, as painting does.

Without them a retrained U-Net unlearns to read the memory's tokens, and is painted with in a way that it did not see in
training (retrieval-augmented diffusion: Blattmann et al. 2022).
"""

import random
from collections.abc import Sequence

import numpy as np
import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.memory import Work
from impasto.checkpoints.memory_ranking import ANCHORS, Ranking, draw_anchor
from impasto.data.caches.sentence_vectors import sentence_rows
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.prompts.artists import plain_name
from impasto.training.examples.training_set import condition_of
from impasto.training.loop.progress import Progress, no_report

NOISE = 0.3  # deviation of the noise on codes, as in pocket's own training: a code must not identify a single picture
# How many of a hundred batches see no work, and how many see one. The others see as many as a painting does.
_NONE, _ONE = 20, 10
_TOLD_EVERY = 500  # pictures


class ShownWorks:
    """Draws the works that each picture of a batch is learned with.

    They are drawn as in painting: one of those that fit the picture's text best, and others near that one. The picture
    itself, known by its name or by artist and title, is never among the first.
    """

    def __init__(self, ranking: Ranking, best: Sequence[Sequence[int]], artists: Sequence[str], seed: int) -> None:
        """Takes the best works and the artist of each picture."""
        self.ranking, self.seed = ranking, seed
        self._best, self._artists = best, artists
        self._near: dict[tuple[int, str], list[int]] = {}
        self._encoder = ranking.memory.encoder

    def places(self, numbers: np.ndarray, step: int) -> list[list[int]]:
        """Draws the works of a step's pictures, all as many: their places in the memory. In some steps there are none."""
        draw = random.Random(f"{self.seed}/{step}/works")
        kind = draw.randrange(100)
        count = 0 if kind < _NONE else 1 if kind < _NONE + _ONE else self.ranking.memory.config.neighbours
        return [self._draw(int(number), count, draw) for number in numbers] if count else []

    def tokens(self, numbers: np.ndarray, step: int) -> torch.Tensor | None:
        """Returns the memory's tokens for a step's pictures, float32 [n, works, width]; None in a step without works.

        The same arguments give the same tokens, in every process and after a resumption; torch's generator is not used.
        """
        places = self.places(numbers, step)
        if not places:
            return None
        codes = self.ranking.memory.codes[torch.tensor(places)]
        generator = torch.Generator().manual_seed(random.Random(f"{self.seed}/{step}/codes").getrandbits(62))
        with torch.no_grad():
            return self._encoder(codes + NOISE * torch.randn(codes.shape, generator=generator))

    def _draw(self, number: int, count: int, draw: random.Random) -> list[int]:
        anchor, artist = draw_anchor(self._best[number], draw), self._artists[number]
        if (anchor, artist) not in self._near:
            memory = self.ranking.memory
            # For as many as a painting sees, whatever this step shows: what is kept must not depend on the steps before.
            self._near[anchor, artist] = self.ranking.nearest(memory.codes[anchor], artist, memory.config.neighbours - 1)
        near = self._near[anchor, artist]
        others = draw.sample(near, min(count - 1, len(near)))
        return [anchor, *others, *[anchor] * (count - 1 - len(others))]


def shown_works(
    components: Components, entries: Sequence[CatalogueEntry], seed: int, on_progress: Progress = no_report
) -> ShownWorks | None:
    """Finds the works of the checkpoint's memory for each picture; None if it has no memory.

    Raises:
        ImpastoError: the memory is incomplete.
    """
    memory = components.memory
    if memory is None or not memory.works:
        return None
    ranking = Ranking(memory)
    conditions = [condition_of(entry) for entry in entries]
    sentences = sentence_rows(
        [condition.text() for condition in conditions], lambda n, of: on_progress("reading texts", n / of, {})
    )
    prompts = [(" ".join(filter(None, (one.caption, one.genre, one.style))), one.artist) for one in conditions]
    best: list[list[int]] = []
    for places, entry in zip(ranking.best_of_each(sentences, prompts, ANCHORS + 1), entries, strict=True):
        others = [place for place in places if not _is_of(memory.works[place], entry)]
        best.append((others or places)[:ANCHORS])
        if len(best) % _TOLD_EVERY == 0 or len(best) == len(entries):
            on_progress("finding works in the memory", len(best) / len(entries), {})
    return ShownWorks(ranking, best, [one.artist for one in conditions], seed)


def _is_of(work: Work, entry: CatalogueEntry) -> bool:
    """Returns whether a work is this very picture."""
    if work.name == entry.file_name:
        return True
    known = bool(work.title and work.artist)
    return known and work.title == entry.title and plain_name(work.artist) == plain_name(entry.artist)

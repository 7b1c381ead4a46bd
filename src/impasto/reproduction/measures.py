"""What a set of paintings is measured by, always in the same way: distances, diversity, prompt and artist."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet_few import LeftOut, frechet_left_out
from impasto.evaluation.estimate import Estimate, Measured, Refused, estimate_mean
from impasto.evaluation.features import OFFLINE, FeatureSet, features_of, load_extractor
from impasto.evaluation.judgement import Judging, judge
from impasto.evaluation.named_artists import probe_entries
from impasto.evaluation.prompt_similarity import prompt_similarity
from impasto.evaluation.style_probe import StyleProbe
from impasto.reproduction.pictures import PaintingSet
from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer, load_scorer

OnShare = Callable[[str, float], None]


@dataclass(frozen=True)
class Judged:
    """What was measured of one set of pictures.

    Attributes:
        distance: the Fréchet distance with every picture left out once, for changes between sets.
        measures: name -> what was found: frechet, frechet_infinite, kernel, diversity, similarity, named.
        named: of each picture, 1 where the probe names the artist asked for, else 0.
    """

    distance: LeftOut
    measures: dict[str, Measured]
    named: np.ndarray

    def change_to(self, other: "Judged") -> dict[str, Measured]:
        """By how much distance and share named of `other` are larger, its picture k being the counterpart of ours."""
        found: dict[str, Measured] = {"frechet": self.distance.change_to(other.distance)}
        if len(self.named) and len(self.named) == len(other.named):
            found["named"] = estimate_mean(other.named - self.named)
        return found


class Judge:
    """An extractor of features, a probe of artists' real works, and a scorer of prompts, loaded once."""

    def __init__(self, everything: Sequence[CatalogueEntry], artists: Sequence[str], on_share: OnShare) -> None:
        """`everything`: the catalogue's pictures, of which the probe learns those that are not held out.

        Raises:
            MissingPart, ImpastoError: the extractor, the scorer or scikit-learn is not installed.
        """
        self._tell = on_share
        self.extractor: ImageEncoder = load_extractor(OFFLINE)
        self.scorer: TextImageScorer = load_scorer()
        works = probe_entries(everything, artists)
        real = self.features("the probe's pictures", works)
        held_out = np.array([is_held_out(entry.file_name) for entry in real.entries])
        names = np.array([entry.artist for entry in real.entries])
        on_share("training the probe", 1.0)
        self.probe: StyleProbe | Refused
        try:
            self.probe = StyleProbe.train(real.rows[~held_out], list(names[~held_out]))
        except ImpastoError as error:
            self.probe, self.probe_accuracy, self.probe_works = Refused(str(error)), 0.0, 0
            return
        self.probe_works = int(held_out.sum())
        self.probe_accuracy = self.probe.accuracy(real.rows[held_out], list(names[held_out]))

    @property
    def probe_told(self) -> str:
        """How good the probe is, in words."""
        if isinstance(self.probe, Refused):
            return f"no probe: {self.probe.reason}"
        return (
            f"a linear probe of {len(self.probe.classes)} artists, right on {self.probe_accuracy:.0%} of {self.probe_works}"
            " held-out works"
        )

    def features(self, name: str, entries: Sequence[CatalogueEntry]) -> FeatureSet:
        """Their features, computed once for each content.

        Raises:
            ImpastoError: fewer than two can be opened, or all look the same.
        """
        return features_of(name, entries, self.extractor, lambda n, of: self._tell(f"{name}, picture {n}", n / of))

    def judge_rows(self, ours: FeatureSet, theirs: FeatureSet, artists: Sequence[str]) -> Judged:
        """What features alone tell; `artists`: who was asked for, picture by picture.

        Raises:
            ImpastoError: fewer than 3 pictures on a side.
        """
        measures = judge(ours, theirs, self.extractor, Judging(("frechet", "kernel", "diversity"), allow_few=True))
        distance = frechet_left_out(ours.rows, theirs.rows)
        frechet = measures["frechet"]
        if isinstance(frechet, Estimate) and frechet.low is None:
            measures["frechet"] = distance.estimate()
            measures["frechet_infinite"] = Refused("no line leads there from fewer pictures than features")
        named = np.zeros(0)
        if isinstance(self.probe, Refused):
            measures["named"] = self.probe
        else:
            found = self.probe.name(ours.rows)
            named = np.array([a == b for a, b in zip(found, artists, strict=True)], float)
            measures["named"] = estimate_mean(named, note=f"1 of {len(self.probe.classes)} by chance")
        return Judged(distance, measures, named)

    def judge_set(self, name: str, ours: PaintingSet, theirs: FeatureSet) -> tuple[Judged, FeatureSet]:
        """All measures of a set of paintings, and its features.

        Raises:
            ImpastoError: a painting is gone or broken: the same command paints it again.
        """
        features = self.features(name, ours.entries)
        if len(features.rows) != len(ours.wanted):
            raise ImpastoError(f"{name}: a painting was removed while it was measured: give the same command again")
        conditions = [one.request.condition for one in ours.wanted]
        judged = self.judge_rows(features, theirs, [condition.artist for condition in conditions])
        asked = [one.request.prompt or one.request.condition.caption for one in ours.wanted]
        judged.measures["similarity"] = prompt_similarity(ours.entries, asked, self.scorer)
        return judged, features


def together(name: str, sets: Sequence[FeatureSet]) -> FeatureSet:
    """Several sets as one, in their order."""
    rows, entries = np.concatenate([one.rows for one in sets]), [entry for one in sets for entry in one.entries]
    return FeatureSet(name, rows, entries, sets[0].extractor, sets[0].identity)

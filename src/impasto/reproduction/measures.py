"""Measures of a set of paintings in a reproduction: distances, diversity, similarity to the prompt, and named artist."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet_few import LeftOut, frechet_left_out
from impasto.evaluation.estimate import Estimate, Measured, Refused, estimate_mean
from impasto.evaluation.features import FeatureSet, features_of
from impasto.evaluation.judgement import Judging, is_fid, judge
from impasto.evaluation.named_artists import probe_entries
from impasto.evaluation.prompt_similarity import prompt_similarity
from impasto.evaluation.style_probe import StyleProbe
from impasto.reproduction.pictures import PaintingSet
from impasto.spreading import HERE, Spread
from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer

OnShare = Callable[[str, float], None]


@dataclass(frozen=True)
class Judged:
    """All measures of one set of pictures.

    Attributes:
        distance: the Fréchet distance with its jackknife, for changes between sets.
        measures: name -> measured value: frechet, frechet_infinite, kernel, diversity, similarity, named.
        named: for each picture, 1 if the probe predicts the requested artist, else 0.
    """

    distance: LeftOut
    measures: dict[str, Measured]
    named: np.ndarray

    def change_to(self, other: "Judged") -> dict[str, Measured]:
        """Returns by how much the distance and the named share of `other` are larger.

        Picture k of `other` must be the counterpart of picture k of this set.
        """
        found: dict[str, Measured] = {"frechet": self.distance.change_to(other.distance)}
        if len(self.named) and len(self.named) == len(other.named):
            found["named"] = estimate_mean(other.named - self.named)
        return found


class Judge:
    """Computes the measures with a feature extractor, a probe of artists' real works and a prompt scorer."""

    def __init__(
        self,
        everything: Sequence[CatalogueEntry],
        artists: Sequence[str],
        on_share: OnShare,
        extractor: ImageEncoder,
        scorer: TextImageScorer,
        spread: Spread = HERE,
    ) -> None:
        """Trains the probe.

        Args:
            everything: the catalogue's pictures; the probe is trained on those that are not held out.
            artists: the artists of the reproduction.
            on_share: called with (name of the step, share done).
            extractor: the features of distances, diversity and probe.
            scorer: what compares paintings with their prompts.
            spread: computes the features.

        Raises:
            MissingPart, ImpastoError: scikit-learn is not installed, or the pictures cannot be compared.
        """
        self._tell, self.extractor, self.scorer, self._spread = on_share, extractor, scorer, spread
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
    def distance_name(self) -> str:
        """What the distance may be called: "FID" with Inception and the FID's weights, else "Fréchet distance"."""
        return "FID" if is_fid(self.extractor) else "Fréchet distance"

    @property
    def probe_told(self) -> str:
        """The accuracy of the probe, in words."""
        if isinstance(self.probe, Refused):
            return f"no probe: {self.probe.reason}"
        return (
            f"a linear probe of {len(self.probe.classes)} artists, right on {self.probe_accuracy:.0%} of {self.probe_works}"
            " held-out works"
        )

    def features(self, name: str, entries: Sequence[CatalogueEntry]) -> FeatureSet:
        """Returns the features of the entries, computed once for each content.

        Raises:
            ImpastoError: fewer than two pictures can be opened, or all look the same.
        """
        return features_of(
            name, entries, self.extractor, lambda n, of: self._tell(f"{name}, picture {n}", n / of), spread=self._spread
        )

    def judge_rows(self, ours: FeatureSet, theirs: FeatureSet, artists: Sequence[str]) -> Judged:
        """Computes all measures that need features only.

        Args:
            ours: features of the paintings.
            theirs: features of the real pictures.
            artists: the requested artist of each painting.

        Raises:
            ImpastoError: there are fewer than 3 pictures on a side.
        """
        measures = judge(ours, theirs, self.extractor, Judging(("frechet", "kernel", "diversity"), allow_few=True))
        distance = frechet_left_out(ours.rows, theirs.rows)
        frechet = measures["frechet"]
        if isinstance(frechet, Estimate) and frechet.low is None:
            measures["frechet"] = distance.estimate()
            measures["frechet_infinite"] = Refused("no line leads there from fewer pictures than features")
        named, measures["named"] = self._named(ours.rows, artists)
        return Judged(distance, measures, named)

    def _named(self, rows: np.ndarray, artists: Sequence[str]) -> tuple[np.ndarray, Measured]:
        """For each picture 1 if the probe predicts its artist, else 0 (empty without a probe); and the share."""
        if isinstance(self.probe, Refused):
            return np.zeros(0), self.probe
        found = self.probe.name(rows)
        named = np.array([a == b for a, b in zip(found, artists, strict=True)], float)
        return named, estimate_mean(named, note=f"1 of {len(self.probe.classes)} by chance")

    def judge_set(self, name: str, ours: PaintingSet, theirs: FeatureSet) -> tuple[Judged, FeatureSet]:
        """Returns all measures of a set of paintings, and its features.

        Raises:
            ImpastoError: a painting is missing or broken; the same command paints it again.
        """
        features = self._of_set(name, ours)
        judged = self.judge_rows(features, theirs, _artists(ours))
        judged.measures["similarity"] = self._similarity(ours)
        return judged, features

    def judge_series(self, name: str, ours: PaintingSet) -> dict[str, Measured]:
        """Returns the measures that need no real pictures and few paintings: named, similarity, diversity.

        What cannot be measured, because there is one painting alone or all look the same, is refused with the reason.
        """
        found: dict[str, Measured] = {"similarity": self._similarity(ours)}
        try:
            features = self._of_set(name, ours)
        except ImpastoError as error:
            return {"named": Refused(str(error)), **found, "diversity": Refused(str(error))}
        measures = judge(features, features, self.extractor, Judging(("diversity",), allow_few=True))
        return {"named": self._named(features.rows, _artists(ours))[1], **found, "diversity": measures["diversity"]}

    def _of_set(self, name: str, ours: PaintingSet) -> FeatureSet:
        features = self.features(name, ours.entries)
        if len(features.rows) != len(ours.wanted):
            raise ImpastoError(f"{name}: a painting was removed while it was measured: give the same command again")
        return features

    def _similarity(self, ours: PaintingSet) -> Measured:
        asked = [one.request.prompt or one.request.condition.caption for one in ours.wanted]
        return prompt_similarity(ours.entries, asked, self.scorer)


def _artists(ours: PaintingSet) -> list[str]:
    return [one.request.condition.artist for one in ours.wanted]


def together(name: str, sets: Sequence[FeatureSet]) -> FeatureSet:
    """Concatenates several feature sets, in their order."""
    rows, entries = np.concatenate([one.rows for one in sets]), [entry for one in sets for entry in one.entries]
    return FeatureSet(name, rows, entries, sets[0].extractor, sets[0].identity)

"""The guides of a painting: their words, checked without the disk, and their models' files, when the job runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.painting.guides.guide import Guide
    from impasto.painting.guides.record import GuideNote


def read_guides(words: Sequence[str]) -> "tuple[Guide, ...]":
    """Reads the guides as they are typed.

    Raises:
        UsageError: one has another form, or a value is out of its range.
    """
    if not words:
        return ()
    from impasto.painting.guides.guide import check_guides, parse_guide

    guides = tuple(parse_guide(word) for word in words)
    check_guides(guides)
    return guides


def check_models(guides: "Sequence[Guide]") -> None:
    """Finds the models of guides without loading them.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such scorer or classifier, or it is broken.
    """
    for guide in guides:
        if guide.is_of_pictures:
            from impasto.vision.scorers.interface import check_scorer

            check_scorer(guide.model or None)
        else:
            from impasto.adapters.latent_classifier.files import find_classifier, read_card

            card = read_card(find_classifier(guide.model))
            if guide.label:
                card.number(guide.label)


def planned_guides(guides: "Sequence[Guide]") -> "tuple[GuideNote, ...] | None":
    """Returns the record that guides will get; None without any.

    Raises:
        MissingPart, ImpastoError: as `check_models`.
    """
    return tuple(guide.note(_hash_of(guide)) for guide in guides) or None


def recorded_guides(notes: "Sequence[GuideNote] | None") -> "tuple[Guide, ...]":
    """Returns the guides of a painting's record.

    Raises:
        UsageError: a value is out of its range.
    """
    if not notes:
        return ()
    from impasto.painting.guides.guide import guide_of

    return tuple(map(guide_of, notes))


def _hash_of(guide: "Guide") -> str:
    if guide.is_of_pictures:
        from impasto.vision.scorers.interface import scorer_identity

        return scorer_identity(guide.model or None)
    from impasto.adapters.latent_classifier.files import classifier_hash, find_classifier

    return classifier_hash(find_classifier(guide.model))

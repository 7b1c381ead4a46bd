import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.motifs import (
    MOTIFS,
    confusion,
    motif_of,
    prompts_in_turn,
    read_motif_prompts,
    right_shares,
)


@pytest.mark.parametrize(
    ("genre", "title", "motif"),
    [
        ("nude painting (nu)", "", "nude"),
        ("Nude_Painting", "", "nude"),
        ("marina", "", "marine"),
        ("cityscape", "", "city"),
        ("veduta", "", "city"),
        ("flower painting", "", "still life"),
        ("still-life", "", "still life"),
        ("self-portrait", "", "portrait"),
        ("animal painting", "", "animal"),
        ("wildlife painting", "", "animal"),
        ("genre painting", "Two laundresses", "interior or genre scene"),
        ("interior", "", "interior or genre scene"),
        ("religious painting", "Portrait of a saint", None),
        ("sketch and study", "A ship", None),
        ("landscape", "Stormy sea with a ship", "marine"),
        ("landscape", "Landscape with a ship", None),
        ("landscape", "Boats on the beach at Étretat", "marine"),
        ("landscape", "Cliffs by the sea", "marine"),
        ("cityscape", "The harbour", "city"),
        ("genre painting", "The beach at Nice", "interior or genre scene"),
        ("landscape", "The white horse", None),
        ("landscape", "Storm among the Alps", "landscape"),
        ("genre painting", "Cattle by a stream", "animal"),
        ("genre painting", "Ox train on the steppe", "interior or genre scene"),
        ("genre painting", "The emigrants last ship", "interior or genre scene"),
        ("portrait", "Portrait of a lady with a dog", "portrait"),
        ("", "Portrait of a horse", "animal"),
        ("", "Vase of flowers", "still life"),
        ("", "Portrait of Madame Cézanne", "portrait"),
        ("", "The street in the snow", "city"),
        ("", "Street with a shipwreck", None),
        ("", "Boy with a dog", None),
        ("", "Perseus", None),
        ("", "", None),
    ],
)
def test_the_motif_of_a_genre_and_a_title(genre: str, title: str, motif: str | None) -> None:
    assert motif_of(genre, title) == motif


def lines() -> str:
    return "# a comment\n\n" + "\n".join(f"{motif}: a {motif} here" for motif in MOTIFS)


def test_prompts_are_read_and_asked_in_turn() -> None:
    prompts = read_motif_prompts(lines() + "\nmarine: ships: two of them\n")
    assert prompts["marine"] == ["a marine here", "ships: two of them"]
    asked = prompts_in_turn(prompts, 2 * len(MOTIFS) + 1)
    assert [motif for motif, _ in asked] == [*MOTIFS, *MOTIFS, MOTIFS[0]]
    assert [prompt for motif, prompt in asked if motif == "marine"] == prompts["marine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("dragons: a dragon", "line 1"), ("marine:", "line 1"), ("marine: a ship", "no prompt for portrait")],
)
def test_lines_that_are_no_prompts_are_named(text: str, said: str) -> None:
    with pytest.raises(ImpastoError, match=said):
        read_motif_prompts(text)


def test_confusion_and_shares() -> None:
    table = confusion(["a", "b", "a"], ["a", "a", "a"], ["a", "b"])
    assert table.tolist() == [[2, 1], [0, 0]]
    shares = right_shares(table)
    assert shares[0] == pytest.approx(2 / 3)
    assert np.isnan(shares[1])

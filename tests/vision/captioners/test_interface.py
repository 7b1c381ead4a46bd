"""What is left of what a captioner wrote."""

import pytest

from impasto.vision.captioners.interface import clean_caption


@pytest.mark.parametrize(
    ("written", "caption"),
    [
        ("two boats on a river", "two boats on a river"),
        ("a painting of two boats on a river", "two boats on a river"),
        ("there is a painting of a woman in a hat", "a woman in a hat"),
        ("This is an old black and white photograph of a street", "a street"),
        ("an oil painting of sunflowers", "sunflowers"),
        ("The image shows a church by night.", "a church by night."),
        ("In this image we can see a bridge.", "a bridge."),
        ("a woman painting a picture of a dog", "a woman painting a picture of a dog"),
        ("a drawing of a horse", "a drawing of a horse"),
        ("a cat and a cat and a cat and a dog", "a cat and a dog"),
        ("the the the sea", "the sea"),
        ("that that", "that"),
        (' "boats\n on\tthe \x00sea" ', "boats on the sea"),
        ("a painting of", ""),
        ("", ""),
    ],
)
def test_openings_repetitions_and_quotes_go(written: str, caption: str) -> None:
    assert clean_caption(written) == caption


def test_a_sentence_that_breaks_off_goes_where_a_whole_one_is_left() -> None:
    assert clean_caption("A boat on a lake. Behind it rises a", ended=False) == "A boat on a lake."
    assert clean_caption("a boat on a lake behind which", ended=False) == "a boat on a lake behind which"
    assert clean_caption("A boat. A lake", ended=True) == "A boat. A lake"

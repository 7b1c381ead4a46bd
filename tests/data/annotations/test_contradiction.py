import numpy as np

from impasto.data.annotations.contradiction import TagsInText

TAGS = ["boat", "sailing boat", "woman", "old woman", "glass", "reading"]


def test_the_longest_tags_are_found_in_any_number() -> None:
    finder = TagsInText(TAGS)
    assert finder.find("Two Sailing boats, and a boat; an old woman's boats") == [1, 0, 3]
    assert finder.find("a glass house") == [4]
    assert finder.find("womanhood, boatman, readings") == [5]
    assert finder.find("") == []


def test_a_caption_contradicts_what_is_improbable() -> None:
    probabilities = np.array([0.5, 0.01, 0.9, 0.02, 0.5, 0.029], np.float32)
    finder = TagsInText(TAGS)
    assert finder.contradictions("a woman in a boat", probabilities, below=0.03) == []
    assert finder.contradictions("an old woman reading", probabilities, below=0.03) == ["old woman", "reading"]

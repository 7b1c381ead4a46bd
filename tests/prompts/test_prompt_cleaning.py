import pytest

from impasto.prompts.prompt_cleaning import clean_prompts


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("an old lighthouse on a cliff, stormy sea, dusk", "an old lighthouse on a cliff, stormy sea, dusk"),
        ("a photograph of boats in a harbour, canon eos, 35mm, 8k", "boats in a harbour"),
        ("wheat fields (swirling sky:1.3), by Claude Monet --ar 16:9", "wheat fields swirling sky"),
        ("an inn by the road, by candlelight, by greg rutkowski, by night", "an inn by the road, by candlelight, by night"),
        ("a castle on a hill, style of Salvador Dali, morning fog", "a castle on a hill, morning fog"),
        ("“a red  boat”; calm water | reflections of the moon", "a red boat, calm water, reflections of the moon"),
        ("a market in the rain, impressionism, wet stones", "a market in the rain, wet stones"),
    ],
)
def test_what_is_left(line: str, left: str) -> None:
    assert clean_prompts([line]).prompts == [left]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "no words"),
        ("12 + *", "too short"),
        ("a nude woman on a beach at noon", "unsafe"),
        ("портрет девушки в саду у реки", "another script"),
        ("a portrait of Barack Obama in a garden", "unsafe"),
        ("a portrait of Angela Merkel in a garden", "names a person"),
        ("octane render of a castle on a hill", "cameras, renderers, quality"),
    ],
)
def test_what_is_dropped_and_why(line: str, reason: str) -> None:
    done = clean_prompts([line])
    assert done.prompts == [] and dict(done.dropped) == {reason: 1}


def test_the_same_words_stay_once_and_cuts_are_counted() -> None:
    done = clean_prompts(["boats at sunset, calm sea, 4k", "Boats at sunset; calm sea", "boats at dawn, calm sea, trending"])
    assert done.prompts == ["boats at sunset, calm sea", "boats at dawn, calm sea"]
    assert done.dropped == {"said already": 1} and done.cut == {"cameras, renderers, quality": 2}

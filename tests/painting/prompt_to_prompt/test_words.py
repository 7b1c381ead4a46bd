
import pytest
import torch
from tests.painting.tiny_components import make_components

from impasto.checkpoints.components import Components
from impasto.errors import UsageError
from impasto.painting.prompt_to_prompt.words import TokenText, correspond, equalizer


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Components:
    return make_components(tmp_path_factory.mktemp("words"))


def read(parts: Components, text: str) -> TokenText:
    return TokenText.read(parts, text)


def test_a_word_is_found_with_its_tokens(parts: Components) -> None:
    text = read(parts, "Boats at sunset, by Claude Monet")
    assert [text.tokens_of(word) for word in ("boats", "sunset", "claude monet")] == [[1], [3], [6, 7]]
    assert text.words == ["Boats", "at", "sunset", "by", "Claude", "Monet"]
    assert (text.own, len(text.numbers)) == (8, 16)
    for word in ("boat", "ships", ""):
        with pytest.raises(UsageError, match="lacks"):
            text.tokens_of(word)


def test_a_word_behind_the_last_token_is_told(parts: Components) -> None:
    text = read(parts, "a " * 20 + "boats")
    with pytest.raises(UsageError, match="behind the 16 tokens"):
        text.tokens_of("boats")


def test_the_same_text_corresponds_place_by_place(parts: Components) -> None:
    text = read(parts, "boats at sunset")
    found = correspond(text, text)
    assert torch.equal(found.mapper, torch.eye(16))
    assert found.known.all()
    assert torch.equal(found.with_more(2).mapper, torch.eye(18))


def test_new_words_have_no_source_and_push_the_others(parts: Components) -> None:
    found = correspond(read(parts, "boats at sunset"), read(parts, "red boats at a sunset"))
    assert found.known.tolist()[:6] == [1, 0, 1, 1, 0, 1]
    assert [int(found.mapper[:, n].argmax()) for n in (2, 3, 5)] == [1, 2, 3]
    assert int(found.mapper[:, 6].argmax()) == 4, "the end of the text"


def test_a_swapped_word_looks_where_the_old_one_did(parts: Components) -> None:
    source, edited = read(parts, "boats at sunset"), read(parts, "wheat field at sunset")
    found = correspond(source, edited, [("boats", "wheat field")])
    assert found.known.all()
    assert found.mapper[:, 1].tolist() == found.mapper[:, 2].tolist()
    assert found.mapper[1, 1] == 0.5
    assert found.mapper[2, 3] == 1


def test_weights_are_of_words(parts: Components) -> None:
    text = read(parts, "boats at sunset by claude monet")
    found = equalizer(text, [("claude monet", 2.0), ("boats", 0.5)])
    assert found.tolist()[:7] == [1, 0.5, 1, 1, 1, 2, 2]
    for weights in ([("storm", 2.0)], [("boats", 99.0)]):
        with pytest.raises(UsageError):
            equalizer(text, weights)

import pytest

from impasto.prompts.knowledge.search_words import search_text
from impasto.prompts.knowledge.sentences import is_whole, split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["J. M. W. Turner painted St. Ives.", "He was born c. 1775 in London."],
        ["深圳是一座城市。", "它原来是渔村！", "真的吗？", "他说：“好。”", "然后走了。"],
        ["Er kam am 26. August 1980.", "Die Mole wurde z. B. im Jahr 1890 gebaut.", "Sie steht."],
        ['He said "yes."', "Then he left."],
        ["Es verdad.", "¿Qué es?", "Él llegó."],
        ["Он родился в г. Москве.", "Он рисовал."],
        ["यह बड़ा है।", "वह छोटा है।"],
    ],
)
def test_sentences_end_where_they_do(sentences: list[str]) -> None:
    spaced = "" if "。" in sentences[0] else " "
    assert split_sentences(spaced.join(sentences)) == sentences
    assert all(map(is_whole, sentences))


def test_fragments_are_no_sentences() -> None:
    assert not any(map(is_whole, ["a mill by", "深圳是一座", "Der Hafen,"]))


def test_words_to_search_for() -> None:
    assert search_text("深圳港口，水 Café Straße") == "深圳 圳港 港口 水 cafe strasse"
    assert search_text("ガラス") == search_text("ｶﾞﾗｽ") == "ガラ ラス"
    assert search_text("한국 도시") == "한국 도시"
    assert search_text("नमस्ते") == search_text("नमस्ते ") and " " not in search_text("नमस्ते")

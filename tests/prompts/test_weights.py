"""A1111's prompt syntax: what it means, what is noted, and that texts without it are untouched."""

import pytest

from impasto.prompts.condition import Condition
from impasto.prompts.weights import LoraTag, escaped, pieces_of, read_weights, weighted_text


@pytest.mark.parametrize(
    "text",
    ["", "boats at sunset", "  two  spaces ", "a: b, c; 50 % \\ x", "smile :(", "a) b]", "breakfast AT", "5 < 6 > 2", "été"],
)
def test_a_text_without_syntax_is_untouched(text: str) -> None:
    read = read_weights(text)
    assert (read.words, read.weighted, read.tags) == (text, "", ())


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("(a:1.3) b", [("a", 1.3), (" b", 1.0)]),
        ("(a) b", [("a", 1.1), (" b", 1.0)]),
        ("((a)) [b]", [("a", 1.21), (" ", 1.0), ("b", 0.909091)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        ("(a:1,5)", [("a", 1.5)]),
        ("(a:.5)", [("a", 0.5)]),
        ("(a:-1)", [("a", -1.0)]),
        (r"(\(a\):1.2)", [("(a)", 1.2)]),
        (r"(ratio 16\:9)", [("ratio 16:9", 1.1)]),
        ("(scale 1:200)", [("scale 1", 200.0)]),
        ("(a:0.00001)", [("a", 0.00001)]),
        ("(boats:1.2 at dusk, (a:99)", [("boats:1.2 at dusk, ", 1.1), ("a", 108.9)]),
        ("(year:123456789)", [("year", 1000.0)]),
        ("a (b", [("a ", 1.0), ("b", 1.1)]),
    ],
)
def test_what_weights_mean(text: str, pieces: list[tuple[str, float]]) -> None:
    read = read_weights(text)
    assert pieces_of(read.weighted) == [pieces]
    assert read.words == "".join(words for words, _ in pieces)
    assert read_weights(read.weighted).weighted == read.weighted  # what is written is read back


def test_break_parts_texts() -> None:
    read = read_weights("boats BREAK (a storm BREAK night:1.2), end")
    assert pieces_of(read.weighted) == [[("boats", 1.0)], [("a storm", 1.2)], [("night", 1.2), (", end", 1.0)]]
    assert read.words == "boats a storm night, end"
    assert read_weights("boats BREAK").weighted == "" and read_weights("BREAK").words == ""


@pytest.mark.parametrize("text", [r"a \(b\) \[c\]", r"\<lora:x:1>"])
def test_escaped_characters_are_themselves(text: str) -> None:
    read = read_weights(text)
    assert read.weighted == "" and read.tags == () and "\\" not in read.words
    assert read_weights(escaped(read.words)).words == read.words


def test_loras() -> None:
    read = read_weights("boats <lora:Oil Paint:0.5>, <LORA:x>, <lora:y:0.2:0.9> <lyco:z:unet=0.3>")
    assert read.words == "boats" and read.weighted == ""
    assert [(tag.name, tag.scale) for tag in read.tags] == [("Oil Paint", 0.5), ("x", None), ("y", 0.9), ("z", 0.3)]
    assert read.tags[0] == LoraTag("Oil Paint", 0.5, "<lora:Oil Paint:0.5>")
    for bad in ("<lora::1>", "<lora:x:much>", "<hypernet:h:1>"):
        read = read_weights(f"a {bad}")
        assert read.tags == () and read.words == "a" and bad in read.notes[0]


@pytest.mark.parametrize(
    ("text", "words", "note"),
    [
        ("[cat:dog:0.5] x", "dog x", "[cat:dog:0.5] changes"),
        ("[dog:12]", "dog", "[dog:12] changes"),
        ("[a|b] x", "a x", "[a|b] alternates"),
        ("a AND b", "a AND b", "AND joins"),
        ("(ratio 16:9)", "ratio 16", "the weight 9 of 'ratio 16' is unusual"),
        ("a (b", "a b", "is not closed"),
        ("boats:1.2), sea", "boats:1.2), sea", "':1.2)' has no '(' before it"),
        ("(a:99)", "a", "the weight 99 of 'a' is unusual"),
        ("(a:99999)", "a", "the weight of 'a' is limited to 1000"),
    ],
)
def test_what_is_not_understood_is_noted(text: str, words: str, note: str) -> None:
    read = read_weights(text)
    assert read.words == words and any(note in one for one in read.notes)


def test_the_whole_text_keeps_the_other_parts_as_words() -> None:
    condition = Condition(caption="boats", artist="Utagawa Toyokuni (III)", year=1850, style="Naïve Art (Primitivism)")
    text = weighted_text(condition, "(boats:1.3)")
    (pieces,) = pieces_of(text)
    assert pieces == [("boats", 1.3), (", by Utagawa Toyokuni (III), 1850, Naïve Art (Primitivism)", 1.0)]
    assert "".join(words for words, _ in pieces) == condition.text()


def test_long_nested_texts_end_soon() -> None:
    assert read_weights("(" * 2000 + "a" + ")" * 2000).words == "a"
    assert read_weights("[" * 1000 + "a|b" + "]" * 1000).words

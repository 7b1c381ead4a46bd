"""Compel's prompt syntax, and what is said of other tools' syntax in a text that is read as A1111's."""

import pytest

from impasto.errors import UsageError
from impasto.prompts.syntax import foreign_notes, read_text
from impasto.prompts.weights import pieces_of


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("boats (sea)++ (sky)1.3 [fog]--", [[("boats ", 1.0), ("sea", 1.21), (" ", 1.0), ("sky", 1.3), (" [fog]--", 1.0)]]),
        ("sea+++, fog-- x-ray", [[("sea", 1.331), (", ", 1.0), ("fog", 0.81), (" x-ray", 1.0)]]),
        ("(a (b)1.2 c)0.5", [[("a ", 0.5), ("b", 0.6), (" c", 0.5)]]),
        ("(a b) (c:1.3)+", [[("a b ", 1.0), ("c:1.3", 1.1)]]),
        ('"a cat"++ \\(x\\)', [[("a cat", 1.21), (" (x)", 1.0)]]),
        ('("a cat", "a (red dog)++").and(1, 0.5)', [[("a cat", 1.0)], [("a ", 0.5), ("red dog", 0.605)]]),
        ("(sea--)1.5", [[("sea", 1.215)]]),
    ],
)
def test_what_compels_weights_mean(text: str, chunks: list[list[tuple[str, float]]]) -> None:
    read = read_text(text, "compel")
    assert pieces_of(read.weighted) == chunks
    assert read.notes == ()


@pytest.mark.parametrize("text", ["boats at sea", "a -- b", "BREAK [x] a_b", "x--y {a}", "a (b) c", "(", ")"])
def test_what_compel_takes_as_words(text: str) -> None:
    read = read_text(text, "compel")
    assert read.weighted == "" and read.words.casefold() in {text.casefold(), "a b c"}


@pytest.mark.parametrize(
    ("text", "words", "note"),
    [
        ("a (b", "a (b", "a '(' is not closed"),
        ('("a", "b").blend(0.7, 0.3)', "a b", ".blend(0.7, 0.3) mixes texts"),
        ("a cat.swap(dog) by the sea", "a dog by the sea", "cat.swap(dog) changes attention"),
        ("(a cat).swap(dog, s_start=0.2)", "dog", "a cat.swap(dog, s_start=0.2) changes"),
    ],
)
def test_what_compel_has_alone_is_noted(text: str, words: str, note: str) -> None:
    read = read_text(text, "compel")
    assert read.words == words and note in read.notes[0]


def test_compels_loras_and_plain_words() -> None:
    read = read_text("boats++ withLora(x, 0.5) <lora:y:0.3>", "compel")
    assert [(tag.name, tag.scale) for tag in read.tags] == [("x", 0.5), ("y", 0.3)]
    read = read_text("(boats:1.3)++ <lora:x>", "plain")
    assert (read.words, read.weighted, read.tags, read.notes) == ("(boats:1.3)++ <lora:x>", "", (), ())


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("boats (sea)++ (sky)1.3 [fog]-- sea+++",
         "(sea)++, (sky)1.3, [fog]--, sea+++: Compel's (InvokeAI's) weights, words here: write (sea:1.21), (sky:1.3), "
         "(fog:0.81), (sea:1.331), or give --prompt-syntax compel"),
        ('("a", "b").and()', ".and() is Compel's"),
        ("1.3::sea ::, boats", "1.3::sea ::: NovelAI's weights, words here: write (sea:1.3)"),
        ("sea::2 boats", "sea::2: Midjourney's weights, words here: write (sea:2)"),
        ("boats --ar 16:9 --no fog", "--ar 16:9, --no fog: options inside a prompt are words"),
        ("embedding:easy", "embedding:easy: ComfyUI's, words here: write easy"),
        ("\uff08sea\uff1a1.2\uff09", "full-width brackets and colons are words"),
    ],
)  # fmt: skip
def test_other_tools_syntax_is_named(text: str, note: str) -> None:
    (said,) = foreign_notes(text)
    assert note in said and said in read_text(text).notes


@pytest.mark.parametrize(
    "text",
    [
        "boats",
        "pre- and post-war",
        "a -- b",
        "18+ A+",
        "(sea:1.2) [fog]",
        "at 10:30, 16:9",
        "(1850), (II)",
        "a--b",
        "Tokyo: 5",
    ],
)
def test_plain_texts_get_no_note(text: str) -> None:
    assert foreign_notes(text) == []


def test_a_prompt_that_is_much_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a prompt of 10001 characters: use 10000 at most, it begins with 'word word"):
        read_text(("word " * 2001)[:10_001])
    assert read_text("word " * 2000).words.startswith("word word")


@pytest.mark.parametrize("text", ["1", " ", "a-", "--ar ", "(a)", "::", "a::1", "<lora:a:", ")0"])
def test_what_repeats_is_read_in_time_proportional_to_its_length(text: str) -> None:
    repeated = (text * 10_000)[:10_000]
    assert isinstance(read_text(repeated).words, str)  # 50,000 characters once took 40 s


def test_words_before_midjourneys_weights() -> None:
    (note,) = read_text("a red boat::2 two | sails::-0.5, sky::1.5 and").notes
    assert "(a red boat:2), (sails:-0.5), (sky:1.5)" in note

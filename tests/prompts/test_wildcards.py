from pathlib import Path

import pytest

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.parts import known_values
from impasto.prompts.wildcards import has_wildcards, resolve_wildcards


def test_the_seed_chooses_and_chooses_the_same_again() -> None:
    template = "a {red|blue|green} boat at __lighting__"
    found = [resolve_wildcards(template, seed) for seed in range(40)]
    assert found == [resolve_wildcards(template, seed) for seed in range(40)]
    assert {text.split()[1] for text in found} == {"red", "blue", "green"}
    lights = {text.partition(" at ")[2] for text in found}
    assert lights <= set(known_values("lighting")) and len(lights) > 5


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("{a|{b|c}} x", {"a x", "b x", "c x"}),
        ("{2$$ and $$a|b} x", {"a and b x", "b and a x"}),
        ("50 % {a} #1 $5 \\ {b}", {"50 % a #1 $5 \\ b"}),
        ("(sharp:1.2) [x|y] {é}", {"(sharp:1.2) [x|y] é"}),
    ],
)
def test_what_the_syntax_means(template: str, texts: set[str]) -> None:
    assert {resolve_wildcards(template, seed) for seed in range(60)} == texts


@pytest.mark.parametrize("text", ["", "boats at sunset", "a {b", "snake_case and __", "50 % {"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert not has_wildcards(text)
    assert resolve_wildcards(text, 1) == text


def test_the_users_own_lists_win(tmp_path: Path) -> None:
    (tmp_path / "boat.txt").write_text("dhow\n\njunk\n", "utf-8")
    (tmp_path / "colour.txt").write_text("tangerine\n", "utf-8")
    assert {resolve_wildcards("a __colour__ __boat__", seed, tmp_path) for seed in range(30)} == {
        "a tangerine dhow",
        "a tangerine junk",
    }


def test_what_cannot_be_resolved_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing is known for __boat__.*--wildcards DIR with boat\.txt"):
        resolve_wildcards("a __boat__", 1)
    with pytest.raises(UsageError, match="no such folder"):
        resolve_wildcards("a __boat__", 1, tmp_path / "none")
    with pytest.raises(UsageError, match="4000 characters"):
        resolve_wildcards("{a|b} " * 1000, 1)


def test_files_in_any_usual_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-le", "utf-16-be"):
        (tmp_path / "place.txt").write_bytes("café\r\n# a comment\r\nthé\r\n".encode(encoding))
        found = {resolve_wildcards("a __place__", seed, tmp_path) for seed in range(20)}
        assert found == {"a café", "a thé"}, encoding
    (tmp_path / "place.txt").write_text("日没\n", "utf-16")
    assert resolve_wildcards("__place__", 1, tmp_path) == "日没"
    (tmp_path / "place.txt").write_bytes(b"\xff\xfe\x00\xd8")  # half of a pair
    with pytest.raises(ImpastoError, match=r"place\.txt cannot be read: it is no text"):
        resolve_wildcards("__place__", 1, tmp_path)


def test_lists_in_tables_and_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "book.yaml").write_text("sky: [dawn, 3::dusk]\nsea:\n  calm: [{text: still, weight: 1}]\n", "utf-8")
    (tmp_path / "deep" / "more.JSON").write_text('["one"]', "utf-8")
    for name in ("sky", "book/sky"):
        assert {resolve_wildcards(f"__{name}__", seed, tmp_path) for seed in range(40)} == {"dawn", "dusk"}
    drawn = [resolve_wildcards("__sky__", seed, tmp_path) for seed in range(200)]
    assert drawn.count("dusk") > 2 * drawn.count("dawn")
    assert resolve_wildcards("__sea/calm__ __deep/more__", 1, tmp_path) == "still one"
    (tmp_path / "bad.yaml").write_text("a: [", "utf-8")
    with pytest.raises(ImpastoError, match=r"bad\.yaml cannot be read"):
        resolve_wildcards("__sky__", 1, tmp_path)


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        (r"a \{b\} c", {"a {b} c"}),
        (r"{\{a\}|b\|c} x", {"{a} x", "b|c x"}),
        (r"\_\_colour\_\_", {"__colour__"}),
    ],
)
def test_backslashed_characters_are_themselves(template: str, texts: set[str]) -> None:
    assert {resolve_wildcards(template, seed) for seed in range(40)} == texts


def test_the_negative_prompt_chooses_by_itself() -> None:
    pairs = {(resolve_wildcards("{a|b}", s), resolve_wildcards("{a|b}", s, of="negative")) for s in range(40)}
    assert len(pairs) == 4
    assert resolve_wildcards("{a|b}", 7, of="negative") == resolve_wildcards("{a|b}", 7, of="negative")


def test_empty_lists_and_circles_are_named(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("# nothing\n\n", "utf-8")
    (tmp_path / "loop.txt").write_text("__loop__\n", "utf-8")
    with pytest.raises(UsageError, match=r"its file in .* holds no value"):
        resolve_wildcards("__none__", 1, tmp_path)
    with pytest.raises(UsageError, match="leads to itself"):
        resolve_wildcards("__loop__", 1, tmp_path)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("one\n", "utf-8")
    assert resolve_wildcards("__x__", 1, tmp_path) == "one"
    (tmp_path / "x.txt").write_text("three\n", "utf-8")
    assert resolve_wildcards("__x__", 1, tmp_path) == "three"

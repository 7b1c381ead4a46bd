from pathlib import Path

import pytest

from impasto.errors import UsageError
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

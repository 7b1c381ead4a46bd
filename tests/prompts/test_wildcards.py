import re
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
        ("{2$$a|b|c}", {"a,b", "a,c", "b,a", "b,c", "c,a", "c,b"}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{0::a|.5::b}", {"b"}),
        ("${hue=!{red|blue}} ${hue} and ${hue}", {"red and red", "blue and blue"}),
        ("${hue:red} sea", {"red sea"}),
        ("%{... at {dusk|dawn}$$boats}", {"boats at dusk", "boats at dawn"}),
        ("{@a|b} {~c|d}", {"a c", "a d", "b c", "b d"}),
        ("$$ {a|b} http://x /* y */ # z", {"$$ a http://x /* y */ # z", "$$ b http://x /* y */ # z"}),
        ("__x and {a|b} __ y__", {"__x and a __ y__", "__x and b __ y__"}),
        ("{a|b} {c", {"a {c", "b {c"}),
        ("a} {b|c}", {"a} b", "a} c"}),
        ("{a|{b|c}", {"{a|b", "{a|c"}),
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


@pytest.mark.parametrize(
    ("template", "resolved", "note"),
    [
        ("boats {a|b", "boats {a|b", "a '{' is not closed, in '{a|b'"),
        ("boats a|b}", "boats a|b}", "a '}' has no '{' before it, after 'boats a|b'"),
        (
            "boats {sea}",
            "boats sea",
            r"{sea} offers no choice, and its braces are left out: write {a|b}; (sea:1.05) is NovelAI's",
        ),
        ("{{sea}}", "sea", "{sea} offers no choice"),
        ("%{sea}", "%sea", "%{sea} offers no choice"),
        ("{3$$a|a}", "a,a", "{3$$a|a} asks for 3 of 2 options"),
        ("{@a|a}", "a", "@ takes options in turn in dynamicprompts"),
        ("{!a|a}", "a", "! makes a prompt of each option"),
        ("__@one__", "1", "here the seed chooses"),
        ("sea __one", "sea __one", "'__one' is painted as words: the wildcard is __one__"),
        ("{a|a} one__", "a one__", "'one__' is painted as words"),
    ],
)
def test_what_is_not_understood_is_noted(template: str, resolved: str, note: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("1\n", "utf-8")
    notes: list[str] = []
    assert resolve_wildcards(template, 1, tmp_path, say=notes.append) == resolved
    assert len(notes) == 1 and note in notes[0]


@pytest.mark.parametrize(
    "template", ["{a|b} (c:1.2)", "snake_case __ {0.5::a|b}", "{2$$a|b} ${x=!red}${x}", "{{a|b}}", "50 %"]
)
def test_what_is_understood_is_not_noted(template: str) -> None:
    notes: list[str] = []
    resolve_wildcards(template, 1, say=notes.append)
    assert notes == []


def test_variables_and_names_without_a_value(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__zzz__\n", "utf-8")
    (tmp_path / "b.txt").write_text("${hue} 5 % of {x\n", "utf-8")
    with pytest.raises(UsageError, match=r"\$\{hue\} has no value: write \$\{hue=red\} before it"):
        resolve_wildcards("${hue} {a|b}", 1)
    with pytest.raises(UsageError, match="hue is not defined"):
        resolve_wildcards("__b__", 1, tmp_path)
    assert resolve_wildcards("${hue=red}__b__", 1, tmp_path) == "red 5 % of {x"
    with pytest.raises(UsageError, match="nothing is known for __zzz__"):
        resolve_wildcards("__a__", 1, tmp_path)
    with pytest.raises(UsageError, match=r"cannot be read from '\{x\$\$a\|b\}' on"):
        resolve_wildcards("sea {x$$a|b}", 1)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("bad.yaml", b"a: [x]\nb: [", r"bad\.yaml, line 2, cannot be read"),
        ("bad.yaml", b"sky: &x {deep: *x}", r"bad\.yaml, line 1, cannot be read: found unconstructable recursive"),
        ("bad.json", b'{"a": ["x"],\n "b": nothing', r"bad\.json, line 2, cannot be read"),
        ("bad.yaml", b"just words", r"bad\.yaml holds neither a list nor lists by name"),
        ("bad.txt", b"\xff\xfe\x00\xd8", r"bad\.txt cannot be read: it is no text"),
    ],
)
def test_a_broken_list_is_named_and_stops_only_what_uses_it(name: str, content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n", "utf-8")
    (tmp_path / name).write_bytes(content)
    notes: list[str] = []
    assert resolve_wildcards("__a__", 1, tmp_path, say=notes.append) == "one"
    assert len(notes) == 1 and re.search(why, notes[0]) and notes[0].endswith("; it is left out")
    with pytest.raises(ImpastoError, match=rf"__bad__: .*{why}"):
        resolve_wildcards("__bad__", 1, tmp_path)
    if not name.endswith(".txt"):  # the name may be one of its lists
        with pytest.raises(ImpastoError, match=why):
            resolve_wildcards("__b__", 1, tmp_path)


def test_values_of_yaml_are_texts_and_odd_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [no]\nb: [1.50]\nc: [{text: sea, weight: much}]\nd: [{x: y}, sky]\n", "utf-8")
    (tmp_path / "two words.txt").write_text("boats\n", "utf-8")
    notes: list[str] = []
    resolved = resolve_wildcards("__a__ __b__ __c__ __d__ __two words__", 1, tmp_path, say=notes.append)
    assert resolved == "no 1.50 sea sky boats"
    assert "the weight 'much' of 'sea' is no number" in notes[0] and "{'x': 'y'} is no value" in notes[1]

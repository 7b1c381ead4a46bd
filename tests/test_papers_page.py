"""docs/papers.md tells where the papers are in the code: every name, file, command and number in it must be right."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from impasto.cli.main import app, with_usual_method

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "impasto"
PAGE = (ROOT / "docs" / "papers.md").read_text("utf-8")
CODE = re.findall(r"`([^`\n]+)`", PAGE)
FILES = [code for code in CODE if re.match(r"[\w/.-]+\.(?:py|txt|tsv|gz)(?::|$)", code) and "/" in code.partition(":")[0]]
COMMANDS = [code for code in CODE if code.startswith("impasto ")]
# Mentioned in a sentence as a verb, not as what to type.
VERBS_ALONE = {"impasto paint", "impasto show"}
WHOLE: Any = get_command(app)
LOOSE_OPTIONS = [code for code in CODE if code.startswith("--")]


@cache
def defined(file: Path) -> frozenset[str]:
    """The names at a module's top, and Class.name for methods and fields."""
    found: set[str] = set()

    def names(node: ast.stmt) -> list[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return [node.name]
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        return [target.id for target in targets if isinstance(target, ast.Name)]

    for node in ast.parse(file.read_text("utf-8")).body:
        found.update(names(node))
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for part in node.body for name in names(part))
    return frozenset(found)


def missing_names(code: str) -> list[str]:
    """What a `file.py: name, name` of the page names and the source does not have."""
    path, _, names = code.partition(":")
    file = SOURCE / path if (SOURCE / path).exists() else ROOT / path
    if not file.is_file():
        return [path]
    return [name for name in (name.strip() for name in names.split(",")) if name and name not in defined(file)]


def why_wrong(line: str) -> str:
    """Why the command line would refuse a command of the page, by its own parser; "" if it would run it."""
    words = with_usual_method(shlex.split(line)[1:], "wu2022")
    command = WHOLE
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return f"no verb {words[0]}" if words else "the verb is not complete"
        command = command.commands[words.pop(0)]
    try:
        command.make_context("impasto", words)
    except Exception as error:  # the parser's own kinds
        return f"{type(error).__name__}: {getattr(error, 'message', '') or error}"
    return ""


def all_options() -> set[str]:
    found: set[str] = set()

    def walk(command: Any) -> None:
        found.update(name for option in command.params for name in (*option.opts, *option.secondary_opts))
        for child in getattr(command, "commands", {}).values():
            walk(child)

    walk(WHOLE)
    return found


def section(title: str) -> str:
    """The part of the page below `## title`."""
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def numbers_after(word: str, text: str) -> set[int]:
    """The numbers behind `Equation`, `Equations`, `Figure` ...: "Equations 6 to 10" are five, "Equations 1 and 2" two."""
    found: set[int] = set()
    for first, joint, last in re.findall(rf"^\| {word}s? (\d+)(?: (to|and) (\d+))?\b", text, re.MULTILINE):
        found.update(range(int(first), int(last) + 1) if joint == "to" else {int(first), int(last or first)})
    return found


@pytest.mark.parametrize("code", sorted(set(FILES)))
def test_names_exist(code: str) -> None:
    assert missing_names(code) == []


def test_rows_name_places() -> None:
    assert len(set(FILES)) > 100
    assert len(set(COMMANDS)) > 60


@pytest.mark.parametrize("line", sorted(set(COMMANDS) - VERBS_ALONE))
def test_commands_exist(line: str) -> None:
    assert why_wrong(line) == ""


@pytest.mark.parametrize("code", sorted(set(LOOSE_OPTIONS)))
def test_options_exist(code: str) -> None:
    assert code.split()[0] in all_options()


def test_the_checks_find_what_is_wrong() -> None:
    assert missing_names("painting/samplers.py: SAMPLERS, no_such_name") == ["no_such_name"]
    assert missing_names("painting/no_such_file.py: SAMPLERS") == ["painting/no_such_file.py"]
    assert why_wrong("impasto paint boats --sampler ddim --steps 7 --expand") == ""
    wrong = {
        "impasto paint boats --no-such-option": "--no-such-option", "impasto no-such-verb": "no verb no-such-verb",
        "impasto train": "not complete", "impasto train wang2023-artist --catalogue DIR": "MissingParameter",
        "impasto paint boats --steps": "--steps", "impasto paint boats ships": "ships",
        "impasto paint boats --steps x": "integer",
    }  # fmt: skip
    for line, word in wrong.items():
        assert word in why_wrong(line), line


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_tables_have_whole_rows() -> None:
    columns = 0
    for number, line in enumerate(PAGE.splitlines(), start=1):
        if not line.startswith("|"):
            columns = 0
            continue
        cells = line.count("|") - 1
        columns = columns or cells
        assert cells == columns, f"line {number} has {cells} cells, the table {columns}"


def test_every_equation_table_and_figure_has_a_row() -> None:
    wu2022, wang2023 = section("wu2022"), section("wang2023")
    assert numbers_after("Equation", wu2022) == set(range(1, 21))
    assert numbers_after("Figure", wu2022) == set(range(1, 13))
    assert numbers_after("Algorithm", wu2022) == {1}
    assert numbers_after("Equation", wang2023) == set(range(1, 14))
    assert numbers_after("Figure", wang2023) == set(range(4, 12))
    assert numbers_after("Table", wang2023) == {1, 2, 3}


def test_numbers_of_the_papers_are_those_of_the_code() -> None:
    from impasto.data.statistics.published_numbers import WU2022
    from impasto.prompts.expansion.settings import ExpansionSettings
    from impasto.reproduction.protocols import WANG2023_PROMPTS, WANG2023_SAMPLING, WU2022_PROMPTS, WU2022_SAMPLING, Wu2022
    from impasto.training.recipes.wang2023 import WANG2023_ARTIST, WANG2023_ARTIST_POCKET, WANG2023_MASTERS
    from impasto.training.recipes.wu2022 import WU2022_JOINT_POCKET, WU2022_TEXT_ENCODER, WU2022_TEXT_ENCODER_POCKET
    from impasto.vision.scorers.clip import CLIP_THRESHOLD

    paper, own = WANG2023_ARTIST, WANG2023_ARTIST_POCKET
    assert (paper.batch, paper.learning_rate, paper.epochs, paper.size, paper.precision) == (1, 1e-5, 50, 512, "fp16")
    assert (own.batch, own.learning_rate, own.epochs, own.precision) == (16, 1.5e-4, 25, "auto")
    assert (paper.text_dropout, paper.gradient_norm, paper.optimizer, paper.trained) == (0.1, 1.0, "adamw", "unet")
    first = WU2022_TEXT_ENCODER
    assert (first.batch, first.learning_rate, first.warmup_steps, first.epochs) == (512, 1e-4, 700, 100)
    small = WU2022_TEXT_ENCODER_POCKET, WU2022_JOINT_POCKET
    assert [(one.batch, one.learning_rate, one.epochs, one.timestep_bias) for one in small] == [
        (16, 5e-4, 2, 5.0), (16, 2e-4, 2, 3.0),
    ]  # fmt: skip
    ddim = WU2022_SAMPLING
    assert (ddim.sampler, ddim.steps, ddim.guidance, ddim.eta) == ("ddim", 200, 5.0, 1.0)
    assert (WANG2023_SAMPLING.sampler, WANG2023_SAMPLING.steps, WANG2023_SAMPLING.guidance) == ("dpm++", 25, 7.5)
    assert (len(WANG2023_MASTERS), len(WANG2023_PROMPTS), len(WU2022_PROMPTS), Wu2022().artists) == (9, 8, 4, 30)
    assert (WU2022.paintings, WU2022.artists, WU2022.styles, WU2022.genres) == (81_444, 1_119, 27, 45)
    assert [count for _, count in WU2022.top_artists] == [1_889, 1_860, 1_400]
    assert [share for _, share in WU2022.top_shares] == ["14.18", "21.80", "27.62"]
    assert CLIP_THRESHOLD == 0.2
    usual = ExpansionSettings()
    assert (usual.lambda1, usual.lambda2, usual.most_entities, usual.tfidf) == (1.0, 0.1, 3, "pivoted")
    assert usual.min_df == 0.0002

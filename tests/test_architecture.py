"""The house keeps its shape: imports run only downward, and light things stay light."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "impasto"
LEVELS = [
    {"errors"},
    {"settings", "files"},
    {"weights"},
    {"language"},
    {"vision", "prompts"},
    {"checkpoints", "data"},
    {"adapters"},
    {"painting", "training", "evaluation", "gallery"},
    {"reproduction"},
    {"jobs"},
    {"cli", "studio", "fleet", "api"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
HEAVY = ["torch", "diffusers", "transformers"]


def imports(source: str, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every module of ours that `source` imports, wherever in the file and however.

    `package` is the package that relative imports start from.
    """
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = [*start, *filter(None, [node.module])]
            # `from impasto import settings` names a module; `from impasto.settings import x` already has.
            names = [
                ".".join([*base, alias.name]) if base == ["impasto"] else ".".join(base)
                for alias in node.names
            ]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "importlib.import_module",
            "import_module",
            "__import__",
        ):
            names = [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "impasto")


def upward(part: str, source: str, package: list[str]) -> list[str]:
    """What is wrong with the imports of a file in `part` (a package or module right below impasto)."""
    wrong = []
    for line, name in imports(source, package):
        target = name.split(".")[1] if "." in name else ""
        if target in (part, "__version__"):
            continue
        if target not in LEVEL or LEVEL[target] >= LEVEL[part]:
            wrong.append(f"line {line}: {part} imports {name}")
    return wrong


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_only_downward(path):
    inside = path.relative_to(PACKAGE)
    if inside == Path("__init__.py"):
        return  # the front door names what lies inside; nothing below may import it
    part = inside.parts[0].removesuffix(".py")
    assert part in LEVEL, f"{part} has no level: see DESIGN.md's arrows and name it in LEVELS"
    assert not upward(part, path.read_text(encoding="utf-8"), ["impasto", *inside.parts[:-1]])


@pytest.mark.parametrize(
    ("part", "source", "fine"),
    [
        ("painting", "from impasto.checkpoints.load import load_components", True),
        ("painting", "from impasto.painting import samplers", True),
        ("painting", "from . import samplers\nfrom ..errors import UsageError", True),
        ("painting", "from impasto import __version__, settings", True),
        ("painting", "import impasto.cli.main", False),
        ("painting", "from ..training import loop", False),
        ("painting", "from impasto import Painter", False),
        ("prompts", "def f():\n    from impasto.data import search", False),
        ("data", "import importlib\nimportlib.import_module('impasto.painting')", False),
        ("errors", "from impasto.settings import cache_folder", False),
        ("reproduction", "from impasto.training import loop\nfrom impasto.evaluation import judgement", True),
        ("reproduction", "from impasto.cli.console import say", False),
        ("evaluation", "from impasto.reproduction import protocols", False),
    ],
)
def test_the_rule_itself(part, source, fine):
    assert (not upward(part, source, ["impasto", part])) == fine



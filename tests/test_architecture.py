"""The house keeps its shape: imports run only downward, and light things stay light."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "impasto"
LEVELS = [
    {"errors"},
    {"settings", "files", "spreading"},
    {"workspace", "database", "stores"},
    {"weights", "inference"},
    {"language"},
    {"vision", "prompts"},
    {"checkpoints", "data"},
    {"adapters"},
    {"painting", "training", "evaluation"},
    {"gallery"},
    {"reproduction"},
    {"jobs"},
    {"queue"},
    {"studio"},
    {"fleet"},
    {"cli", "api"},
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
            names = [".".join([*base, alias.name]) if base == ["impasto"] else ".".join(base) for alias in node.names]
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


def loaded_by(statement: str) -> list[str]:
    """Which of the heavy packages are loaded after `statement` in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


@pytest.mark.parametrize("module", ["impasto", "impasto.cli.main"])
def test_importing_the_command_line_loads_nothing_heavy(module):
    assert loaded_by(f"import {module}") == []


def test_prompts_are_text_only():
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((PACKAGE / "prompts").rglob("*.py"))
    ]
    assert loaded_by("import " + ", ".join(modules)) == []


def test_no_dependency_pulls_in_torchvision():
    """Beside a CPU build of torch its import fails, and transformers' imports with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    waiting, seen = [*project["dependencies"], *extras], set()
    while waiting:
        line = waiting.pop()
        name = re.split(r"[^\w.-]", line.strip())[0].lower().replace("_", "-")
        if name in seen or "extra ==" in line or "extra==" in line:
            continue
        seen.add(name)
        try:
            waiting += metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # of another platform, or of an extra that is not installed
    assert "torch" in seen and "torchvision" not in seen


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found[".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def imported_modules(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that `path` imports, also inside functions, but not for type checkers alone."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(one if one in known else node.module for one in whole)
        waiting.extend(ast.iter_child_nodes(node))
    return {one for one in found if one in known and one != name}


def test_no_module_imports_itself_in_a_circle():
    known = modules()
    # CycleError, which names the circle, if there is one
    imports_of = {name: imported_modules(name, path, known) for name, path in known.items()}
    order = tuple(TopologicalSorter(imports_of).static_order())
    assert set(order) == set(known)


@pytest.mark.parametrize(("name", "path"), modules().items(), ids=str)
def test_below_the_command_line_nothing_prints(name, path):
    if name.startswith("impasto.cli") or name in ("impasto.__main__", "impasto.training.pocket.pack.device"):
        return  # the last one is a program of its own, for a machine on which a pack is trained
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("print", "sys.stdout.write"), f"{name} prints in line {node.lineno}"
        taken = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        taken += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not {one.split(".")[0] for one in taken} & {"typer", "rich", "click"}, f"{name} imports {taken}"


def test_files_and_folders_stay_small():
    known = modules().values()
    assert not [path for path in known if len(path.read_text(encoding="utf-8").splitlines()) > 400]
    assert not [folder for folder in {path.parent for path in known} if len(list(folder.glob("*.py"))) > 22]

"""A tiny checkpoint, and the command line as a function: the same `main` that the `impasto` script calls."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Answer:
    """What one command said, and its exit code."""

    code: int
    out: str
    err: str


Impasto = Callable[..., Answer]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint in pocket's layout: 64 px."""
    from tests.checkpoints.tiny import make_tiny_pocket

    return make_tiny_pocket(tmp_path_factory.mktemp("checkpoints") / "tiny", seed=1)


@pytest.fixture
def impasto(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Impasto:
    """Runs `impasto ARGUMENTS` in an empty folder, with the tiny checkpoint as pocket and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("IMPASTO_POCKET", str(tiny))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("IMPASTO_DEBUG", raising=False)

    def run(*arguments: object) -> Answer:
        from impasto.cli.main import main

        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Answer(code, said.out, said.err)

    return run

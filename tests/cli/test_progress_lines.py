"""Where stderr is no terminal, a long job says now and then how far it is."""

import pytest

from impasto.cli.data.progress_lines import progress_lines
from impasto.jobs.events import Progress


def test_a_line_every_half_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    hear = progress_lines(lambda progress: f"{progress.share}: {progress.stage}")
    for now in (110.0, 131.0, 140.0, 162.0):
        assert hear(Progress(f"at {now:g}", 0.5)) == f"at {now:g}"
    assert capsys.readouterr().err.splitlines() == ["0.5: at 131", "0.5: at 162"]

"""docs/tour.ipynb runs from its top to its end: the whole loop, on 18 pictures here."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tests.conftest import with_smollm2

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tour.ipynb"


def test_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm2: Path) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(with_smollm2(tmp_path / "cache", smollm2)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2] / "src")]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # A tiny checkpoint in pocket's place: the tour's steps are tested here, not pocket's paintings.
    from tests.checkpoints.tiny import make_tiny_pocket

    tiny = make_tiny_pocket(tmp_path / "tiny", seed=1)
    names = ("Claude Monet", "Ivan Aivazovsky", "Rembrandt")
    (tiny / "artists.json").write_text(json.dumps([{"name": name, "works": 30} for name in names]), "utf-8")
    monkeypatch.setenv("IMPASTO_POCKET", str(tiny))
    for cell in notebook.cells:
        cell.source = cell.source.replace("minutes=0.3", "minutes=0.03").replace("count=10", "count=6")
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(tmp_path))
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "of 6 paintings look like copies" in said and "before {" in said and "after {" in said


def test_the_committed_notebook_has_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test may touch the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("IMPASTO_CACHE", str(folder))
    return folder

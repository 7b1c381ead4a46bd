from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_caches(offline: Path) -> Path:
    """No test here reads or writes the caches of whoever runs it, nor asks the network."""
    return offline

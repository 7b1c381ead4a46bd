from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def not_the_users_cache(own_cache: Path) -> Path:
    """No test here may touch the user's cache."""
    return own_cache

"""What tests of several folders share: tiny checkpoints, and caches that are nobody's."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints.stable_diffusion import make_tiny_parts, write_diffusers_folder, write_tokenizer
from tests.checkpoints.tiny import make_tiny_pocket


@pytest.fixture(scope="session")
def tiny_pocket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole pocket-layout folder that no test may change."""
    return make_tiny_pocket(tmp_path_factory.mktemp("pocket") / "tiny")


@pytest.fixture
def spoilt(tiny_pocket: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copytree(tiny_pocket, tmp_path / "spoilt"))


@pytest.fixture(scope="session")
def tiny_parts() -> dict[str, Any]:
    return make_tiny_parts()


@pytest.fixture(scope="session")
def tiny_diffusers(tiny_parts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diffusers_folder(tiny_parts, tmp_path_factory.mktemp("diffusers") / "tiny-sd")


@pytest.fixture
def with_tokenizer(tmp_path: Path) -> Path:
    """A folder for single files, with CLIP's tokenizer beside them."""
    write_tokenizer(tmp_path / "tokenizer")
    return tmp_path


@pytest.fixture
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, in place of the user's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("IMPASTO_CACHE", str(folder))
    return folder


@pytest.fixture
def offline(
    own_cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """No test reads or writes the caches of whoever runs it, nor asks the network."""
    hub = str(tmp_path_factory.mktemp("hub"))
    monkeypatch.setenv("HF_HUB_CACHE", hub)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", hub)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("IMPASTO_POCKET", raising=False)
    yield own_cache

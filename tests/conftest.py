"""What tests of several folders share: tiny checkpoints, and caches that are nobody's."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.checkpoints.stable_diffusion import make_tiny_parts, write_diffusers_folder, write_tokenizer
from tests.checkpoints.tiny import make_tiny_pocket

SHARED = "IMPASTO_TESTS"  # names the folder that all processes of a test run share
# What takes longest begins first, so that no process waits at the end for another one's last file.
LONGEST = (
    "studio/clients/test_mcp.py",
    "journeys/test_reproduction_journeys.py", "painting/engines/test_same_pictures.py", "training/pocket/pack/test_pack.py",
    "painting/engines/test_openvino.py", "journeys/test_launched_journeys.py", "api/test_tour.py", "studio/test_serve.py",
    "studio/browser/test_pages.py", "training/pocket/test_phases.py", "journeys/test_expansion_journeys.py",
    "journeys/test_expansion_models_journeys.py", "journeys/test_instruct_journeys.py", "training/test_kills.py",
    "training/test_resume.py", "journeys/test_wu2022_journeys.py", "api/test_python_page.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the shared folder, and removes it at the end."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="impasto-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through it, which took a quarter of a short test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


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
    """No test reads or writes the caches of whoever runs it, nor asks the network; a merged language model is shared."""
    merged = Path(os.environ[SHARED]) / "language"
    merged.mkdir(exist_ok=True)
    (own_cache / "language").symlink_to(merged)
    hub = str(tmp_path_factory.mktemp("hub"))
    monkeypatch.setenv("HF_HUB_CACHE", hub)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", hub)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("IMPASTO_POCKET", raising=False)
    yield own_cache


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """A cache with SmolLM2 as a folder of transformers', converted once for all processes of a test run."""
    from impasto.language.smollm2 import smollm2_folder

    cache = Path(os.environ[SHARED]) / "cache"
    with FileLock(cache.with_suffix(".lock")), pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(cache))
        smollm2_folder()
    return cache


def with_smollm2(cache: Path, smollm2: Path) -> Path:
    """The cache, with a link to the converted model in place of half a gigabyte and ten seconds."""
    cache.mkdir(parents=True, exist_ok=True)
    for folder in smollm2.iterdir():
        (cache / folder.name).symlink_to(folder)
    return cache

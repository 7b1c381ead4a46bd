"""One random checkpoint for all tests of this folder."""

from collections.abc import Iterator

import pytest
import torch
from tests.painting.tiny_components import make_components

from impasto.painting.painter import Painter


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The layers are so small that threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return Painter(make_components(tmp_path_factory.mktemp("tiny")))

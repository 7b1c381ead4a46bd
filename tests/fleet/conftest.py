"""A Ray of three small nodes in this machine, and one crew of workers on it, for all tests of this folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.small_cluster import SETTINGS, SmallCluster

from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place

ROOT = Path(__file__).parents[2]


@dataclass
class Nodes:
    """The cluster, connected: Ray's module, the cluster, and the raylets of the two nodes beside the head."""

    ray: Any
    cluster: SmallCluster
    others: list[int]


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes of one core each. Their workers find the package, these tests, and a cache of their own."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **SETTINGS, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
            "IMPASTO_CACHE": str(tmp_path_factory.mktemp("cache")), "IMPASTO_WORKSPACE": str(tmp_path_factory.mktemp("w")),
        }.items():  # fmt: skip
            patch.setenv(name, value)
        import ray

        cluster = SmallCluster()
        try:
            others = [cluster.add_node() for _ in range(2)]
            ray.init(address=cluster.address, log_to_driver=False, logging_level="CRITICAL")
            yield Nodes(ray, cluster, others)
        finally:
            ray.shutdown()
            cluster.end()


@pytest.fixture(scope="session")
def spread(nodes: Nodes) -> Iterator[RaySpread]:
    """Up to three workers, one crew for all tests, as a user's session has: workers are slow to start."""
    spread = RaySpread(nodes.ray, Place("", 3))
    yield spread
    spread.end()

"""A Ray of three small nodes in this machine, one for all tests of a file."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place

ROOT = Path(__file__).parents[2]


@dataclass
class Nodes:
    """The cluster, connected: Ray's module, its test cluster, and the two nodes beside the head."""

    ray: Any
    cluster: Any
    others: list[Any]

    def spread(self, **options: Any) -> RaySpread:
        """Returns a spread over up to three workers."""
        return RaySpread(self.ray, Place("", 3), **options)


def patient(start: Callable[[], Any]) -> Any:
    """Starts a node, again if need be: Ray gives it 30 s, and a busy machine takes longer."""
    for left in (2, 1, 0):
        try:
            return start()
        except Exception:
            if not left:
                raise
    return None


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes of one core each. Their workers find the package, these tests, and a cache of their own."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled",
            "RAY_worker_niceness": "0",
            "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
            "IMPASTO_CACHE": str(tmp_path_factory.mktemp("cache")), "IMPASTO_WORKSPACE": str(tmp_path_factory.mktemp("w")),
            "HF_HUB_OFFLINE": "1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        logging.getLogger("ray").setLevel(logging.ERROR)
        import ray
        from ray.cluster_utils import Cluster

        small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_log_monitor": False}
        cluster = patient(lambda: Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False}))
        try:
            others = [patient(lambda: cluster.add_node(**small)) for _ in range(2)]
            ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
            yield Nodes(ray, cluster, others)
        finally:
            ray.shutdown()
            cluster.shutdown()

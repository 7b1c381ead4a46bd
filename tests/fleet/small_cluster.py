"""Ray's test cluster: small nodes in this machine, for tests and benchmarks.

Nodes have minutes to start, as in a session of ours. They are lost as they are in life: all at once.
"""

import logging
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from impasto.fleet.guard import end_processes, processes_in
from impasto.fleet.session import PATIENT, free_ports, patience

SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20}
SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled",
    **PATIENT, "RAY_worker_niceness": "0", "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3",
    "HF_HUB_OFFLINE": "1",
}  # fmt: skip
_STARTS, _SECONDS = 3, 30.0


class SmallCluster:
    """A head and nodes of one core each; `SETTINGS` must be in the environment.

    Attributes:
        address: for `ray.init`.
        folder: of the session's sockets and logs.
    """

    def __init__(self) -> None:
        import ray
        from ray._common.utils import get_ray_address_file
        from ray.cluster_utils import Cluster

        self._ray = ray
        # Cluster writes its address there, wherever its own folder is, and does not make the folder.
        Path(get_ray_address_file(None)).parent.mkdir(parents=True, exist_ok=True)
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        self.folder = tempfile.mkdtemp(prefix="ray-")  # sockets need a short path
        for left in reversed(range(_STARTS)):
            try:
                head = {**SMALL, "include_dashboard": False, "temp_dir": self.folder}
                with patience(ray):
                    self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
                break
            except Exception:
                end_processes(self.folder, {os.getpid()})
                if not left:
                    raise
        self.address: str = self._cluster.address

    def add_node(self) -> int:
        """Adds a node and returns the process of its raylet, as soon as the cluster has it."""
        for _ in range(_STARTS):
            known, before = self._alive(), set(self._named("raylet"))
            with suppress(Exception), patience(self._ray):
                self._cluster.add_node(**SMALL, dashboard_agent_listen_port=free_ports(1)[0])
            until = time.monotonic() + _SECONDS
            while (added := set(self._named("raylet")) - before) and time.monotonic() < until:
                if self._alive() - known:
                    return added.pop()
                time.sleep(0.1)
            for raylet in added:
                os.kill(raylet, signal.SIGKILL)
        raise TimeoutError("a node of Ray's test cluster did not come")

    def lose(self, raylet: int) -> None:
        """Ends a node with SIGKILL, as a machine that is switched off."""
        os.kill(raylet, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Returns the processes of the fleet's actors."""
        return self._named("ray::UnitActor")

    def end(self) -> None:
        """Ends all nodes."""
        with suppress(Exception):
            self._cluster.shutdown()
        end_processes(self.folder, {os.getpid()})
        shutil.rmtree(self.folder, ignore_errors=True)

    def _alive(self) -> set[str]:
        return {node["NodeID"] for node in self._cluster.global_state.node_table() if node["Alive"]}

    def _named(self, name: str) -> list[int]:
        found = []
        for pid in processes_in(f"{self.folder}/", {os.getpid()}):
            with suppress(OSError):
                if name in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace"):
                    found.append(pid)
        return found

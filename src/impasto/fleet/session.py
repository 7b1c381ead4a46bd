"""A connection to Ray: a Ray of this machine that is started for one job and ended with it, or a cluster that is there.

A Ray of our own listens on loopback only, has no dashboard, and sends no usage statistics. It ends with this process,
however that ends: Ray's processes ask the kernel to be killed with their parent.
"""

import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.fleet.place import Place

OBJECT_STORE_BYTES = 512 << 20  # weights and results in flight; more than memory allows is spilled to disk
_SETTINGS = {
    # Ray's own name for it is of Windows and macOS, where it is the default: services listen on 127.0.0.1, not on all
    # interfaces.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
# Of a Ray of our own: its two agents end with its last message, for which they would look a minute for a dead server.
_OWN_SETTINGS = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
_FOLDER = "impasto-ray-"


@contextmanager
def ray_session(place: Place) -> Iterator[Any]:
    """Yields the module `ray`, connected; the connection ends with the context, and a Ray of our own with it.

    Raises:
        ImpastoError: Ray cannot be started, or nothing answers at the address.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not place.address:
        _forget_the_dead()
        # Only this process and its workers know the token: other users of the machine do not.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)} | _OWN_SETTINGS
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray

    folder: str | None = None
    if ray.is_initialized():
        raise ImpastoError("this process is connected to a Ray already: call ray.shutdown() before")
    try:
        if place.address:
            ray.init(place.address, logging_level=logging.ERROR, log_to_driver=False)
        else:
            folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
            ray.init(
                num_cpus=place.workers_here() * place.cores, include_dashboard=False, log_to_driver=False,
                logging_level=logging.ERROR, object_store_memory=OBJECT_STORE_BYTES, _temp_dir=folder,
                configure_logging=False,
            )  # fmt: skip
    except Exception as error:
        _end(ray, folder)
        where = f"no Ray answers at {place.address}" if place.address else "Ray cannot be started on this machine"
        raise ImpastoError(f"{where}: {' '.join(str(error).split())[:300]}") from None
    except BaseException:
        _end(ray, folder)
        raise
    _silence(ray)
    try:
        yield ray
    finally:
        _end(ray, folder)


def _end(ray: Any, folder: str | None) -> None:
    with suppress(Exception):
        ray.shutdown()
    if folder is not None:
        shutil.rmtree(Path(folder), ignore_errors=True)


def _silence(ray: Any) -> None:
    """Keeps Ray from writing its nodes' messages to stderr, into the line of progress: it has no setting for them."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *words, **named: None


def _forget_the_dead() -> None:
    """Removes the folders, with sockets and logs, of sessions whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)

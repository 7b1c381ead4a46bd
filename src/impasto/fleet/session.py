"""A connection to Ray: a Ray of this machine that is started for one job and ended with it, or a cluster that is there.

A Ray of our own listens on loopback only, has no dashboard, and sends no usage statistics. It ends with this process,
however that ends: Ray's servers ask the kernel to be killed with their parent, and a guard ends what is left.
"""

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any

from impasto.errors import ImpastoError
from impasto.fleet import guard as guarding
from impasto.fleet.place import SCHEME, Place

OBJECT_STORE_BYTES = 512 << 20  # weights and results in flight; more than memory allows is spilled to disk
_STARTS = 3
PATIENCE_SECONDS = 180.0
_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
# Ray's own patience is that of an idle machine.
PATIENT = {
    "RAY_gcs_server_port_wait_time_s": "180",
    "RAY_agent_register_timeout_ms": "180000",
    "RAY_worker_register_timeout_seconds": "180",
}
_SETTINGS = {
    **PATIENT,
    "RAY_health_check_failure_threshold": "40",  # of 3 s each: one machine is not lost, only busy
    # Ray's own name for it is of Windows and macOS, where it is the default: services listen on 127.0.0.1, not on all
    # interfaces.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # as the job without --on; Ray's own 15 starves workers beside any other process
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextmanager
def ray_session(place: Place) -> Iterator[Any]:
    """Yields the module `ray`, connected; the connection ends with the context, and a Ray of our own with it.

    Raises:
        ImpastoError: Ray cannot be started, or nothing answers at the address.
    """
    # What Ray logs when a start fails is in its error, too; a start that is tried again should not be told.
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    with ExitStack() as ends:
        options: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}
        if place.address:
            options["address"] = place.address
        else:
            # Only this process and its workers know the token: other users of the machine do not.
            own = {**_SETTINGS, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            ends.enter_context(_environment(own))
            options |= {
                "num_cpus": place.workers_here() * place.cores, "include_dashboard": False, "configure_logging": False,
                "object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": ends.enter_context(_guarded_folder()),
            }  # fmt: skip
        with _held_interrupts():
            import ray

            if ray.is_initialized():
                raise ImpastoError("this process is connected to a Ray already: call ray.shutdown() before")
            ends.callback(_end, ray)
            _connect(ray, place, options)
            silence(ray)
        yield ray


@contextmanager
def _held_interrupts() -> Iterator[None]:
    """Holds an interrupt (Ctrl-C) until the end, when it acts; a second one ends the process at once.

    Ray cannot be interrupted while it starts: what is half there crashes the process at its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        del frame
        if held:
            os._exit(128 + number)  # the guard ends what Ray has started
        held.append(number)

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held and callable(before):
            before(held[0], None)


def _connect(ray: Any, place: Place, options: Mapping[str, Any]) -> None:
    """Starts Ray or connects to it.

    Raises:
        ImpastoError: it cannot be started, also not at the third time, or nothing answers at the address.
    """
    if place.address:
        _check_name(place.address)
    for left in reversed(range(1 if place.address else _STARTS)):
        try:
            with nullcontext() if place.address else patience(ray):
                ray.init(**options)
            return
        except Exception as error:
            _end(ray)
            if not place.address:  # Ray knows nothing of the servers of a start that failed
                guarding.end_processes(options["_temp_dir"], {os.getpid()})
            if not left:
                told = " ".join(str(error).split())[:300]
                if place.address:
                    told = f"no Ray answers at {place.address} ({told}): is `ray start --head` running there with this port?"
                else:
                    told = f"Ray cannot be started on this machine: {told}"
                raise ImpastoError(told) from None


@contextmanager
def patience(ray: Any) -> Iterator[None]:
    """While it lasts, a node that starts has minutes for it, and starts fewer servers.

    Ray ends a node whose agents take more than 15 s to tell their ports in files (Ray's issue 65983), and gives a node 30 s
    in all. There is no setting for either, so the ports are chosen and told here, and Ray's question whether the node is
    there waits longer.
    """
    services, parameters = ray._private.services, ray._private.parameter
    raylets: list[Any] = []
    once, begin, plain = services.get_node, services.start_raylet, parameters.RayParams

    def get_node(*words: Any, **named: Any) -> Any:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return once(*words, **named)
            except RuntimeError:
                if time.monotonic() > until or any(one.process.poll() is not None for one in raylets):
                    raise
                time.sleep(0.1)

    def ray_params(**named: Any) -> Any:
        ports = zip(_PORTS, free_ports(len(_PORTS)), strict=True)
        named |= {name: port for name, port in ports if not named.get(name)}
        # The log monitor prints what workers write, the other monitor asks a cloud for machines.
        return plain(**{"include_log_monitor": False, "no_monitor": True, **named})

    def start_raylet(*words: Any, **named: Any) -> Any:
        node, folder = words[2], words[11]
        for name in _PORTS:
            if named.get(name):
                ray._raylet.persist_port(folder, node, name, named[name])
        raylets.append(begin(*words, **named))
        return raylets[-1]

    services.get_node, services.start_raylet, parameters.RayParams = get_node, start_raylet, ray_params
    try:
        yield
    finally:
        services.get_node, services.start_raylet, parameters.RayParams = once, begin, plain


def free_ports(count: int) -> list[int]:
    """Returns ports of loopback that nobody has at this moment."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _check_name(address: str) -> None:
    """Checks that the machine's name is known: Ray would look for it for half a minute.

    Raises:
        ImpastoError: it is not.
    """
    host, port = address.removeprefix(SCHEME).rsplit(":", 1)
    try:
        socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "not a name of a machine"
        raise ImpastoError(f"--on {address}: {host} is not found ({why}): check the name") from None


def _end(ray: Any) -> None:
    with suppress(Exception):
        ray.shutdown()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Has these variables in this process's environment, and afterwards what was there."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ |= settings
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _guarded_folder() -> Iterator[str]:
    """Yields a folder for a session's sockets and logs; a guard removes it when this process ends, and what still runs."""
    folder = tempfile.mkdtemp(prefix="impasto-ray-")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_TOKEN")}
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", guarding.__file__], stdin=subprocess.PIPE, env=bare, start_new_session=True
    )
    assert guard.stdin is not None
    guard.stdin.write(os.fsencode(folder) + b"\n")
    guard.stdin.flush()
    try:
        yield folder
    finally:
        guard.stdin.close()
        guard.wait()


def silence(ray: Any) -> None:
    """Keeps Ray from writing its nodes' messages to stderr, into the line of progress: it has no setting for them."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *words, **named: None

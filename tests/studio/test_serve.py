"""A real server with a worker process: it is one for a workspace, keeps its worker alive, and ends with it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impasto.queue.store import Queue
from impasto.workspace import Workspace

ROOT = Path(__file__).parents[2]
SERVER = """
import sys
from pathlib import Path
from tests.queue.drawn import stand_in
stand_in()
import impasto.studio.app
impasto.studio.app._warm_up = lambda: None
from impasto.errors import ImpastoError
from impasto.studio.serve import serve
from impasto.studio.settings import StudioSettings
from impasto.workspace import Workspace
worker = [sys.executable, "tests/queue/worker_child.py", sys.argv[1], "supervised"]
try:
    serve(StudioSettings(Workspace.open(Path(sys.argv[1])), port=0), worker_command=worker,
          on_ready=lambda address: print(address, flush=True))
except ImpastoError as error:
    print(error, flush=True)
"""


def started(folder: Path) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ask(address: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {} if data is None else {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def until(true: Callable[[], Any], seconds: float = 180.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_server_and_worker_live_and_die_together(tmp_path: Path) -> None:
    first = started(tmp_path)
    try:
        address = said(first)
        assert address.startswith("http://127.0.0.1:"), address
        job = ask(address, "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "slow", "seed": 1, "count": 500}})["id"]
        queue = Queue.open(Workspace.open(tmp_path))

        def goes_on() -> None:
            before = queue.job(job).units_done
            until(lambda: queue.job(job).units_done > before)

        goes_on()
        pid = queue.workers()[0]["pid"]
        second = started(tmp_path)
        assert said(second).startswith(f"a studio serves {tmp_path} already (process {first.pid})")
        second.wait(60)
        os.kill(pid, signal.SIGKILL)  # the supervisor starts another one, which goes on
        until(lambda: queue.job(job).attempts == 2)
        goes_on()
        other = next(one["pid"] for one in queue.workers() if one["pid"] != pid)
        first.kill()  # the worker ends by itself, and gives its job back
        until(lambda: gone(other))
        assert queue.job(job).state == "queued"
        first.wait()
        first = started(tmp_path)
        address = said(first)
        until(lambda: queue.job(job).state == "running")
        goes_on()
        ask(address, f"/api/v1/jobs/{job}/cancel", {})
        until(lambda: queue.job(job).state == "cancelled")
        done = queue.job(job).units_done
        assert len(list((tmp_path / "pictures").iterdir())) == done == ask(address, "/api/v1/gallery")["total"]
        last = [one["pid"] for one in queue.workers() if not gone(one["pid"])]
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) in (0, -signal.SIGTERM)
        assert len(last) == 1 and gone(last[0])
        queue.close()
    finally:
        first.kill()
        first.wait()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets other machines in: give --token-file FILE"),
        (["--port", "99999"], "--port 99999: use 1 to 65535"),
        (["--token-file", "nowhere"], "nowhere: there is no such file"),
        (["--host", "192.0.2.1", "--token-file", "token", "--no-worker"], "cannot listen on 192.0.2.1:7860"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from impasto.cli.main import main

    monkeypatch.chdir(tmp_path)
    token = tmp_path / "token"
    token.write_text("a secret of sixteen or more")
    token.chmod(0o600)
    with pytest.raises(SystemExit):
        main(["studio", "--workspace", str(tmp_path / "workspace"), *words])
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and error.count("\n") == 1

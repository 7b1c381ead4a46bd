"""The memory of one server and its worker after 200 and after 2,000 pictures.

    python benchmarks/studio_memory.py            # paintings of pocket, 64 px in one step
    python benchmarks/studio_memory.py --drawn    # squares in place of paintings: queue, server and gallery are the same

Every picture is painted by a job that a client left, and then looked at as the pages do: its events are read, it and its
small copy are fetched, and pages of the gallery and of the queue are asked for. Prints the resident memory (VmRSS) of both
processes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MARKS = (200, 2000)
EACH = 20  # pictures of a job


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def resident(number: int) -> float:
    """MB."""
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def listen(url: str) -> None:
    """Reads events as an open page does."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/events?after=0", timeout=600) as stream:
            for _ in stream:
                pass
    except OSError:
        return


def look(url: str, number: int) -> int:
    """Looks at all pictures of a job; returns how many there are."""
    while (job := ask(f"{url}/api/v1/jobs/{number}")["job"])["state"] in ("queued", "running"):
        time.sleep(0.2)
    if job["state"] != "done":
        raise SystemExit(f"job {number}: {job['error']}")
    ids = [one["id"] for part in ask(f"{url}/api/v1/jobs/{number}/parts") for one in part["pictures"]]
    for digits in ids:
        for _ in range(100):  # a job is done before the index has its last picture
            try:
                urllib.request.urlopen(f"{url}/api/v1/pictures/{digits}/thumbnail?side=256", timeout=60).read()
                break
            except urllib.error.HTTPError:
                time.sleep(0.1)
        urllib.request.urlopen(f"{url}/api/v1/pictures/{digits}", timeout=60).read()
    ask(f"{url}/api/v1/gallery?most=60")
    ask(f"{url}/api/v1/jobs?most=30")
    return len(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--port", type=int, default=7962)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="impasto-memory-"))
    words = [sys.executable, str(ROOT / "benchmarks" / "studio_queue.py"), "--serve", str(folder), "--port", str(given.port)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    server = subprocess.Popen([*words, *(["--drawn"] if given.drawn else [])], env={**os.environ, "PYTHONPATH": path})
    url, made, found = f"http://127.0.0.1:{given.port}", 0, []
    try:
        for _ in range(600):
            try:
                if ask(f"{url}/api/v1/queue")["workers"]:
                    break
            except OSError:
                pass
            time.sleep(0.2)
        threading.Thread(target=listen, args=(url,), daemon=True).start()
        while made < MARKS[-1]:
            job = {"kind": "paint", "prompt": f"boats {made}", "seed": made, "count": EACH, "steps": 1, "size": "64"}
            made += look(url, ask(f"{url}/api/v1/jobs", {"job": job})["id"])
            if made in MARKS:
                worker = ask(f"{url}/api/v1/queue")["workers"][0]["pid"]
                found.append((resident(server.pid), resident(worker)))
                print(f"after {made} pictures: server {found[-1][0]:.0f} MB, worker {found[-1][1]:.0f} MB", flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    (first, last) = found
    print(f"the server has {last[0] / first[0]:.2f} times, the worker {last[1] / first[1]:.2f} times what it had before")


if __name__ == "__main__":
    main()

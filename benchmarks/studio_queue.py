"""Nothing lost: many clients leave jobs to the studio while its server and its worker are killed at random.

    python benchmarks/studio_queue.py             # 1,000 paintings of 64 px in one step by pocket, 100 clients, 20 kills
    python benchmarks/studio_queue.py --drawn     # the same with squares in place of paintings: no checkpoint is loaded

Every client repeats a request until it is answered, with the same key. At the end every accepted job must have ended
exactly once, every picture must be there once and nothing else, and within a priority jobs must have ended in the order in
which they were accepted. Prints a line for each; the exit code is 1 if one does not hold.
"""

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from impasto.gallery.index import Gallery
from impasto.gallery.scanning import rebuild
from impasto.queue.publishing import content_id
from impasto.queue.reading import every_unit
from impasto.queue.records import State
from impasto.queue.store import Queue
from impasto.studio.serve import serve
from impasto.studio.settings import Limits, StudioSettings
from impasto.workspace import Workspace

ROOT = Path(__file__).parents[1]
PRIORITIES = (0, 0, 0, 5)


def served(folder: Path, port: int, drawn: bool) -> None:
    """A server, in a process of its own."""
    command = None
    if drawn:
        from tests.queue.drawn import stand_in

        stand_in()
        command = [sys.executable, str(ROOT / "tests" / "queue" / "worker_child.py"), str(folder), "supervised"]
    serve(StudioSettings(Workspace.open(folder), port=port, limits=Limits(rate=2000, burst=2000)), worker_command=command)


class Server:
    """The server's process, which is started again when it was killed."""

    def __init__(self, folder: Path, port: int, drawn: bool) -> None:
        self.words = [sys.executable, __file__, "--serve", str(folder), "--port", str(port), *(["--drawn"] if drawn else [])]
        self.folder, self.port = folder, port
        self.kills = {"server": 0, "worker": 0}
        self.start()

    def start(self) -> None:
        path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        self.process = subprocess.Popen(self.words, env={**os.environ, "PYTHONPATH": path})

    def kill_server(self) -> None:
        self.process.kill()
        self.process.wait()
        self.kills["server"] += 1
        self.start()

    def kill_worker(self, queue: Queue) -> None:
        for worker in queue.workers():
            try:
                os.kill(worker["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.kills["worker"] += 1
            return


def post(port: int, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        link.close()


def ask(port: int, seeds: list[int], accepted: dict[str, int], tries: list[float]) -> None:
    """One client: leaves a job for each seed, and repeats what was not answered."""
    for seed in seeds:
        key, priority = f"seed-{seed}", PRIORITIES[seed % len(PRIORITIES)]
        job = {"kind": "paint", "prompt": f"painting {seed}", "seed": seed, "steps": 1, "size": "64"}
        while True:
            started = time.monotonic()
            try:
                status, answer = post(port, "/api/v1/jobs", {"job": job, "priority": priority, "key": key})
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.1)
                continue
            tries.append(time.monotonic() - started)
            if status == 201:
                accepted[key] = int(str(answer["id"]))
                break
            if status not in (429, 503):
                raise SystemExit(f"the server answered {status}: {answer}")
            time.sleep(0.1)


def run(jobs: int, clients: int, kills: int, drawn: bool, port: int, draw: random.Random) -> bool:
    """Runs it all; returns whether everything holds."""
    folder = Path(tempfile.mkdtemp(prefix="impasto-queue-"))
    server = Server(folder, port, drawn)
    queue = Queue.open(Workspace.open(folder))
    accepted: dict[str, int] = {}
    tries: list[float] = []
    started = time.monotonic()
    threads = [
        threading.Thread(target=ask, args=(port, list(range(n, jobs, clients)), accepted, tries)) for n in range(clients)
    ]
    for thread in threads:
        thread.start()
    ended, asked = 0, 0.0
    while ended < jobs:
        counts = queue.counts()
        ended = counts.done + counts.failed + counts.cancelled
        # Kills are spread over the whole work, at random moments.
        if sum(server.kills.values()) < kills and ended >= jobs * sum(server.kills.values()) / (kills + 1):
            time.sleep(draw.uniform(0.0, 0.5))
            server.kill_server() if draw.random() < 0.5 else server.kill_worker(queue)
        if not asked and not any(thread.is_alive() for thread in threads):
            asked = time.monotonic() - started
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    print(f"{jobs} jobs by {clients} clients in {took:.0f} s, asked for within {asked or took:.0f} s")
    print(f"kills: {server.kills['server']} of the server, {server.kills['worker']} of the worker")
    print(f"answers: median {sorted(tries)[len(tries) // 2] * 1000:.0f} ms, slowest {max(tries) * 1000:.0f} ms")
    return check(queue, accepted, jobs)


def check(queue: Queue, accepted: dict[str, int], jobs: int) -> bool:
    """Prints what holds, and returns whether all does."""
    rows = [queue.job(number) for number in sorted(accepted.values())]
    files = sorted(path.name for path in queue.workspace.pictures.iterdir())
    named = [one.name for row in rows for unit in every_unit(queue, row.id) for one in unit.pictures]
    whole = all(content_id(queue.workspace.pictures / name) == name[-24:-4] for name in files)
    rows.sort(key=lambda row: row.position)
    times = [[row.finished_at or 0 for row in rows if row.priority == priority] for priority in set(PRIORITIES)]
    ordered = all(one == sorted(one) for one in times)
    gallery = Gallery.open(queue.workspace)
    before = gallery.page().total
    rebuild(gallery)
    numbers = set(accepted.values())
    holds = {
        f"{len(numbers)} jobs accepted, each once": len(numbers) == jobs == len(queue.jobs(most=10**6)),
        f"{sum(row.state is State.DONE for row in rows)} jobs done": all(row.state is State.DONE for row in rows),
        f"{len(files)} pictures, each once and whole": sorted(named) == files and len(set(named)) == jobs and whole,
        "order kept within each priority": ordered,
        "no unfinished file is left": not list(queue.workspace.place("work").iterdir()),
        f"{gallery.page().total} pictures in the gallery ({before} before its rebuild)": gallery.page().total == jobs,
    }
    for text, held in holds.items():
        print(("holds: " if held else "FAILS: ") + text)
    print(f"jobs taken up again after a death: {sum(row.attempts > 1 for row in rows)}")
    return all(holds.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=7961)
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--serve", type=Path)
    given = parser.parse_args()
    if given.serve is not None:
        served(given.serve, given.port, given.drawn)
    elif not run(given.jobs, given.clients, given.kills, given.drawn, given.port, random.Random(given.seed)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

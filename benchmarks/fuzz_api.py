"""Fuzzes every operation of the studio's OpenAPI document with schemathesis, and counts what comes back.

    python benchmarks/fuzz_api.py                     # 6,000 cases, about half of them against the schema
    python benchmarks/fuzz_api.py --cases 60000 --seed 3
    python benchmarks/fuzz_api.py --only /sdapi/      # the paths that begin so

A server of its own, on loopback and in a workspace that is thrown away, is asked over a socket. Jobs that it accepts are
cancelled at once, so the answers of AUTOMATIC1111's and OpenAI's APIs, which wait for their pictures, come at once, too:
what the jobs do when they run is the tests' affair. Prints the cases by status, and each fault with the request that shows
it: an answer of 500 or more, an error that is no sentence, or none at all. The exit code is 1 if there is a fault.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.errors import HypothesisException
from schemathesis import GenerationMode

from impasto.errors import ImpastoError
from impasto.queue.records import State
from impasto.studio.app import create_app
from impasto.studio.settings import Limits, StudioSettings
from impasto.studio.state import Studio
from impasto.workspace import Workspace

DOCUMENT = "/api/v1/openapi.json"
ENDLESS = ("/api/v1/events",)  # a stream without an end: asked by the tests
TIMEOUT = 60.0  # seconds for an answer
_UNCOUNTED = 10  # faults that are shown of one operation


@dataclass
class Found:
    """What came back: the number of answers by status, and the faults, each with its request."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    operations: int = 0

    @property
    def cases(self) -> int:
        """The number of cases."""
        return sum(self.statuses.values())


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Studio, str]]:
    """Serves a workspace in which every job is cancelled at once."""
    app = create_app(StudioSettings(Workspace.open(folder), port=0, limits=Limits(rate=1e6, burst=10**6, waiting_jobs=50)))
    studio: Studio = app.state.studio
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False, timeout_graceful_shutdown=2))
    thread, ended = threading.Thread(target=server.run, daemon=True), threading.Event()

    def cancel() -> None:
        while not ended.wait(0.02):
            with suppress(ImpastoError):
                if studio.queue.jobs((State.QUEUED,), most=1):
                    studio.queue.cancel_waiting()

    canceller = threading.Thread(target=cancel, daemon=True)
    thread.start()
    canceller.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("the server did not start")
        time.sleep(0.02)
    try:
        yield studio, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        ended.set()
        canceller.join(10)
        server.should_exit = True
        thread.join(30)


def fuzz(
    address: str, cases: int, seed: int = 0, only: str = "/", on_operation: Callable[[str], None] = lambda line: None
) -> Found:
    """Asks a server at least `cases` times, half of them against the schema, in rounds over all operations.

    An operation without parameters has few cases; so there are as many rounds, each with a seed of its own, as are needed.

    Args:
        address: such as http://127.0.0.1:7860.
        cases: in all, at least.
        seed: of what is asked.
        only: the beginning of the paths.
        on_operation: called with a line when an operation has been asked.
    """
    document = requests.get(f"{address}{DOCUMENT}", timeout=TIMEOUT).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address)
    operations = [one.ok() for one in schema.get_all_operations()]
    wanted = [one for one in operations if one.path.startswith(only) and one.path not in ENDLESS]
    found = Found(operations=len(wanted))
    if not wanted:
        raise SystemExit(f"no path begins with {only}")
    with requests.Session() as session:
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # else it would be asked for a page's token
        while found.cases < cases:
            each = max(1, -(-(cases - found.cases) // (2 * len(wanted))))
            for operation in wanted:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _ask(operation, mode, each, seed, address, session, found)
                on_operation(f"{operation.method.upper()} {operation.path}: {found.cases} cases, {len(found.faults)} faults")
            seed += 1
    return found


def _ask(operation: Any, mode: Any, cases: int, seed: int, address: str, session: requests.Session, found: Found) -> None:
    shown = 0

    @hypothesis_seed(seed)
    @settings(
        max_examples=cases, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        derandomize=False,
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal shown
        try:
            answer = case.call(base_url=address, session=session, timeout=TIMEOUT)
        except requests.RequestException as error:
            found.statuses[0] += 1
            fault = f"no answer: {error}"
        except (UnicodeError, ValueError):
            return  # no request at all: HTTP has no way to write it
        else:
            found.statuses[answer.status_code] += 1
            fault = _fault(answer.status_code, answer.content or b"")
        if fault and shown < _UNCOUNTED:
            shown += 1
            found.faults.append(f"{operation.method.upper()} {operation.path}: {fault}\n    {_command(case, address)}")

    try:
        ask()
    except HypothesisException as error:  # a field that cannot be wrong, such as a method without any
        if mode is GenerationMode.POSITIVE:
            found.faults.append(f"{operation.method.upper()} {operation.path}: nothing can be asked: {error}")


def _fault(status: int, body: bytes) -> str:
    if status >= 500 and status != 501:
        return f"{status} {body[:300]!r}"
    if status < 400:
        return ""
    try:
        told = json.loads(body)
        error = told.get("detail") or told["error"]
        sentence = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{status} without a sentence: {body[:300]!r}"
    return "" if isinstance(sentence, str) and sentence.strip() else f"{status} with an empty sentence"


def _command(case: Any, address: str) -> str:
    try:
        return case.as_curl_command()[:1000].replace(address, "http://127.0.0.1:7860")
    except Exception as error:
        return f"(the request cannot be written down: {error})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="/", metavar="PATH")
    words = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="impasto-fuzz-") as folder, serving(Path(folder)) as (_, address):
        found = fuzz(address, words.cases, words.seed, words.only, lambda line: print(line, file=sys.stderr))
    for status, count in sorted(found.statuses.items()):
        print(f"{status or 'none'}: {count}")
    for fault in found.faults:
        print(fault)
    print(
        f"{found.cases} cases of {found.operations} operations in {time.monotonic() - began:.0f} s, "
        f"{len(found.faults)} faults"
    )
    sys.exit(1 if found.faults else 0)


if __name__ == "__main__":
    main()

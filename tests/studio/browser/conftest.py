"""One studio with a tiny checkpoint, one browser, and a page of each test's own that must not log an error."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = os.environ.get("IMPASTO_BROWSER") == "needed"  # .ci/run says so: nothing is skipped there
# ms of a page, and three times as long for a job, whose worker may still start; a test waits for what happens only.
PATIENCE = 60_000
PROMPTS = ("boats at dusk", "a field of poppies")
PAINTED = ".stage img[src*='/api/v1/pictures/']"


@dataclass(frozen=True)
class RunningStudio:
    """A server and its workspace."""

    url: str
    workspace: Path
    cache: Path

    def ask(self, path: str, body: Any = None) -> Any:
        """Asks the API as a client that is no browser."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def upload(self, path: Path) -> str:
        """Sends a PNG, and returns its reference."""
        request = urllib.request.Request(self.url + "/api/v1/uploads", path.read_bytes(), {"content-type": "image/png"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["reference"]

    def wait(self, what: Callable[[], Any], text: str) -> Any:
        """Waits until `what` returns something."""
        until = time.monotonic() + 3 * PATIENCE / 1000
        while time.monotonic() < until:
            if found := what():
                return found
            time.sleep(0.1)
        raise AssertionError(f"waited in vain for {text}")

    def ended(self, number: int) -> dict[str, Any]:
        """Waits until a job has ended, and returns it."""

        def end() -> dict[str, Any] | None:
            job = self.ask(f"/api/v1/jobs/{number}")["job"]
            return job if job["state"] in ("done", "failed", "cancelled") else None

        return self.wait(end, f"the end of job {number}")

    def paint(self, **job: Any) -> list[str]:
        """Paints, and returns the ids of the pictures, which the gallery has."""
        number = self.ask("/api/v1/jobs", {"job": job})["id"]
        assert self.ended(number)["state"] == "done"
        parts = self.ask(f"/api/v1/jobs/{number}/parts")
        made = [one["id"] for part in parts for one in part["pictures"]]
        known = lambda: {one["id"] for one in self.ask("/api/v1/gallery?most=1000")["entries"]}  # noqa: E731
        self.wait(lambda: set(made) <= known(), "the index of the gallery")
        return made


@pytest.fixture(scope="session")
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The server, its worker, and four paintings by two artists. `IMPASTO_STUDIO="URL FOLDER"` names a running one."""
    _need_browser()
    from impasto.painting.credentials.trial import make_trial_certificates

    if given := os.environ.get("IMPASTO_STUDIO"):  # for whoever writes tests and does not want to wait for a start
        url, _, folder = given.partition(" ")
        yield _seeded(RunningStudio(url, Path(folder), Path(os.environ["IMPASTO_CACHE"])))
        return
    folder, pocket = tmp_path_factory.mktemp("studio"), request.getfixturevalue("tiny_pocket")
    own = {"IMPASTO_POCKET": str(pocket), "IMPASTO_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    environment = {**os.environ, **own, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "impasto", "studio", "--port", "0", "--workspace", str(folder / "workspace")]
    certificates = make_trial_certificates(folder / "certificates", "Ada")
    command += ["--sign-key", str(certificates.key), "--sign-certificate", str(certificates.certificate)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), (folder / "log").read_text()
            yield _seeded(RunningStudio(url, folder / "workspace", folder / "cache"))
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _seeded(studio: RunningStudio) -> RunningStudio:
    if not studio.ask("/api/v1/gallery")["total"]:
        artists = ["Claude Monet", "Rembrandt"]
        studio.paint(kind="batch", base={"steps": 2}, prompts=list(PROMPTS), artists=artists, seed=5)
    return studio


@pytest.fixture(scope="session")
def adapters(studio: RunningStudio, tiny_pocket: Path) -> None:
    """A concept and an untrained ControlNet in the cache's folders."""
    from impasto.adapters.control.nets import make_controlnet
    from impasto.adapters.textual_inversion import Concept, save_concept
    from impasto.checkpoints.load import load_components

    parts: Any = load_components(str(tiny_pocket))
    words = parts.text_encoder.get_input_embeddings().weight.detach()
    for name in ("concepts", "controls"):
        (studio.cache / name).mkdir(parents=True, exist_ok=True)
    save_concept(studio.cache / "concepts" / "blue-hour.safetensors", Concept("<blue-hour>", words[5:7].clone()))
    make_controlnet(parts.unet).save_pretrained(studio.cache / "controls" / "strokes")


@pytest.fixture(scope="session")
def catalogue(studio: RunningStudio) -> str:
    """A catalogue of twelve pictures by two artists."""
    folder = studio.workspace / "catalogues" / "two artists"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(12):
        artist = ("Claude Monet", "Rembrandt")[number % 2]
        image = Image.effect_noise((96, 96), 40 + number).convert("RGB")
        image.paste(((200, 220, 250), (60, 40, 20))[number % 2], (number, 8, 64, 70))
        image.save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "text": f"a square, {number}", "artist": artist})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return folder.name


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium. Playwright's event loop refuses that of later tests of this process: MCP's run first."""
    _need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def new_page(browser: Any, studio: RunningStudio, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Opens pages: `new_page("/gallery", width=360)`; `beside` opens one in the same window as another page."""
    errors: list[str] = []
    refused = request.node.get_closest_marker("refused") is not None  # the browser logs each answer that is an error
    contexts: list[Any] = []

    def make(path: str = "/", *, width: int = 1280, height: int = 800, dark: bool = False, beside: Any = None) -> Any:
        if beside is None:
            scheme = "dark" if dark else "light"
            size = {"width": width, "height": height}
            contexts.append(browser.new_context(base_url=studio.url, viewport=size, color_scheme=scheme))
        page = (contexts[-1] if beside is None else beside.context).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: errors.append(f"{said.text} {said.location}") if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        go(page, path)
        return page

    yield make
    for context in contexts:
        context.close()
    if refused:
        assert any("422" in one for one in errors)
        errors = [one for one in errors if "status of 422" not in one]
    assert not errors, "the browser's console has errors: " + "; ".join(errors[:5])


def go(page: Any, path: str) -> None:
    """Opens a page, and waits until its script is ready."""
    page.goto(path)
    ready(page)


def ready(page: Any) -> None:
    """Waits until the script of a page is ready."""
    page.wait_for_selector("html[data-ready]", state="attached")


def _need_browser() -> None:
    reason = ""
    if CHROMIUM is None:
        reason = "chromium is not installed: `make test-browser` installs it"
    else:
        try:
            import axe_playwright_python
            import playwright  # noqa: F401

            del axe_playwright_python
        except ImportError:
            reason = "playwright or axe-playwright-python is not installed: pip install -e '.[dev]'"
    if reason and NEEDED:
        pytest.fail(reason)
    elif reason:
        pytest.skip(reason)


def use_few_steps(page: Any) -> None:
    page.fill("#steps", "2")


def axe_findings(page: Any) -> list[str]:
    """The serious and critical findings of axe-core, by WCAG 2.2 AA."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    page.evaluate("scrollTo(0, 0)")  # else a field that is half below the bar counts as a target that is too small
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in serious]

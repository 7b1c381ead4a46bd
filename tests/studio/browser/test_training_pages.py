"""What people do on the pages Data and Runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.studio.browser.conftest import PAINTED, RunningStudio, axe_findings, ready, use_few_steps

from impasto.data.annotations.review import ReviewSession
from impasto.training.runs.record import RunRecord


@pytest.fixture(scope="module")
def run_folder(studio: RunningStudio) -> Path:
    """A training's folder with what trainings write: its record, losses, validation pictures."""
    folder = studio.workspace / "runs" / "waves"
    (folder / "validation").mkdir(parents=True)
    RunRecord("lora", ("train", "lora"), {"rank": 4}, 1, "2026-01-01T00:00:00+00:00", "0.1.0", str(folder)).write(folder)
    rows = [{"step": n, "seconds": n / 2, "share": n / 100, "loss": 1 / (n + 1)} for n in range(60)]
    (folder / "losses.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    for step in (20, 40):
        Image.new("RGB", (64, 32), (step, 90, 120)).save(folder / "validation" / f"step-{step:06d}.png")
    return folder


def unfold(page: Any, fold: str) -> None:
    """Opens a form that is folded, unless there is nothing yet and it is open by itself."""
    if page.get_attribute(fold, "open") is None:
        page.click(f"{fold} summary")


def test_pictures_are_imported_and_reviewed_on_the_terminals_log(new_page, studio, catalogue, tmp_path):
    files = []
    for number, text in enumerate(("a blue square", "a green square", "a grey square")):
        path = tmp_path / f"square{number}.png"
        noise = Image.effect_noise((96, 96), 60).convert("RGB")
        noise.paste(((40, 80, 160), (30, 120, 50), (120, 120, 120))[number], (8 * number, 10, 60, 60))
        noise.save(path)
        path.with_suffix(".txt").write_text(text, encoding="utf-8")
        files += [path, path.with_suffix(".txt")]
    page = new_page("/data")
    unfold(page, "[data-import]")
    page.fill("#name", "sea")
    page.set_input_files("#files", files)
    page.click("#import button[type=submit]")
    page.select_option("#order", "name")
    page.wait_for_selector("[data-caption]:has-text('a blue square')")  # it takes the place of the catalogue that was shown
    page.locator("main").focus()
    page.keyboard.press("a")
    page.wait_for_selector("[data-caption]:has-text('a green square')")
    page.keyboard.press("e")
    page.locator("[data-caption] textarea").fill("a green square with noise")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-caption]:has-text('a grey square')")
    page.keyboard.press("r")
    page.wait_for_selector("[data-item]:has-text('Nothing is left')")
    page.keyboard.press("u")
    page.wait_for_selector("[data-caption]:has-text('a grey square')")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-caption]:has-text('a grey square')")
    terminal = ReviewSession(studio.workspace / "catalogues" / "sea", order="name", only="all")
    assert terminal.waiting == 3 and terminal.current is not None and terminal.current.verdict is not None
    terminal.skip()
    assert terminal.current.caption == "a green square with noise"


def test_a_training_is_watched(new_page, studio, run_folder):
    page = new_page("/runs")
    page.wait_for_selector("svg.chart")
    assert "Loss by step" in page.get_attribute("svg.chart", "aria-label")
    page.wait_for_selector("img.validation[src$='/40']")
    page.focus("[data-run] input[type=range]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("img.validation[src$='/20']")
    page.reload()
    ready(page)
    page.wait_for_selector("svg.chart")
    assert not axe_findings(page)


def test_a_training_is_begun_stopped_resumed_and_a_finished_one_paints(new_page, studio, catalogue):
    page = new_page("/runs")
    page.wait_for_selector(f"#catalogue option[value='{catalogue}']", state="attached")

    def begin(name: str, steps: int) -> int:
        unfold(page, "[data-new]")
        page.select_option("#catalogue", catalogue)
        page.fill("#name", name)
        page.fill("#trigger", "in my way")
        page.fill("#consent", "I, who painted them")
        page.fill("#steps", str(steps))
        page.fill("#lora_rank", "2")
        page.click("#form button[type=submit]")
        page.wait_for_selector(".toast:has-text('was added')")
        return studio.ask("/api/v1/jobs?kind=train/lora&most=1")[0]["id"]

    number = begin("long", 100_000)
    page.wait_for_selector("[data-run] h2:has-text('long')")
    page.wait_for_selector("[data-run] .badge.running")
    page.click("[data-run] button:has-text('Stop')")
    paused = lambda: (job := studio.ask(f"/api/v1/jobs/{number}")["job"])["state"] == "queued" and job["paused"]  # noqa: E731
    studio.wait(paused, "the end of its present step")
    page.wait_for_selector("[data-run] button:has-text('Go on')")
    page.reload()
    ready(page)
    before = studio.ask("/pages/runs/long")["step"]
    page.click("[data-run] button:has-text('Go on')")
    studio.wait(lambda: studio.ask("/pages/runs/long")["step"] > before, "the next step")
    page.wait_for_selector("[data-run] button:has-text('Stop')")
    page.click("[data-run] button:has-text('Stop')")
    studio.wait(paused, "the second stop")
    studio.ask(f"/api/v1/jobs/{number}/cancel", {})
    assert studio.ask("/pages/runs/long")["choices"]["consent"] == "I, who painted them"

    done = begin("short", 3)
    assert studio.ended(done)["state"] == "done"
    page.click("[data-list] button:has-text('short')")
    page.wait_for_selector("[data-run] .badge.complete")
    page.click("[data-run] a:has-text('Paint with it')")
    ready(page)
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "a pond, in my way")
    use_few_steps(page)
    page.click("[data-paint]")
    page.wait_for_selector(f"{PAINTED}[alt*='a pond, in my way']")
    entry = studio.ask("/api/v1/gallery?text=pond%20way")["entries"][0]
    loras = studio.ask(f"/api/v1/pictures/{entry['id']}/record")["record"]["loras"]
    assert [one["name"] for one in loras] == ["short"] or loras[0]["path"].endswith("short")

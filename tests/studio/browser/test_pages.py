"""What people do in the studio's pages, in a real browser. All in one file: its tests share one server and one browser."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from tests.studio.browser.conftest import PATIENCE, PROMPTS, RunningStudio, go, ready

import impasto
from impasto.data.annotations.review import ReviewSession
from impasto.training.runs.record import RunRecord

PAGES = ("/", "/gallery", "/queue", "/canvas", "/grid", "/runs", "/data", "/judge")
ICON = Path(impasto.__file__).parent / "studio" / "pages" / "static" / "icon.svg"
PAINTED = ".stage img[src*='/api/v1/pictures/']"


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


def use_few_steps(page: Any) -> None:
    page.fill("#steps", "2")


def axe_findings(page: Any) -> list[str]:
    """The serious and critical findings of axe-core, by WCAG 2.2 AA."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in serious]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_and_fits_a_phone(new_page, studio, path):
    page = new_page(path, dark=True)
    assert not axe_findings(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_selector("html[data-theme=light]", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not axe_findings(page)
    page.reload()  # as a phone opens it
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("nav a[aria-current=page]").is_visible()


def test_a_prompt_is_painted_by_keys_and_a_reload_loses_nothing(new_page, studio):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "a small harbour")
    use_few_steps(page)
    page.focus("#artist")
    page.keyboard.type("klimt")
    page.wait_for_selector("#artist-options li")
    assert "30" in page.inner_text("#artist-options li")  # the works that the checkpoint has seen
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#artist") == "Gustav Klimt"
    before = len(studio.ask("/api/v1/jobs?most=1000"))
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"{PAINTED}[alt='a small harbour']")
    assert len(studio.ask("/api/v1/jobs?most=1000")) == before + 1
    page.reload()
    ready(page)
    assert page.input_value("#prompt") == "a small harbour"
    assert page.input_value("#artist") == "Gustav Klimt" and page.input_value("#steps") == "2"
    go(page, "/queue")
    page.go_back()
    ready(page)
    assert page.input_value("#prompt") == "a small harbour"
    entry = studio.ask("/api/v1/gallery?most=1")["entries"][0]
    assert (entry["prompt"], entry["artist"], entry["steps"]) == ("a small harbour", "Gustav Klimt", 2)


def test_a_reload_in_the_middle_shows_what_runs(new_page, studio):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "slow clouds")
    page.fill("#steps", "999")
    page.click("[data-paint]")
    page.wait_for_selector("[data-stop]:not([disabled])")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-stop]:not([disabled])")
    number = studio.ask("/api/v1/jobs?state=running")[0]["id"]
    page.focus("#prompt")
    page.keyboard.press("Escape")  # stops
    assert studio.ended(number)["state"] == "cancelled"
    page.wait_for_selector("[data-stop][disabled]")


def test_two_tabs_keep_their_own_prompts_and_show_the_same_pictures(new_page, studio):
    first = new_page("/")
    second = new_page("/", beside=first)
    for page, words in ((first, "the first tab"), (second, "the second tab")):
        page.locator("[name=live]").uncheck()
        use_few_steps(page)
        page.fill("#prompt", words)
    first.bring_to_front()
    first.click("[data-paint]")
    first.wait_for_selector(f"{PAINTED}[alt='the first tab']")
    second.bring_to_front()
    second.wait_for_selector(".strip button[aria-label='Open the first tab']")
    for page, words in ((first, "the first tab"), (second, "the second tab")):
        page.reload()
        ready(page)
        assert page.input_value("#prompt") == words


def test_the_live_preview_follows_the_typing_and_leaves_nothing_behind(new_page, studio):
    page = new_page("/")
    jobs, pictures = studio.ask("/api/v1/jobs?most=1000"), studio.ask("/api/v1/gallery")["total"]
    page.fill("#prompt", "an orchard in bloom")
    page.wait_for_selector(".stage img[src^='blob:'][alt*='an orchard in bloom']")
    page.fill("#prompt", "an orchard in snow")
    page.wait_for_selector(".stage img[src^='blob:'][alt*='an orchard in snow']")
    assert studio.ask("/api/v1/jobs?most=1000") == jobs and studio.ask("/api/v1/gallery")["total"] == pictures


@pytest.mark.refused
def test_wrong_values_are_said_at_their_field_and_hostile_words_stay_words(new_page, studio):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "<img src=x onerror=\"document.title='taken'\"> __")
    page.fill("#width", "17")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".toast.error")
    assert page.get_attribute("#width", "aria-invalid") == "true"
    page.fill("#width", "")
    use_few_steps(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"{PAINTED}[alt*='onerror']")
    go(page, "/queue")
    page.wait_for_selector("[data-ended] .title:has-text('<img src=x')")
    assert "taken" not in page.title() and page.locator("img[src='x']").count() == 0


def test_weights_history_and_wildcards_of_the_prompt(new_page):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "a red {boat|mill}")
    page.evaluate("document.querySelector('#prompt').setSelectionRange(3, 3)")
    page.focus("#prompt")
    page.keyboard.press("Control+ArrowUp")
    assert page.input_value("#prompt") == "a (red:1.1) {boat|mill}"
    page.keyboard.press("Control+ArrowDown")
    assert page.input_value("#prompt") == "a red {boat|mill}"
    page.click("summary:has-text('Wildcards')")
    page.wait_for_selector("[data-wildcards] li")
    assert set(page.locator("[data-wildcards] li").all_inner_texts()) <= {"a red boat", "a red mill"}


def test_a_picture_is_opened_starred_binned_and_brought_back(new_page, studio):
    from playwright.sync_api import expect

    for entry in studio.ask("/api/v1/gallery?text=poppies")["entries"]:
        studio.ask(f"/api/v1/gallery/{entry['id']}/star", {"starred": False})
    page = new_page("/gallery?text=poppies")
    page.wait_for_selector(".cell")
    assert page.locator(".cell").count() == 2
    page.focus(".cell button")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] dl.record")
    assert PROMPTS[1] in page.inner_text("dl.record") and "Rembrandt" in page.inner_text("dl.record")
    page.keyboard.press(".")
    page.wait_for_selector("dialog [data-star][aria-pressed=true]")
    page.go_back()  # closes the picture and keeps the place
    page.wait_for_selector("dialog", state="detached")
    assert page.url.endswith("/gallery?text=poppies")
    page.wait_for_selector(".cell .mark")
    page.go_forward()
    page.wait_for_selector("dialog[open] dl.record")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.reload()
    ready(page)
    assert page.input_value("#text") == "poppies"
    page.wait_for_selector(".cell")
    page.focus(".cell button")
    page.keyboard.press("Delete")
    expect(page.locator(".cell")).to_have_count(1, timeout=PATIENCE)
    page.click(".toast button:has-text('Undo')")
    expect(page.locator(".cell")).to_have_count(2, timeout=PATIENCE)


def test_a_wall_of_many_pictures_has_few_elements_and_keeps_its_place(new_page, studio):
    """The browser's side of 100,000 pictures; the server's is in benchmarks/gallery.py."""
    first = studio.ask("/api/v1/gallery?most=1")["entries"][0]
    count = 5000

    def answer(route: Any) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        begin, most = int(query.get("after", ["0"])[0]), int(query["most"][0])
        numbers = range(begin, min(count, begin + most))
        entries = [{**first, "id": f"{n:020x}", "prompt": f"picture {n}", "starred": False} for n in numbers]
        after = str(numbers[-1] + 1) if numbers[-1] + 1 < count else None
        route.fulfill(json={"entries": entries, "next": after, "total": None if begin else count})

    page = new_page("/judge")
    page.route("**/api/v1/gallery?*", answer)
    page.route("**/thumbnail?*", lambda route: route.fulfill(path=str(ICON), content_type="image/svg+xml"))
    page.route("**/star", lambda route: route.fulfill(json={**first, "starred": True}))
    go(page, "/gallery")
    page.wait_for_selector("[data-total]:has-text('5,000')")
    page.evaluate("document.querySelector('[data-wall]').scrollTop = 1e9")
    page.wait_for_selector("[aria-label='picture 4999']")
    assert page.locator(".cell").count() < 120
    page.evaluate("document.querySelector('[data-wall]').scrollTop /= 2")
    page.wait_for_selector(".cell >> nth=20")
    place = "document.querySelector('[data-wall]').scrollTop"
    page.locator(".cell button").nth(30).evaluate("one => one.focus({ preventScroll: true })")
    before = page.evaluate(place)
    page.keyboard.press(".")
    page.wait_for_selector(".cell .mark")
    assert page.evaluate(place) == before
    assert page.evaluate("document.activeElement.getAttribute('aria-label').endsWith('★')")


def test_two_pictures_are_compared_by_keys(new_page):
    page = new_page("/gallery")
    page.wait_for_selector(".cell")
    page.focus(".cell button")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.wait_for_selector("dialog .compare img >> nth=1")
    page.focus("dialog input[type=range]")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.querySelector('.compare .line').style.left") == "40%"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_a_remix_takes_all_but_the_seed(new_page, studio):
    from playwright.sync_api import expect

    entry = studio.ask("/api/v1/gallery?text=dusk&artist=Rembrandt")["entries"][0]
    page = new_page(f"/gallery#{entry['id']}")
    page.wait_for_selector("dialog[open] dl.record")
    page.click("dialog a:has-text('Remix')")
    ready(page)
    expect(page.locator("#prompt")).to_have_value(PROMPTS[0], timeout=PATIENCE)
    assert page.input_value("#artist") == "Rembrandt" and page.input_value("#seed") == ""
    go(page, f"/?recall={entry['id']}&what=all")
    assert page.input_value("#seed") == str(entry["seed"]) and page.url == studio.url + "/"


def test_the_queue_is_paused_ordered_cancelled_and_goes_on(new_page, studio):
    page = new_page("/queue")
    page.click("[data-pause]")
    page.wait_for_selector("[data-summary]:has-text('the queue is paused')")
    jobs = [studio.ask("/api/v1/jobs", {"job": {"kind": "paint", "prompt": word, "steps": 2}})["id"] for word in "abc"]
    page.wait_for_selector(f"[data-job='{jobs[2]}'] [data-act='job.front']")
    page.focus(f"[data-job='{jobs[2]}'] [data-act='job.front']")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-active] > [data-job='{jobs[2]}']:first-child")
    page.click(f"[data-job='{jobs[1]}'] [data-act='job.cancel']")
    page.wait_for_selector(f"[data-ended] [data-job='{jobs[1]}'] .badge.cancelled")
    page.reload()
    ready(page)
    page.wait_for_selector(f"[data-active] > [data-job='{jobs[2]}']:first-child")
    page.click("[data-pause]")
    page.wait_for_selector(f"[data-ended] [data-job='{jobs[0]}'] .badge.done")
    assert studio.ended(jobs[2])["finished_at"] < studio.ended(jobs[0])["finished_at"]
    page.click(f"[data-job='{jobs[1]}'] [data-act='retry']")
    page.wait_for_selector(f"[data-ended] [data-job='{jobs[1]}'] .badge.done")
    assert studio.ended(jobs[1])["state"] == "done"


def test_a_mask_is_drawn_kept_and_painted(new_page, studio):
    entry = studio.ask("/api/v1/gallery?text=dusk")["entries"][0]
    page = new_page(f"/canvas?file=picture:{entry['id']}")
    before = studio.ask("/api/v1/gallery?text=lighthouse")["total"]
    page.fill("#prompt", "a lighthouse")
    use_few_steps(page)
    page.fill("#count", "1")
    page.click("[data-paint]")
    page.wait_for_selector(".toast.error:has-text('Paint over')")
    place = page.locator("[data-over]").bounding_box()
    page.mouse.move(place["x"] + 40, place["y"] + 40)
    page.mouse.down()
    page.mouse.move(place["x"] + 120, place["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_selector("[data-undo]:not([disabled])")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-undo]:not([disabled])")  # the stroke is still there
    page.focus("#prompt")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-results] button")
    made = studio.ask("/api/v1/gallery?text=lighthouse")["entries"]
    assert len(made) == before + 1
    record = studio.ask(f"/api/v1/pictures/{made[0]['id']}/record")["record"]
    assert record["edit"] and record["prompt"] == "a lighthouse"


def test_edges_are_pulled_by_the_keyboard_alone(new_page, studio):
    entry = studio.ask("/api/v1/gallery?text=dusk")["entries"][0]
    page = new_page(f"/canvas?file=picture:{entry['id']}")
    page.check("input[name=mode][value=outpaint]")
    page.focus("[data-handle=right]")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.input_value("#edge-right") == "32"
    page.fill("#prompt", "a wide shore")
    use_few_steps(page)
    page.fill("#count", "1")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-results] button")
    made = studio.ask("/api/v1/gallery?text=shore")["entries"][0]
    assert (made["width"], made["height"]) == (entry["width"] + 32, entry["height"])


@pytest.mark.refused
def test_a_sheet_is_painted(new_page, studio):
    page = new_page("/grid")
    page.fill("#prompt", "a pond")
    use_few_steps(page)
    page.select_option("#rows-axis", "seed")
    page.fill("#rows-values", "1-2")
    page.select_option("#columns-axis", "artist")
    page.fill("#columns-values", "@/etc/passwd")
    page.click("[data-paint]")
    page.wait_for_selector(".toast.error:has-text('type the values')")
    page.fill("#columns-values", "Claude Monet, none")
    page.click("[data-paint]")
    page.wait_for_selector("[data-sheets] img")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-sheets] img")
    assert page.input_value("#rows-values") == "1-2"


def test_pictures_are_imported_and_reviewed_on_the_terminals_log(new_page, studio, tmp_path):
    files = []
    for number, text in enumerate(("a blue square", "a green square", "a grey square")):
        path = tmp_path / f"square{number}.png"
        noise = Image.effect_noise((96, 96), 60).convert("RGB")
        noise.paste(((40, 80, 160), (30, 120, 50), (120, 120, 120))[number], (8 * number, 10, 60, 60))
        noise.save(path)
        path.with_suffix(".txt").write_text(text, encoding="utf-8")
        files += [path, path.with_suffix(".txt")]
    page = new_page("/data")
    page.fill("#name", "sea")
    page.set_input_files("#files", files)
    page.click("#import button[type=submit]")
    page.wait_for_selector("[data-review] .review img")
    page.select_option("#order", "name")
    page.wait_for_selector("[data-caption]:has-text('a blue square')")
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


def test_blind_pairs_are_judged_by_keys(new_page, studio):
    page = new_page("/judge")
    page.select_option("#by", "artist")
    page.wait_for_selector("#first option[value='Rembrandt']", state="attached")
    page.select_option("#first", "Claude Monet")
    page.select_option("#second", "Rembrandt")
    page.click("#form button[type=submit]")
    page.wait_for_selector(".pair img")
    assert "Monet" not in page.inner_html("[data-pair]") and "Rembrandt" not in page.inner_html("[data-pair]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("[data-pair] :text('1 votes')")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-pair] :text('1 votes')")
    page.keyboard.press("u")
    page.wait_for_selector("[data-pair] :text('0 votes')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-scores] li:has-text('of 1 decided')")
    assert not axe_findings(page)


def test_the_keyboard_alone_reaches_everything(new_page, studio):
    page = new_page("/gallery")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.locator("[data-help]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] table")
    assert not axe_findings(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("document.activeElement.matches('[data-help]')")
    page.wait_for_selector(".cell")
    page.focus(".cell button")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] dl.record")
    assert not axe_findings(page)


def test_the_log_in_page_is_accessible(new_page):
    page = new_page("/")
    page.goto("/login")
    assert not axe_findings(page)

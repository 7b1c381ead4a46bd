"""What people do in the gallery."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

from tests.studio.browser.conftest import PATIENCE, PROMPTS, axe_findings, go, ready

import impasto
from impasto.painting.credentials.embedded import holds_credentials

ICON = Path(impasto.__file__).parent / "studio" / "pages" / "static" / "icon.svg"


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
    page.wait_for_selector("[aria-label='picture 4999']", state="detached")  # else a cell that is about to go has the focus
    page.wait_for_selector(".cell >> nth=30")
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


def test_pictures_are_searched_by_what_they_show_and_by_their_seed(new_page, studio):
    studio.paint(kind="paint", prompt="an islet", steps=2, seed=777)
    found = studio.ask("/api/v1/gallery/search?words=boats%20at%20dusk&most=300")["found"]
    places = """() => [...document.querySelectorAll('.cell')].map((one) => [new DOMMatrix(one.style.transform), one])
        .sort(([a], [b]) => a.f - b.f || a.e - b.e).map(([_, one]) => one.querySelector('img').src)"""
    best = [one["entry"]["id"] for one in found[:3]]
    sorted_by_words = f"(best) => best.every((id, at) => ({places})()[at]?.includes(id))"
    page = new_page("/gallery")
    page.select_option("#way", "words")
    page.fill("#text", "boats at dusk")
    page.wait_for_function(sorted_by_words, arg=best)
    page.reload()
    ready(page)
    assert page.input_value("#way") == "words" and page.input_value("#text") == "boats at dusk"
    page.wait_for_function(sorted_by_words, arg=best)
    go(page, "/gallery")
    page.fill("#seed", "777")
    page.wait_for_selector("[data-total]:text-is('1 picture')")
    page.wait_for_selector(".cell button[aria-label='an islet']")
    assert page.locator(".cell").count() == 1 and page.url.endswith("?seed=777")
    page.fill("#seed", "five")
    page.wait_for_selector(".toast.error:has-text('whole number')")
    assert page.get_attribute("#seed", "aria-invalid") == "true"


def test_chosen_pictures_are_downloaded_with_and_without_credentials(new_page, studio, tmp_path):
    entries = studio.ask("/api/v1/gallery?text=poppies")["entries"]
    page = new_page("/gallery?text=poppies")
    page.wait_for_selector(".cell")
    page.click("[data-select]")
    page.click(f"[aria-label^='{entries[0]['prompt']}'] >> nth=0")
    page.click(f".cell img[src*='{entries[-1]['id']}']", modifiers=["Shift"])
    page.wait_for_selector(f"[data-selected]:has-text('{len(entries)} selected')")
    for choice, signed in (("As they are", False), ("With credentials", True)):
        page.click("[data-download]")
        assert not axe_findings(page)
        with page.expect_download(timeout=PATIENCE) as waiting:
            page.click(f"dialog button:has-text('{choice}')")
        waiting.value.save_as(tmp_path / "chosen.zip")
        with ZipFile(tmp_path / "chosen.zip") as packed:
            assert sorted(packed.namelist()) == sorted(one["name"] for one in entries)
            assert all(holds_credentials(packed.read(name)) == signed for name in packed.namelist())

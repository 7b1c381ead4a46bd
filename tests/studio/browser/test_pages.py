"""Every page is accessible; the queue, sheets, and the keyboard alone."""

import pytest
from tests.studio.browser.conftest import axe_findings, ready, use_few_steps

PAGES = ("/", "/gallery", "/queue", "/canvas", "/grid", "/runs", "/data", "/judge")


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
    page.fill("#prompt", "")  # what is painted stands on an axis alone
    page.select_option("#columns-axis", "")
    page.select_option("#rows-axis", "prompt")
    page.fill("#rows-values", "a pond; a wood")
    page.click("[data-paint]")
    page.wait_for_selector("[data-sheets] img >> nth=1")


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

"""What people do on the page Judge."""

import json

from tests.studio.browser.conftest import PATIENCE, axe_findings, ready


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
    page.wait_for_selector("[data-pair] :text('1 vote')")
    page.reload()
    ready(page)
    page.wait_for_selector("[data-pair] :text('1 vote')")
    page.keyboard.press("u")
    page.wait_for_selector("[data-pair] :text('0 votes')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-scores] li:has-text('of 1 decided')")
    assert not axe_findings(page)


def test_pictures_are_measured_and_copies_shown_side_by_side(new_page, studio, catalogue):
    page = new_page("/judge")
    page.wait_for_selector(f"#catalogue option[value='{catalogue}']", state="attached")
    page.select_option("#catalogue", catalogue)
    page.check("#few")
    page.click("#measure button")
    page.wait_for_selector("[data-reports] th:has-text('style probe')", timeout=3 * PATIENCE)
    probe = page.inner_text("[data-reports] tr:has-text('style probe') td")
    assert "artists by chance" in probe and probe.split()[0].replace(".", "").isdigit()
    assert str(studio.workspace) not in page.inner_text("[data-reports]")
    page.select_option("#what", "probe")
    page.click("#measure button")
    page.wait_for_selector("[data-reports] article >> nth=1", timeout=3 * PATIENCE)
    assert page.locator("[data-reports] article >> nth=0").locator("tr").count() == 1
    page.select_option("#training", catalogue)
    page.click("#search button")
    page.wait_for_selector("[data-copies] a", timeout=3 * PATIENCE)
    assert "copy" in page.inner_text("[data-copies] strong") and not axe_findings(page)
    with page.expect_popup() as waiting:
        page.click("[data-copies] a")
    report = waiting.value
    report.wait_for_selector("#pairs")
    assert report.locator("li img").count() >= 2 and report.evaluate("document.querySelector('img').naturalWidth") > 0


def test_a_papers_table_is_shown_and_what_hinders_one_is_said(new_page, studio, catalogue):
    folder = studio.workspace / "reproductions" / "first try"
    (folder / "report").mkdir(parents=True)
    table = {"header": ["prompts", "original", "retrained"], "rows": [["plain", "41.2", "<b>33.0</b>"]]}
    (folder / "report.json").write_text(json.dumps({"table": table}), encoding="utf-8")
    page_file = "<!doctype html><title>Table 1 &amp; more</title><p>as measured</p>"
    (folder / "report" / "report.html").write_text(page_file, encoding="utf-8")
    page = new_page("/judge")
    page.wait_for_selector("[data-reproductions] td:has-text('<b>33.0</b>')")
    assert "Table 1 & more" in page.inner_text("[data-reproductions]")
    headers = page.request.get(f"{studio.url}/pages/judging/reproductions/first%20try").headers
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    page.select_option("#works", catalogue)
    page.fill("#name", "second try")
    page.select_option("#paper", "wu2022")
    page.click("#reproduce button")
    page.wait_for_selector("[data-reproductions] .bad", timeout=3 * PATIENCE)  # the catalogue is much too small
    assert "second try" in page.inner_text("[data-reproductions] article:has(.bad)")
    assert not axe_findings(page)

"""What people do on the canvas."""

from typing import Any

from tests.studio.browser.conftest import RunningStudio, axe_findings, go, ready, use_few_steps


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


def draw_a_line(page: Any) -> None:
    place = page.locator("[data-over]").bounding_box()
    page.mouse.move(place["x"] + 30, place["y"] + 30)
    page.mouse.down()
    page.mouse.move(place["x"] + 90, place["y"] + 70, steps=3)
    page.mouse.up()


def test_undo_takes_the_stroke_of_what_is_shown(new_page, studio):
    entry = studio.ask("/api/v1/gallery?text=dusk")["entries"][0]
    page = new_page(f"/canvas?file=picture:{entry['id']}")
    page.check("input[name=mode][value=inpaint]")
    draw_a_line(page)
    page.wait_for_selector("[data-undo]:not([disabled])")
    page.check("input[name=mode][value=control]")
    page.select_option("#control_kind", "scribble")
    page.wait_for_selector("[data-undo]:disabled")  # the mask's stroke is not the scribble's
    draw_a_line(page)
    page.click("[data-undo]")
    page.wait_for_selector("[data-undo]:disabled")
    page.wait_for_selector("[data-redo]:not([disabled])")
    page.check("input[name=mode][value=inpaint]")
    page.wait_for_selector("[data-redo]:disabled")
    page.click("[data-undo]")
    page.wait_for_selector("[data-undo]:disabled")


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
    page.fill("#seed", "five")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".toast.error:has-text('whole number')")
    page.fill("#seed", "5")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-results] button")
    made = studio.ask("/api/v1/gallery?text=shore")["entries"][0]
    assert (made["width"], made["height"]) == (entry["width"] + 32, entry["height"])


def results(page: Any, studio: RunningStudio, text: str) -> dict[str, Any]:
    """Waits for the result of the canvas, and returns the record of the newest picture with this word."""
    page.wait_for_selector("[data-results] button")
    entry = studio.ask(f"/api/v1/gallery?text={text}")["entries"][0]
    return studio.ask(f"/api/v1/pictures/{entry['id']}/record")["record"]


def test_a_picture_is_painted_anew_as_a_whole(new_page, studio):
    entry = studio.ask("/api/v1/gallery?text=dusk")["entries"][0]
    page = new_page(f"/canvas?file=picture:{entry['id']}")
    page.check("input[name=mode][value=img2img]")
    page.evaluate("const one = document.querySelector('#strength'); one.value = 0.5; one.dispatchEvent(new Event('input'))")
    page.fill("#prompt", "a meadow")
    use_few_steps(page)
    page.fill("#count", "1")
    page.reload()
    ready(page)
    assert page.is_checked("input[value=img2img]") and page.locator("[data-over]").is_hidden()
    page.click("[data-paint]")
    record = results(page, studio, "meadow")
    assert (record["edit"]["kind"], record["edit"]["strength"]) == ("from", 0.5)
    assert record["edit"]["source"]["content_hash"].startswith(entry["id"])
    page.click("[data-results] button")
    page.click("dialog button:has-text('Go on with this one')")
    page.wait_for_selector("dialog", state="detached")
    assert "picture:" in page.evaluate("sessionStorage.getItem('impasto.easel')")


def test_a_drawing_and_then_a_pictures_colours_are_followed(new_page, studio, adapters):
    page = new_page("/canvas")
    page.click("[data-blank]")
    page.wait_for_selector("input[value=control]:checked")
    page.wait_for_selector("#control_net option[value=strokes]", state="attached")
    page.select_option("#control_net", "strokes")
    place = page.locator("[data-over]").bounding_box()
    page.mouse.move(place["x"] + 30, place["y"] + 30)
    page.mouse.down()
    page.mouse.move(place["x"] + 150, place["y"] + 120, steps=4)
    page.mouse.up()
    page.fill("#prompt", "a winding road")
    use_few_steps(page)
    page.fill("#count", "1")
    page.click("[data-paint]")
    control = results(page, studio, "winding")["controls"][0]
    assert control["condition"] == "scribble" and control["net"].endswith("strokes")
    entry = studio.ask("/api/v1/gallery?text=dusk")["entries"][0]
    go(page, f"/canvas?file=picture:{entry['id']}")
    page.wait_for_selector("#control_net option[value=strokes]", state="attached")
    assert page.input_value("#control_net") == "strokes" and page.locator("[data-over]").is_visible()
    page.select_option("#control_kind", "blur")
    page.select_option("#control_net", "strokes")
    assert page.locator("[data-over]").is_hidden() and not axe_findings(page)
    page.fill("#prompt", "a straight road")
    page.click("[data-paint]")
    found = lambda: studio.ask("/api/v1/gallery?text=straight")["entries"]  # noqa: E731
    made = studio.wait(found, "the second picture")[0]
    control = studio.ask(f"/api/v1/pictures/{made['id']}/record")["record"]["controls"][0]
    assert control["condition"] == "blur" and control["source"]["content_hash"].startswith(entry["id"])

"""What people do on the page Paint."""

import pytest
from PIL import Image
from tests.studio.browser.conftest import PAINTED, axe_findings, go, ready, use_few_steps


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


def test_expansions_are_found_used_and_batched(new_page, studio):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "boats at dusk")
    page.fill("#count", "1")
    use_few_steps(page)
    page.click("summary:has-text('Expansions')")
    page.click("[data-expand]")
    page.wait_for_selector(".expansion >> nth=1")
    texts = page.locator(".expansion > p").all_inner_texts()
    assert len(set(texts)) == len(texts) and all(text.startswith("boats at dusk") and len(text) > 14 for text in texts)
    terms = page.inner_text(".expansion .terms >> nth=0")
    assert "score" in terms and "from " in terms
    page.click(".expansion button:has-text('Add to the batch') >> nth=0")
    page.click(".expansion button:has-text('Use') >> nth=1")
    assert page.input_value("#prompt") == texts[1]
    page.reload()
    ready(page)
    assert page.input_value("#prompt") == texts[1] and page.input_value("#prompts") == texts[0]
    page.click("summary:has-text('Batch')")
    page.click("[data-batch]")
    page.wait_for_selector(".toast:has-text('1 painting is in the queue')")
    job = studio.ask("/api/v1/jobs?kind=batch&most=1")[0]
    assert studio.ended(job["id"])["state"] == "done"
    part = studio.ask(f"/api/v1/jobs/{job['id']}/parts")[0]
    assert studio.ask(f"/api/v1/pictures/{part['pictures'][0]['id']}/record")["record"]["prompt"] == texts[0]


def test_a_concept_and_a_picture_to_follow_are_in_the_painting(new_page, studio, adapters, tmp_path):
    page = new_page("/")
    page.locator("[name=live]").uncheck()
    page.fill("#prompt", "a harbour at rest")
    use_few_steps(page)
    page.click("summary:has-text('LoRAs and concepts')")
    page.select_option("[data-concept-new]", "blue-hour")
    page.click("[data-concept-add]")
    page.wait_for_selector("[data-concepts] .adapter")
    assert page.input_value("#prompt") == "a harbour at rest <blue-hour>"
    page.fill("[data-concepts] input", "1.3")
    assert page.input_value("#prompt") == "a harbour at rest (<blue-hour>:1.3)"
    Image.effect_noise((64, 64), 90).convert("RGB").save(tmp_path / "edges.png")
    page.click("summary:has-text('Follow a picture')")
    page.set_input_files("#control-file", tmp_path / "edges.png")
    page.select_option("[data-controls] select >> nth=0", "grey")
    page.select_option("[data-controls] select >> nth=1", "strokes")
    page.fill("[data-controls] input >> nth=0", "0.7")
    assert not axe_findings(page)
    page.reload()
    ready(page)
    page.wait_for_selector("[data-controls] img")
    assert page.input_value("[data-controls] select >> nth=1") == "strokes"
    page.click("[data-paint]")
    page.wait_for_selector(f"{PAINTED}[alt*='a harbour at rest']")
    entry = studio.ask("/api/v1/gallery?text=rest")["entries"][0]
    record = studio.ask(f"/api/v1/pictures/{entry['id']}/record")["record"]
    assert [one["name"] for one in record["concepts"]] == ["<blue-hour>"] and "1.3" in record["weights"]["prompt"]
    assert (record["controls"][0]["condition"], record["controls"][0]["weight"]) == ("grey", 0.7)
    page.click("[data-concepts] button")
    assert page.input_value("#prompt") == "a harbour at rest"
    go(page, f"/?recall={entry['id']}&what=all")
    page.wait_for_selector("[data-concepts] .adapter:has-text('blue-hour')")

"""A1111's text as tools and people write it: one line, any case, JSON values, pipes, numbers with commas."""

import json

import pytest

from impasto.painting.foreign.a1111 import parse_parameters, quote_setting
from impasto.painting.foreign.a1111_settings import parse_settings

SETTINGS = "Steps: 12, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 512x640"


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a mill Negative prompt: fog {SETTINGS}", "a mill", "fog"),
        (f"a mill {SETTINGS}", "a mill", ""),
        (f"a mill, dusk Negative prompt: fog\n{SETTINGS}", "a mill, dusk", "fog"),
        (f"a mill\nNegative prompt: fog {SETTINGS}", "a mill", "fog"),
        (f"a mill\nNegative Prompt: fog\n{SETTINGS.lower()}", "a mill", "fog"),
        (f"a mill\nNEGATIVE PROMPT : fog\n{SETTINGS.upper()}", "a mill", "fog"),
        (f"prompt: a mill\nNegative prompt: fog\n{SETTINGS}", "a mill", "fog"),
        (f"Positive prompt: a mill\nNegative prompt: fog\n{SETTINGS}", "a mill", "fog"),
        (f'a sign "Negative prompt: none"\nSteps: the long stair\nNegative prompt: fog\n{SETTINGS}',
         'a sign "Negative prompt: none"\nSteps: the long stair', "fog"),
        (f'a sign "Negative prompt: none" {SETTINGS}', 'a sign "Negative prompt: none"', ""),
        (f"a stair\nSteps: 3, Seed: 4, Model: of wood\nNegative prompt: fog\n{SETTINGS}",
         "a stair\nSteps: 3, Seed: 4, Model: of wood", "fog"),
        (f"a\r\nNegative prompt: b\r\n{SETTINGS}\r\n", "a", "b"),
        (SETTINGS, "", ""),
    ],
)  # fmt: skip
def test_prompts_are_cut_wherever_their_marks_stand(text, prompt, negative):
    record = parse_parameters(text)
    assert (record.prompt, record.negative) == (prompt, negative)
    assert (record.steps, record.guidance, record.seed, record.width, record.height) == (12, 7.0, 77, 512, 640)
    assert record.sampler.lower() == "euler a" and record.extra == {}


@pytest.mark.parametrize(
    "text",
    [
        "recipe poster\nSteps: mix, bake, eat",
        "a clock, Time: noon, Seed: apple, Size: small",
        "(a:1.2), (b:1.3), (c:0.9)",
        "three steps: 1, 2, 3",
        "Hires steps: 10, then a barn: red, a mill: white",
    ],
)
def test_words_that_look_like_settings_stay_in_the_prompt(text):
    record = parse_parameters(text)
    assert (record.prompt, record.extra, record.steps) == (text, {}, None)


def test_a_value_in_json_is_read_whole():
    hashes = {"lora:rust": "661870", "model": "07b985"}
    resources = [{"type": "checkpoint", "modelName": "Oat, Steps: 9"}, {"type": "lora", "weight": 0.4, "modelName": "Ink"}]
    inner = {"prompt": "x, Steps: 3, Seed: 4, Size: 64x64, Sampler: no", "seed": 5, "n": {"a": [1, "}"]}}
    text = (
        f"a mill\nSteps: 40, Hashes: {json.dumps(hashes)}, Seed: 77, Civitai resources: {json.dumps(resources)}, "
        f"Civitai metadata: {json.dumps(inner)}, Size: 512x640"
    )
    record = parse_parameters(text)
    assert (record.steps, record.seed, record.width, record.sampler) == (40, 77, 512, "")
    assert (record.tool, record.checkpoint, record.extra["loras"]) == ("Civitai", "Oat, Steps: 9", "Ink:0.4")
    assert json.loads(record.extra["Hashes"]) == hashes
    assert json.loads(record.extra["Civitai metadata"]) == inner
    one_line = parse_parameters(text.replace("\n", " "))
    assert (one_line.prompt, one_line.steps, one_line.seed) == ("a mill", 40, 77)
    # What is bracketed and no JSON is whole, too; what is never closed ends at the comma, as any value.
    styles = "['Oil, Steps: 3', 'Ink']"
    assert parse_settings(f"Steps: 1, Styles: {styles}, Seed: 3") == {"Steps": "1", "Styles": styles, "Seed": "3"}
    assert parse_settings("Steps: 1, Note: {a, b, Seed: 3") == {"Steps": "1", "Note": "{a", "Seed": "3"}
    cut_off = parse_parameters(
        'a mill Steps: 40, Seed: 77, Size: 512x640, Civitai metadata: {"prompt": "x, Steps: 3, Seed: 4'
    )
    assert (cut_off.prompt, cut_off.steps, cut_off.seed, cut_off.width) == ("a mill", 40, 77, 512)


@pytest.mark.parametrize("value", ['{"a": 1}', "[1, 2]", "{", "a | b"])
def test_our_own_values_are_not_taken_for_json(value):
    assert parse_settings(f"First: 1, Value: {quote_setting(value)}, Last: 2")["Value"] == value


@pytest.mark.parametrize(
    ("said", "guidance", "steps", "size"),
    [
        ("Steps: 20.0, CFG scale: 7,5, Size: 512 x 768", 7.5, 20, (512, 768)),
        ("Steps: 20, CFG Scale: 8.0, Size: 512×768", 8.0, 20, (512, 768)),
        ("Steps: 20, Guidance scale: 1e-1, Width: 512, Height: 768", 0.1, 20, (512, 768)),
        ("steps: 20, cfg_scale: 7, size: 512X768", 7.0, 20, (512, 768)),
        ('Steps: "20", CFG: "7.0", Size: "512x768"', 7.0, 20, (512, 768)),
        ("Steps: 20, Size: 512*768, CFG scale: 7,5", 7.5, 20, (512, 768)),
        ("Steps: 20, Width: 512px, Height: 768 px, CFG scale: 7", 7.0, 20, (512, 768)),
        ("Steps: 20, Size: 512 by 768, CFG scale: 7", 7.0, 20, (512, 768)),
        ("Steps: 2e1, CFG scale: .5, Sampler: x", 0.5, 20, (None, None)),
    ],
)
def test_numbers_as_people_write_them(said, guidance, steps, size):
    record = parse_parameters(f"a mill\n{said}, Seed: 12345678901234567890")
    assert (record.guidance, record.steps, (record.width, record.height)) == (guidance, steps, size)
    assert (record.seed, record.prompt, record.untold) == (12345678901234567890, "a mill", {})


def test_what_is_no_number_and_what_is_no_name():
    record = parse_parameters("a mill\nSteps: 20, Sampler: None, CFG scale: high, Seed: -1, Size: large, Model: undefined")
    assert (record.sampler, record.checkpoint, record.seed, record.guidance) == ("", "", None, None)
    assert list(record.untold) == ["seed", "guidance", "size"]
    assert "random" in record.untold["seed"] and "'high'" in record.untold["guidance"]
    assert parse_parameters("a\nSteps: 20, CFG scale: None, Seed: 3").untold == {}


def test_pipes_and_settings_before_the_steps():
    record = parse_parameters(
        "prompt: a mill\nNegative prompt: fog, (blur:2)\nVersion: aa62f6d, Pipeline: Original,\n"
        "Steps: 25 | Seed: 5 | Sampler: Euler a | CFG scale: 7 | Size: 768x512 | Model: a, b | Operations: "
        "| Hires upscale: 2"
    )
    assert (record.tool, record.prompt, record.negative) == ("SD.Next", "a mill", "fog, (blur:2)")
    assert (record.steps, record.seed, record.width, record.checkpoint) == (25, 5, 768, "a, b")
    assert record.extra == {"Version": "aa62f6d", "Pipeline": "Original", "Hires upscale": "2"}


@pytest.mark.parametrize(
    ("behind", "extra"),
    [
        ('AddNote: "first line\nsecond, line", Version: v1', {"AddNote": "first line\nsecond, line", "Version": "v1"}),
        ("ADetailer prompt: first line\nsecond line, Version: v1",
         {"ADetailer prompt": "first line\nsecond line", "Version": "v1"}),
        ("Version: v1\nUsed embeddings: oil [ab], ink [cd]", {"Version": "v1", "Used embeddings": "oil [ab]"}),
        ("Version: v1\nTemplate: a {x|y}, Steps: 99\nb\nNegative Template: fog, Seed: 3",
         {"Version": "v1", "Template": "a {x|y}, Steps: 99\nb", "Negative Template": "fog, Seed: 3"}),
        ("Hires steps: 10, Hires steps: 12", {"Hires steps": "10; 12"}),
        ("Seed: 4, Ensd: 31337", {"Seed": "4", "Ensd": "31337"}),
    ],
)  # fmt: skip
def test_what_stands_behind(behind, extra):
    record = parse_parameters(f"a mill\n{SETTINGS}, {behind}")
    assert (record.steps, record.seed, record.prompt) == (12, 77, "a mill")
    assert record.extra.items() >= extra.items()


def test_steps_need_not_come_first():
    record = parse_parameters("a mill\nSampler: Euler a, CFG scale: 7, Steps: 12, Seed: 77, Size: 512x640")
    assert (record.prompt, record.sampler, record.guidance, record.steps) == ("a mill", "Euler a", 7.0, 12)
    record = parse_parameters("a mill\nSeed: 77, Size: 512x640, Sampler: Euler a")
    assert (record.prompt, record.seed, record.steps) == ("a mill", 77, None)


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("Version: v1.9.4", "A1111"), ("Version: f2.0.1v1.10", "Forge"), ("Version: ComfyUI", "ComfyUI"),
        ("Version: Fooocus v2.5", "Fooocus"), ("Version: impasto 0.1.0", "impasto"),
        ("Seed Mode: Scale Alike", "Draw Things"),
        ("Version: stable-diffusion.cpp", "stable-diffusion.cpp"), ("Backend: Diffusers", "SD.Next"),
    ],
)  # fmt: skip
def test_the_tool(said, tool):
    assert parse_parameters(f"a mill\n{SETTINGS}, {said}").tool == tool


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a car, Negative prompt: blur, ugly, {SETTINGS}", "a car", "blur, ugly"),
        (f"a car, {SETTINGS}", "a car", ""),
        (f"a car, Negative prompt: , {SETTINGS}", "a car", ""),
        (f"a car,\nNegative prompt: blur,\n{SETTINGS}", "a car,", "blur,"),
        (f"a car,\nNegative prompt: blur, {SETTINGS}", "a car,", "blur"),
        (f"a car. Negative prompt: blur. {SETTINGS}", "a car.", "blur."),
    ],
)
def test_the_comma_that_cuts_a_line_belongs_to_no_prompt(text: str, prompt: str, negative: str) -> None:
    record = parse_parameters(text)
    assert (record.prompt, record.negative, record.steps) == (prompt, negative, 12)


def test_guidance_alone_is_the_guidance() -> None:
    record = parse_parameters("a mill\nSteps: 20, Sampler: Euler, Guidance: 7, Seed: 0")
    assert (record.guidance, record.extra) == (7.0, {})
    record = parse_parameters("a mill\nSteps: 20, Guidance: 3.5, Sampler: Euler, CFG scale: 1, Seed: 0")
    assert (record.guidance, record.extra) == (1.0, {"Guidance": "3.5"})
    assert "'high'" in parse_parameters("a mill\nSteps: 20, Sampler: Euler, Guidance: high, Seed: 0").untold["guidance"]

"""Records that are settings by name, in JSON or in a chunk each, and pictures that hold more than one record."""

import json
from typing import Any

import pytest
from tests.painting.foreign.graphs import graph

from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign


def read(**texts: Any) -> ForeignRecord:
    record = read_foreign({name: text if isinstance(text, str) else json.dumps(text) for name, text in texts.items()})
    assert record is not None
    return record


EASY = {"prompt": "a mill", "negative_prompt": "fog", "seed": 3456, "num_inference_steps": 25, "guidance_scale": 7.5,
        "width": 512, "height": 640, "use_stable_diffusion_model": "sd15", "sampler_name": "euler_a"}  # fmt: skip
WHOLE = ("a mill", "fog", 3456, "euler_a", 25, 7.5, 512, 640, "sd15")


def fields(record: ForeignRecord) -> tuple[Any, ...]:
    return (record.prompt, record.negative, record.seed, record.sampler, record.steps, record.guidance, record.width,
            record.height, record.checkpoint)  # fmt: skip


def test_easy_diffusion():
    labels = {"Prompt": "a mill", "Negative Prompt": "fog", "Seed": "3456", "Steps": "25", "Guidance Scale": "7.5",
              "Width": "512", "Height": "640", "Stable Diffusion model": "sd15", "Sampler": "euler_a"}  # fmt: skip
    chunks = {name: str(value) for name, value in EASY.items()}
    for texts in (chunks, labels, {"UserComment": EASY}):
        record = read(**texts, **({"clip_skip": "False"} if texts is chunks else {}))
        assert (record.tool, fields(record)) == ("Easy Diffusion", WHOLE)
    assert read(**chunks, clip_skip="False").extra == {"clip_skip": "False"}


@pytest.mark.parametrize("name", ["parameters", "UserComment", "stealth"])
def test_swarmui(name):
    params = {"prompt": "a mill", "negativeprompt": "fog", "model": "sd15", "seed": 3456, "steps": 25, "cfgscale": 7.5,
              "width": 512, "height": 640, "sampler": "euler_a", "loras": ["oil", "ink"], "loraweights": ["0.5", "1"],
              "refinerupscale": 2}  # fmt: skip
    record = read(**{name: {"sui_image_params": params, "sui_extra_data": {"date": "today"}}})
    assert (record.tool, fields(record)) == ("SwarmUI", WHOLE)
    assert record.extra == {"refinerupscale": "2", "sui_extra_data": '{"date": "today"}', "loras": "oil:0.5, ink:1"}


def test_fooocus_and_its_relatives():
    values = {"prompt": "a mill", "negative_prompt": "fog", "seed": "3456", "sampler": "euler_a", "scheduler": "karras",
              "steps": 25, "guidance_scale": 7.5, "resolution": "(512, 640)", "base_model": "sd15", "styles": "['Oil']",
              "performance": "Speed", "loras": [["oil.safetensors", 0.5, "ab12"]], "version": "Fooocus v2.5.5"}  # fmt: skip
    record = read(parameters=values, fooocus_scheme="fooocus")
    assert (record.tool, fields(record)) == ("Fooocus", WHOLE)
    assert record.extra == {"scheduler": "karras", "styles": "['Oil']", "performance": "Speed", "version": "Fooocus v2.5.5",
                            "loras": "oil.safetensors:0.5"}  # fmt: skip
    ruined = {"Prompt": "a mill", "Negative": "fog", "steps": 25, "cfg": 7.5, "width": 512, "height": 640, "seed": 3456,
              "sampler_name": "euler_a", "base_model_name": "sd15", "software": "RuinedFooocus", "loras": []}  # fmt: skip
    assert (read(parameters=ruined).tool, fields(read(parameters=ruined))) == ("RuinedFooocus", WHOLE)


def test_draw_things():
    values = {"c": "a mill", "uc": "fog", "seed": 3456, "sampler": "euler_a", "steps": 25, "scale": 7.5, "size": "512x640",
              "model": "sd15", "lora": [{"model": "oil", "weight": 0.5}], "strength": 1}  # fmt: skip
    record = read(UserComment=values)
    assert (record.tool, fields(record)) == ("Draw Things", WHOLE)
    assert record.extra == {"strength": "1", "loras": "oil:0.5"}


def test_civitais_graph_with_its_settings_beside():
    more = {"prompt": "a mill", "negativePrompt": "fog", "cfgScale": 7.5, "steps": 25, "seed": 3456, "sampler": "euler_a",
            "resources": [{"modelVersionId": 1}]}  # fmt: skip
    values = graph(extraMetadata=json.dumps(more), extra={"airs": []})
    record = read(UserComment=values)
    assert (record.tool, record.prompt, record.seed, record.steps, record.guidance) == ("Civitai", "a mill", 3456, 25, 7.5)
    assert (record.checkpoint, record.width) == ("sd15.safetensors", 512)  # of the graph
    assert record.extra["resources"] == '[{"modelVersionId": 1}]'


def test_midjourney():
    text = "a mill --ar 3:2 --no fog, rain --v 6.1 --raw Job ID: 0f8fad5b-d9cb-469f-a165-70867728950e"
    record = read(Description=text)
    assert (record.tool, record.prompt, record.negative) == ("Midjourney", "a mill", "fog, rain")
    assert record.extra["--ar"] == "3:2" and record.extra["--raw"] == "yes"
    assert read_foreign({"Description": "a mill --ar 3:2"}) is None


def test_settings_of_an_unknown_program_and_what_is_no_record():
    record = read(parameters={"prompt": "a mill", "seed": 3, "steps": 4, "made with": "love", "software": "Mine 1.0"})
    assert (record.tool, record.prompt, record.seed, record.steps) == ("Mine 1.0", "a mill", 3, 4)
    assert record.extra["made with"] == "love"
    record = read(prompt="a mill", seed="3", note="x")
    assert (record.tool, record.prompt, record.seed, record.extra) == ("unknown", "a mill", 3, {"note": "x"})
    for texts in ({"Comment": "Created with GIMP"}, {"UserComment": '{"a": 1}'}, {"Software": "Photoshop", "seed": "3"}):
        assert read_foreign(texts) is None
    with pytest.raises(RecordError, match="does not know"):
        read_foreign({"parameters": '{"idea": 1}'})


def test_values_that_cannot_be_understood_are_named():
    record = read(parameters={"prompt": "a mill", "seed": "apple", "steps": [], "cfg": "high"})
    assert record.untold == {"seed": "'apple' cannot be understood", "guidance": "'high' cannot be understood"}
    assert read(parameters={"prompt": "a", "seed": -1, "steps": 3}).untold == {"seed": "-1 means a random one"}


@pytest.mark.parametrize("place", ["UserComment", "ImageDescription", "Description", "stealth"])
def test_records_packed_into_one_json(place):
    record = read(**{place: {"prompt": graph(), "workflow": {"nodes": [], "links": []}}})
    assert (record.tool, record.prompt) == ("ComfyUI", "a mill")
    comment = json.dumps({"prompt": "a mill", "steps": 23, "seed": 9, "scale": 5, "uc": "fog", "sampler": "k_euler"})
    record = read(**{place: {"Software": "NovelAI", "Source": "V4", "Description": "a mill", "Comment": comment}})
    assert (record.tool, record.prompt, record.steps, record.checkpoint) == ("NovelAI", "a mill", 23, "V4")
    record = read(**{place: {"invokeai_metadata": {"positive_prompt": "a mill", "seed": 3}}})
    assert (record.tool, record.prompt) == ("InvokeAI", "a mill")
    record = read(**{place: {"parameters": "a mill\nSteps: 3, Seed: 4"}})
    assert (record.tool, record.prompt, record.seed) == ("A1111", "a mill", 4)


def test_names_of_chunks_in_any_case():
    assert read(Parameters="a mill\nSteps: 3, Seed: 4").seed == 4
    assert read(PROMPT=graph(), Workflow="{}").prompt == "a mill"


@pytest.mark.parametrize(
    "text",
    [
        "undefined ,, Negative prompt: undefined Steps: 1024, Sampler: x, CFG scale: 7.0, Seed: 13, Model: rev",
        "unknown\nNegative prompt: unknown\nSteps: 20, Sampler: euler_simple, CFG Scale: 8.0, Seed: 0, Size: 512x512",
        "Steps: 20, Sampler: None, Seed: 0",
        "(undefined:1), [object Object]\nSteps: 20, Seed: 0",
    ],
)
def test_the_graph_comes_before_placeholders(text):
    record = read(parameters=text + ", Version: ComfyUI", prompt=graph())
    assert (record.prompt, record.negative, record.seed, record.steps) == ("a mill", "fog", 5, 20)
    assert (record.width, record.height, record.checkpoint, record.sampler) == (512, 768, "sd15.safetensors", "euler")
    assert "seed: " in record.extra["beside the graph"]


def test_a_text_with_a_prompt_comes_before_the_graph_and_is_filled_from_it():
    record = read(parameters="a barge\nSteps: 3, Sampler: None, Seed: 9, Model: unknown", prompt=graph())
    assert (record.prompt, record.steps, record.seed) == ("a barge", 3, 9)
    assert (record.sampler, record.checkpoint, record.width, record.negative) == ("euler", "sd15.safetensors", 512, "fog")


def test_invokeai_loras_controls_and_flux():
    values = {
        "positive_prompt": "a mill", "negative_prompt": "fog", "seed": 9, "guidance": 4, "steps": 30, "width": 512,
        "height": 512, "model": {"name": "dream", "hash": "ab"}, "vae": {"name": "ft-mse"},
        "loras": [{"model": {"name": "rust style"}, "weight": 0.75}, {"lora": {"model_name": "old"}, "weight": 1}],
        "controlnets": [{"control_model": {"name": "canny"}, "control_weight": 0.8}], "ref_images": [],
    }  # fmt: skip
    record = read(invokeai_metadata=values)
    assert (record.guidance, record.checkpoint) == (4.0, "dream")
    assert record.extra == {
        "loras": "rust style:0.75, old:1", "vae": '{"name": "ft-mse"}', "model hash": "ab",
        "controlnets": '[{"control_model": {"name": "canny"}, "control_weight": 0.8}]',
    }  # fmt: skip


def test_invokeai_2_names_loras_in_its_prompt():
    values = {"image": {"prompt": "a mill withLora(rust, 0.75) [fog]", "seed": 3}}
    record = read(**{"sd-metadata": values})
    assert (record.prompt, record.negative, record.extra) == ("a mill", "fog", {"loras": "rust:0.75"})
    record = read(Dream='"a mill withLora(rust)" -s 3 -S 4')
    assert (record.prompt, record.seed, record.extra) == ("a mill", 4, {"loras": "rust"})


def test_novelai_without_its_name():
    comment = {"prompt": "a mill", "uc": "fog", "scale": 5, "steps": 3, "seed": 4, "signed_hash": "x"}
    assert read(Comment=comment).tool == "NovelAI"


def test_novelai_characters():
    def captions(base: str, *rows: Any) -> dict[str, Any]:
        return {"caption": {"base_caption": base, "char_captions": list(rows)}, "use_coords": True}

    comment = {
        "steps": 23, "seed": 8, "scale": 5, "sampler": "k_euler", "width": 512, "height": 640,
        "v4_prompt": captions("two figures", {"char_caption": "a miller", "centers": [{"x": 0.3, "y": 0.5}]}),
        "v4_negative_prompt": captions("fog", {"char_caption": "rain", "centers": []}, 5, {"char_caption": ""}),
    }  # fmt: skip
    record = read(Software="NovelAI", Comment=comment)
    assert (record.prompt, record.negative) == ("two figures", "fog")
    assert record.extra == {
        "character 1": "a miller (at 0.3, 0.5)", "prompt use_coords": "True", "negative character 1": "rain",
        "negative character 2": "5", "negative prompt use_coords": "True",
    }  # fmt: skip


TENSORART = {
    "prompt": "a mill", "negativePrompt": "fog", "width": 512, "height": 768, "steps": 25, "samplerName": "Euler a",
    "cfgScale": 7, "seed": "99", "baseModel": {"modelFileName": "dream", "hash": "ab"}, "clipSkip": 2,
    "models": [{"modelFileName": "ink", "type": "LORA", "weight": 0.8}],
}  # fmt: skip


@pytest.mark.parametrize("name", ["generation_data", "Generation_Data"])
def test_tensorart(name: str) -> None:
    record = read(**{name: json.dumps(TENSORART) + "\0"})
    assert record.tool == "TensorArt"
    assert fields(record) == ("a mill", "fog", 99, "Euler a", 25, 7.0, 512, 768, "dream")
    assert record.extra == {"clipSkip": "2", "loras": "ink:0.8", "baseModel": '{"modelFileName": "dream", "hash": "ab"}'}
    rows = [*TENSORART["models"], {"modelFileName": "easynegative", "type": "EMBEDDING"}]
    record = read(**{name: {**TENSORART, "models": rows}})
    assert record.extra["loras"] == "ink:0.8" and "easynegative" in record.extra["models"]


def test_diffusers_arguments_are_not_easy_diffusion_s() -> None:
    values = {"prompt": "a mill", "negative_prompt": "fog", "num_inference_steps": 20, "guidance_scale": 7.5, "seed": 5,
              "size": "512x768", "scheduler": "EulerDiscreteScheduler", "model": "sd15"}  # fmt: skip
    wanted = ("a mill", "fog", 5, "EulerDiscreteScheduler", 20, 7.5, 512, 768, "sd15")
    for texts in ({"parameters": values}, {name: str(value) for name, value in values.items()}):
        record = read(**texts)
        assert (record.tool, fields(record)) == ("diffusers", wanted)


def test_invokeai_2_weights_are_listed() -> None:
    prompt = [{"prompt": "a mill", "weight": 1.0}, {"prompt": "dusk", "weight": 0.5}]
    values = {"model_weights": "sd15", "image": {"prompt": prompt, "steps": "many", "seed": 3}}
    record = read(**{"sd-metadata": values})
    assert (record.prompt, record.extra["prompt weights"]) == ("a mill, dusk", "a mill: 1.0; dusk: 0.5")
    assert record.untold == {"steps": "'many' cannot be understood"}
    prompt[1]["weight"] = 1
    assert "prompt weights" not in read(**{"sd-metadata": values}).extra


@pytest.mark.parametrize(
    ("text", "prompt", "extra"),
    [
        ('"a mill, \\"old\\"" -s50 -S11 -Ak_lms', 'a mill, "old"', {}),
        ('"a \\\\ mill" -s50 -S 11 -A k_lms', "a \\ mill", {}),
        ('"a "red" mill" -s50 -S11 -Ak_lms', 'a "red" mill', {}),
        ('"a mill" -s50 -S11 -A k_lms -G 0.8 -U 2 0.75 --seamless -v0.1 --threshold=3', "a mill",
         {"-G": "0.8", "-U": "2 0.75", "--seamless": "yes", "-v": "0.1", "--threshold": "3"}),
    ],
)  # fmt: skip
def test_dream_s_quotes_and_switches(text: str, prompt: str, extra: dict[str, str]) -> None:
    record = read(Dream=text)
    assert (record.prompt, record.steps, record.seed, record.sampler, record.extra) == (prompt, 50, 11, "k_lms", extra)


def test_novelai_s_numbers_that_are_none_are_named() -> None:
    record = read(Software="NovelAI", Comment={"prompt": "a mill", "uc": "", "steps": 28, "scale": "high", "seed": None})
    assert record.untold == {"guidance": "'high' cannot be understood"}

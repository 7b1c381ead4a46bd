"""Pictures made by other tools, in the forms in which those tools write them."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from impasto.errors import ImpastoError
from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign
from impasto.painting.foreign.a1111 import parse_parameters, parse_settings, quote_setting
from impasto.painting.provenance.record import read_provenance

A1111 = """\
a harbour at dawn, (thick paint:1.2)
by Claude Monet
Negative prompt: frame, text
blurry
Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 3914633383, \
Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, \
Lora hashes: "impasto: 1a2b, oil: 3c4d", Version: v1.9.4"""


def picture(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def read(path: Path) -> ForeignRecord:
    record = read_provenance(path)
    assert isinstance(record, ForeignRecord)
    return record


# A1111


def test_a1111(tmp_path):
    assert read(picture(tmp_path / "x.png", parameters=A1111)) == ForeignRecord(
        tool="A1111",
        prompt="a harbour at dawn, (thick paint:1.2)\nby Claude Monet",
        negative="frame, text\nblurry",
        seed=3914633383,
        sampler="DPM++ 2M",
        steps=30,
        guidance=6.5,
        width=512,
        height=768,
        checkpoint="v1-5-pruned-emaonly",
        extra={
            "Schedule type": "Karras",
            "Model hash": "6ce0161689",
            "Lora hashes": "impasto: 1a2b, oil: 3c4d",
            "Version": "v1.9.4",
        },
    )


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_a1111_in_the_user_comment_of_jpeg_and_webp(tmp_path, order, suffix):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode(order)
    path = tmp_path / f"x.{suffix}"
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    assert read(path) == parse_parameters(A1111)


def test_a_camera_comment_is_no_record(tmp_path):
    for comment in (b"ASCII\0\0\0On the beach", b"\xff\xfe", b'UNICODE\0{"a": 1}'):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = comment
        Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg", exif=exif)
        with pytest.raises(ImpastoError, match="holds no record"):
            read_provenance(tmp_path / "x.jpg")


def test_a1111_oddities():
    assert parse_parameters("only a prompt, no settings").prompt == "only a prompt, no settings"
    bare = parse_parameters("Steps: 20, Seed: x, Size: big, CFG scale: nan")
    assert (bare.prompt, bare.steps, bare.seed, bare.width, bare.guidance) == ("", 20, None, None, None)
    assert parse_parameters("a\r\nNegative prompt: b\r\nSteps: 9").negative == "b"
    assert parse_parameters("a\nSteps: 9\nTemplate: x").extra == {"Template": "x"}
    assert parse_parameters("a\nSteps: 9, Version: f2.0.1v1.10").tool == "Forge"
    # A prompt with weights looks like settings, but holds none that we know.
    assert parse_parameters("(a:1.2), (b:1.3), (c:0.9)").prompt == "(a:1.2), (b:1.3), (c:0.9)"
    assert "\x1b" not in parse_parameters("red \x1b[31m\nSteps: 9, Model: \x1b]0;x\x07").checkpoint


@pytest.mark.parametrize(
    "value", ["plain", "a, b", "a: b", 'say "hi", then', '"', "two\nlines", "\\", " a ", "é, 波"]
)
def test_a_quoted_setting_is_read_back(value):
    assert parse_settings(f"First: 1, Value: {quote_setting(value)}, Last: 2")["Value"] == value


def test_parsing_hostile_settings_takes_linear_time():
    start = time.perf_counter()
    for text in (
        "a" * 10**6,
        'a: "' * 250_000,
        'a: "\\' * 200_000,
        "a:" * 500_000,
        ":" * 10**6,
        '"' * 10**6,
        'a: ",' * 200_000,
        'a: "\\",' * 150_000,
    ):
        parse_parameters("x\nSteps: 1, " + text)
    assert time.perf_counter() - start < 10


def test_json_of_an_unknown_tool_is_not_taken_for_a_prompt(tmp_path):
    path = picture(tmp_path / "x.png", parameters='{"idea": {"prompt": "a"}}')
    with pytest.raises(ImpastoError, match="does not know"):
        read_provenance(path)


# InvokeAI and NovelAI


@pytest.mark.parametrize(
    "model", [{"model_name": "dream", "base_model": "sd-1"}, {"name": "dream", "type": "main"}]
)
def test_invokeai_3_and_later(model):
    values = {
        "app_version": "3.3.0",
        "generation_mode": "txt2img",
        "positive_prompt": "a mill",
        "negative_prompt": "blurry",
        "width": 768,
        "height": 432,
        "seed": 356120443,
        "cfg_scale": 7.5,
        "steps": 50,
        "scheduler": "dpmpp_2m_k",
        "model": model,
        "loras": [],
    }
    record = read_foreign({"invokeai_metadata": json.dumps(values)})
    assert record == ForeignRecord(
        tool="InvokeAI",
        prompt="a mill",
        negative="blurry",
        seed=356120443,
        sampler="dpmpp_2m_k",
        steps=50,
        guidance=7.5,
        width=768,
        height=432,
        checkpoint="dream",
        extra={"app_version": "3.3.0", "generation_mode": "txt2img"},
    )


@pytest.mark.parametrize(
    "prompt", ["a mill [blurry, text]", [{"prompt": "a mill [blurry, text]", "weight": 1}]]
)
def test_invokeai_2(prompt):
    image = {
        "prompt": prompt,
        "steps": 40,
        "cfg_scale": 7,
        "width": 512,
        "height": 448,
        "seed": 9,
        "sampler": "k_lms",
    }
    values = {"model_weights": "stable-diffusion-1.5", "app_version": "2.2.5", "image": image}
    record = read_foreign({"sd-metadata": json.dumps(values), "Dream": '"something older" -S 1'})
    assert record is not None
    assert (record.prompt, record.negative, record.checkpoint) == (
        "a mill",
        "blurry, text",
        "stable-diffusion-1.5",
    )
    assert (record.steps, record.guidance, record.width, record.height) == (40, 7.0, 512, 448)
    assert (record.seed, record.sampler) == (9, "k_lms")


@pytest.mark.parametrize(
    "text",
    [
        '"a "good" mill, isn\'t it" -s 50 -S 42 -W 512 -H 448 -C 7.5 -A k_lms',
        '"a "good" mill, isn\'t it" -s50 -S42 -W512 -H448 -C7.5 -mk_lms',
        'a "good" mill, isn\'t it --steps=50 --seed=42 -W512 -H448 --cfg_scale 7.5 --sampler k_lms',
    ],
)
def test_invokeai_dream(text):
    assert read_foreign({"Dream": text}) == ForeignRecord(
        "InvokeAI", 'a "good" mill, isn\'t it', "", 42, "k_lms", 50, 7.5, 512, 448
    )


def test_novelai():
    comment = {
        "steps": 23,
        "sampler": "ddim",
        "seed": 4028746890,
        "strength": 0.69,
        "scale": 12.0,
        "uc": "text",
    }
    texts = {"Software": "NovelAI", "Description": "a mill", "Source": "Stable Diffusion 81274D13"}
    assert read_foreign({**texts, "Comment": json.dumps(comment)}) == ForeignRecord(
        tool="NovelAI",
        prompt="a mill",
        negative="text",
        seed=4028746890,
        sampler="ddim",
        steps=23,
        guidance=12.0,
        checkpoint="Stable Diffusion 81274D13",
        extra={"strength": "0.69"},
    )
    assert read_foreign({"Comment": "Created with GIMP"}) is None


# ComfyUI


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def simple_graph() -> dict[str, Any]:
    return {
        "3": node(
            "KSampler", seed=2**64 - 1, steps=20, cfg=8.0, sampler_name="dpmpp_2m", scheduler="karras",
            denoise=1.0, model=["10", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
        ),
        "4": node("CheckpointLoaderSimple", ckpt_name="v1-5.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a mill\nby a river", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
        "10": node("LoraLoader", lora_name="impasto.safetensors", model=["4", 0], clip=["4", 1]),
    }  # fmt: skip


def comfy(graph: dict[str, Any]) -> ForeignRecord:
    record = read_foreign({"prompt": json.dumps(graph)})
    assert record is not None
    return record


SIMPLE = ForeignRecord(
    tool="ComfyUI",
    prompt="a mill\nby a river",
    negative="blurry",
    seed=2**64 - 1,
    sampler="dpmpp_2m",
    steps=20,
    guidance=8.0,
    width=512,
    height=768,
    checkpoint="v1-5.safetensors",
    extra={"scheduler": "karras", "loras": "impasto.safetensors"},
)


def test_comfyui(tmp_path):
    text = json.dumps({**simple_graph(), "12": {"is_changed": [float("nan")]}})  # ComfyUI does write NaN
    assert read(picture(tmp_path / "x.png", prompt=text, workflow="{}")) == SIMPLE


def test_comfyui_in_a_webp(tmp_path):
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(simple_graph())
    exif[0x010F] = "workflow:{}"
    Image.new("RGB", (8, 8)).save(tmp_path / "x.webp", exif=exif)
    assert read(tmp_path / "x.webp") == SIMPLE


def test_comfyui_through_conditioning_nodes_and_linked_values():
    graph = simple_graph()
    graph["3"]["inputs"] |= {"positive": ["20", 0], "negative": ["20", 1], "seed": ["30", 0]}
    graph["20"] = node(
        "ControlNetApplyAdvanced", positive=["21", 0], negative=["22", 0], control_net=["99", 0]
    )
    graph["21"] = node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["23", 0])
    graph["22"] = node("ConditioningSetArea", conditioning=["7", 0], width=64, height=64)
    graph["23"] = node("CLIPTextEncodeSDXL", text_g=["31", 0], text_l=["31", 0], width=1024, height=1024)
    graph["30"] = node("PrimitiveInt", value=77)
    graph["31"] = node("PrimitiveStringMultiline", value="in evening light")
    record = comfy(graph)
    assert record.prompt == "a mill\nby a river\nin evening light"
    assert (record.negative, record.seed, record.width) == ("blurry", 77, 512)
    graph["22"] = node("ConditioningZeroOut", conditioning=["6", 0])
    assert comfy(graph).negative == ""


def test_comfyui_takes_the_first_of_two_passes():
    graph = simple_graph()
    graph["40"] = node("LatentUpscale", samples=["3", 0], width=1024, height=1536)
    graph["41"] = node(
        "KSampler", seed=1, steps=5, cfg=3, sampler_name="euler", denoise=0.4,
        model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["40", 0],
    )  # fmt: skip
    graph["8"]["inputs"]["samples"] = ["41", 0]
    later = "KSampler (steps 5, cfg 3, sampler_name euler, denoise 0.4)"
    more = {"later samplers": later, "other nodes": "LatentUpscale"}
    assert comfy(graph) == replace(SIMPLE, extra=SIMPLE.extra | more)


def test_comfyui_advanced_samplers():
    graph = simple_graph()
    inputs = graph["3"]["inputs"]
    inputs["noise_seed"] = inputs.pop("seed")
    graph["3"]["class_type"] = "KSamplerAdvanced"
    assert comfy(graph) == SIMPLE
    graph["3"] = node(
        "SamplerCustomAdvanced", noise=["50", 0], guider=["51", 0], sampler=["52", 0], sigmas=["53", 0],
        latent_image=["5", 0],
    )  # fmt: skip
    graph["50"] = node("RandomNoise", noise_seed=2**64 - 1)
    graph["51"] = node("CFGGuider", cfg=8, model=["10", 0], positive=["6", 0], negative=["7", 0])
    graph["52"] = node("KSamplerSelect", sampler_name="dpmpp_2m")
    graph["53"] = node("BasicScheduler", scheduler="karras", steps=20, denoise=1, model=["10", 0])
    assert comfy(graph) == SIMPLE


def test_comfyui_workflow_alone():
    nodes = [
        {"id": 3, "type": "KSampler", "widgets_values": [5, "randomize", 20, 8, "euler", "normal", 1],
         "inputs": [{"name": "model", "link": 1}, {"name": "positive", "link": 2},
                    {"name": "negative", "link": 3}, {"name": "latent_image", "link": 4}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["v1-5.ckpt"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 640, 1]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a mill"]},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["blurry"]},
        {"id": 8, "type": "Reroute", "inputs": [{"name": "", "link": 5}]},
    ]  # fmt: skip
    links = [[1, 4, 0, 3, 0, "MODEL"], [2, 8, 0, 3, 1, "*"], [3, 7, 0, 3, 2, "C"], [4, 5, 0, 3, 3, "LATENT"],
             [5, 6, 0, 8, 0, "*"]]  # fmt: skip
    record = read_foreign({"workflow": json.dumps({"nodes": nodes, "links": links})})
    assert record == ForeignRecord(
        "ComfyUI", "a mill", "blurry", 5, "euler", 20, 8.0, 512, 640, "v1-5.ckpt", {"scheduler": "normal"}
    )


def test_comfyui_graphs_that_turn_in_circles_end():
    graph = simple_graph()
    graph["6"] = node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["7", 0])
    graph["10"] = node("LoraLoader", lora_name="x", model=["10", 0])
    graph["5"] = node("LatentUpscale", samples=["3", 0], width=["5", 0], height=["5", 0])
    record = comfy(graph)
    assert (record.prompt, record.checkpoint, record.width) == ("blurry", "", None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt", "{not json"),
        ("prompt", "[]"),
        ("prompt", "{}"),
        ("prompt", "{" + '"a":{' * 100_000),
        ("prompt", json.dumps({"1": node("LoadImage", image="a.png")})),
        ("prompt", json.dumps({"1": node("KSampler", positive=["1", 0], steps=[], seed={}, cfg="x")})),
        ("prompt", json.dumps({str(n): node("Note", text="") for n in range(6000)})),
        ("prompt", json.dumps({"1": 5, "2": {"class_type": [], "inputs": 3}})),
        ("workflow", json.dumps({"nodes": 5, "links": None})),
        ("workflow", json.dumps({"nodes": [5, {"id": [], "inputs": [3]}], "links": [[], 4, [1, 2, 3, {}]]})),
        ("invokeai_metadata", "nothing"),
        ("invokeai_metadata", "[1]"),
        ("invokeai_metadata", json.dumps({"seed": {}, "width": "a", "steps": 1e400, "model": 5})),
        ("sd-metadata", "nothing"),
        ("sd-metadata", json.dumps({"image": {"prompt": [[5], None], "seed": float("inf")}})),
        ("Dream", '"'),
        ("Dream", "-s -s -s"),
        ("Dream", "["),
    ],
)
def test_broken_records_are_refused_or_read_in_part(tmp_path, name, text):
    path = picture(tmp_path / "x.png", **{name: text})
    try:
        record = read(path)
    except ImpastoError as error:
        assert str(path) in str(error) and str(error).isprintable()
    else:
        assert record.seed is None and record.steps is None


def test_a_broken_record_beside_a_good_one_does_no_harm():
    record = read_foreign({"parameters": A1111, "prompt": "{"})
    assert record == parse_parameters(A1111)
    with pytest.raises(RecordError):
        read_foreign({"prompt": "{"})

"""ComfyUI's nodes that choose a line, draw at random, name a size in a preset, or calculate numbers."""

from typing import Any

import pytest
from tests.painting.foreign.graphs import comfy, node, with_inputs, with_text

LINK = ["20", 0]


@pytest.mark.parametrize(
    "drawing",
    [
        node("Text Random Line", text="l1\nl2", seed=3),
        node("Text Random Prompt", search_seed="mill"),
        node("CR Random Multiline Values", seed=1, values="x\ny", value_count=1),
        node("Random Prompt Line", text="l1\nl2", seed=3),
        node("ShuffleTags", text="a, b"),
        node("Pick a Line", text="l1\nl2", seed=3),
        node("Random Of Two", text_a="one", text_b="two"),
    ],
    ids=lambda one: one["class_type"],
)
def test_a_text_that_a_node_draws_cannot_be_told(drawing: dict[str, Any]) -> None:
    record = comfy(with_text(LINK, n20=drawing))
    assert record.prompt == "" and record.negative == "fog"
    assert f"the node {drawing['class_type']} (20) draws it at random" in record.untold["prompt"]


@pytest.mark.parametrize(
    ("telling", "prompt"),
    [
        (node("easy wildcards", text="a mill\nby a river", seed=3), "a mill\nby a river"),
        (node("DPRandomGenerator", text="a mill", seed=3), "a mill"),
        (node("PromptBox", text="a mill\ndusk", seed=3), "a mill\ndusk"),
        (node("Random Wildcard", text="a {mill|barn}", populated_text="a barn"), "a barn"),
    ],
)
def test_a_text_without_alternatives_is_the_prompt(telling: dict[str, Any], prompt: str) -> None:
    assert comfy(with_text(LINK, n20=telling)).prompt == prompt


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ({"kind": "easy promptLine", "prompt": "l1\nl2\nl3", "start_index": 1, "max_rows": 1}, "l2"),
        ({"kind": "easy promptLine", "prompt": "l1\n\nl3", "start_index": 1, "remove_empty_lines": True}, "l3"),
        ({"kind": "PromptListSelect", "prompts": "one\ntwo\nthree", "index": 2}, "three"),
        ({"kind": "PromptListSelect", "prompts": "one\ntwo\nthree", "index": ["21", 0]}, "two"),
        ({"kind": "ImpactStringSelector", "strings": "one\ntwo", "multiline": False, "select": 3}, "two"),
        ({"kind": "CR Prompt List", "prepend_text": "oil, ", "multiline_text": "mill\nbarn", "append_text": ", dusk",
          "start_index": 0, "max_rows": 1}, "oil, mill, dusk"),
        ({"kind": "Text Multiline", "text": "a mill\ndusk"}, "a mill\ndusk"),
    ],
)  # fmt: skip
def test_a_line_chosen_by_its_number_is_the_prompt(inputs: dict[str, Any], prompt: str) -> None:
    kind = inputs.pop("kind")
    record = comfy(with_text(LINK, n20=node(kind, **inputs), n21=node("PrimitiveInt", value=1)))
    assert (record.prompt, record.untold) == (prompt, {})


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"start_index": 0, "max_rows": 2}, "gives 2 lines, one for each picture"),
        ({"start_index": 9}, "has no line 9"),
        ({"line_number": 1}, "a number that impasto cannot count"),
        ({"index": ["77", 0]}, "is calculated"),
    ],
)
def test_a_line_that_cannot_be_found_is_said_to_be_so(inputs: dict[str, Any], reason: str) -> None:
    record = comfy(with_text(LINK, n20=node("easy promptLine", prompt="l1\nl2\nl3", **inputs)))
    assert record.prompt == "" and reason in record.untold["prompt"]


@pytest.mark.parametrize(
    ("calculating", "slot", "steps"),
    [
        (node("SimpleMath+", a=4, b=5, value="a*b"), 0, 20),
        (node("SimpleMath+", a=["32", 0], value="max(a, 3) / 2 + 1"), 0, 8),
        (node("MathExpression|pysssss", a=["32", 0], expression="(a - 1) // 2"), 0, 7),
        (node("MathExpression|pysssss", a=15, expression="a / 2"), 0, 7),
        (node("easy mathInt", a=15, b=["32", 0], operation="multiply"), 0, 225),
        (node("CM_IntBinaryOperation", op="Add", a=15, b=2), 0, 17),
        (node("JWIntegerMul", a=15, b=2), 0, 30),
        (node("Evaluate Integers", python_expression="a ** b", a=2, b=5), 0, 32),
        (node("easy int", value=33), 0, 33),
    ],
)
def test_simple_arithmetic_is_calculated(calculating: dict[str, Any], slot: int, steps: int) -> None:
    record = comfy(with_inputs("3", {"steps": ["30", slot]}, n30=calculating, n32=node("PrimitiveInt", value=15)))
    assert (record.steps, record.untold) == (steps, {})


@pytest.mark.parametrize(
    "calculating",
    [
        node("MathExpression|pysssss", expression="__import__('os').getpid()"),
        node("MathExpression|pysssss", expression="latent.width / 8"),
        node("SimpleMath+", a=9, value="a ** a ** a"),
        node("SimpleMath+", a=9, value="1 / (a - 9)"),
        node("SimpleMath+", a=9, value="(" * 250 + "a" + ")" * 250),
        node("SimpleMath+", a=9, value="a ^ 2"),
        node("easy mathInt", a=15, b=["30", 0], operation="add"),
        node("Random Number", minimum=1, maximum=50, seed=9),
        node("GetImageSize", image=["31", 0]),
        node("Steps Of The Day", day="Monday", hour="noon"),
    ],
    ids=lambda one: one["class_type"],
)
def test_a_number_that_cannot_be_told_is_said_to_be_so(calculating: dict[str, Any]) -> None:
    values = with_inputs("3", {"steps": ["30", 0]}, n30=calculating, n31=node("LoadImage", image="in.png"))
    record = comfy(values)
    assert record.steps is None and record.untold["steps"]
    values["3"]["inputs"] |= {"steps": 20, "cfg": ["30", 0]}
    record = comfy(values)
    assert record.guidance is None and record.steps == 20 and record.untold["guidance"]


def test_calculations_that_multiply_end_soon() -> None:
    """Each node uses the next one forty times: 40**15 operands if each were followed."""
    nodes = {f"n{n}": node("SimpleMath+", a=[str(n + 1), 0], value="+".join("a" * 40)) for n in range(30, 45)}
    record = comfy(with_inputs("3", {"steps": ["30", 0]}, **nodes, n45=node("PrimitiveInt", value=1)))
    assert record.steps is None and record.untold["steps"]


def test_one_side_that_cannot_be_told_does_not_take_the_other_with_it() -> None:
    nodes = {"n30": node("PrimitiveInt", value=640), "n31": node("MathExpression|pysssss", a=["30", 0], expression="a*2")}
    sides = {"width": ["31", 0], "height": ["30", 0]}
    record = comfy(with_inputs("5", sides, **nodes))
    assert (record.width, record.height, record.untold) == (1280, 640, {})
    nodes["n31"]["inputs"]["expression"] = "image.width"
    record = comfy(with_inputs("5", sides, **nodes))
    assert (record.width, record.height) == (None, 640)
    assert record.untold == {"width": "the node MathExpression|pysssss (31) calculates it"}
    record = comfy(with_inputs("5", {"width": ["88", 0], "height": 512}))
    assert (record.width, record.height) == (None, 512) and "does not hold" in record.untold["width"]


@pytest.mark.parametrize(
    ("inputs", "size"),
    [
        ({"aspect_ratio": "3:4 portrait 896x1152", "swap_dimensions": "Off"}, (896, 1152)),
        ({"aspect_ratio": "3:4 portrait 896x1152", "swap_dimensions": "On"}, (1152, 896)),
        ({"aspect_ratio": "SD1.5 - 2:3 portrait 512x768", "prescale_factor": 1.5}, (768, 1152)),
        ({"aspect_ratio": "custom"}, (1024, 1000)),
        ({"resolution": "832x1216 (0.68)", "width_override": 0, "height_override": 800}, (832, 800)),
    ],
)
def test_a_preset_of_sizes_comes_before_the_sides_beside_it(inputs: dict[str, Any], size: tuple[int, int]) -> None:
    nodes = {"n30": node("CR SDXL Aspect Ratio", width=1024, height=1000, **inputs)}
    record = comfy(with_inputs("5", {"width": ["30", 0], "height": ["30", 1]}, **nodes))
    assert (record.width, record.height) == size
    record = comfy(with_inputs("5", {"width": ["30", 1], "height": ["30", 0]}, **nodes))  # turned by its links
    assert (record.height, record.width) == size
    record = comfy(with_inputs("3", {"latent_image": ["30", 4]}, **nodes))
    assert (record.width, record.height) == size


def test_a_ratio_alone_is_no_size() -> None:
    nodes = {"n30": node("FluxResolutionNode", megapixel="1.0", aspect_ratio="3:4 (Golden Ratio)", custom_ratio=False)}
    record = comfy(with_inputs("5", {"width": ["30", 0], "height": ["30", 1]}, **nodes))
    assert (record.width, record.height) == (None, None)
    assert "FluxResolutionNode (30) calculates it from '3:4" in record.untold["width"] == record.untold["height"]


def test_a_later_sampler_s_own_model_and_prompt_are_listed() -> None:
    values = with_inputs(
        "8", {"samples": ["10", 0]},
        n10=node("KSamplerAdvanced", noise_seed=0, steps=25, cfg=7.5, sampler_name="euler", scheduler="x",
                 model=["12", 0], positive=["11", 0], negative=["7", 0], latent_image=["3", 0]),
        n11=node("CLIPTextEncode", text="refined mill", clip=["12", 1]),
        n12=node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
    )  # fmt: skip
    record = comfy(values)
    assert (record.prompt, record.checkpoint) == ("a mill", "sd15.safetensors")
    assert record.extra["later samplers"] == "KSamplerAdvanced (steps 25, cfg 7.5, sampler_name euler)"
    assert record.extra["later prompt"] == "refined mill" and record.extra["later checkpoints"] == "refiner.safetensors"
    assert "later negative" not in record.extra and "later loras" not in record.extra
    values["11"]["inputs"]["text"], values["13"] = ["13", 0], node("OllamaGenerate", prompt="write")
    assert "cannot be told: the node OllamaGenerate" in comfy(values).extra["later prompt"]


def test_values_that_are_no_numbers_are_named() -> None:
    record = comfy(with_inputs("3", {"cfg": float("nan"), "steps": 0, "seed": "x"}))
    assert (record.guidance, record.steps, record.seed) == (None, None, None)
    assert record.untold == {name: f"{value!r} cannot be understood" for name, value in
                             (("guidance", "nan"), ("steps", "0"), ("seed", "x"))}  # fmt: skip


def test_guidance_of_an_encoder_is_named_apart_and_a_negative_one_is_none() -> None:
    encoder = node("SwarmClipTextEncodeAdvanced", clip=["4", 1], prompt="a mill", width=64, height=64, guidance=-1)
    record = comfy(with_inputs("3", {"positive": ["30", 0]}, n30=encoder))
    assert record.guidance == 8.0 and not [name for name in record.extra if "guidance" in name]
    encoder["inputs"]["guidance"] = 3.5
    assert comfy(with_inputs("3", {"positive": ["30", 0]}, n30=encoder)).extra["distilled guidance"] == "3.5"


def test_wanvideo_s_size_and_loras_are_read() -> None:
    record = comfy({
        "1": node("WanVideoSampler", model=["2", 0], text_embeds=["3", 0], image_embeds=["4", 0], steps=6, cfg=1, seed=42,
                  scheduler="unipc"),
        "2": node("WanVideoModelLoader", model="wan.safetensors", lora=["5", 0]),
        "3": node("WanVideoTextEncode", positive_prompt="a mill turns", negative_prompt="fog", t5=["6", 0]),
        "4": node("WanVideoEmptyEmbeds", width=832, height=480, num_frames=81),
        "5": node("WanVideoLoraSelect", lora="l.safetensors", strength=0.9, prev_lora=["7", 0]),
        "7": node("WanVideoLoraSelect", lora="k.safetensors", strength=1),
        "6": node("LoadWanVideoT5TextEncoder", model_name="t5"),
    })  # fmt: skip
    assert (record.width, record.height, record.checkpoint) == (832, 480, "wan.safetensors")
    assert record.extra["loras"] == "l.safetensors:0.9, k.safetensors:1"

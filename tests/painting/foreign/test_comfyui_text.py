"""Prompts of ComfyUI graphs: through nodes that switch, show, join and replace texts; or the sentence that says why not."""

import time
from typing import Any

import pytest
from tests.painting.foreign.graphs import comfy, graph, node, with_inputs, with_text

LINK = ["20", 0]


@pytest.mark.parametrize(
    "holder",
    [
        node("DF_Text_Box", Text="a mill by a river"),
        node("PrimitiveStringMultiline", value="a mill by a river"),
        node("Power Prompt - Simple (rgthree)", prompt="a mill by a river"),
        node("CR Prompt Text", prompt="a mill by a river"),
        node("easy positive", positive="a mill by a river"),
        node("Somebody's Own Node", body_of_words="a mill by a river", amount=3),
        node("ShowText|pysssss", text=["21", 0], text_0="what was shown the last time"),
        node("PreviewAny", source=["21", 0]),
        node("Reroute", **{"": ["21", 0]}),
        node("ImpactWildcardProcessor", wildcard_text="a {mill|barn}", populated_text="a mill by a river", mode="populate"),
    ],
    ids=lambda one: one["class_type"],
)  # fmt: skip
def test_one_text_through_any_node(holder):
    assert comfy(with_text(LINK, n20=holder, n21=node("String Literal", string="a mill by a river"))).prompt == (
        "a mill by a river"
    )


@pytest.mark.parametrize(
    ("joiner", "joined"),
    [
        (node("StringConcatenate", string_a=["21", 0], string_b="dusk", delimiter="; "), "a mill; dusk"),
        # The editor writes values before links: the order of the names counts.
        (node("StringConcatenate", string_b="dusk", delimiter=", ", string_a=["21", 0]), "a mill, dusk"),
        (node("JoinStrings", delimiter=" and ", string1=["21", 0], string2="dusk"), "a mill and dusk"),
        (node("JoinStringMulti", inputcount=3, string_10="c", string_2="b", string_1="a", delimiter="-"), "a-b-c"),
        (
            node("Text Concatenate", delimiter=", ", clean_whitespace="true", text_c=" dusk ", text_a=["21", 0], text_b=""),
            "a mill, dusk",
        ),
        (node("Text Concatenate", delimiter="\\n", clean_whitespace="false", text_a="a", text_b="b"), "a\nb"),
        (node("CR Text Concatenate", text1="a ", text2="b", separator=""), "a b"),
        (node("CR Combine Prompt", part1="a", part2="b", part3="c", part4="", separator=","), "a,b,c,"),
        (node("Concat Text Of Mine", first_text="x", suffix="z", prefix="y: "), "y: xz"),
        (node("TextJoiner", delimiter="comma", text_1="a", text_2="b"), "a,b"),
        (
            node("StringFunction|pysssss", action="append", tidy_tags="yes", text_a=["21", 0], text_b="dusk", text_c=""),
            "a mill, dusk",
        ),
        (
            node("StringFunction|pysssss", action="replace", tidy_tags="no", text_a=["21", 0], text_b="mill", text_c="barn"),
            "a barn",
        ),
        (node("StringReplace", string=["21", 0], find="mill", replace="barn"), "a barn"),
        (node("CR Text Replace", text="a mill", find1="a", replace1="the", find2="mill", replace2="barn"), "the barn"),
    ],
    ids=lambda one: one["class_type"] if isinstance(one, dict) else "",
)  # fmt: skip
def test_texts_are_joined_and_replaced_as_the_node_does_it(joiner, joined):
    assert comfy(with_text(LINK, n20=joiner, n21=node("PrimitiveString", value="a mill"))).prompt == joined


@pytest.mark.parametrize(
    ("switch", "taken"),
    [
        (node("CR Text Input Switch", Input=2, text1="one", text2=["21", 0]), "two"),
        (node("CR Text Input Switch", Input=1, text1="one", text2=["21", 0]), "one"),
        (node("Text Input Switch", boolean=False, text_a="one", text_b=["21", 0]), "two"),
        (node("Text Input Switch", boolean=["22", 0], text_a="one", text_b=["21", 0]), "one"),
        (node("ImpactSwitch", select=2, sel_mode=False, input1=["23", 0], input2=["21", 0]), "two"),
        (node("ComfySwitchNode", switch=True, on_false=["21", 0], on_true=["23", 0]), "one"),
        (node("easy ifElse", boolean=False, on_true=["23", 0], on_false=["21", 0]), "two"),
        (node("easy anythingIndexSwitch", index=1, value0=["23", 0], value1=["21", 0]), "two"),
        (node("ImpactConditionalBranch", cond=True, tt_value=["23", 0], ff_value=["21", 0]), "one"),
        (node("Any Switch (rgthree)", any_02=["21", 0], any_03=["23", 0]), "two"),
    ],
    ids=lambda one: one["class_type"] if isinstance(one, dict) else "",
)  # fmt: skip
def test_switches_stand_as_they_stand(switch, taken):
    more = {"n21": node("PrimitiveString", value="two"), "n22": node("PrimitiveBoolean", value=True),
            "n23": node("PrimitiveString", value="one")}  # fmt: skip
    assert comfy(with_text(LINK, n20=switch, **more)).prompt == taken


@pytest.mark.parametrize(
    ("teller", "reason"),
    [
        (node("OllamaGenerate", prompt="what is in it?", system="a painter", model="x"), "OllamaGenerate .20. writes"),
        (node("WD14Tagger|pysssss", image=["30", 0], model="wd", threshold=0.35), "WD14Tagger"),
        (node("Load Prompts From File - EnhancedScreen", path="prompts.txt"), "writes it"),
        (node("DPRandomGenerator", text="a {mill|barn} by a __water__", seed=4), "at random from"),
        (node("CR Text Input Switch", Input=["31", 0], text1="one", text2="two"), "position of the switch"),
        (node("Knows Two", text_a="one", text_b="two"), "one text of several .text_a, text_b."),
        (node("Adds Numbers", first=1, second=2), "holds no text"),
        (node("Reads Words In A Picture", image="boats.png"), "holds no text"),
        (node("SDPromptReader", image="boats.png", parameter_index=0), "writes it"),
        (node("Prompt Enhancer", text="a mill"), "writes it"),
        (node("Text Concatenate", delimiter=", ", text_a=["20", 0], text_b="b"), "circle"),
        (node("Text Concatenate", delimiter=", ", text_a=["77", 0], text_b="b"), "does not hold"),
    ],
    ids=lambda one: one["class_type"] if isinstance(one, dict) else "",
)  # fmt: skip
def test_a_prompt_that_cannot_be_told_is_said_to_be_so(teller, reason):
    record = comfy(with_text(LINK, n20=teller, n31=node("MathExpression", expression="a.width+1", a=1, b=2)))
    assert record.prompt == "" and record.negative == "fog"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(record.untold["prompt"])


def test_what_is_told_of_a_combination_is_kept():
    values = with_inputs(
        "3", {"positive": ["20", 0]}, n20=node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["21", 0]),
        n21=node("CLIPTextEncode", clip=["4", 1], text=["22", 0]), n22=node("JoyCaption", image=["30", 0]),
    )  # fmt: skip
    record = comfy(values)
    assert record.prompt == "a mill" and "JoyCaption" in record.untold["prompt"]


@pytest.mark.parametrize(
    ("conditioning", "prompt"),
    [
        (node("ConditioningConcat", conditioning_from=["22", 0], conditioning_to=["6", 0]), "a mill\ndusk"),
        (node("ConditioningAverage", conditioning_to=["6", 0], conditioning_from=["22", 0], conditioning_to_strength=0.5),
         "a mill\ndusk"),
        (node("CR Conditioning Input Switch", Input=2, conditioning1=["6", 0], conditioning2=["22", 0]), "dusk"),
        (node("Any Switch (rgthree)", any_01=["22", 0]), "dusk"),
        (node("FluxGuidance", conditioning=["22", 0], guidance=3.5), "dusk"),
        (node("ControlNetApply", conditioning=["22", 0], control_net=["40", 0], image=["41", 0], strength=1), "dusk"),
        (node("StyleModelApply", conditioning=["22", 0], style_model=["40", 0], clip_vision_output=["41", 0]), "dusk"),
        (node("Context (rgthree)", base_ctx=["50", 0], positive=["22", 0], negative=["7", 0]), "dusk"),
        (node("CLIPTextEncodeFlux", clip=["4", 1], clip_l="dusk", t5xxl="a long dusk", guidance=3.5), "dusk\na long dusk"),
        (node("CLIPTextEncodeSDXL", clip=["4", 1], text_g=["23", 0], text_l=["23", 0], width=1024, height=1024), "dusk"),
        (node("smZ CLIPTextEncode", clip=["4", 1], text="dusk", parser="A1111", text_g="", text_l=""), "dusk"),
        (node("ImpactWildcardEncode", clip=["4", 1], model=["4", 0], wildcard_text="__x__", populated_text="dusk"), "dusk"),
        (node("ConditioningZeroOut", conditioning=["22", 0]), ""),
    ],
    ids=lambda one: one["class_type"] if isinstance(one, dict) else "",
)  # fmt: skip
def test_conditionings(conditioning, prompt):
    more = {"n22": node("CLIPTextEncode", text="dusk", clip=["4", 1]), "n23": node("PrimitiveString", value="dusk")}
    record = comfy(with_inputs("3", {"positive": LINK}, n20=conditioning, **more))
    assert (record.prompt, record.negative) == (prompt, "fog")
    assert not record.untold


def advanced(guider: dict[str, Any], **more: Any) -> dict[str, Any]:
    values = graph(
        n51=guider, n50=node("RandomNoise", noise_seed=56), n52=node("KSamplerSelect", sampler_name="euler"),
        n53=node("BasicScheduler", scheduler="simple", steps=4, denoise=1.0, model=["4", 0]), **more,
    )  # fmt: skip
    values["3"] = node(
        "SamplerCustomAdvanced", noise=["50", 0], guider=["51", 0], sampler=["52", 0], sigmas=["53", 0],
        latent_image=["5", 0],
    )  # fmt: skip
    return values


def test_guiders_of_two_conditions_and_of_one():
    second = node("CLIPTextEncode", text="keep the sky", clip=["4", 1])
    record = comfy(advanced(
        node("DualCFGGuider", model=["4", 0], cond1=["6", 0], cond2=["60", 0], negative=["7", 0], cfg_conds=5.0,
             cfg_cond2_negative=2.0),
        n60=second,
    ))  # fmt: skip
    assert (record.prompt, record.negative, record.guidance, record.checkpoint) == ("a mill", "fog", 5.0, "sd15.safetensors")
    assert record.extra["second prompt (cond2)"] == "keep the sky" and record.extra["cfg_cond2_negative"] == "2"
    record = comfy(advanced(
        node("BasicGuider", model=["4", 0], conditioning=["61", 0]),
        n61=node("FluxGuidance", conditioning=["6", 0], guidance=3.5),
    ))  # fmt: skip
    assert (record.prompt, record.negative, record.guidance) == ("a mill", "", 3.5)
    assert (record.seed, record.steps, record.sampler, record.extra) == (56, 4, "euler", {"scheduler": "simple"})
    record = comfy(advanced(
        node("PerpNegGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], empty_conditioning=["62", 0], cfg=6,
             neg_scale=1.5),
        n62=node("CLIPTextEncode", text="", clip=["4", 1]),
    ))  # fmt: skip
    assert (record.prompt, record.negative, record.guidance, record.extra["neg_scale"]) == ("a mill", "fog", 6.0, "1.5")


def test_sigmas_and_samplers_behind_further_nodes():
    values = advanced(node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=6))
    values["3"]["inputs"] |= {"sigmas": ["54", 0], "sampler": ["55", 0]}
    values["54"] = node("SplitSigmas", sigmas=["53", 0], step=2)
    values["55"] = node("SamplerDPMPP_2M_SDE", solver_type="midpoint", eta=1.0, s_noise=1.0, noise_device="gpu")
    record = comfy(values)
    assert (record.steps, record.sampler, record.extra["scheduler"]) == (4, "DPMPP_2M_SDE", "simple")


def test_loaders_and_pipes_that_hold_the_prompt():
    values = graph(n20=node(
        "Efficient Loader", ckpt_name="sd15.safetensors", vae_name="Baked VAE", clip_skip=-2, lora_name="oil.safetensors",
        lora_model_strength=0.6, lora_clip_strength=1.0, positive="a barge", negative="rain", empty_latent_width=640,
        empty_latent_height=448, batch_size=1,
    ))  # fmt: skip
    values["3"] = node(
        "KSampler (Efficient)", seed=3, steps=9, cfg=5, sampler_name="euler", scheduler="normal", denoise=1, model=["20", 0],
        positive=["20", 1], negative=["20", 2], latent_image=["20", 3],
    )  # fmt: skip
    record = comfy(values)
    assert (record.prompt, record.negative, record.width, record.height) == ("a barge", "rain", 640, 448)
    assert (record.checkpoint, record.extra["loras"]) == ("sd15.safetensors", "oil.safetensors:0.6")
    values = graph(n20=node(
        "easy fullLoader", ckpt_name="sd15.safetensors", lora_name="None", resolution="width x height (custom)",
        empty_latent_width=640, empty_latent_height=448, positive="a barge", negative="rain",
    ))  # fmt: skip
    values["3"] = node("easy fullkSampler", pipe=["20", 0], steps=9, cfg=5, sampler_name="euler", scheduler="normal", seed=3)
    record = comfy(values)
    assert (record.prompt, record.negative, record.checkpoint, record.width) == ("a barge", "rain", "sd15.safetensors", 640)
    assert (record.seed, record.steps, "loras" in record.extra) == (3, 9, False)
    pipe = node("ToBasicPipe", model=["4", 0], clip=["4", 1], vae=["4", 2], positive=["6", 0], negative=["7", 0])
    values = graph(n20=pipe)
    values["3"] = node("ImpactKSamplerBasicPipe", basic_pipe=["20", 0], seed=3, steps=9, cfg=5, sampler_name="euler",
                       scheduler="normal", latent_image=["5", 0], denoise=1)  # fmt: skip
    record = comfy(values)
    assert (record.prompt, record.negative, record.checkpoint, record.width) == ("a mill", "fog", "sd15.safetensors", 512)


def test_samplers_that_take_both_prompts_by_one_link_or_as_texts():
    values = graph(
        n20=node("WanVideoTextEncode", positive_prompt="a barge", negative_prompt=["22", 0], t5=["23", 0]),
        n21=node("WanVideoModelLoader", model="wan.safetensors", base_precision="fp16"),
        n22=node("PrimitiveString", value="rain"),
    )
    values["3"] = node("WanVideoSampler", model=["21", 0], text_embeds=["20", 0], steps=9, cfg=6, seed=3, scheduler="unipc")
    record = comfy(values)
    assert (record.prompt, record.negative, record.checkpoint) == ("a barge", "rain", "wan.safetensors")
    assert (record.seed, record.steps, record.extra["scheduler"]) == (3, 9, "unipc")
    values["3"] = node("Own Sampler", model=["4", 0], positive_prompt="a barge", negative_prompt="rain", steps=9, seed=3)
    record = comfy(values)
    assert (record.prompt, record.negative, record.checkpoint) == ("a barge", "rain", "sd15.safetensors")


def test_a_styler_gives_both_prompts():
    styler = node("SDXLPromptStyler", text_positive="a barge", text_negative="rain", style="oil", log_prompt=False)
    values = with_text(["20", 0], n20=styler)
    values["7"]["inputs"]["text"] = ["20", 1]
    record = comfy(values)
    assert (record.prompt, record.negative) == ("a barge", "rain")
    assert record.extra["styles"] == "oil"


def test_checkpoints_and_loras_through_loaders_stacks_and_merges():
    values = with_inputs(
        "3", {"model": ["20", 0]},
        n20=node("Power Lora Loader (rgthree)", lora_1={"on": True, "lora": "a.safetensors", "strength": 0.5},
                 lora_2={"on": False, "lora": "off.safetensors", "strength": 1}, model=["21", 0], clip=["4", 1]),
        n21=node("CR Apply LoRA Stack", model=["23", 0], clip=["4", 1], lora_stack=["22", 0]),
        n22=node("CR LoRA Stack", switch_1="On", lora_name_1="b.safetensors", model_weight_1=0.8, switch_2="Off",
                 lora_name_2="no.safetensors", model_weight_2=1, switch_3="On", lora_name_3="None"),
        n23=node("ModelMergeSimple", model1=["24", 0], model2=["25", 0], ratio=0.5),
        n24=node("UnetLoaderGGUF", unet_name="first.gguf"),
        n25=node("CheckpointLoader|pysssss", ckpt_name={"content": "second.ckpt", "image": None}),
    )  # fmt: skip
    record = comfy(values)
    assert (record.checkpoint, record.extra["other checkpoints"]) == ("first.gguf", "second.ckpt")
    assert record.extra["loras"] == "a.safetensors:0.5, b.safetensors:0.8"
    assert record.extra["other nodes"] == "CheckpointLoaderSimple, ModelMergeSimple"
    values = with_inputs("4", {"ckpt_name": ["20", 0]}, n20=node("Checkpoint Selector", name="chosen.safetensors"))
    assert comfy(values).checkpoint == "chosen.safetensors"
    values = with_inputs("3", {"model": ["20", 0]}, n20=node("Model From Nowhere", strength=1))
    assert "Model From Nowhere" in comfy(values).untold["checkpoint"]


@pytest.mark.parametrize(
    ("latent", "size"),
    [
        (node("SDXLEmptyLatentSizePicker+", resolution="832x1216 (0.68)", batch_size=1), (832, 1216)),
        (node("CR Aspect Ratio", aspect_ratio="3:4 portrait 896x1152", swap_dimensions="Off"), (896, 1152)),
        (node("EmptySD3LatentImage", width=["21", 0], height=["21", 1], batch_size=1), (640, 640)),
    ],
    ids=lambda one: one["class_type"] if isinstance(one, dict) else "",
)
def test_sizes(latent, size):
    record = comfy(with_inputs("3", {"latent_image": ["20", 0]}, n20=latent, n21=node("PrimitiveInt", value=640)))
    assert (record.width, record.height) == size


def test_a_seed_behind_a_node_and_one_that_is_calculated():
    assert comfy(with_inputs("3", {"seed": ["20", 0]}, n20=node("Seed (rgthree)", seed=2**63))).seed == 2**63
    values = with_inputs("3", {"seed": ["20", 0]}, n20=node("Time Now", zone="here", n=1, m=2))
    assert comfy(values).seed is None and comfy(values).untold["seed"]


def test_nodes_that_were_not_understood_and_pictures_are_named():
    values = with_inputs(
        "3", {"model": ["20", 0], "latent_image": ["21", 0], "denoise": 0.6},
        n20=node("FreeU_V2", model=["4", 0], b1=1.3), n21=node("VAEEncode", pixels=["22", 0], vae=["4", 2]),
        n22=node("LoadImage", image="boats.png"),
    )  # fmt: skip
    record = comfy(values)
    assert (record.width, record.extra["images"], record.extra["denoise"]) == (None, "boats.png", "0.6")
    assert record.checkpoint == "sd15.safetensors" and "FreeU_V2" in record.extra["other nodes"]


def test_hostile_graphs_end_soon():
    doubled = {f"n{k}": node("Text Concatenate", delimiter=", ", text_a=[str(k + 1), 0], text_b=[str(k + 1), 0])
               for k in range(100, 160)}  # fmt: skip
    deep = {f"n{k}": node("Reroute", value=[str(k + 1), 0]) for k in range(100, 2000)}
    wide = {f"n{k}": node("ConditioningCombine", conditioning_1=[str(k + 1), 0], conditioning_2=[str(k + 1), 0])
            for k in range(100, 2000)}  # fmt: skip
    start = time.perf_counter()
    assert "long" in comfy(with_text(["100", 0], **doubled, n160=node("A", text="x" * 1000))).untold["prompt"]
    assert "too many" in comfy(with_text(["100", 0], **deep)).untold["prompt"]
    assert "too many" in comfy(with_inputs("3", {"positive": ["100", 0]}, **wide)).untold["prompt"]
    chain = {f"n{k}": node("KSampler", steps=1, positive=["6", 0], latent_image=[str(k + 1), 0]) for k in range(100, 2000)}
    assert comfy(with_inputs("3", {"latent_image": ["100", 0]}, **chain)).prompt == "a mill"
    assert time.perf_counter() - start < 10

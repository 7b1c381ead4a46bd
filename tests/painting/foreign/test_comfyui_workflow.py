"""ComfyUI's editor format: values without names, types on links, and nodes that only the editor has."""

import json
from typing import Any

import pytest
from tests.painting.foreign.graphs import comfy, node, with_inputs

from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign


def one(number: int, kind: str, *values: Any, inputs: Any = (), outputs: Any = (), **more: Any) -> dict[str, Any]:
    slots = [{"name": name, "type": type_, "link": link} for name, type_, link in inputs]
    return {"id": number, "type": kind, "widgets_values": list(values), "inputs": slots,
            "outputs": [{"name": type_, "type": type_} for type_ in outputs], **more}  # fmt: skip


def nodes() -> list[dict[str, Any]]:
    return [
        one(3, "KSampler", 5, "randomize", 20, 8, "euler", "normal", 1, inputs=[
            ("model", "MODEL", 1), ("positive", "CONDITIONING", 2), ("negative", "CONDITIONING", 3),
            ("latent_image", "LATENT", 4)]),
        one(4, "CheckpointLoaderSimple", "sd15.ckpt", outputs=("MODEL", "CLIP", "VAE")),
        one(5, "EmptyLatentImage", 512, 640, 1),
        one(6, "CLIPTextEncode", "a mill", inputs=[("clip", "CLIP", 5)]),
        one(7, "CLIPTextEncode", "fog", inputs=[("clip", "CLIP", 6)]),
    ]  # fmt: skip


LINKS: list[Any] = [[1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"], [3, 7, 0, 3, 2, "CONDITIONING"],
                    [4, 5, 0, 3, 3, "LATENT"], [5, 4, 1, 6, 0, "CLIP"], [6, 4, 1, 7, 0, "CLIP"]]  # fmt: skip


def read(nodes: list[dict[str, Any]], links: list[Any] = LINKS, **more: Any) -> ForeignRecord:
    record = read_foreign({"workflow": json.dumps({"nodes": nodes, "links": links, **more})})
    assert record is not None
    return record


def relinked(number: int, *link: Any) -> list[Any]:
    """The links with another one of this number."""
    return [*(old for old in LINKS if old[0] != number), list(link)]


def test_values_are_named_by_the_editors_own_list_where_it_has_one():
    sampler = one(3, "Sampler Of Tomorrow", 5, "fixed", "euler", 20, 8.5)
    sampler["inputs"] = [
        *({"name": name, "type": "INT", "widget": {"name": name}} for name in ("seed", "sampler_name", "steps", "cfg")),
        *nodes()[0]["inputs"],
    ]
    record = read([sampler, *nodes()[1:]])
    assert (record.seed, record.sampler, record.steps, record.guidance) == (5, "euler", 20, 8.5)
    assert (record.prompt, record.negative, record.checkpoint, record.height) == ("a mill", "fog", "sd15.ckpt", 640)


def test_set_and_get_nodes_and_reroutes():
    more = [
        one(20, "SetNode", "positive", inputs=[("CONDITIONING", "CONDITIONING", 30)]),
        one(21, "GetNode", "positive", outputs=("CONDITIONING",)),
        one(22, "Reroute", inputs=[("", "*", 31)]),
    ]
    links = [*relinked(2, 2, 22, 0, 3, 1, "CONDITIONING"), [30, 6, 0, 20, 0, "CONDITIONING"], [31, 21, 0, 22, 0, "*"]]
    assert read([*nodes(), *more], links).prompt == "a mill"


def test_bypassed_nodes_are_passed_and_muted_ones_are_not_there():
    lora = one(20, "LoraLoader", "oil.safetensors", 1, 1, inputs=[("model", "MODEL", 30), ("clip", "CLIP", 31)],
               outputs=("MODEL", "CLIP"), mode=4)  # fmt: skip
    links = [*relinked(1, 1, 20, 0, 3, 0, "MODEL"), [30, 4, 0, 20, 0, "MODEL"], [31, 4, 1, 20, 1, "CLIP"]]
    record = read([*nodes(), lora], links)
    assert (record.checkpoint, "loras" in record.extra) == ("sd15.ckpt", False)
    lora["mode"] = 0
    assert read([*nodes(), lora], links).extra["loras"] == "oil.safetensors:1"
    kind = "CONDITIONING"
    control = one(20, "ControlNetApplyAdvanced", 1, mode=4, outputs=("CONDITIONING", "CONDITIONING"),
                  inputs=[("positive", "CONDITIONING", 30), ("negative", "CONDITIONING", 31)])  # fmt: skip
    links = [*(link for link in LINKS if link[0] not in (2, 3)), [2, 20, 0, 3, 1, "C"], [3, 20, 1, 3, 2, "C"],
             [30, 6, 0, 20, 0, "CONDITIONING"], [31, 7, 0, 20, 1, "CONDITIONING"]]  # fmt: skip
    record = read([*nodes(), control], links)
    assert (record.prompt, record.negative) == ("a mill", "fog")
    both = one(20, "ConditioningCombine", inputs=[("conditioning_1", kind, 30), ("conditioning_2", kind, 31)])
    other = one(21, "CLIPTextEncode", "dusk", mode=2)
    links = [*relinked(2, 2, 20, 0, 3, 1, kind), [30, 6, 0, 20, 0, kind], [31, 21, 0, 20, 1, kind]]
    assert read([*nodes(), both, other], links).prompt == "a mill"


def test_subgraphs_are_put_in_their_places():
    inner = {
        "id": "0b1c", "name": "Prompt",
        "inputs": [{"name": "clip", "linkIds": [1]}, {"name": "words", "linkIds": [2]}],
        "outputs": [{"name": "CONDITIONING", "linkIds": [3]}],
        "nodes": [one(8, "CLIPTextEncode", "old words", inputs=[("clip", "CLIP", 1), ("text", "STRING", 2)],
                      outputs=("CONDITIONING",))],
        "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 8, "target_slot": 0, "type": "CLIP"},
                  {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 8, "target_slot": 1, "type": "STRING"},
                  {"id": 3, "origin_id": 8, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "CONDITIONING"}],
    }  # fmt: skip
    outer = one(20, "0b1c", inputs=[("clip", "CLIP", 30), ("words", "STRING", 31)], outputs=("CONDITIONING",))
    words = one(21, "PrimitiveString", "a barge")
    links = [*relinked(2, 2, 20, 0, 3, 1, "CONDITIONING"), [30, 4, 1, 20, 0, "CLIP"], [31, 21, 0, 20, 1, "STRING"]]
    assert read([*nodes(), outer, words], links, definitions={"subgraphs": [inner]}).prompt == "a barge"
    # A value on the node itself, in place of a link.
    outer = one(20, "0b1c", "a wharf", inputs=[("clip", "CLIP", 30)], outputs=("CONDITIONING",))
    outer["inputs"].append({"name": "words", "type": "STRING", "widget": {"name": "words"}})
    assert read([*nodes(), outer], links, definitions={"subgraphs": [inner]}).prompt == "a wharf"


def test_a_subgraph_that_holds_itself_ends():
    inner = {"id": "x", "nodes": [one(1, "x"), one(2, "x")], "links": []}
    try:
        assert read([*nodes(), one(20, "x")], definitions={"subgraphs": [inner]}).prompt == "a mill"
    except RecordError as error:
        assert "too large" in str(error)


def test_types_of_the_workflow_help_to_follow_the_graph():
    """Two links of unknown names: only the workflow tells which one is the model and which the conditioning."""
    odd = node("Odd One", first=["4", 0], second=["6", 0], third=["7", 0])
    values = with_inputs("3", {"model": ["20", 0], "positive": ["20", 1], "negative": ["7", 0]}, n20=odd)
    types = [("first", "MODEL", 11), ("second", "CONDITIONING", 12), ("third", "STRING", 13)]
    typed = one(20, "Odd One", inputs=types, outputs=("MODEL", "CONDITIONING"))
    links = [[11, 4, 0, 20, 0, "MODEL"], [12, 6, 0, 20, 1, "CONDITIONING"], [13, 7, 0, 20, 2, "STRING"]]
    record = comfy(values, workflow=json.dumps({"nodes": [typed], "links": links}))
    assert (record.prompt, record.checkpoint) == ("a mill", "sd15.safetensors")


def test_a_broken_graph_beside_a_whole_workflow_and_the_other_way_round():
    workflow = json.dumps({"nodes": nodes(), "links": LINKS})
    record = read_foreign({"prompt": "{", "workflow": workflow})
    assert record is not None and record.prompt == "a mill"
    record = comfy(with_inputs("6", {"text": "a barge"}), workflow='{"nodes": 5}')
    assert record.prompt == "a barge"


def test_json_inside_json_is_read():
    values = with_inputs("6", {"text": "a barge"})
    record = read_foreign({"prompt": json.dumps(json.dumps(values))})
    assert record is not None and record.prompt == "a barge"


def test_either_format_under_either_name():
    record = read_foreign({"workflow": json.dumps(with_inputs("6", {"text": "a barge"}))})
    assert record is not None and record.prompt == "a barge"
    record = read_foreign({"prompt": json.dumps({"nodes": nodes(), "links": LINKS})})
    assert record is not None and record.prompt == "a mill"


@pytest.mark.parametrize("kind", ["Somebody's Text", "Text Multiline"])
def test_one_text_of_an_unknown_node(kind):
    text = one(20, kind, "a barge", inputs=[], outputs=("STRING",))
    values = nodes()
    values[3]["inputs"].append({"name": "text", "type": "STRING", "link": 30, "widget": {"name": "text"}})
    assert read([*values, text], [*LINKS, [30, 20, 0, 6, 1, "STRING"]]).prompt == "a barge"

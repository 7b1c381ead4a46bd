"""Parses ComfyUI's `workflow`, the editor's own format, into the same nodes with named inputs as `prompt` has.

There, nodes and links are lists, values have no names, and some nodes exist in the editor only: primitives, reroutes,
Set and Get nodes, subgraphs, muted and bypassed nodes.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from impasto.painting.foreign.comfyui_graph import ANY, Graph, Node, bounded, is_link
from impasto.painting.foreign.record import RecordError, parse_json

_MUTED, _BYPASSED = 2, 4
_DEEPEST, _MOST = 16, 5_000
_INPUTS, _OUTPUTS = "-10", "-20"  # the ids of the nodes at a subgraph's two ends
_EMPTY_LATENT = re.compile(r"Empty\w*Latent")
_AFTER_SEED = ("fixed", "increment", "decrement", "randomize")

# The names of the editor's unnamed `widgets_values`, for the nodes that hold generation settings; "" for what is none.
_WIDGETS = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "",
        "noise_seed",
        "",
        "steps",
        "cfg",
        "sampler_name",
        "scheduler",
        "start_at_step",
        "end_at_step",
    ),
    "KSampler (Efficient)": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "SamplerCustom": ("", "noise_seed", "", "cfg"),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": ("width", "height", "", "", "", "", "text_g", "text_l"),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoader": ("config_name", "ckpt_name"),
    "UNETLoader": ("unet_name",),
    "UnetLoaderGGUF": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "LoadImage": ("image",),
    "VAELoader": ("vae_name",),
    "LTXVScheduler": ("steps", "max_shift", "base_shift"),
    "Flux2Scheduler": ("steps",),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "SDTurboScheduler": ("steps", "denoise"),
    "KarrasScheduler": ("steps",),
    "AlignYourStepsScheduler": ("model_type", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "DualCFGGuider": ("cfg_conds", "cfg_cond2_negative"),
    "PerpNegGuider": ("cfg", "neg_scale"),
    "FluxGuidance": ("guidance",),
    "PrimitiveNode": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveFloat": ("value",),
    "PrimitiveBoolean": ("value",),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "Text Concatenate": ("delimiter", "clean_whitespace"),
    "JoinStrings": ("delimiter",),
    "CR Text Concatenate": ("text1", "text2", "separator"),
    "ImpactSwitch": ("select",),
    "CR Text Input Switch": ("Input",),
    "Seed (rgthree)": ("seed",),
}


@dataclass
class _Sheet:
    """One graph of the editor, the whole one or a subgraph, before its links are resolved."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    # A link's id -> [from node, from output, type]
    links: dict[str, tuple[str, int, str]] = field(default_factory=dict)


def parse_workflow(text: str) -> Graph:
    """Parses the graph in `workflow`; the values of known nodes get names, and subgraphs are put in their places.

    Raises:
        RecordError: the text is not such JSON, or has more than 5,000 nodes.
    """
    values = parse_json(text, "its ComfyUI workflow")
    if not isinstance(values, dict) or not isinstance(values.get("nodes"), list):
        raise RecordError("its ComfyUI workflow has no nodes and links")
    if not isinstance(values.get("links"), list):
        raise RecordError("its ComfyUI workflow has no nodes and links")
    definitions = values.get("definitions")
    listed = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    subgraphs = {str(one.get("id")): one for one in listed if isinstance(one, dict)} if isinstance(listed, list) else {}
    graph: Graph = {}
    _place(graph, _sheet(values), "", subgraphs, 0)
    return bounded(_without_editor_nodes(graph))


def _sheet(values: dict[str, Any]) -> _Sheet:
    sheet = _Sheet()
    nodes, links = values.get("nodes"), values.get("links")
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict) and isinstance(node.get("id"), str | int):
            sheet.nodes[str(node["id"])] = node
    for link in links if isinstance(links, list) else []:
        if isinstance(link, list) and len(link) > 3 and isinstance(link[2], int):
            sheet.links[str(link[0])] = (str(link[1]), link[2], str(link[5]) if len(link) > 5 else ANY)
        elif isinstance(link, dict) and isinstance(link.get("origin_slot"), int):
            sheet.links[str(link.get("id"))] = (str(link.get("origin_id")), link["origin_slot"], str(link.get("type", ANY)))
    return sheet


def _place(graph: Graph, sheet: _Sheet, prefix: str, subgraphs: dict[str, Any], depth: int) -> None:
    """Puts the nodes of `sheet` into `graph`, named `prefix` + id; a subgraph's nodes in place of its node."""
    for name, node in sheet.nodes.items():
        if len(graph) > _MOST:
            raise RecordError(f"its ComfyUI workflow is too large to read (more than {_MOST:,} nodes)")
        kind = str(node.get("type", ""))
        inputs, types = _inputs(kind, node, sheet, prefix)
        inner = subgraphs.get(kind)
        if inner is not None and depth < _DEEPEST:
            _place_subgraph(graph, prefix + name, inner, inputs, subgraphs, depth)
            continue
        mode = node.get("mode")
        if mode in (_MUTED, _BYPASSED):
            kind = "(muted)" if mode == _MUTED else "(bypassed)"
        graph[prefix + name] = Node(kind, inputs, prefix + name, types, _output_types(node))


def _place_subgraph(
    graph: Graph, name: str, inner: dict[str, Any], inputs: dict[str, Any], subgraphs: dict[str, Any], depth: int
) -> None:
    """Puts a subgraph's nodes in place of its node `name`, with a node for each of its two ends."""
    sheet = _sheet(inner)
    prefix = f"{name}:"
    _place(graph, sheet, prefix, subgraphs, depth + 1)
    named = inner.get("inputs")
    slots = [str(slot.get("name")) if isinstance(slot, dict) else "" for slot in named] if isinstance(named, list) else []
    for slot, slot_name in enumerate(slots):
        graph[f"{prefix}{_INPUTS}/{slot}"] = Node("(end)", {"": inputs[slot_name]} if slot_name in inputs else {})
    ends = inner.get("outputs")
    found: dict[str, Any] = {}
    for slot, end in enumerate(ends if isinstance(ends, list) else []):
        ids = end.get("linkIds") if isinstance(end, dict) else None
        for link in ids if isinstance(ids, list) else []:
            if str(link) in sheet.links:
                origin, at, _ = sheet.links[str(link)]
                found[str(slot)] = _source(prefix, origin, at)
    graph[name] = Node("(subgraph)", found, name)


def _source(prefix: str, origin: str, slot: int) -> list[Any]:
    return [f"{prefix}{_INPUTS}/{slot}", 0] if origin == _INPUTS else [prefix + origin, slot]


def _inputs(kind: str, node: dict[str, Any], sheet: _Sheet, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns a node's inputs by name, values and links, and the types of the links."""
    slots = [slot for slot in node["inputs"] if isinstance(slot, dict)] if isinstance(node.get("inputs"), list) else []
    inputs = _named_widgets(kind, node.get("widgets_values"), slots)
    types: dict[str, str] = {}
    for slot in slots:
        link = sheet.links.get(str(slot.get("link")))
        if link is not None:
            name = str(slot.get("name"))
            inputs[name] = _source(prefix, link[0], link[1])
            types[name] = link[2] if link[2] != ANY else str(slot.get("type", ANY))
    return inputs, types


def _output_types(node: dict[str, Any]) -> tuple[str, ...]:
    outputs = node["outputs"] if isinstance(node.get("outputs"), list) else []
    return tuple(str(out.get("type", ANY)) if isinstance(out, dict) else ANY for out in outputs)


def _named_widgets(kind: str, values: object, slots: list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items() if not is_link(value)}
    if not isinstance(values, list):
        return {}
    # Newer editors list every value among the inputs; a seed's value is followed by what happens to it afterwards.
    names = [str(slot.get("name")) for slot in slots if isinstance(slot.get("widget"), dict)]
    left = list(values)
    found: dict[str, Any] = {}
    for name in names:
        if not left:
            break
        found[name] = left.pop(0)
        if "seed" in name and left and left[0] in _AFTER_SEED:
            left.pop(0)
    if not names or left or len(found) < len(names):
        known = _WIDGETS.get(kind, ("width", "height") if _EMPTY_LATENT.search(kind) else ())
        found = {f"({at})": value for at, value in enumerate(values)} if not known else {}
        found |= dict(zip(known, values, strict=False))
        if kind in ("SetNode", "GetNode") and values:
            found = {"(name)": values[0]}
    # A widget's value must not be mistaken for a link, which is a list here.
    return {name: value for name, value in found.items() if name and not is_link(value)}


def _bypass(node: Node, slot: int) -> str:
    """Returns the input that a bypassed node passes on at an output: of the same type, and of those in the same order."""
    kind = node.outputs[slot] if 0 <= slot < len(node.outputs) else ANY
    same = [name for name, type_ in node.types.items() if kind in (type_, ANY)]
    before = sum(type_ == kind for type_ in node.outputs[:slot])
    return same[before if before < len(same) else 0] if same else ""


def _without_editor_nodes(graph: Graph) -> Graph:
    """Returns `graph` with links that lead past subgraphs, Set and Get nodes, bypassed and muted nodes."""
    setters = {str(node.inputs.get("(name)")): node for node in graph.values() if node.kind == "SetNode"}

    def past(value: Any) -> Any:
        """Returns the link behind the nodes that only the editor has; None if it ends there."""
        for _ in range(len(graph) + 1):
            node = graph.get(str(value[0])) if is_link(value) else None
            if node is None:
                return value
            links = [one for one in node.inputs.values() if is_link(one)]
            if node.kind == "(subgraph)":
                value = node.inputs.get(str(value[1]))
            elif node.kind == "(end)":
                value = node.inputs.get("")
            elif node.kind == "GetNode":
                setter = setters.get(str(node.inputs.get("(name)")))
                value = next((one for one in setter.inputs.values() if is_link(one)), None) if setter else None
            elif node.kind == "SetNode":
                value = links[0] if links else None
            elif node.kind == "(muted)":
                return None
            elif node.kind == "(bypassed)":
                value = node.inputs.get(_bypass(node, value[1]))
            else:
                return value
        return None

    kept = {name: node for name, node in graph.items() if not node.kind.startswith("(")}
    found: Graph = {}
    for name, node in kept.items():
        inputs = {key: past(value) for key, value in node.inputs.items()}
        found[name] = replace(node, inputs={key: value for key, value in inputs.items() if value is not None})
    return found

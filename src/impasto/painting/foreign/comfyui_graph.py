"""Parses ComfyUI's graph into nodes with named inputs, from either of its two file formats."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.foreign.record import RecordError, parse_object

# The largest graphs that people share have some hundreds of nodes.
_MOST_NODES = 5_000

# The names of the editor's unnamed `widgets_values`, for the nodes that hold generation settings.
_WIDGETS = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("", "noise_seed", "", "cfg"),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoader": ("config_name", "ckpt_name"),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name",),
    "LoraLoaderModelOnly": ("lora_name",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "PrimitiveNode": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "PrimitiveInt": ("value",),
}


@dataclass(frozen=True)
class Node:
    """A node of the graph: its class, and its inputs by name, each a value or a link `[node, output]`."""

    kind: str
    inputs: dict[str, Any]


Graph = dict[str, Node]


def linked_node(graph: Graph, value: Any) -> Node | None:
    """Returns the node that `value` links to; None if it is not a link or its target does not exist."""
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
        return None
    return graph.get(str(value[0])) if isinstance(value[0], str | int) else None


def parse_prompt(text: str) -> Graph:
    """Parses the graph in `prompt`: {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}}.

    Raises:
        RecordError: the text is not such JSON, or has more than 5,000 nodes.
    """
    values = parse_object(text, "its ComfyUI graph")
    graph = {
        name: Node(str(node.get("class_type", "")), node["inputs"])
        for name, node in values.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    return _bounded(graph)


def parse_workflow(text: str) -> Graph:
    """Parses the graph in `workflow`, where nodes and links are lists; the values of known nodes get names.

    Raises:
        RecordError: the text is not such JSON, or has more than 5,000 nodes.
    """
    values = parse_object(text, "its ComfyUI workflow")
    nodes, links = values.get("nodes"), values.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        raise RecordError("its ComfyUI workflow has no nodes and links")
    # A link is [its id, from node, from output, to node, to input, type].
    whole = [link for link in links if isinstance(link, list) and len(link) > 3]
    sources = {str(link[0]): [str(link[1]), link[2]] for link in whole}
    graph: Graph = {}
    for node in nodes:
        if not isinstance(node, dict):
            continue
        kind = str(node.get("type", ""))
        inputs = _named_widgets(kind, node.get("widgets_values"))
        slots = node.get("inputs")
        for slot in slots if isinstance(slots, list) else []:
            if isinstance(slot, dict) and str(slot.get("link")) in sources:
                inputs[str(slot.get("name"))] = sources[str(slot.get("link"))]
        graph[str(node.get("id"))] = Node(kind, inputs)
    return _bounded(graph)


def _named_widgets(kind: str, values: object) -> dict[str, Any]:
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items()}
    known = zip(_WIDGETS.get(kind, ()), values if isinstance(values, list) else (), strict=False)
    # A widget's value must not be mistaken for a link, which is a list here.
    return {name: value for name, value in known if name and not isinstance(value, list)}


def _bounded(graph: Graph) -> Graph:
    if not graph:
        raise RecordError("its ComfyUI graph has no nodes")
    if len(graph) > _MOST_NODES:
        raise RecordError(f"its ComfyUI graph is too large to read ({len(graph):,} nodes)")
    return graph

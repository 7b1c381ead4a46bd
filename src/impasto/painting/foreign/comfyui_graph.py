"""ComfyUI's graph as nodes with named inputs: parsed from the `prompt` text, and the types of its links.

The editor's own format, `workflow`, is parsed by `comfyui_workflow`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from impasto.painting.foreign.record import RecordError, parse_json, plain_text

# The largest graphs that people share have some hundreds of nodes.
_MOST_NODES = 5_000
ANY = "*"

# What an input takes by its name, where no file tells. The first fitting row counts.
_BY_NAME = (
    (r"(base_|refiner_|my_)?model(_?\d+|_[ab])?|unet", "MODEL"),
    (r"clip(_?\d+)?|t5", "CLIP"),
    (r"(opt(ional)?_)?vae", "VAE"),
    (r"(opt(ional)?_)?(latent|latent_image|samples|latents?_?\d*|samples_?\d+)", "LATENT"),
    (r"(start_|end_|reference_)?(image|images|pixels)(_?\d+)?|mask", "IMAGE"),
    (r"(clip_vision|style_model|control_net|upscale_model).*", "OTHER_MODEL"),
    (r".*(positive|negative)|cond\w*|conditioning.*", "CONDITIONING"),
    (r"(text|string|prompt)(_?[a-h\d]+)?", "STRING"),
    (r"(lora_stack|optional_lora_stack|lora_stack\w*)", "LORA_STACK"),
    (r"sigmas", "SIGMAS"),
    (r"noise", "NOISE"),
    (r"guider", "GUIDER"),
    (r"(base_)?(ctx|context|bus)(_?\d+)?|(\w+_)?pipe(_\w+)?", "PIPE"),
)  # fmt: skip
_NAME_TYPES = tuple((re.compile(names, re.IGNORECASE), kind) for names, kind in _BY_NAME)
# What ComfyUI's own nodes give, in the order of their outputs.
_OUTPUTS = {
    "CheckpointLoaderSimple": ("MODEL", "CLIP", "VAE"),
    "CheckpointLoader": ("MODEL", "CLIP", "VAE"),
    "UNETLoader": ("MODEL",),
    "LoraLoader": ("MODEL", "CLIP"),
    "LoraLoaderModelOnly": ("MODEL",),
    "CLIPLoader": ("CLIP",),
    "DualCLIPLoader": ("CLIP",),
    "CLIPSetLastLayer": ("CLIP",),
    "VAELoader": ("VAE",),
    "CLIPTextEncode": ("CONDITIONING",),
    "CLIPTextEncodeSDXL": ("CONDITIONING",),
    "ConditioningCombine": ("CONDITIONING",),
    "ConditioningConcat": ("CONDITIONING",),
    "ConditioningZeroOut": ("CONDITIONING",),
    "EmptyLatentImage": ("LATENT",),
    "KSampler": ("LATENT",),
    "VAEEncode": ("LATENT",),
    "VAEDecode": ("IMAGE",),
    "LoadImage": ("IMAGE", "MASK"),
    "ControlNetLoader": ("CONTROL_NET",),
    "PrimitiveString": ("STRING",),
    "PrimitiveStringMultiline": ("STRING",),
    "PrimitiveInt": ("INT",),
    "PrimitiveFloat": ("FLOAT",),
}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of the graph.

    Attributes:
        kind: its class.
        inputs: by name, each a value or a link `[node, output]`.
        name: its id in the graph.
        types: the types of its linked inputs by name, where a workflow tells them.
        outputs: the types of its outputs, likewise.
    """

    kind: str
    inputs: dict[str, Any]
    name: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


Graph = dict[str, Node]


class Untold(Exception):
    """A value cannot be told; the message is the reason."""


def called(node: Node) -> str:
    """Returns a node's class and id for a sentence."""
    kind = plain_text(node.kind)[:60] or "without a class"
    return f"{kind} ({plain_text(node.name)[:20]})" if node.name else kind


def is_link(value: Any) -> bool:
    """Returns whether an input's value has the form of a link."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str | int)
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def linked_node(graph: Graph, value: Any) -> Node | None:
    """Returns the node that `value` links to; None if it is not a link or its target does not exist."""
    return graph.get(str(value[0])) if is_link(value) else None


def type_of(graph: Graph, node: Node, name: str) -> str:
    """Returns the type that the link at the input `name` carries, "*" if nothing tells it."""
    kind = node.types.get(name, ANY)
    source = linked_node(graph, node.inputs.get(name))
    if kind in (ANY, "") and source is not None:
        slot = node.inputs[name][1]
        outputs = source.outputs or _OUTPUTS.get(source.kind, ())
        kind = outputs[slot] if 0 <= slot < len(outputs) else ANY
    return _type_by_name(name) if kind in (ANY, "") else kind


@lru_cache(maxsize=4096)
def _type_by_name(name: str) -> str:
    return next((kind for pattern, kind in _NAME_TYPES if pattern.fullmatch(name)), ANY)


def links_of(graph: Graph, node: Node, wanted: str) -> list[str]:
    """Returns the names of the inputs whose links carry the type `wanted`; if there are none, those of unknown type."""
    linked = [name for name in node.inputs if linked_node(graph, node.inputs[name]) is not None]
    types = {name: type_of(graph, node, name) for name in linked}
    found = [name for name in linked if types[name] == wanted] or [name for name in linked if types[name] == ANY]
    return sorted(found, key=input_order)


def input_order(name: str) -> tuple[Any, ...]:
    """Returns the key that sorts inputs as their nodes number or letter them: text_a, text_b; string2, string10."""
    low = name.lower()
    place = 0
    if re.search(r"prefix|prepend|before|pre_|_to$", low):
        place = -1
    elif re.search(r"suffix|append|after|post_|_from$", low):
        place = 1
    return (place, [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d{1,9}|\D+", low)])


def upstream(graph: Graph, starts: Iterable[Node]) -> Iterator[Node]:
    """Yields `starts` and all nodes that they depend on, nearest first, each once."""
    waiting = list(starts)
    seen = {id(node) for node in waiting}
    for node in waiting:
        yield node
        for value in node.inputs.values():
            source = linked_node(graph, value)
            if source is not None and id(source) not in seen:
                seen.add(id(source))
                waiting.append(source)


def parse_prompt(text: str) -> Graph:
    """Parses the graph in `prompt`: {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}}.

    Raises:
        RecordError: the text is not such JSON, or has more than 5,000 nodes.
    """
    values = parse_json(text, "its ComfyUI graph")
    if not isinstance(values, dict):
        raise RecordError("its ComfyUI graph is not a JSON object")
    if isinstance(values.get("prompt"), dict) and "class_type" not in values["prompt"]:
        values = values["prompt"]
    graph = {
        name: Node(str(node.get("class_type", "")), node["inputs"], name)
        for name, node in values.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    return bounded(graph)


def holds_graph(values: object) -> bool:
    """Returns whether parsed JSON is a graph, by the classes of its nodes."""
    return isinstance(values, dict) and any(isinstance(node, dict) and "class_type" in node for node in values.values())


def with_types(graph: Graph, typed: Graph) -> Graph:
    """Returns `graph` with the types that the same nodes have in `typed`, the workflow of the same picture."""
    found: Graph = {}
    for name, node in graph.items():
        other = typed.get(name)
        same = other is not None and other.kind == node.kind
        found[name] = replace(node, types=other.types, outputs=other.outputs) if same and other else node
    return found


def bounded(graph: Graph) -> Graph:
    """Returns `graph`.

    Raises:
        RecordError: it has no nodes, or more than 5,000.
    """
    if not graph:
        raise RecordError("its ComfyUI graph has no nodes")
    if len(graph) > _MOST_NODES:
        raise RecordError(f"its ComfyUI graph is too large to read ({len(graph):,} nodes)")
    return graph


def as_text(value: object) -> str:
    """Returns a part of a picture's text as JSON again."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Reads ComfyUI's record: the node graph as JSON, in `prompt`, or in the editor's own format in `workflow`.

The graph contains no list of settings, so the reader follows links: from the sampler that begins the picture to
the nodes that encode text, load a checkpoint and make the empty latent. It recognizes nodes by the names of
their inputs rather than by their own names, because most graphs hold nodes from extensions.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from impasto.painting.foreign.comfyui_graph import Graph, Node, linked_node, parse_prompt, parse_workflow
from impasto.painting.foreign.record import (
    ForeignRecord,
    RecordError,
    count,
    plain_text,
    real_number,
    whole_number,
)

_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "positive_prompt")
_CHECKPOINTS = ("ckpt_name", "unet_name", "model_name", "base_ckpt_name")
# SamplerCustomAdvanced keeps each setting in a node of its own, behind these inputs.
_PARTS = ("guider", "noise", "sigmas", "sampler")
_OUTPUTS = ("SaveImage", "Image Save", "PreviewImage")


def read_comfyui(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record that ComfyUI's graph among the `texts` describes, or None.

    Raises:
        RecordError: the graph is broken, too large, or has no sampler that Impasto knows.
    """
    if "prompt" in texts:
        return _from_graph(parse_prompt(texts["prompt"]))
    return _from_graph(parse_workflow(texts["workflow"])) if "workflow" in texts else None


def _from_graph(graph: Graph) -> ForeignRecord:
    sampler = _first_sampler(graph)
    guider = _parts(graph, sampler)
    positive = _input(guider, "positive", "conditioning")
    extra = {"scheduler": plain_text(_setting(graph, sampler, "scheduler"))}
    denoise = real_number(_setting(graph, sampler, "denoise"))
    if denoise not in (None, 1.0):
        extra["denoise"] = plain_text(denoise)
    checkpoint, loras = _checkpoint(graph, _input(guider, "model"))
    extra["loras"] = ", ".join(loras)
    width, height = _size(graph, _input([sampler], "latent_image", "samples"))
    return ForeignRecord(
        tool="ComfyUI",
        prompt=_conditioning(graph, positive),
        negative=_conditioning(graph, _input(guider, "negative")),
        seed=whole_number(_setting(graph, sampler, "seed", "noise_seed")),
        sampler=plain_text(_setting(graph, sampler, "sampler_name")),
        steps=count(_setting(graph, sampler, "steps")),
        guidance=real_number(_setting(graph, sampler, "cfg", "guidance")),
        width=width,
        height=height,
        checkpoint=checkpoint,
        extra={name: value for name, value in extra.items() if value},
    )


def _first_sampler(graph: Graph) -> Node:
    """Returns the sampler that starts from the empty latent: later ones only upscale or refine."""
    ends = [node for output in _OUTPUTS for node in graph.values() if node.kind.startswith(output)]
    starts = ends or list(graph.values())
    sampler = next((node for node in _upstream(graph, starts) if _is_sampler(node)), None)
    if sampler is None:
        sampler = next((node for node in graph.values() if _is_sampler(node)), None)
    if sampler is None:
        raise RecordError("its ComfyUI graph has no sampler that impasto knows")
    passed = {id(sampler)}
    while True:
        latent = linked_node(graph, _input([sampler], "latent_image", "samples"))
        earlier = next((n for n in _upstream(graph, [latent] if latent else []) if _is_sampler(n)), None)
        if earlier is None or id(earlier) in passed:
            return sampler
        passed.add(id(earlier))
        sampler = earlier


def _is_sampler(node: Node) -> bool:
    inputs = node.inputs
    settings = "steps" in inputs or "sigmas" in inputs
    return ("guider" in inputs and "sigmas" in inputs) or ("positive" in inputs and settings)


def _upstream(graph: Graph, starts: Iterable[Node]) -> Iterator[Node]:
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


def _parts(graph: Graph, sampler: Node) -> list[Node]:
    """Returns the sampler and the nodes that hold its settings."""
    nodes = [sampler]
    for name in _PARTS:
        source = linked_node(graph, sampler.inputs.get(name))
        if source is not None:
            nodes.append(source)
    return nodes


def _input(nodes: Iterable[Node], *names: str) -> Any:
    """Returns the first input with one of these names in one of the nodes."""
    return next((node.inputs[name] for node in nodes for name in names if name in node.inputs), None)


def _setting(graph: Graph, sampler: Node, *names: str) -> Any:
    """Returns a setting's value from the sampler, from its parts, or from a linked node that holds a number."""
    value = _input(_parts(graph, sampler), *names)
    passed: set[int] = set()
    while (source := linked_node(graph, value)) is not None and id(source) not in passed:
        passed.add(id(source))
        value = _input([source], *names, "value", "int", "float", "number")
    return value


def _conditioning(graph: Graph, link: Any) -> str:
    """Returns the texts that flow into a conditioning, each once, joined by line breaks.

    Nodes in between (combine, concat, area, ControlNet, reroute) are passed through; ConditioningZeroOut counts
    as the empty text, whatever its input is.
    """
    texts: list[str] = []
    waiting = [link]
    seen: set[tuple[int, int]] = set()
    while waiting:
        link = waiting.pop()
        node = linked_node(graph, link)
        slot = link[1] if isinstance(link, list) else 0
        if node is None or (id(node), slot) in seen or node.kind == "ConditioningZeroOut":
            continue
        seen.add((id(node), slot))
        written = _texts(graph, node)
        if written:
            texts += [text for text in written if text not in texts]
            continue
        names = [name for name in node.inputs if linked_node(graph, node.inputs[name]) is not None]
        if {"positive", "negative"} <= set(names):  # e.g. ControlNetApplyAdvanced: outputs in the same order
            chosen = ["negative" if slot == 1 else "positive"]
        else:
            chosen = [name for name in names if "cond" in name] or (names if len(names) == 1 else [])
        waiting += [node.inputs[name] for name in reversed(chosen)]
    return plain_text("\n".join(texts))


def _texts(graph: Graph, node: Node) -> list[str]:
    """Returns the texts that a node holds itself or gets from linked text nodes."""
    found: list[str] = []
    waiting = [node]
    seen = {id(node)}
    while waiting:
        node = waiting.pop(0)
        for name, value in node.inputs.items():
            if not name.startswith(_TEXTS):
                continue
            source = linked_node(graph, value)
            if isinstance(value, str) and value.strip() and value not in found:
                found.append(value)
            elif source is not None and id(source) not in seen:
                seen.add(id(source))
                waiting.append(source)
    return found


def _checkpoint(graph: Graph, link: Any) -> tuple[str, list[str]]:
    """Returns the checkpoint's file name and the names of the LoRAs between it and the sampler."""
    loras: list[str] = []
    node = linked_node(graph, link)
    passed: set[int] = set()
    while node is not None and id(node) not in passed:
        passed.add(id(node))
        name = _input([node], *_CHECKPOINTS)
        if isinstance(name, str):
            return plain_text(name), loras
        lora = node.inputs.get("lora_name")
        if isinstance(lora, str):
            loras.append(plain_text(lora))
        links = [value for value in node.inputs.values() if linked_node(graph, value) is not None]
        node = linked_node(graph, _input([node], "model", "model1") or (links[0] if len(links) == 1 else None))
    return "", loras


def _size(graph: Graph, link: Any) -> tuple[int | None, int | None]:
    """Returns the width and height in pixels of the empty latent that the picture started from."""
    start = linked_node(graph, link)
    for node in _upstream(graph, [start] if start else []):
        if "width" in node.inputs and "height" in node.inputs:
            return count(_setting(graph, node, "width")), count(_setting(graph, node, "height"))
    return None, None

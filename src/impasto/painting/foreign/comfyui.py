"""Reads ComfyUI's record: the node graph as JSON, in `prompt`, or in the editor's own format in `workflow`.

The graph contains no list of settings, so the reader follows links: from the sampler that begins the picture to
the nodes that encode text, load a checkpoint and make the empty latent.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from impasto.painting.foreign.comfyui_choice import preset_size
from impasto.painting.foreign.comfyui_graph import (
    Graph,
    Node,
    Untold,
    holds_graph,
    is_link,
    linked_node,
    parse_prompt,
    upstream,
    with_types,
)
from impasto.painting.foreign.comfyui_model import Models
from impasto.painting.foreign.comfyui_prompt import Prompts
from impasto.painting.foreign.comfyui_text import Values
from impasto.painting.foreign.comfyui_workflow import parse_workflow
from impasto.painting.foreign.record import (
    ForeignRecord,
    RecordError,
    count,
    is_placeholder,
    name_or_none,
    plain_text,
    real_number,
    told,
    whole_number,
)
from impasto.painting.foreign.texts import json_object

# SamplerCustomAdvanced keeps each setting in a node of its own, behind these inputs.
_PARTS = ("guider", "noise", "sigmas", "sampler")
_POSITIVE = (
    "positive", "cond1", "conditioning", "cond", "positive_conditioning", "text_embeds", "positive_prompt", "prompt",
)  # fmt: skip
_NEGATIVE = ("negative", "uncond", "negative_conditioning", "negative_prompt")
_LATENTS = ("latent_image", "samples", "latent", "optional_latent", "image_embeds", "image", "images", "pixels")
_PIPES = re.compile(r"(\w+_)?pipe(_\w+)?|(base_)?(ctx|context|bus)(_?\d+)?", re.IGNORECASE)
_OUTPUTS = ("SaveImage", "Image Save", "PreviewImage", "SaveAnimated")
# Nodes without influence on the picture, or whose settings are read.
_PLUMBING = re.compile(
    r"VAE|Save|Preview|CLIPLoader|(Dual|Triple|Quadruple)CLIP|Reroute|Note|Primitive|Show|LoadImage", re.IGNORECASE
)
_OF_LATER = re.compile(r"CLIPTextEncode|Loader|CLIPSetLastLayer|Conditioning|Empty\w*Latent", re.IGNORECASE)
_NUMBERS = ("cfg_cond2_negative", "neg_scale", "start_at_step", "end_at_step", "eta", "max_shift", "base_shift", "shift")
_ALL_STEPS = {"start_at_step": 0, "end_at_step": 10_000}  # what these inputs hold if the sampler takes all steps
_CONTROLS = {"seed": ("seed", "noise_seed"), "sampler": ("sampler_name", "sampler"), "steps": ("steps",),
             "guidance": ("cfg", "cfg_conds")}  # fmt: skip
_CHECKS = {"seed": whole_number, "steps": count, "guidance": real_number, "width": count, "height": count}


def read_comfyui(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record that ComfyUI's graph among the `texts` describes, or None.

    Raises:
        RecordError: the graph is broken, too large, or has no sampler that Impasto knows.
    """
    prompt, workflow = texts.get("prompt", ""), texts.get("workflow", "")
    if not prompt.strip() and holds_graph(json_object(workflow)):
        prompt, workflow = workflow, ""
    elif not workflow.strip() and "nodes" in (json_object(prompt) or {}):
        prompt, workflow = "", prompt
    if prompt.lstrip()[:1] not in ("{", "[") and workflow.lstrip()[:1] not in ("{", "["):
        return None  # other tools write the prompt itself there
    if prompt.lstrip()[:1] not in ("{", "["):
        return _from_graph(parse_workflow(workflow))
    try:
        graph = parse_prompt(prompt)
    except RecordError:
        if not workflow.strip():
            raise
        return _from_graph(parse_workflow(workflow))
    try:
        typed = parse_workflow(workflow) if workflow.strip() else {}
    except RecordError:
        typed = {}  # the graph itself is enough
    return _from_graph(with_types(graph, typed))


def _from_graph(graph: Graph) -> ForeignRecord:
    values = Values(graph)
    sampler = _first_sampler(graph)
    parts = _parts(values, sampler)
    pipe = next((value for name, value in sampler.inputs.items() if is_link(value) and _PIPES.fullmatch(name)), None)
    prompts, models = Prompts(values), Models(values)
    positive = _input(parts, *_POSITIVE)
    negative = _input(parts, *_NEGATIVE)
    if negative is None and _input(parts, "text_embeds") is not None:
        negative = positive  # one link for both
    prompt = prompts.read(pipe if positive is None else positive, "positive")
    avoided = prompts.read(pipe if negative is None and positive is None else negative, "negative")
    models.read(_input(parts, "model") or pipe)
    extra = _more_settings(values, parts, positive)
    second = _input(parts, "cond2")
    if second is not None:
        extra["second prompt (cond2)"] = Prompts(values).read(second, "positive")
    untold: dict[str, str] = {}
    width, height = _size(values, [sampler], pipe, untold)
    settings = {name: _setting(values, parts, *names, untold=untold) for name, names in _CONTROLS.items()}
    guidance = real_number(settings["guidance"])
    if guidance is None and "guidance" not in untold and "guidance" in extra:
        guidance = real_number(extra.pop("guidance"))
    elif "guidance" in extra:
        extra["distilled guidance"] = extra.pop("guidance")  # Flux's own, beside the sampler's
    extra["loras"] = ", ".join(models.loras)
    extra["styles"] = ", ".join(dict.fromkeys(values.styles))
    extra["other checkpoints"] = ", ".join(models.checkpoints[1:])
    of_this = {"prompt": prompt, "negative": avoided, "checkpoints": ", ".join(models.checkpoints), "loras": extra["loras"]}
    extra |= _other_nodes(values, sampler, of_this)
    untold |= {{"positive": "prompt"}.get(role, role): reason for role, reason in prompts.reasons.items()}
    if not models.checkpoints and models.reason:
        untold["checkpoint"] = models.reason
    if not prompt and positive is None and pipe is None:
        untold.setdefault("prompt", "its sampler has no input for it that impasto knows")
    return ForeignRecord(
        tool="ComfyUI",
        prompt=prompt,
        negative=avoided,
        seed=whole_number(settings["seed"]),
        sampler=name_or_none(settings["sampler"]) or _sampler_kind(graph, sampler),
        steps=count(settings["steps"]),
        guidance=guidance,
        width=width,
        height=height,
        checkpoint=models.checkpoints[0] if models.checkpoints else "",
        extra={name: value for name, value in extra.items() if value},
        untold=untold,
    )


def _first_sampler(graph: Graph) -> Node:
    """Returns the sampler that starts from the empty latent: later ones only upscale or refine."""
    ends = [node for output in _OUTPUTS for node in graph.values() if node.kind.startswith(output)]
    sampler = next((node for node in upstream(graph, ends or list(graph.values())) if _is_sampler(node)), None)
    sampler = sampler or next((node for node in graph.values() if _is_sampler(node)), None)
    if sampler is None:
        raise RecordError("its ComfyUI graph has no sampler that impasto knows")
    passed = {id(sampler)}
    while True:
        before = [linked_node(graph, sampler.inputs.get(name)) for name in _LATENTS]
        nodes = upstream(graph, [node for node in before if node is not None])
        earlier = next((node for node in nodes if _is_sampler(node)), None)
        if earlier is None or id(earlier) in passed:
            return sampler
        passed.add(id(earlier))
        sampler = earlier


def _is_sampler(node: Node) -> bool:
    inputs = node.inputs
    if re.search(r"context|pipe(in|out|edit)", node.kind, re.IGNORECASE):
        return False  # it only gathers what a sampler takes
    if "guider" in inputs and "sigmas" in inputs:
        return True
    if "positive" in inputs and ("steps" in inputs or "sigmas" in inputs):
        return True
    if "sampler" in node.kind.lower() and "steps" in inputs and ("seed" in inputs or "noise_seed" in inputs):
        return True
    settings = "steps" in inputs and ("sampler_name" in inputs or "cfg" in inputs)
    return settings and any(is_link(value) and _PIPES.fullmatch(name) for name, value in inputs.items())


def _parts(values: Values, sampler: Node) -> list[Node]:
    """Returns the sampler and the nodes that hold its settings, the nearest first."""
    values.passed.add(id(sampler))
    nodes = [sampler]
    for name in _PARTS:
        source = linked_node(values.graph, sampler.inputs.get(name))
        if source is None:
            continue
        wanted = {"guider": ("cfg", "positive", "conditioning", "cond1"), "noise": ("noise_seed", "seed"),
                  "sigmas": ("steps",), "sampler": ("sampler_name",)}[name]  # fmt: skip
        near = [node for _, node in zip(range(20), upstream(values.graph, [source]), strict=False)]
        fits = [node for node in near if any(one in node.inputs for one in wanted)]
        for node in [source, *fits[:1]] if name == "sigmas" else fits[:1] or [source]:
            values.passed.add(id(node))
            nodes += [node] if node not in nodes else []
    return nodes


def _input(nodes: Iterable[Node], *names: str) -> Any:
    """Returns the first input with one of these names in one of the nodes."""
    return next((node.inputs[name] for node in nodes for name in names if name in node.inputs), None)


def _setting(values: Values, parts: list[Node], *names: str, untold: dict[str, str] | None = None) -> Any:
    """Returns a setting's value from the sampler, from its parts, or from a linked node that holds a value.

    Why one that is there cannot be told goes into `untold`, under the setting's name.
    """
    field = next((name for name, inputs in _CONTROLS.items() if inputs == names), "")
    for node in parts:
        for name in names:
            value = node.inputs.get(name)
            if value is None:
                continue
            try:
                value = values.told_number(value, *names)
            except Untold as reason:
                if untold is not None and not (field == "sampler" and name == "sampler"):  # a node, named by its class
                    untold.setdefault(field, str(reason))
                continue
            if isinstance(value, str | int | float) and value != "":
                _check(field, value, untold if untold is not None else {})
                return value
    return None


def _check(field: str, value: Any, untold: dict[str, str]) -> None:
    """Puts into `untold` that the value of a field cannot be understood; or takes back that it could not be told."""
    if field in _CHECKS and _CHECKS[field](value) is None and not (isinstance(value, str) and is_placeholder(value)):
        untold[field] = f"{plain_text(value)[:80]!r} cannot be understood"
    else:
        untold.pop(field, None)


def _sampler_kind(graph: Graph, sampler: Node) -> str:
    """Returns the sampler that a node such as SamplerDPMPP_2M_SDE names by its class."""
    node = linked_node(graph, sampler.inputs.get("sampler"))
    return plain_text(node.kind.removeprefix("Sampler")) if node is not None and node.kind.startswith("Sampler") else ""


def _more_settings(values: Values, parts: list[Node], positive: Any) -> dict[str, str]:
    """Returns the settings that have no field of their own: schedule, strength, Flux's guidance, CLIP's layer, the VAE."""
    extra = {"scheduler": plain_text(_setting(values, parts, "scheduler"))}
    denoise = real_number(_setting(values, parts, "denoise"))
    if denoise not in (None, 1.0):
        extra["denoise"] = plain_text(denoise)
    for name in _NUMBERS:
        value = real_number(_setting(values, parts, name))
        if value is not None and value != _ALL_STEPS.get(name):
            extra[name] = f"{value:g}"
    start = linked_node(values.graph, positive)
    for node in upstream(values.graph, [start, *parts] if start else parts):
        for name, key in (("guidance", "guidance"), ("stop_at_clip_layer", "clip skip"), ("vae_name", "vae")):
            value = node.inputs.get(name)
            value = values.number(value, name) if is_link(value) else value
            if key == "guidance" and (number := real_number(value)) is not None and number < 0:
                continue  # SwarmUI's "none"
            if value is not None and key not in extra and (key == "vae" or real_number(value) is not None):
                extra[key] = told(value)
                values.passed.add(id(node))
    return extra


def _size(values: Values, starts: list[Node], pipe: Any, untold: dict[str, str]) -> tuple[int | None, int | None]:
    """Returns the width and height in pixels of the empty latent that the picture started from.

    Why one that is there cannot be told goes into `untold`.
    """
    links = [node.inputs.get(name) for node in starts for name in _LATENTS]
    nodes = [linked_node(values.graph, link) for link in [*links, pipe]]
    ratio = ""
    for node in upstream(values.graph, [node for node in nodes if node is not None]):
        low = {name.lower(): name for name in node.inputs}
        try:
            size = preset_size(node)
        except Untold as reason:
            ratio, size = ratio or str(reason), None
        if size is not None:
            values.passed.add(id(node))
            return size
        for wide, high in (("width", "height"), ("empty_latent_width", "empty_latent_height")):
            if wide in low and high in low:
                values.passed.add(id(node))
                return _sides(values, node.inputs[low[wide]], node.inputs[low[high]], untold)
    untold |= {"width": ratio, "height": ratio} if ratio else {}
    return None, None


def _sides(values: Values, wide: Any, high: Any, untold: dict[str, str]) -> tuple[int | None, int | None]:
    """Returns the width and height behind two inputs. A node that gives both gives the width first."""
    crossed = is_link(wide) and is_link(high) and wide[0] == high[0] and wide[1] > high[1]
    found: list[int | None] = []
    for field, value in (("width", wide), ("height", high)):
        try:
            told_value = values.told_number(value, {"width": "height", "height": "width"}[field] if crossed else field)
        except Untold as reason:
            untold[field] = str(reason)
            found.append(None)
            continue
        _check(field, told_value, untold)
        found.append(count(told_value))
    return found[0], found[1]


def _other_nodes(values: Values, sampler: Node, of_first: Mapping[str, str]) -> dict[str, str]:
    """Returns what else took part: pictures that it started from, later samplers, and nodes that were not understood.

    `of_first` is what the first sampler worked with; what a later one has else is listed as well.
    """
    graph = values.graph
    ends = [node for output in _OUTPUTS for node in graph.values() if node.kind.startswith(output)]
    first = {id(node) for node in upstream(graph, [sampler])}
    images, later, others = [], [], []
    more: dict[str, list[str]] = {name: [] for name in of_first}
    for node in upstream(graph, [*ends, sampler]):
        image = node.inputs.get("image")
        if isinstance(image, str) and image.strip():
            images.append(plain_text(image))
        if _is_sampler(node) and node is not sampler:
            shown = [f"{name} {plain_text(node.inputs[name])}" for name in ("steps", "cfg", "sampler_name", "denoise")
                     if isinstance(node.inputs.get(name), str | int | float)]  # fmt: skip
            later.append(f"{plain_text(node.kind)} ({', '.join(shown)})")
            for name, text in _worked_with(values, node).items():
                if text and text != of_first[name]:
                    more[name].append(text)
        elif id(node) not in values.passed and not _PLUMBING.search(node.kind):
            if id(node) not in first and _OF_LATER.search(node.kind):
                continue  # of a later sampler, which is named
            others.append(plain_text(node.kind))
    found = {"images": images, "later samplers": later, "other nodes": others}
    told_else = {f"later {name}": " | ".join(dict.fromkeys(texts)) for name, texts in more.items()}
    return {name: ", ".join(dict.fromkeys(words))[:2000] for name, words in found.items()} | told_else


def _worked_with(values: Values, sampler: Node) -> dict[str, str]:
    """Returns the prompts, checkpoints and LoRAs of a later sampler."""
    parts = _parts(values, sampler)
    pipe = next((value for name, value in sampler.inputs.items() if is_link(value) and _PIPES.fullmatch(name)), None)
    prompts, models = Prompts(values), Models(values)
    texts: dict[str, str] = {}
    for name, role, inputs in (("prompt", "positive", _POSITIVE), ("negative", "negative", _NEGATIVE)):
        link = _input(parts, *inputs)
        text = prompts.read(pipe if link is None else link, role)
        reason = prompts.reasons.get(role)
        texts[name] = text if reason is None else f"{text} (cannot be told: {reason})".strip()
    models.read(_input(parts, "model") or pipe)
    return {**texts, "checkpoints": ", ".join(models.checkpoints), "loras": ", ".join(models.loras)}

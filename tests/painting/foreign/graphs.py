"""Small ComfyUI graphs, as its saving nodes write them."""

import copy
import json
from typing import Any

from impasto.painting.foreign import ForeignRecord, read_foreign


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


_SIMPLE = {
    "3": node(
        "KSampler", seed=5, steps=20, cfg=8.0, sampler_name="euler", scheduler="normal", denoise=1.0, model=["4", 0],
        positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a mill", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="fog", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", filename_prefix="C", images=["8", 0]),
}  # fmt: skip


def graph(**nodes: Any) -> dict[str, Any]:
    """A graph that paints "a mill"; `nodes` are added under their names without the leading n."""
    return copy.deepcopy(_SIMPLE) | {name.removeprefix("n"): one for name, one in nodes.items()}


def with_text(text: Any, **nodes: Any) -> dict[str, Any]:
    """The graph whose positive prompt is `text`, a value or a link."""
    values = graph(**nodes)
    values["6"]["inputs"]["text"] = text
    return values


def with_inputs(name: str, inputs: dict[str, Any], **nodes: Any) -> dict[str, Any]:
    """The graph in which the node `name` has these inputs."""
    values = graph(**nodes)
    values[name]["inputs"] |= inputs
    return values


def comfy(values: Any, **texts: str) -> ForeignRecord:
    record = read_foreign({"prompt": json.dumps(values), **texts})
    assert record is not None
    return record

"""Reads InvokeAI's three record formats: `invokeai_metadata` (since 3), `sd-metadata` (2.x) and `Dream` (1.x)."""

import re
from collections.abc import Mapping
from typing import Any

from impasto.painting.foreign.record import (
    ForeignRecord,
    count,
    lora_rows,
    others,
    parse_object,
    plain_text,
    real_number,
    whole_number,
)

_KNOWN = {
    "positive_prompt", "negative_prompt", "seed", "scheduler", "steps", "cfg_scale", "width", "height", "model", "loras",
}  # fmt: skip
_KNOWN_2 = {"prompt", "seed", "sampler", "steps", "cfg_scale", "width", "height"}
_WITH_LORA = re.compile(r"withLora\(([^(),]{1,200}),?\s*([\d.]{0,10})\s*\)")
# The switches of the `dream>` command line that carry a value, and the field each one stands for.
_SWITCHES = {
    "-s": "steps", "--steps": "steps",
    "-S": "seed", "--seed": "seed",
    "-W": "width", "--width": "width",
    "-H": "height", "--height": "height",
    "-C": "guidance", "--cfg_scale": "guidance",
    "-A": "sampler", "-m": "sampler", "--sampler": "sampler",
}  # fmt: skip


def read_invokeai(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the newest of InvokeAI's records among the `texts`, or None.

    Raises:
        RecordError: there is a record, but it is not valid JSON of its format.
    """
    if "invokeai_metadata" in texts:
        return _version_3(parse_object(texts["invokeai_metadata"], "its invokeai_metadata"))
    if "sd-metadata" in texts:
        return _version_2(parse_object(texts["sd-metadata"], "its sd-metadata"))
    return _dream(texts["Dream"]) if "Dream" in texts else None


def _version_3(values: dict[str, Any]) -> ForeignRecord:
    model = values.get("model")
    named = model.get("model_name") or model.get("name") if isinstance(model, dict) else model
    extra = others(values, _KNOWN)
    if isinstance(values.get("loras"), list) and (loras := lora_rows(values["loras"])):
        extra["loras"] = loras
    if isinstance(model, dict) and isinstance(model.get("hash"), str):
        extra["model hash"] = plain_text(model["hash"])
    guidance = real_number(values.get("cfg_scale"))
    if guidance is None:  # Flux has its own
        guidance = real_number(values.get("guidance"))
        extra.pop("guidance", None)
    return ForeignRecord(
        tool="InvokeAI",
        prompt=plain_text(values.get("positive_prompt")),
        negative=plain_text(values.get("negative_prompt")),
        seed=whole_number(values.get("seed")),
        sampler=plain_text(values.get("scheduler")),
        steps=count(values.get("steps")),
        guidance=guidance,
        width=count(values.get("width")),
        height=count(values.get("height")),
        checkpoint=plain_text(named),
        extra=extra,
    )


def _version_2(values: dict[str, Any]) -> ForeignRecord:
    inner = values.get("image")
    image: dict[str, Any] = inner if isinstance(inner, dict) else {}
    prompt, negative = _split_negative(_weighted_prompt(image.get("prompt")))
    prompt, loras = _without_loras(prompt)
    return ForeignRecord(
        tool="InvokeAI",
        prompt=prompt,
        negative=negative,
        seed=whole_number(image.get("seed")),
        sampler=plain_text(image.get("sampler")),
        steps=count(image.get("steps")),
        guidance=real_number(image.get("cfg_scale")),
        width=count(image.get("width")),
        height=count(image.get("height")),
        checkpoint=plain_text(values.get("model_weights")),
        extra=others(values, {"model_weights", "image"}) | others(image, _KNOWN_2) | loras,
    )


def _weighted_prompt(prompt: object) -> str:
    """Returns the prompt as one text. It is given as text or as a list of {"prompt": text, "weight": number}."""
    parts = prompt if isinstance(prompt, list) else [prompt]
    return ", ".join(plain_text(part.get("prompt") if isinstance(part, dict) else part) for part in parts)


def _split_negative(prompt: str) -> tuple[str, str]:
    """Splits off the negative prompt, which InvokeAI 2 writes into the prompt, between square brackets."""
    kept, avoided = [], []
    while "[" in prompt:
        before, _, rest = prompt.partition("[")
        inside, closed, after = rest.partition("]")
        if not closed:
            break
        kept.append(before.strip())
        avoided.append(inside.strip())
        prompt = after
    kept.append(prompt.strip())
    return " ".join(filter(None, kept)), ", ".join(filter(None, avoided))


def _without_loras(prompt: str) -> tuple[str, dict[str, str]]:
    """Returns the prompt without InvokeAI 2's `withLora(name, weight)`, and the LoRAs that it names."""
    found = [f"{name.strip()}:{weight}".rstrip(":") for name, weight in _WITH_LORA.findall(prompt)]
    return " ".join(_WITH_LORA.sub(" ", prompt).split()) if found else prompt, {"loras": ", ".join(found)} if found else {}


def _dream(text: str) -> ForeignRecord:
    """Parses `"a prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`. The prompt ends at the last double quote."""
    text = plain_text(text)
    if text.startswith('"') and text.count('"') > 1:
        prompt, _, switches = text[1:].rpartition('"')
    else:
        prompt, dash, switches = text.partition(" -")
        switches = dash.strip() + switches
    found: dict[str, str] = {}
    words = switches.split()
    for at, word in enumerate(words):
        switch, _, value = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
        if switch in _SWITCHES:
            following = words[at + 1] if at + 1 < len(words) else ""
            found[_SWITCHES[switch]] = value or following
    prompt, negative = _split_negative(prompt)
    prompt, loras = _without_loras(prompt)
    return ForeignRecord(
        tool="InvokeAI",
        prompt=prompt,
        negative=negative,
        seed=whole_number(found.get("seed")),
        sampler=found.get("sampler", ""),
        steps=count(found.get("steps")),
        guidance=real_number(found.get("guidance")),
        width=count(found.get("width")),
        height=count(found.get("height")),
        extra=loras,
    )

"""Reads InvokeAI's three record formats: `invokeai_metadata` (since 3), `sd-metadata` (2.x) and `Dream` (1.x)."""

import re
from collections.abc import Mapping
from typing import Any

from impasto.painting.foreign.record import (
    ForeignRecord,
    count,
    lora_rows,
    not_understood,
    others,
    parse_object,
    plain_text,
    real_number,
    told,
    whole_number,
)

_KNOWN = {
    "positive_prompt", "negative_prompt", "seed", "scheduler", "steps", "cfg_scale", "width", "height", "model", "loras",
}  # fmt: skip
_KNOWN_2 = {"prompt", "seed", "sampler", "steps", "cfg_scale", "width", "height"}
_WITH_LORA = re.compile(r"withLora\(([^(),]{1,200}),?\s*([\d.]{0,10})\s*\)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SWITCH = re.compile(r"-[A-Za-z]|--[a-z]")  # no negative number
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
        untold=not_understood({**values, "guidance": values.get("cfg_scale", values.get("guidance"))}),
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
        extra=others(values, {"model_weights", "image"}) | others(image, _KNOWN_2) | loras | _weights(image.get("prompt")),
        untold=not_understood({**image, "guidance": image.get("cfg_scale")}),
    )


def _weighted_prompt(prompt: object) -> str:
    """Returns the prompt as one text. It is given as text or as a list of {"prompt": text, "weight": number}."""
    parts = prompt if isinstance(prompt, list) else [prompt]
    return ", ".join(plain_text(part.get("prompt") if isinstance(part, dict) else part) for part in parts)


def _weights(prompt: object) -> dict[str, str]:
    """Returns the weights of a prompt's parts as text, if any is not 1."""
    parts = [part for part in prompt if isinstance(part, dict)] if isinstance(prompt, list) else []
    weights = [real_number(part.get("weight", 1)) for part in parts]
    if all(weight == 1 for weight in weights):
        return {}
    rows = (f"{plain_text(part.get('prompt'))}: {told(part.get('weight', 1))}" for part in parts)
    return {"prompt weights": "; ".join(rows)}


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
    """Parses `"a prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`.

    Quotes inside the prompt are escaped; where they are not, it ends at the last one.
    """
    text = plain_text(text)
    quoted = _QUOTED.match(text)
    if quoted is not None and re.match(r"\s+-|\s*$", text[quoted.end() :]):
        prompt, switches = re.sub(r"\\([\"\\])", r"\1", quoted[1]), text[quoted.end() :]
    elif text.startswith('"') and text.count('"') > 1:
        prompt, _, switches = text[1:].rpartition('"')
    else:
        prompt, dash, switches = text.partition(" -")
        switches = dash.strip() + switches
    found, others_ = _switches(switches.split())
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
        extra=loras | others_,
        untold=not_understood(found),
    )


def _switches(words: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the values of the switches that have a field, by field, and those of all others, by their own names."""
    found: dict[str, str] = {}
    more: dict[str, list[str]] = {}
    last = ""
    for word in words:
        if not _SWITCH.match(word):  # the value of the switch before it
            if last in _SWITCHES:
                found.setdefault(_SWITCHES[last], word)
            else:
                more.setdefault(last or "switches", []).append(word)
            continue
        last, _, value = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
        if last in _SWITCHES:
            found |= {_SWITCHES[last]: value} if value else {}
        else:
            more.setdefault(last, []).extend([value] if value else [])
    return found, {name: " ".join(values) or "yes" for name, values in more.items()}

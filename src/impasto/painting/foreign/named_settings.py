"""Reads records that are settings by name: JSON of SwarmUI, Fooocus, Draw Things, Easy Diffusion ..., or a chunk for each.

One table tells what the names mean; what has no place in a record is kept under its own name.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from impasto.painting.foreign.record import (
    ForeignRecord,
    count,
    lora_rows,
    name_or_none,
    not_understood,
    plain_text,
    real_number,
    size_of,
    told,
    whole_number,
)
from impasto.painting.foreign.texts import json_object

# Names without case, spaces and underscores -> the field. Of two names for one field, the first in this order counts.
_MEANINGS = {
    "prompt": ("prompt", "positiveprompt", "positive", "c", "texprompt"),
    "negative": ("negativeprompt", "negative", "uc"),
    "seed": ("seed", "noiseseed"),
    "sampler": ("sampler", "samplername", "scheduler"),
    "steps": ("steps", "numinferencesteps", "inferencesteps", "numsteps", "numberofinferencesteps"),
    "guidance": ("cfgscale", "guidancescale", "cfg", "scale", "guidance"),
    "size": ("size", "resolution", "dimensions"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "checkpoint": ("model", "basemodel", "basemodelname", "usestablediffusionmodel", "stablediffusionmodel", "modelname",
                   "checkpoint"),
}  # fmt: skip
# Where a model that is an object has its name.
_NAMES = ("name", "Name", "model_name", "modelFileName", "modelName", "label")
_COMMENTS = ("UserComment", "parameters", "Comment", "ImageDescription", "Description", "XPComment", "stealth")
# Other names of a record made of chunks, each a setting: a picture's usual texts are no setting.
_NO_SETTINGS = {
    "software", "author", "creator tool", "copyright", "xml:com.adobe.xmp", "date:create", "date:modify", "date:timestamp",
    "title", "creation time", "make", "artist", "dpi",
}  # fmt: skip


def read_named_settings(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record that JSON in a comment or a chunk for each setting make up, or None."""
    if (values := json_object(texts.get("extraMetadata", ""))) is not None and _is_record(values):
        return _record("Civitai", values)
    for name in _COMMENTS:
        values = json_object(texts.get(name, ""))
        record = _from_json(values, texts) if values is not None else None
        if record is not None:
            return record
    if (values := json_object(texts.get("generation_data", ""))) is not None and _is_record(values):
        return _tensorart(values)
    if (values := json_object(texts.get("parameters-json", ""))) is not None and _is_record(values):
        return _record("Stability Matrix", values)
    return _midjourney(texts) or _from_chunks(texts)


def _midjourney(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns Midjourney's record: a description "a mill --ar 3:2 --v 6 Job ID: ...", or None."""
    for name in ("Description", "ImageDescription"):
        text, job, number = texts.get(name, "")[:100_000].partition("Job ID:")
        if not job or not re.fullmatch(r"\s*[0-9a-f-]{36}.*", number, re.DOTALL):
            continue
        prompt, *switches = re.split(r"\s--(?=[a-z])", text)
        options = {option: value.strip() or "yes" for option, _, value in (one.partition(" ") for one in switches)}
        negative = plain_text(options.pop("no", ""))
        extra = {plain_text(f"--{option}"): plain_text(value) for option, value in options.items()}
        seed = whole_number(options.get("seed"))
        return ForeignRecord("Midjourney", plain_text(prompt), negative, seed, extra=extra | {"Job ID": plain_text(number)})
    return None


def _tensorart(values: dict[str, Any]) -> ForeignRecord:
    """Returns TensorArt's record: its list of models holds the LoRAs, and may hold embeddings, ControlNets and others."""
    record = _record("TensorArt", values)
    rows = values.get("models")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    loras = [row for row in rows if str(row.get("type")).lower() in ("lora", "lycoris", "locon", "dora")]
    if len(loras) == len(rows):
        record.extra.pop("models", None)
    return replace(record, extra={**record.extra, **({"loras": lora_rows(loras)} if loras else {})})


def _from_json(values: dict[str, Any], texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record in one JSON object, or None if it is none."""
    swarm = values.get("sui_image_params")
    if isinstance(swarm, dict):
        record = _record("SwarmUI", swarm)
        names, weights = swarm.get("loras"), swarm.get("loraweights")
        rest = {name: told(value) for name, value in values.items() if name != "sui_image_params"}
        extra = {**record.extra, **{name: value for name, value in rest.items() if value}}
        if isinstance(names, list):
            scales = weights if isinstance(weights, list) and len(weights) == len(names) else [""] * len(names)
            extra["loras"] = ", ".join(f"{told(n)}:{told(w)}".rstrip(":") for n, w in zip(names, scales, strict=True))
            extra.pop("loraweights", None)
        return replace(record, extra=extra)
    if isinstance(values.get("c"), str) and ("uc" in values or "v2" in values):
        return _with_loras(_record("Draw Things", values), values.get("lora"))
    if not _is_record(values):
        return None
    names = {_plain(name) for name in values}
    software = plain_text(values.get("software") or values.get("Software") or texts.get("Software"))
    version = plain_text(values.get("version") or values.get("Version"))
    tool = "unknown"
    for known in ("RuinedFooocus", "Fooocus", "Easy Diffusion", "SwarmUI", "InvokeAI", "Draw Things"):
        if software.startswith(known) or version.startswith(known):
            tool = known
            break
    else:
        if {"performance", "styles"} <= names or "metadatascheme" in names or texts.get("fooocus_scheme") == "fooocus":
            tool = "Fooocus"
        elif "usestablediffusionmodel" in names:
            tool = "Easy Diffusion"
        elif {"numinferencesteps", "guidancescale"} <= names:  # the arguments of its pipelines
            tool = "diffusers"
        elif {"negativeprompt", "cfgscale"} <= names and "workflow" in names:
            tool = "Civitai"
        elif software:
            tool = software[:80]
    return _with_loras(_record(tool, values), values.get("loras", values.get("LoRAs")))


def _with_loras(record: ForeignRecord, rows: object) -> ForeignRecord:
    """Returns a record in which the list of LoRAs is one text."""
    if not isinstance(rows, list) or not rows:
        return record
    extra = {name: value for name, value in record.extra.items() if name.lower() not in ("lora", "loras")}
    return replace(record, extra={**extra, "loras": lora_rows(rows)})


def _from_chunks(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record of a picture that has a text for each setting, as Easy Diffusion writes them, or None."""
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name.lower() not in _NO_SETTINGS and not text.lstrip().startswith(("{", "<")) and _plain(name) not in values:
            values[name] = text
    names = {_plain(name) for name in values}
    if "prompt" not in names and "positiveprompt" not in names:
        return None
    # The same text under two cases of its name counts once.
    single: dict[str, Any] = {}
    for name, value in values.items():
        if not any(_plain(other) == _plain(name) for other in single):
            single[name] = value
    easy = {"usestablediffusionmodel", "stablediffusionmodel", "numberofinferencesteps"} & names
    pipeline = {"numinferencesteps", "guidancescale"} <= names
    return _record("Easy Diffusion" if easy else "diffusers" if pipeline else "unknown", single)


def _is_record(values: Mapping[str, Any]) -> bool:
    """Returns whether JSON describes how a picture was made: it has a prompt and another usual setting."""
    names = {_plain(name) for name in values if isinstance(name, str)}
    prompts = [value for name, value in values.items() if _plain(name) in _MEANINGS["prompt"][:3] and isinstance(value, str)]
    usual = {name for field in ("negative", "seed", "steps", "guidance", "sampler") for name in _MEANINGS[field]}
    return bool(prompts) and bool(names & usual)


def _record(tool: str, values: Mapping[str, Any]) -> ForeignRecord:
    by_name: dict[str, str] = {}
    for name in values:
        by_name.setdefault(_plain(name), name)
    used: set[str] = set()
    read: dict[str, Any] = {}
    for field, names in _MEANINGS.items():
        for name in names:
            whole: Any = values.get(by_name.get(name, ""))
            value: Any = whole
            if isinstance(value, dict):
                value = next((value[key] for key in _NAMES if value.get(key)), None)
            if value is not None and told(value) and name in by_name:
                read[field] = value
                used |= {by_name[name]} if value is whole or len(whole) == 1 else set()  # a hash beside the name stays
                break
    untold: dict[str, str] = {}
    seed = whole_number(read.get("seed"))
    if seed is not None and seed < 0:
        untold["seed"], seed = f"{seed} means a random one", None
    untold = {**not_understood(read), **untold}
    width, height = size_of(read.get("size"))
    extra = {plain_text(name): told(value) for name, value in values.items() if name not in used}
    return ForeignRecord(
        tool=tool,
        prompt=plain_text(read.get("prompt")),
        negative=plain_text(read.get("negative")),
        seed=seed,
        sampler=name_or_none(read.get("sampler")),
        steps=count(read.get("steps")),
        guidance=real_number(read.get("guidance")),
        width=count(read.get("width")) or width,
        height=count(read.get("height")) or height,
        checkpoint=name_or_none(read.get("checkpoint")),
        extra={name: value for name, value in extra.items() if name and value},
        untold=untold,
    )


def _plain(name: object) -> str:
    return re.sub(r"[\s_-]", "", str(name)[:100].lower())

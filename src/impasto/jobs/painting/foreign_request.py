"""Turns another tool's record into a request, for `impasto repaint`, and says what of it is not used."""

import re
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.jobs.painting.adapters import Say
from impasto.jobs.painting.foreign_settings import fitting_size, our_sampler, schedule_of, syntax_note
from impasto.jobs.painting.guidance_change import guidance_in_text

if TYPE_CHECKING:
    from impasto.painting.provenance.record import ForeignRecord
    from impasto.painting.request import PaintRequest

_SEEDS = 2**63
_MOST_STEPS, _MOST_GUIDANCE = 1000, 50.0
_LORA_TAG = re.compile(r"<(?:lora|lyco):([^<>]*)>")
_EMBEDDING = re.compile(
    r"\(\s*embedding:(?P<weighted>[\w./\\-]{1,200})(?::[\d.]{1,10})?\s*\)|\bembedding:(?P<plain>[\w./\\-]{1,200})"
)
_MOST_NAMED, _MOST_CHARACTERS = 40, 80
# What says where a record comes from, or is used: no settings that a picture could be painted with.
_NO_SETTINGS = {
    "version", "app_version", "model hash", "modelhash", "hashes", "lora hashes", "ti hashes", "created date", "date",
    "metadata_version", "metadata_scheme", "swarm_version", "sui_extra_data", "sui_models", "signed_hash", "loras",
    "template", "negative template", "beside the graph", "created_by", "guider", "guidance interval", "fooocus_scheme",
    "record from",
}  # fmt: skip


def foreign_request(
    record: "ForeignRecord", file: object, side: int, prompt: str | None, replaced: Container[str], say: Say
) -> "PaintRequest":
    """Converts another tool's record to a request as far as possible; `say` is called with each setting that it cannot use.

    Args:
        record: the record.
        file: the picture, for errors.
        side: the checkpoint's usual width and height in pixels.
        prompt: takes the place of the record's prompt.
        replaced: the other settings that the user replaces; nothing is said about them.
        say: called with each note.

    Raises:
        ImpastoError: the record has a prompt that cannot be told, and none is given.
    """
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

    if prompt is None and "prompt" in record.untold:
        known = f" (what can be told of it: {_short(record.prompt)!r})" if record.prompt else ""
        raise ImpastoError(
            f"{file}: its prompt cannot be told: {_short(record.untold['prompt'])}{known}: give one with --prompt"
        )
    if prompt is None and not record.prompt:
        raise ImpastoError(f"{file}: {record.tool} recorded no prompt: give one with --prompt")
    if source := record.extra.get("record from"):
        say(f"the picture holds no record: {source} beside it is read")
    fields: dict[str, Any] = {}
    _sampling(record, fields, replaced, say)
    for name, reason in record.untold.items():
        if name not in ("prompt", "seed") and name not in replaced:
            say(f"its {name} cannot be told: {_short(reason)}")
    if record.checkpoint and "checkpoint" not in replaced:
        say(f"{record.tool} painted it with {record.checkpoint!r}: --checkpoint names another one than pocket")
    fields |= guidance_in_text(record)
    fields["width"], fields["height"] = fitting_size(record.width, record.height, side)
    said, wide, high = (record.width, record.height), fields["width"], fields["height"]
    if all(said) and said != (wide, high) and "size" not in replaced:
        say(f"painted at {wide}x{high}, what the checkpoint paints best, for {said[0]}x{said[1]}: see --size")
    text = " ".join((record.prompt if prompt is None else prompt).split())
    tags = {tag.partition(":")[0].strip().casefold() for tag in _LORA_TAG.findall(text)}  # read with the prompt's syntax
    loras = [name for one in record.extra.get("loras", "").split(", ") if (name := one.strip())]
    loras = [name for name in loras if name.partition(":")[0].strip().casefold() not in tags]
    if not loras and not tags and (hashes := record.extra.get("Lora hashes", "")):
        loras = [hashes]
    if loras and "lora" not in replaced:
        say(f"its LoRAs are left out, name them with --lora: {', '.join(dict.fromkeys(loras))}")
    text, negative = (_without_embeddings(words, record.tool, say) for words in (text, " ".join(record.negative.split())))
    if embeddings := record.extra.get("TI hashes", ""):
        say(f"its embeddings are read as words, name them with --concept: {_short(embeddings)}")
    _say_unused(record, say)
    if note := syntax_note(record.tool, ["" if prompt is not None else text, negative]):
        say(note)
    return PaintRequest(condition=Condition(caption=text), negative=negative, **fields)


def _without_embeddings(text: str, tool: str, say: Say) -> str:
    """Returns a prompt without ComfyUI's `embedding:name`, and says which it names."""
    names = [found["weighted"] or found["plain"] for found in _EMBEDDING.finditer(text)]
    if tool != "ComfyUI" or not names:
        return text
    say(f"its embeddings are left out, name them with --concept: {', '.join(dict.fromkeys(names))}")
    return " ".join(_EMBEDDING.sub(" ", text).split())


def _sampling(record: "ForeignRecord", fields: dict[str, Any], replaced: Container[str], say: Say) -> None:
    """Adds sampler, seed, steps and guidance of a record to the fields of a request."""
    sampler = our_sampler(record.sampler) if record.sampler else None
    if sampler:
        fields["sampler"] = sampler
        if "sampler" not in replaced and (schedule := schedule_of(record.sampler)):
            say(f"the noise schedule {schedule!r} of its sampler {record.sampler!r} is left out")
    elif record.sampler and "sampler" not in replaced:
        say(f"there is no sampler like {record.tool}'s {record.sampler!r}: dpm++ takes its place")
    if record.seed is not None:
        fields["seed"] = record.seed % _SEEDS
        if "seed" not in replaced:
            say(f"{record.tool} draws other noise from seed {record.seed}: expect another picture")
    elif "seed" in record.untold and "seed" not in replaced:
        say(f"its seed cannot be told ({_short(record.untold['seed'])}): seed 0 takes its place")
    if record.steps is not None:
        fields["steps"] = min(record.steps, _MOST_STEPS)
        if record.steps > _MOST_STEPS and "steps" not in replaced:
            say(f"its {record.steps} steps are more than {_MOST_STEPS}, which take their place")
    if record.guidance is not None:
        fields["guidance"] = min(max(record.guidance, 0.0), _MOST_GUIDANCE)
        if fields["guidance"] != record.guidance and "guidance" not in replaced:
            say(
                f"its guidance {record.guidance:g} is not in 0 .. {_MOST_GUIDANCE:g}: {fields['guidance']:g} takes its place"
            )


def _say_unused(record: "ForeignRecord", say: Say) -> None:
    """Says which settings of a record have no counterpart here, with their values."""
    unused = [f"{name}: {_short(value)}" for name, value in record.extra.items() if name.lower() not in _NO_SETTINGS]
    if unused:
        more = f"; and {len(unused) - _MOST_NAMED} more (impasto show)" if len(unused) > _MOST_NAMED else ""
        say(f"impasto cannot use these settings of {record.tool}: {'; '.join(unused[:_MOST_NAMED])}{more}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"

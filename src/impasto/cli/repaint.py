"""`impasto repaint`: a picture once more from the record inside its file, or with something changed."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say_note
from impasto.cli.easel import Materials, paint_to_files, parse_size
from impasto.cli.foreign_settings import fitting_size, our_sampler
from impasto.cli.guided import IntervalWords, guidance_in_text, other_guidance
from impasto.cli.laid_over import LaidOver
from impasto.cli.looked_at import MEMORY_HELP, check_memory, read_like_options
from impasto.cli.output import Output
from impasto.cli.paint import AsJson, Overwrite
from impasto.cli.picture_options import AnyArtist, Device, Precision
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.provenance.record import ForeignRecord, Provenance
    from impasto.painting.request import PaintRequest

_SEEDS = 2**63
_LORA_TAG = re.compile(r"<(?:lora|lyco):([^<>]*)>")


def repaint(
    file: Annotated[Path, typer.Argument(help="A picture with its record inside.", metavar="FILE")],
    prompt: Annotated[str | None, typer.Option(help="Another prompt.")] = None,
    artist: Annotated[str | None, typer.Option(help="Another artist; '' for none.")] = None,
    any_artist: AnyArtist = False,
    year: Annotated[int | None, typer.Option(help="Another year.")] = None,
    style: Annotated[str | None, typer.Option(help="Another style.")] = None,
    genre: Annotated[str | None, typer.Option(help="Another genre.")] = None,
    negative: Annotated[str | None, typer.Option(help="Another negative prompt.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="Another sampler; to lcm or from it, with what is usual there.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Another number of steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Another guidance.")] = None,
    guider: Annotated[
        str | None, typer.Option(help="Another guider, with its usual guidance: cfg, interval, auto, apg, cfg++, pag.")
    ] = None,
    guidance_interval: IntervalWords = None,
    eta: Annotated[float | None, typer.Option(help="Another eta.")] = None,
    size: Annotated[str | None, typer.Option(help="Another size: 128 or 192x128.", metavar="N|WxH")] = None,
    width: Annotated[int | None, typer.Option(help="Another width.")] = None,
    height: Annotated[int | None, typer.Option(help="Another height.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder, or FILE.png; FILE's own folder if not given.")
    ] = None,
    overwrite: Overwrite = False,
    checkpoint: Annotated[
        str | None, typer.Option(help="Another checkpoint than the recorded one.", metavar="NAME")
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(help="A LoRA in place of the recorded ones; '' for none; may be repeated.", metavar="PATH[:SCALE]"),
    ] = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(help="A concept in place of the recorded ones; '' for none; may be repeated.", metavar="FILE"),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help=f"{MEMORY_HELP} '' for the checkpoint's.", metavar="CATALOGUE")
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(help="A picture to be like in place of the recorded ones; '' for none.", metavar="PICTURE[:WEIGHT]"),
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint a picture again, the same or with something changed."""
    asked_width, asked_height = parse_size(size, width, height)

    from impasto.painting.provenance.record import Provenance, read_provenance

    record = read_provenance(file)
    if isinstance(record, Provenance):
        # First the record's numbers: what is wrong with them needs no look at the checkpoint.
        request = _our_request(record)
        laid_over = LaidOver.recorded(record, lora, concept)
        materials = Materials.check(checkpoint or record.checkpoint, device, precision, laid_over)
        expected_hash = record.checkpoint_hash
    else:
        materials = Materials.check(checkpoint or "pocket", device, precision, LaidOver.named(lora, concept))
        request = _foreign_request(record, materials.side, prompt)
        expected_hash = ""
        if request.sampler == "lcm" and sampler in (None, "lcm"):
            materials = replace(materials, laid_over=materials.laid_over.with_student(materials.checkpoint))
    if sampler and (sampler == "lcm") != (request.sampler == "lcm"):
        request, materials = _to_or_from_few_steps(request, materials, sampler)
    parts = {"caption": prompt, "artist": artist, "year": year, "style": style, "genre": genre}
    parts = {key: value for key, value in parts.items() if value is not None}
    settings: dict[str, Any] = {
        "negative": negative,
        "seed": seed,
        "sampler": sampler,
        "steps": steps,
        **other_guidance(request, guider, guidance_interval, sampler),
        "eta": eta,
        "width": asked_width,
        "height": asked_height,
        "memory": None if memory is None else check_memory(memory),
        "like": None if like is None else read_like_options(like),
    }
    if guidance is not None:
        settings["guidance"] = guidance
    settings = {key: value for key, value in settings.items() if value is not None or key == "guidance_interval"}
    if sampler not in (None, "ddim") and eta is None:
        settings["eta"] = 0.0  # recorded for ddim, without meaning for the new sampler
    if prompt is not None:
        settings |= {"prompt": "", "expansion": None}
    request = replace(request, condition=replace(request.condition, **parts), **settings)
    materials.check_guider(request)
    if parts or settings or any(choice is not None for choice in (checkpoint, lora, concept)):
        request = replace(request, copy_check=None)  # it was another picture that was compared
    if parts or checkpoint is not None or {"seed", "memory", "like", "prompt"} & set(settings):
        request = replace(request, looked_at=None)
        materials.check_memory(request)
    if artist and not any_artist:
        whole = materials.resolve_artist(artist)
        request = replace(request, condition=replace(request.condition, artist=whole))
    stem = slug(f"{file.stem} repainted") if prompt is None else slug(prompt)
    output = Output.at(out or file.parent, stem, 1, overwrite)
    paint_to_files(
        [request],
        output,
        materials,
        as_json=as_json,
        expected_hash=expected_hash,
    )


def _to_or_from_few_steps(
    request: "PaintRequest", materials: Materials, sampler: str
) -> "tuple[PaintRequest, Materials]":
    """`request` with the steps and the guidance that are usual with `sampler`, and the student come or gone with lcm.

    Raises:
        UsageError: there is no such sampler.
        MissingPart, ImpastoError: pocket's student is not there or is broken.
    """
    from impasto.painting.samplers import find_sampler

    usual, former = find_sampler(sampler), materials.laid_over
    laid_over = former.with_student(materials.checkpoint) if sampler == "lcm" else former.without_students()
    steps = (sampler == "lcm" and laid_over.student_steps) or usual.usual_steps
    return replace(request, steps=steps, guidance=usual.usual_guidance), replace(materials, laid_over=laid_over)


def _our_request(record: "Provenance") -> "PaintRequest":
    """The request that `record` was painted from."""
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

    condition = Condition.from_dict(record.condition)
    for key in sorted(set(record.condition) - set(condition.as_dict())):
        if record.condition[key] not in ("", None):
            say_note(f"the record's {key} is left out: this version of impasto cannot read it")
    names = ("negative", "seed", "sampler", "steps", "guidance", "eta", "width", "height", "prompt", "expansion",
             "guider", "guidance_interval")  # fmt: skip
    kept = {key: getattr(record, key) for key in names}
    if record.memory is not None:
        kept |= {"memory": record.memory.source, "like": record.memory.likes, "looked_at": record.memory}
    return PaintRequest(condition=condition, copy_check=record.copy_check, **kept)


def _foreign_request(record: "ForeignRecord", side: int, prompt: str | None) -> "PaintRequest":
    """As much of another tool's record as our painter understands; what it does not is said."""
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

    fields: dict[str, Any] = {}
    sampler = our_sampler(record.sampler) if record.sampler else None
    if sampler:
        fields["sampler"] = sampler
    elif record.sampler:
        say_note(f"there is no sampler like {record.tool}'s {record.sampler!r}: dpm++ takes its place")
    if record.seed is not None:
        fields["seed"] = record.seed % _SEEDS
        say_note(f"{record.tool} draws other noise from seed {record.seed}: expect another picture")
    if record.checkpoint:
        say_note(
            f"{record.tool} painted it with {record.checkpoint!r}: --checkpoint names another one than pocket"
        )
    if record.steps is not None:
        fields["steps"] = min(record.steps, 1000)
    if record.guidance is not None:
        fields["guidance"] = min(max(record.guidance, 0.0), 50.0)
    fields |= guidance_in_text(record)
    fields["width"], fields["height"] = fitting_size(record.width, record.height, side)
    text = " ".join((record.prompt if prompt is None else prompt).split())
    if tags := _LORA_TAG.findall(text):
        # A1111 takes them out of the prompt before the text encoder sees it; the names are its own folder's.
        text = " ".join(_LORA_TAG.sub(" ", text).split())
        say_note(f"its LoRAs are left out, name them with --lora: {', '.join(tags)}")
    return PaintRequest(
        condition=Condition(caption=text), negative=" ".join(record.negative.split()), **fields
    )

"""The job `repaint`: paints a picture again from the provenance record in its file, unchanged or with changed settings."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.editing.controls import recorded_controls
from impasto.jobs.editing.guides import recorded_guides
from impasto.jobs.editing.recorded import recorded_edit
from impasto.jobs.painting.adapters import Adapters, Say
from impasto.jobs.painting.checks.living_artists import say_living
from impasto.jobs.painting.checks.safety import OFF, PaintingSafety, check_safety_options
from impasto.jobs.painting.foreign_request import foreign_request
from impasto.jobs.painting.foreign_settings import recorded_syntax, with_plain_brackets
from impasto.jobs.painting.guidance_change import other_guidance
from impasto.jobs.painting.memory_use import check_memory, read_like_options
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.picture import parse_size
from impasto.jobs.painting.recorded_engine import recorded_engine
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug
from impasto.painting.safety.record import DROP, KEEP
from impasto.prompts.weights import A1111, PLAIN, SYNTAXES, Weights

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

# Settings of another tool's record about which nothing is said if the job replaces them.
_SAID = ("negative", "seed", "sampler", "steps", "guidance", "size", "checkpoint", "lora")


class RepaintJob(Job):
    """Paints a picture again. None keeps the recorded setting.

    Attributes:
        file: a picture with a record inside, impasto's or another tool's.
        prompt, artist, year, style, genre, negative, seed, sampler, steps, guidance, guider, guidance_interval, eta:
            replace the recorded values; see `Picture`. "" removes an artist, a style or a genre.
        lora, concept, like: replace the recorded values; ("",) for none.
        prompt_syntax, lora_folder: of a new prompt, or of another tool's; see `Picture`.
        memory: replaces the recorded memory; "" for the checkpoint's.
        strength: replaces the recorded strength, of a painting that started from a picture.
        source: the folder to search for that picture, or its file, if it is not where it was.
        safety_checker: the folder of a model that flags the picture; "off" undoes a recorded blur, None repeats it.
        flagged: what happens if it is flagged: "keep" or "blur".
        out: a folder, or FILE.png; None for the picture's own folder.
        engine, precision: "auto" takes the recorded ones where they are here.
    """

    kind: ClassVar[str] = "repaint"

    file: Path
    prompt: str | None = None
    artist: str | None = None
    any_artist: bool = False
    year: int | None = None
    style: str | None = None
    genre: str | None = None
    negative: str | None = None
    seed: int | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    guider: str | None = None
    guidance_interval: str | None = None
    eta: float | None = None
    size: str | None = None
    width: int | None = None
    height: int | None = None
    out: Path | None = None
    overwrite: bool = False
    checkpoint: str | None = None
    prompt_syntax: str = A1111
    lora: tuple[str, ...] | None = None
    lora_folder: tuple[str, ...] = ()
    concept: tuple[str, ...] | None = None
    memory: str | None = None
    like: tuple[str, ...] | None = None
    strength: float | None = None
    source: Path | None = None
    safety_checker: str | None = None
    flagged: str = KEEP
    device: str = "auto"
    precision: str = "auto"
    engine: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "RepaintJob":
        parse_size(self.size, self.width, self.height)
        check_safety_options(self.safety_checker or OFF, self.flagged)
        if self.flagged == DROP:
            raise UsageError("--flagged drop: repaint makes one picture: use keep or blur")
        if self.prompt_syntax not in SYNTAXES:
            raise UsageError(f"--prompt-syntax {self.prompt_syntax}: use {', '.join(SYNTAXES[:-1])} or {SYNTAXES[-1]}")
        return self

    def run(self, context: Context) -> PaintedFile:
        """Paints the picture and saves it.

        Raises:
            UsageError, MissingPart, ImpastoError: the file has no record, or a recorded file does not exist; a value is
                invalid; the picture cannot be written.
            StoppedError: the job was stopped.
        """
        from impasto.painting.provenance.record import Provenance, read_provenance

        record = read_provenance(self.file)
        if isinstance(record, Provenance):
            # The record's numbers are checked first, because this does not need the checkpoint.
            edit = None if record.edit is None else recorded_edit(record.edit, self.file, self.source, self.strength)
            if edit is None and (self.strength is not None or (self.source is not None and record.controls is None)):
                raise UsageError(f"{self.file} did not start from a picture: leave --strength and --source away")
            request = recorded_request(record, context.note, edit)
            controls = recorded_controls(record.controls, self.file, self.source)
            request = replace(request, controls=controls, guides=recorded_guides(record.guides))
            adapters = Adapters.recorded(record, self.lora, self.concept, context.note)
            engine, precision = recorded_engine(record, self.engine, self.device, self.precision, context.note)
            setup = PaintingSetup.check(self.checkpoint or record.checkpoint, self.device, precision, adapters, engine)
            expected_hash = record.checkpoint_hash
        elif (self.strength, self.source) != (None, None):
            raise UsageError(f"{self.file} was not painted by impasto from a picture: leave --strength and --source away")
        else:
            loras, concepts = (tuple(filter(None, given or ())) for given in (self.lora, self.concept))
            adapters = Adapters.named(loras, concepts)
            setup = PaintingSetup.check(self.checkpoint or "pocket", self.device, self.precision, adapters, self.engine)
            replaced = {name for name in _SAID if getattr(self, name) is not None}
            replaced |= {"size"} if self.width is not None and self.height is not None else set()
            request = foreign_request(record, self.file, setup.side, self.prompt, replaced, context.note)
            expected_hash = ""
            if request.sampler == "lcm" and self.sampler in (None, "lcm"):
                setup = replace(setup, adapters=setup.adapters.with_student(setup.checkpoint, context.note))
        if self.sampler and (self.sampler == "lcm") != (request.sampler == "lcm"):
            request, setup = _to_or_from_few_steps(request, setup, self.sampler, context.note)
        request = self._changed(request, setup)
        request = self._read(request, "" if isinstance(record, Provenance) else record.tool, context)
        setup = replace(setup, lora_folders=self.lora_folder)
        if self.artist:
            say_living([request.condition.artist], setup.artists, context.note)
        safety = PaintingSafety.load(
            self.safety_checker or OFF, self.flagged, self.device, context, again=self.safety_checker is None
        )
        stem = slug(f"{self.file.stem} repainted") if self.prompt is None else slug(self.prompt)
        output = Output.at(self.out or self.file.parent, stem, 1, self.overwrite)
        return paint_files([request], output, setup, context, expected_hash=expected_hash, safety=safety)[0]

    def _read(self, request: "PaintRequest", tool: str, context: Context) -> "PaintRequest":
        """Returns the request with the syntax read in new texts, and in both of the record of another tool (`tool`, or "").

        Raises:
            UsageError: nothing remains to be painted.
        """
        from impasto.painting.prompt_syntax import read_syntax

        recorded = recorded_syntax(tool, self.prompt_syntax) if tool else PLAIN
        notes: dict[str, None] = {}
        for prompt, is_new in ((True, self.prompt is not None), (False, self.negative is not None)):
            syntax = self.prompt_syntax if is_new else recorded
            if PLAIN in (syntax, self.prompt_syntax):
                continue
            if not is_new:
                request = _as_a1111(request, tool, prompt)
            request, found = read_syntax(request, prompt=prompt, negative=not prompt, syntax=syntax)
            notes |= dict.fromkeys(found)
        for note in notes:
            context.note(note)
        return request

    def _changed(self, request: "PaintRequest", setup: PaintingSetup) -> "PaintRequest":
        """Returns the recorded request with the settings that this job replaces.

        Raises:
            UsageError: a value is invalid, or the checkpoint lacks a part that it needs.
        """
        width, height = parse_size(self.size, self.width, self.height)
        given = {"caption": self.prompt, "artist": self.artist, "year": self.year, "style": self.style, "genre": self.genre}
        parts = {key: value for key, value in given.items() if value is not None}
        settings: dict[str, Any] = {
            "negative": self.negative,
            "seed": self.seed,
            "sampler": self.sampler,
            "steps": self.steps,
            **other_guidance(request, self.guider, self.guidance_interval, self.sampler),
            "eta": self.eta,
            "width": width,
            "height": height,
            "memory": None if self.memory is None else check_memory(self.memory),
            "like": None if self.like is None else read_like_options(self.like),
        }
        if self.guidance is not None:
            settings["guidance"] = self.guidance
        settings = {key: value for key, value in settings.items() if value is not None or key == "guidance_interval"}
        if self.sampler not in (None, "ddim") and self.eta is None:
            settings["eta"] = 0.0  # recorded for ddim; the new sampler does not use it
        weights = request.weights or Weights()
        if self.prompt is not None:
            settings |= {"prompt": "", "expansion": None, "extension": None}
            weights = replace(weights, prompt="")
        if self.negative is not None:
            settings |= {"negative_prompt": None}
            weights = replace(weights, negative="")
        condition = replace(request.condition, **parts)
        request = replace(request, condition=condition, **settings, weights=weights or None)
        setup.check_guider(request)
        if parts or settings or any(one is not None for one in (self.checkpoint, self.lora, self.concept, self.strength)):
            # The recorded ones were of another picture.
            request = replace(request, copy_check=None, best_of=None, safety=None)
        if parts or self.checkpoint is not None or {"seed", "memory", "like", "prompt"} & set(settings):
            request = replace(request, looked_at=None)
            setup.check_memory(request)
        if self.artist and not self.any_artist:
            whole = setup.resolve_artist(self.artist)
            request = replace(request, condition=replace(request.condition, artist=whole))
        return request


def _as_a1111(request: "PaintRequest", tool: str, prompt: bool) -> "PaintRequest":
    """Returns a tool's request with its prompt, or else its negative prompt, as A1111 would have to write it."""
    text = request.condition.caption if prompt else request.negative
    written = with_plain_brackets(text, tool)
    if written == text:
        return request
    if prompt:
        return replace(request, condition=replace(request.condition, caption=written), prompt=request.prompt or text)
    return replace(request, negative=written, negative_prompt=request.negative_prompt or text)


def _to_or_from_few_steps(
    request: "PaintRequest", setup: PaintingSetup, sampler: str, say: Say
) -> "tuple[PaintRequest, PaintingSetup]":
    """Returns `request` with the usual steps and guidance of `sampler`; adds the student for lcm, or removes it otherwise.

    Raises:
        UsageError: there is no such sampler.
        MissingPart, ImpastoError: pocket's student does not exist or is broken.
    """
    from impasto.painting.samplers import find_sampler

    usual, former = find_sampler(sampler), setup.adapters
    adapters = former.with_student(setup.checkpoint, say) if sampler == "lcm" else former.without_students()
    steps = (sampler == "lcm" and adapters.student_steps) or usual.usual_steps
    return replace(request, steps=steps, guidance=usual.usual_guidance), replace(setup, adapters=adapters)


def recorded_request(record: "Provenance", say: Say, edit: "Edit | None") -> "PaintRequest":
    """Returns the request from which the picture of `record` was painted; `edit` is that of its record, opened."""
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

    condition = Condition.from_dict(record.condition)
    for key in sorted(set(record.condition) - set(condition.as_dict())):
        if record.condition[key] not in ("", None):
            say(f"the record's {key} is left out: this version of impasto cannot read it")
    names = ("negative", "seed", "sampler", "steps", "guidance", "eta", "width", "height", "prompt", "expansion",
             "guider", "guidance_interval", "weights", "negative_prompt", "safety", "words")  # fmt: skip
    kept = {key: getattr(record, key) for key in names}
    if record.memory is not None:
        kept |= {"memory": record.memory.source, "like": record.memory.likes, "looked_at": record.memory}
    kept |= {"copy_check": record.copy_check, "extension": record.extension, "best_of": record.best_of, "edit": edit}
    return PaintRequest(condition=condition, **kept)

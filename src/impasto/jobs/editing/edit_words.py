"""The job `edit`: paints a picture again with other words, and keeps its layout (prompt-to-prompt, Hertz et al. 2022)."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import model_validator

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.editing.starting_picture import NO_KEEPING
from impasto.jobs.editing.word_swaps import read_swaps, swapped
from impasto.jobs.painting.adapters import Adapters
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.prompt_steps import OFF, PromptSteps
from impasto.jobs.painting.repaint import recorded_request
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug
from impasto.prompts.expansion.choices import KEEP
from impasto.prompts.weights import PLAIN

if TYPE_CHECKING:
    from impasto.painting.prompt_to_prompt.record import WordsNote
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

PHOTO_STEPS, PHOTO_GUIDANCE = 50, 5.0


class EditWordsJob(Job):
    """Edits a picture by its words: one that Impasto painted, or with `describe` any other.

    Attributes:
        file: the picture.
        swap: words to replace in its prompt, each as "OLD=NEW".
        add: words to add at the end of the caption.
        weight: words of the edited prompt and how much they count, each as "WORDS=NUMBER", -2 to 10.
        prompt: the whole edited caption, in place of `swap` and `add`.
        local: words of the edited prompt, or of both as "OLD=NEW": outside their area nothing changes; "" for everywhere.
        cross, itself: shares of the steps in which cross-attention and self-attention are the source's.
        describe: what the picture shows, for one that Impasto did not paint; it is then inverted.
        invert: how: "null-text", "fixed" or "ddim"; None for null-text.
        steps, guidance, seed: None for the recorded ones; for an inverted picture 50 steps and guidance 5.
        checkpoint: None for the recorded one, else pocket.
        expand, expand_rank, index, prompt_model, expand_seed, expand_style, expansion_config: the edited prompt is expanded,
            as `Picture` has them.
        keep_source: where a copy of an inverted picture is stored: "no", "beside" or "inside".
        out: a folder, or FILE.png; None for the picture's own folder.
    """

    kind: ClassVar[str] = "edit"

    file: Path
    swap: tuple[str, ...] = ()
    add: str = ""
    weight: tuple[str, ...] = ()
    prompt: str | None = None
    local: str = ""
    cross: float = 0.8
    itself: float = 0.4
    describe: str | None = None
    invert: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    checkpoint: str | None = None
    lora: tuple[str, ...] | None = None
    concept: tuple[str, ...] | None = None
    expand: str = OFF
    expand_rank: int = 1
    index: Path | None = None
    prompt_model: str | None = None
    expand_seed: int = 0
    expand_style: str = KEEP
    expansion_config: Path | None = None
    keep_source: str = NO_KEEPING
    out: Path | None = None
    overwrite: bool = False
    device: str = "auto"
    precision: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "EditWordsJob":
        from impasto.painting.editing.edit import check_word
        from impasto.painting.editing.record import KEPT

        _ = self._prompt_steps
        edited = self.swap or self.add.strip() or self.weight or self.prompt is not None or self.expand != OFF
        if not edited:
            raise UsageError('nothing is to be edited: give --swap "dog=cat", --add "under snow" or --weight "flowers=1.8"')
        if self.prompt is not None and (self.swap or self.add.strip()):
            raise UsageError("--prompt is the whole edited prompt: leave --swap and --add away")
        if self.describe is None and self.invert is not None:
            raise UsageError("--invert is for a picture that impasto did not paint: say what it shows with --describe")
        if self.describe is not None and not self.describe.strip():
            raise UsageError("--describe is empty: say what the picture shows")
        check_word("--keep-source", self.keep_source, KEPT)
        self._note("", self.invert or "")  # checks swaps, weights and shares
        return self

    def run(self, context: Context) -> PaintedFile:
        """Paints the edited picture and saves it.

        Raises:
            UsageError: the prompt lacks a word; the picture has no record and is not described; settings that do not go with
                an edit of words.
            MissingPart, ImpastoError: a part does not exist; the picture cannot be read or written.
            StoppedError: the job was stopped.
        """
        if self.describe is None:
            request, setup, expected = self._of_painting(context)
        else:
            request, setup, expected = self._of_photograph(context)
        if self.expand != OFF:
            (request,) = self._prompt_steps.apply([request], context.note)
        output = Output.at(self.out or self.file.expanduser().parent, slug(f"{self.file.stem} edited"), 1, self.overwrite)
        return paint_files([request], output, setup, context, expected_hash=expected)[0]

    @property
    def _prompt_steps(self) -> PromptSteps:
        return PromptSteps.of(
            self.expand, self.expand_rank, None, index=self.index, prompt_model=self.prompt_model, seed=self.expand_seed,
            style=self.expand_style, config=self.expansion_config, syntax=PLAIN,
        )  # fmt: skip

    def _of_painting(self, context: Context) -> "tuple[PaintRequest, PaintingSetup, str]":
        record = self._record()
        source = recorded_request(record, context.note, None)
        adapters = Adapters.recorded(record, self.lora, self.concept, context.note)
        setup = PaintingSetup.check(self.checkpoint or record.checkpoint, self.device, self.precision, adapters)
        changes = {name: value for name in ("steps", "guidance", "seed") if (value := getattr(self, name)) is not None}
        request = replace(source, **changes)
        if "seed" in changes:
            request = replace(request, looked_at=None)
        return self._edited(request, source.condition.text()), setup, record.checkpoint_hash

    def _record(self) -> "Provenance":
        from impasto.painting.provenance.record import Provenance, read_provenance

        inverting = f'say what it shows with --describe "...", and it is inverted: {self.file}'
        try:
            record = read_provenance(self.file)
        except ImpastoError as error:
            if not self.file.is_file() or "holds no record" not in str(error):
                raise
            raise UsageError(f"the picture has no record of its prompt and seed; {inverting}") from None
        if not isinstance(record, Provenance):
            raise UsageError(f"{record.tool} painted the picture, with another checkpoint; {inverting}")
        if record.edit is not None or record.words is not None or record.controls or record.guides:
            raise UsageError(f"the picture came from another one, not from its prompt and seed alone; {inverting}")
        return record

    def _of_photograph(self, context: Context) -> "tuple[PaintRequest, PaintingSetup, str]":
        from impasto.painting.editing.edit import Edit, start_size
        from impasto.painting.editing.record import Kept
        from impasto.painting.editing.source import open_source
        from impasto.painting.request import PaintRequest
        from impasto.prompts.condition import Condition

        assert self.describe is not None
        setup = PaintingSetup.check(
            self.checkpoint or "pocket", self.device, self.precision, Adapters.named(self.lora or (), self.concept or ())
        )
        edit = Edit(open_source(self.file), 1.0, kept=cast(Kept, self.keep_source))
        width, height = start_size(edit, setup.side, None, None)
        request = PaintRequest(
            Condition(self.describe.strip()), seed=self.seed or 0, sampler="ddim",
            steps=PHOTO_STEPS if self.steps is None else self.steps,
            guidance=PHOTO_GUIDANCE if self.guidance is None else self.guidance, width=width, height=height, edit=edit,
            memory="none",
        )  # fmt: skip
        return self._edited(request, request.condition.text(), self.invert or "null-text"), setup, ""

    def _edited(self, request: "PaintRequest", source: str, inversion: str = "") -> "PaintRequest":
        caption = request.condition.caption
        if self.prompt is not None:
            caption = self.prompt.strip()
        caption = swapped(caption, read_swaps(self.swap))
        caption = " ".join(filter(None, (caption, self.add.strip())))
        condition = replace(request.condition, caption=caption)
        words = self._note(source, inversion)
        return replace(
            request, condition=condition, words=words, prompt="", expansion=None, extension=None, copy_check=None,
            best_of=None, safety=None,
        )  # fmt: skip

    def _note(self, source: str, inversion: str = "") -> "WordsNote":
        from impasto.painting.prompt_to_prompt.record import WordsNote

        here, equals, there = self.local.partition("=")
        local = (here.strip(), there.strip()) if equals else ("", here.strip())
        return WordsNote(
            source, tuple(read_swaps(self.swap)), tuple(self._weights()), self.cross, self.itself, local, inversion
        )  # fmt: skip

    def _weights(self) -> list[tuple[str, float]]:
        found = []
        for word in self.weight:
            name, _, number = (part.strip() for part in word.rpartition("="))
            try:
                found.append((name, float(number)))
            except ValueError:
                name = ""
            if not name:
                raise UsageError(f'--weight {word!r}: use WORDS=NUMBER, such as "flowers=1.8"')
        return found

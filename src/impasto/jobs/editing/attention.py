"""The job `attention`: shows where the words of a painting's prompt acted, as heat over the picture."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.painting.adapters import Adapters
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.repaint import recorded_request
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from PIL import Image

    from impasto.painting.provenance.record import Provenance


_ACROSS = 6  # pictures in a row of the sheet


@dataclass(frozen=True)
class WordMap:
    """Where a word acted: how much more at its best place than on average."""

    word: str
    contrast: float


class AttentionJob(Job):
    """Shows where words acted in a painting of Impasto's, by the cross-attention of all steps.

    Attributes:
        file: the painting.
        word: words of its prompt; none for every word.
        checkpoint: None for the recorded one.
        out: a folder, or FILE.png; None for the painting's own folder.
    """

    kind: ClassVar[str] = "attention"

    file: Path
    word: tuple[str, ...] = ()
    checkpoint: str | None = None
    out: Path | None = None
    overwrite: bool = False
    device: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "AttentionJob":
        if any(not word.strip() for word in self.word):
            raise UsageError("--word is empty: name a word of the prompt")
        return self

    def run(self, context: Context) -> list[WordMap]:
        """Writes a sheet: the painting, and for each word the painting under its heat.

        Raises:
            UsageError: the painting has no record of its prompt; the prompt lacks a word.
            MissingPart, ImpastoError: the checkpoint is missing; a file cannot be read or written.
            StoppedError: the job was stopped.
        """
        import time

        from PIL import Image

        from impasto.painting.prompt_to_prompt.heat_maps import contrast, distinct, heat_map, word_share

        started = time.monotonic()
        record = self._record()
        request = recorded_request(record, context.note, None)
        adapters = Adapters.recorded(record, None, None, context.note)
        setup = PaintingSetup.check(self.checkpoint or record.checkpoint, self.device, "fp32", adapters)
        output = Output.at(
            self.out or self.file.expanduser().parent, slug(f"{self.file.stem} attention"), 1, self.overwrite
        )
        context.progress("loading", 0.0)
        painter = setup.painter([request], context)
        if painter.components.base_hash != record.checkpoint_hash:
            context.note(f"{setup.checkpoint} is not the checkpoint it was painted with: the words may act elsewhere")
        read = painter.words.editor.read(request.condition.text())
        words = distinct(self.word or read.words)
        for word in words:
            read.tokens_of(word)  # names a word that the prompt lacks before anything is painted
        text, maps, shape = painter.words.attention(request, lambda done, of: context.progress("painting", done / of))
        with Image.open(self.file) as opened:
            picture = opened.convert("RGB")
        shares = {word: word_share(maps, text, word, shape) for word in words}
        sheet = _sheet(picture, {word: heat_map(picture, share) for word, share in shares.items()})
        path = output.file or output.free_path("")
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, format="PNG")
        context.picture_done(path, time.monotonic() - started, words=words)
        return [WordMap(word, contrast(share)) for word, share in shares.items()]

    def _record(self) -> "Provenance":
        from impasto.painting.provenance.record import Provenance, read_provenance

        record = read_provenance(self.file)
        if not isinstance(record, Provenance):
            raise UsageError(f"{self.file} was painted by {record.tool}: attention is shown of impasto's own paintings")
        if record.edit is not None or record.words is not None or record.controls or record.guides:
            raise UsageError(f"{self.file} came from another picture: attention is shown of paintings from a prompt alone")
        return replace(record, weights=None)


def _sheet(picture: "Image.Image", maps: "dict[str, Image.Image]") -> "Image.Image":
    from PIL import Image

    from impasto.painting.sheets.layout import draw_sheet

    named = [("the painting", picture), *maps.items()]
    rows = [named[start : start + _ACROSS] for start in range(0, len(named), _ACROSS)]
    drawn = [
        draw_sheet([[shown for _, shown in row]], column_titles=[word for word, _ in row], cell=max(picture.size))
        for row in rows
    ]
    sheet = Image.new("RGB", (max(one.width for one in drawn), sum(one.height for one in drawn)), "white")
    top = 0
    for one in drawn:
        sheet.paste(one, (0, top))
        top += one.height
    return sheet

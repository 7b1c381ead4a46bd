"""The setup of a painting job: a checkpoint with its adapters, checked without loading the checkpoint's weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.editing.edit_notes import edit_notes
from impasto.jobs.painting.adapters import NO_ADAPTERS, Adapters, Say
from impasto.jobs.painting.checks.lora_tags import TaggedPainters, Tags, with_tags
from impasto.jobs.painting.checks.text_notes import text_notes
from impasto.jobs.painting.memory_use import say_skipped

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.painter import Painter
    from impasto.painting.request import PaintRequest
    from impasto.prompts.artists import ArtistIndex

USUAL_SIDE = 128  # pocket's side, used to check a request before the checkpoint is inspected


@dataclass(frozen=True)
class PaintingSetup:
    """The checkpoint, device and precision for painting.

    Attributes:
        side: pixels of a side of the pictures on which the checkpoint was trained.
        artists: the artists in the checkpoint's model card, `{"name", "works"}`; empty if the card lists none.
        adapters: the LoRAs and concepts.
        works: number of works in the checkpoint's memory.
        painting_defaults: the sampling settings that the checkpoint recommends.
        has_guide: whether the checkpoint contains the weaker U-Net for autoguidance.
        lora_folders: folders of LoRAs that prompts may ask for, before the usual ones.
        engine: auto, eager, optimized, openvino or compiled.
    """

    checkpoint: str
    device: str
    precision: str
    side: int
    artists: Sequence[dict[str, Any]]
    adapters: Adapters = NO_ADAPTERS
    works: int = 0
    painting_defaults: "PaintingDefaults | None" = None
    has_guide: bool = False
    lora_folders: tuple[str, ...] = ()
    engine: str = "auto"

    @classmethod
    def check(
        cls, checkpoint: str, device: str, precision: str, adapters: Adapters = NO_ADAPTERS, engine: str = "auto"
    ) -> "PaintingSetup":
        """Checks the names and returns the setup.

        Raises:
            UsageError, MissingPart: the device, precision or engine is unknown; the checkpoint or engine does not exist.
            ImpastoError: the checkpoint is broken.
        """
        from impasto.checkpoints.guide import has_guide
        from impasto.checkpoints.listing import inspect_checkpoint
        from impasto.checkpoints.model_card import read_artists
        from impasto.checkpoints.painting_defaults import read_painting_defaults
        from impasto.painting.engines.choice import choose_engine
        from impasto.settings import choose_device

        choose_engine(engine, choose_device(device), precision)
        info = inspect_checkpoint(checkpoint)
        folder = info.path if info.path.is_dir() else None
        artists = read_artists(folder) if folder is not None else []
        side = info.default_size or 512
        return cls(
            checkpoint, device, precision, side, artists, adapters, info.works, read_painting_defaults(folder),
            has_guide(folder), engine=engine,
        )  # fmt: skip

    def resolve_artist(self, name: str) -> str:
        """Returns the full name of the artist that the checkpoint lists under `name`; `name` if it lists no artists.

        Raises:
            UsageError: the checkpoint lists artists, but none of that name.
        """
        return self._known.resolve(name).name if name and self.artists else name

    def check_memory(self, request: "PaintRequest") -> None:
        """Raises UsageError if the checkpoint has no memory and the request uses another one or reference pictures."""
        if not self.works and (request.like or request.memory not in ("", "none")):
            from impasto.painting.memory.reader import lacking_memory

            raise UsageError(lacking_memory(self.checkpoint))

    def check_guider(self, request: "PaintRequest") -> None:
        """Raises UsageError if the request's guider needs a guide model and the checkpoint has none."""
        from impasto.checkpoints.guide import lacking_guide
        from impasto.painting.guidance.guiders import find_guider

        if find_guider(request.guider).worse == "guide" and not self.has_guide:
            raise UsageError(lacking_guide(self.checkpoint))

    def with_tags(self, tags: Tags, say: Say) -> "PaintingSetup":
        """Returns this setup with the LoRAs that the tags of a prompt name; `say` is called with those that are not found.

        Raises:
            UsageError, ImpastoError: a scale is out of its range; a LoRA's file is broken.
        """
        return replace(self, adapters=with_tags(self.adapters, tags, self.lora_folders, say)) if tags else self

    def painters(self, requests: "Sequence[PaintRequest]", context: Context) -> "Painter | TaggedPainters":
        """Returns the painter as `painter` does, with the LoRAs that the prompts of the requests ask for.

        Raises:
            UsageError, MissingPart, ImpastoError: as `painter` and `with_tags`.
        """
        asked = list(dict.fromkeys(request.tags for request in requests))
        setups = {tags: self.with_tags(tags, context.note) for tags in asked}
        if len(setups) < 2:
            return (setups[asked[0]] if asked else self).painter(requests, context)
        return TaggedPainters(
            {tags: one.painter([r for r in requests if r.tags == tags], context) for tags, one in setups.items()}
        )

    def painter(self, requests: "Sequence[PaintRequest]", context: Context) -> "Painter":
        """Returns the painter, from the context's pool or newly loaded, and opens the memories of the requests.

        It reports notes on words that the text encoder does not read or know, on concepts that no prompt names, on LoRAs for
        other base checkpoints, and on pictures of a memory that cannot be read.

        Raises:
            UsageError: the checkpoint cannot paint an edit of these requests.
            MissingPart, ImpastoError: the checkpoint or a memory cannot be loaded.
        """
        from impasto.painting.editing.painting_edits import check_edit

        painter = context.painters.painter(
            self.checkpoint,
            device=self.device,
            precision=self.precision,
            engine=self.engine,
            loras=self.adapters.loras,
            concepts=self.adapters.concepts,
        )
        for request in requests:
            check_edit(request, painter.components)
        if (guider := painter.components.painting_defaults.lacks_guide) and any(r.guider == "cfg" for r in requests):
            context.note(f"{self.checkpoint} names the guider {guider}, but has no guide/ for it: painted by cfg")
        self.adapters.say_other_bases(self.checkpoint, painter.components.base_hash, context.note)
        for note in [*text_notes(painter.components, requests), *edit_notes(requests)]:
            context.note(note)
        for memory in dict.fromkeys(request.memory for request in requests if request.looked_at is None):
            skipped = painter.open_memory(memory, context.count("pictures looked at"))
            say_skipped(skipped, context.note)
        return painter

    @cached_property
    def _known(self) -> "ArtistIndex":
        from impasto.prompts.artists import Artist, ArtistIndex

        return ArtistIndex([Artist(row["name"], row["works"]) for row in self.artists])

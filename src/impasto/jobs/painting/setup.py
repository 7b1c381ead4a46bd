"""What a job paints with: a checkpoint with its adapters, checked without loading the checkpoint's weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.painting.adapters import NO_ADAPTERS, Adapters
from impasto.jobs.painting.memory_use import say_skipped

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.painter import Painter
    from impasto.painting.request import PaintRequest
    from impasto.prompts.artists import ArtistIndex

USUAL_SIDE = 128  # pocket's, for checking a request before anything is known about the checkpoint


@dataclass(frozen=True)
class PaintingSetup:
    """Which checkpoint paints, where and in which precision.

    Attributes:
        side: pixels of a side of the pictures that the checkpoint was trained on.
        artists: whom it knows by name, `{"name", "works"}`; empty where nobody wrote it down.
        works: how many its memory holds.
        painting_defaults: how it says itself that it is best painted with.
        has_guide: it holds the weaker U-Net of autoguidance.
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

    @classmethod
    def check(
        cls, checkpoint: str, device: str, precision: str, adapters: Adapters = NO_ADAPTERS
    ) -> "PaintingSetup":
        """The setup of these names.

        Raises:
            UsageError, MissingPart: an unknown device or precision; a checkpoint that is not there.
            ImpastoError: the checkpoint is broken.
        """
        from impasto.checkpoints.guide import has_guide
        from impasto.checkpoints.listing import inspect_checkpoint
        from impasto.checkpoints.model_card import read_artists
        from impasto.checkpoints.painting_defaults import read_painting_defaults
        from impasto.settings import choose_device, choose_precision

        choose_precision(precision, choose_device(device))
        info = inspect_checkpoint(checkpoint)
        folder = info.path if info.path.is_dir() else None
        artists = read_artists(folder) if folder is not None else []
        side = info.default_size or 512
        return cls(
            checkpoint, device, precision, side, artists, adapters, info.works, read_painting_defaults(folder),
            has_guide(folder),
        )  # fmt: skip

    def resolve_artist(self, name: str) -> str:
        """The whole name of the artist whom the checkpoint knows by `name`; `name` where it names nobody.

        Raises:
            UsageError: it knows artists, and none of that name.
        """
        return self._known.resolve(name).name if name and self.artists else name

    def check_memory(self, request: "PaintRequest") -> None:
        """Raises UsageError where the checkpoint has no memory, and the request has another or a picture to be like."""
        if not self.works and (request.like or request.memory not in ("", "none")):
            from impasto.painting.memory.reader import lacking_memory

            raise UsageError(lacking_memory(self.checkpoint))

    def check_guider(self, request: "PaintRequest") -> None:
        """Raises UsageError where the request is to be led by a guide, and the checkpoint has none."""
        from impasto.checkpoints.guide import lacking_guide
        from impasto.painting.guidance.guiders import find_guider

        if find_guider(request.guider).worse == "guide" and not self.has_guide:
            raise UsageError(lacking_guide(self.checkpoint))

    def painter(self, requests: "Sequence[PaintRequest]", context: Context) -> "Painter":
        """The painter, from the context's pool or loaded; the memories that the requests look at are opened.

        The context hears what the text encoder will not read of the texts, of LoRAs for other bases, and of pictures of a
        memory that cannot be read.

        Raises:
            MissingPart, ImpastoError: the checkpoint or a memory cannot be loaded.
        """
        painter = context.painters.painter(
            self.checkpoint,
            device=self.device,
            precision=self.precision,
            loras=self.adapters.loras,
            concepts=self.adapters.concepts,
        )
        self.adapters.say_other_bases(self.checkpoint, painter.components.base_hash, context.note)
        for text in dict.fromkeys(text for request in requests for text in (request.condition.text(), request.negative)):
            if unread := painter.components.unread(text):
                context.note(f"the text encoder reads {painter.components.max_tokens} tokens; not read: {unread[:200]!r}")
        for memory in dict.fromkeys(request.memory for request in requests if request.looked_at is None):
            skipped = painter.open_memory(memory, context.count("pictures looked at"))
            say_skipped(skipped, context.note)
        return painter

    @cached_property
    def _known(self) -> "ArtistIndex":
        from impasto.prompts.artists import Artist, ArtistIndex

        return ArtistIndex([Artist(row["name"], row["works"]) for row in self.artists])

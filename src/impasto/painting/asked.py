"""What a caller of `Painter.paint` asked for, and its completion to a request by the checkpoint's defaults."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.painting.defaults import choose_sampling
from impasto.painting.editing.edit import Edit, start_size
from impasto.painting.guidance.record import Interval
from impasto.painting.guides.guide import Guide
from impasto.painting.memory.record import Like
from impasto.painting.prompt_syntax import check_tags, read_syntax
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.prompts.weights import PLAIN, SYNTAXES

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components


@dataclass(frozen=True)
class Asked:
    """The settings of one picture as in `PaintRequest`; None means the checkpoint's or the general default."""

    condition: Condition
    negative: str
    seed: int | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    guider: str | None
    guidance_interval: Interval | None
    eta: float
    width: int | None
    height: int | None
    memory: str
    like: tuple[Like, ...]
    edit: Edit | None = None
    guides: tuple[Guide, ...] = ()

    def request(self, components: "Components", syntax: str) -> tuple[PaintRequest, list[str]]:
        """Returns the complete request, and notes on its prompts' syntax.

        Raises:
            UsageError: a value is out of its range, or there is no such syntax.
        """
        sampling = choose_sampling(
            components.painting_defaults, sampler=self.sampler, steps=self.steps, guider=self.guider,
            guidance=self.guidance, guidance_interval=self.guidance_interval, negative=self.negative,
        )  # fmt: skip
        size = components.default_size
        width, height = size if self.width is None else self.width, size if self.height is None else self.height
        if self.edit is not None:
            width, height = start_size(self.edit, size, self.width, self.height)
        request = PaintRequest(
            self.condition,
            negative=self.negative,
            seed=secrets.randbelow(2**32) if self.seed is None else self.seed,
            sampler=sampling.sampler,
            steps=sampling.steps,
            guidance=sampling.guidance,
            guider=sampling.guider,
            guidance_interval=sampling.guidance_interval,
            eta=self.eta,
            width=width,
            height=height,
            memory=self.memory,
            like=self.like,
            edit=self.edit,
            guides=self.guides,
        )
        if syntax not in SYNTAXES:
            raise UsageError(f"prompt_syntax {syntax!r}: use {', '.join(SYNTAXES)}")
        if syntax == PLAIN:
            return request, []
        request, notes = read_syntax(request, syntax=syntax)
        check_tags(request.tags, components.loras)
        return request, list(notes)

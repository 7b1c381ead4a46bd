"""What a painter does for requests whose words are edited: the source and its edit, painted together."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.painting_defaults import DOMAIN
from impasto.checkpoints.size import latent_factor
from impasto.errors import UsageError
from impasto.painting.batches import to_image
from impasto.painting.editing.latents import encoded, for_decoder, to_pixels
from impasto.painting.editing.painting_edits import canvas_of_request, size_to_paint
from impasto.painting.editing.trained_for import check_channels
from impasto.painting.guidance.record import USUAL
from impasto.painting.memory.reader import MemoryReader
from impasto.painting.painted_size import reduced
from impasto.painting.painting import Painting
from impasto.painting.prompt_to_prompt.attention import AttentionMaps
from impasto.painting.prompt_to_prompt.editor import Inverted, PromptEditor, Sampled, WordEdit
from impasto.painting.prompt_to_prompt.inversion import psnr
from impasto.painting.prompt_to_prompt.words import TokenText
from impasto.painting.provenance.record import Provenance
from impasto.painting.watching import OnBatchStep

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest


class PaintingWords:
    """Paints the requests of one painter whose words are edited."""

    def __init__(self, components: "Components", looking: MemoryReader, device: torch.device) -> None:
        self._parts, self._looking, self._device = components, looking, device
        self._editor: PromptEditor | None = None
        self._notes: list[str] = []

    def check(self, requests: "Sequence[PaintRequest]") -> None:
        """Checks what an edit of words cannot be combined with.

        Raises:
            UsageError: a guider other than cfg and domain, weighted words in brackets, a control, a mask, or, for a
                photograph, a sampler other than ddim or a guider other than cfg.
        """
        for request in requests:
            if (words := request.words) is None:
                continue
            if request.guider not in (USUAL, DOMAIN):
                raise UsageError(f"words are edited with the guiders cfg and domain, not with {request.guider}")
            if words.inversion and request.guider != USUAL:
                raise UsageError(f"a photograph is inverted for the guider cfg, not for {request.guider}")
            if request.weights is not None:
                raise UsageError("an edit of words takes weights as --weight WORD=NUMBER, not as brackets in the prompt")
            if request.guides:
                raise UsageError("an edit of words goes with no guide: leave --guide away")
            if request.controls or (request.edit is not None and request.edit.kind != "from"):
                raise UsageError("an edit of words goes with no control and no mask: make one after the other")
            if words.inversion and (request.sampler != "ddim" or request.eta):
                raise UsageError(f"a photograph is inverted for the sampler ddim with eta 0, not for {request.sampler}")
            if bool(words.inversion) != (request.edit is not None):
                raise UsageError("a photograph's words are edited by an inversion, and only a photograph is inverted")

    def latents(self, batch: "Sequence[PaintRequest]", watch: OnBatchStep) -> torch.Tensor:
        """Returns the clean latents of the edited pictures, [n, C, h, w] in fp32."""
        return torch.cat([self._one(request, watch) for request in batch])

    def take_notes(self) -> list[str]:
        """Returns what the user should know about the inversions, each sentence once."""
        notes, self._notes = self._notes, []
        return notes

    @property
    def editor(self) -> PromptEditor:
        """The editor of this checkpoint."""
        if self._editor is None:
            self._editor = PromptEditor(self._parts, self._device)
        return self._editor

    def attention(
        self, request: "PaintRequest", on_step: Callable[[int, int], None]
    ) -> tuple[TokenText, AttentionMaps, tuple[int, int]]:
        """Paints a request and returns its text, what its words looked at, and the latents' height and width."""
        text, shape = self.editor.read(request.condition.text()), self._shape(request)
        made = self.editor.paint(
            request.condition.text(), [], _sampled(request), shape, negative=request.negative, tokens=self._tokens(request),
            on_step=on_step,
        )  # fmt: skip
        return text, made.maps, shape

    def together(
        self, request: "PaintRequest", edits: "Sequence[PaintRequest]", on_step: Callable[[int, int], None]
    ) -> list[Painting]:
        """Paints a request and edits of its words, all from its noise; returns the paintings, its own first.

        Args:
            edits: the same request with other conditions, each with its `words`.

        Raises:
            UsageError: a text lacks a word; the checkpoint does not paint from text.
        """
        check_channels(self._parts, request.method)
        made = self.editor.paint(
            request.condition.text(), [_word_edit(edit) for edit in edits], _sampled(request), self._shape(request),
            negative=request.negative, tokens=self._tokens(request), on_step=on_step,
        )  # fmt: skip
        size, seen, parts = (request.width, request.height), self._looking.look(request).use, self._parts
        pictures = [reduced(to_image(self._decoded(one)[0]), *size) for one in made.latents.split(1)]
        return [
            Painting(picture, Provenance.of(one, parts.base_name, parts.base_hash, parts.loras, parts.concepts, seen))
            for one, picture in zip((request, *edits), pictures, strict=True)
        ]

    def _shape(self, request: "PaintRequest") -> tuple[int, int]:
        width, height = size_to_paint(request, self._parts)
        factor = latent_factor(self._parts.vae.config)
        return height // factor, width // factor

    def _tokens(self, request: "PaintRequest") -> torch.Tensor | None:
        seen = self._looking.look(request).tokens
        return seen if len(seen) else None

    def _one(self, request: "PaintRequest", watch: OnBatchStep) -> torch.Tensor:
        words = request.words
        assert words is not None
        how = _sampled(request)
        tokens = None if words.inversion else self._tokens(request)
        begin = self._inverted(request, how) if words.inversion else None
        made = self.editor.paint(
            words.source, [_word_edit(request)], how, self._shape(request), negative=request.negative, tokens=tokens,
            begin=begin, on_step=_told(watch),
        ).latents  # fmt: skip
        if begin is not None:
            back, own = (self._decoded(one) for one in (made[:1], begin.clean))
            self._notes.append(
                f"inverted by {words.inversion}: painted again without an edit it has {psnr(back, own):.1f} dB against what "
                "the autoencoder makes of it"
            )
        return made[1:]

    def _inverted(self, request: "PaintRequest", how: Sampled) -> Inverted:
        assert request.edit is not None and request.words is not None
        canvas = canvas_of_request(request, self._parts)
        image = canvas.placed(request.edit.picture(request.width, request.height))
        clean = encoded(self._parts.vae, to_pixels(image)).to(self._device)
        return self.editor.invert(request.words.source, clean, how, request.words.inversion)

    @torch.inference_mode()
    def _decoded(self, latents: torch.Tensor) -> torch.Tensor:
        vae: Any = self._parts.vae
        return vae.decode(for_decoder(latents, vae.config).to(vae.dtype), return_dict=False)[0].float()


def _word_edit(request: "PaintRequest") -> WordEdit:
    words = request.words
    assert words is not None
    return WordEdit(request.condition.text(), words.swaps, words.weights, words.cross, words.itself, words.local)


def _sampled(request: "PaintRequest") -> Sampled:
    return Sampled(request.sampler, request.steps, request.guidance, request.seed, request.eta, request.guider)


def _told(watch: OnBatchStep) -> Callable[[int, int], None]:
    # No previews: the latents of a step are those of two pictures, and noisy.
    return lambda done, of: watch(done, lambda: torch.zeros(0, 1, 1, 1), True)

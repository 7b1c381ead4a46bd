"""The `PromptEditor` class: paints a picture and its edits together, so that the edits keep the picture's layout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.guide import lacking_guide
from impasto.checkpoints.painting_defaults import DOMAIN
from impasto.errors import UsageError
from impasto.painting.denoising import denoise, first_noise
from impasto.painting.guidance.record import USUAL
from impasto.painting.prompt_to_prompt.attention import AttentionController, AttentionEdit, AttentionMaps, control
from impasto.painting.prompt_to_prompt.inversion import DdimPath, fit_null_text, invert
from impasto.painting.prompt_to_prompt.local_blend import LocalBlend
from impasto.painting.prompt_to_prompt.words import TokenText, correspond, equalizer
from impasto.painting.schedulers import make_scheduler, set_steps
from impasto.weights.sharing import copy_sharing_weights

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class WordEdit:
    """How the prompt of a picture is edited.

    Attributes:
        text: the edited text, whole.
        swaps: pairs of words of the source and of the edited text.
        weights: words of the edited text, and what their attention is multiplied with.
        cross, itself: shares of the steps in which the maps are the source's; Hertz et al. use 0.8 and 0.4.
        local: words of the source and of the edited text outside whose area nothing changes; both "" for everywhere.
    """

    text: str
    swaps: tuple[tuple[str, str], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    cross: float = 0.8
    itself: float = 0.4
    local: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Sampled:
    """How the pictures are painted: sampler, steps, guidance, eta, the seed of the noise, and the guider: cfg or domain."""

    sampler: str
    steps: int
    guidance: float
    seed: int = 0
    eta: float = 0.0
    guider: str = USUAL


@dataclass(frozen=True)
class Inverted:
    """A photograph as noise, with which DDIM paints it again.

    Attributes:
        latents: at the noisiest level, [1, C, h, w].
        away: states of the negative prompt for each step, or None for those of the empty text.
        clean: of the photograph, in the VAE's scale.
    """

    latents: torch.Tensor
    away: tuple[torch.Tensor, ...] | None
    clean: torch.Tensor


@dataclass
class EditedPictures:
    """The result: clean latents [rows, C, h, w], the source first, and what the words looked at."""

    latents: torch.Tensor
    maps: AttentionMaps = field(default_factory=AttentionMaps)


class PromptEditor:
    """Edits pictures by their words with one checkpoint (prompt-to-prompt, Hertz et al. 2022).

    It runs diffusers' own U-Net with attentions that it controls, as a copy that shares the weights. The rows of a batch are
    the source and its edits, all from the same noise.
    """

    def __init__(self, components: "Components", device: torch.device | str = "cpu") -> None:
        self._parts, self._device = components, torch.device(device)
        self._unet = copy_sharing_weights(components.unet)
        self._velocity: str = components.scheduler_config.get("prediction_type", "epsilon")

    def read(self, text: str) -> TokenText:
        """Returns the text's tokens."""
        return TokenText.read(self._parts, text)

    @torch.inference_mode()
    def paint(
        self,
        source: str,
        edits: Sequence[WordEdit],
        sampled: Sampled,
        shape: tuple[int, int],
        *,
        negative: str = "",
        tokens: torch.Tensor | None = None,
        begin: Inverted | None = None,
        on_step: OnStep = lambda done, of: None,
    ) -> EditedPictures:
        """Paints the source and its edits.

        Args:
            source: the whole text of the source picture.
            shape: height and width of the latents.
            negative: the negative prompt of all rows.
            tokens: memory tokens [k, width] that follow every text, those of the source's painting.
            begin: a photograph's inversion, in place of noise; `sampled` is then that of `invert`.
            on_step: called with (steps done, all steps).

        Raises:
            UsageError: a text lacks a word; the sampler does not take the steps; the guider is domain, and the checkpoint
                has no guide.
        """
        original = self._parts.guide if sampled.guider == DOMAIN else None
        if sampled.guider == DOMAIN and original is None:
            raise UsageError(lacking_guide(self._parts.base_name))
        texts = [source, *(edit.text for edit in edits)]
        read = [self.read(text) for text in texts]
        more = 0 if tokens is None else len(tokens)
        pairs = list(zip(read[1:], edits, strict=True))
        controller = AttentionController([self._edit(read[0], one, edit, more) for one, edit in pairs])
        control(self._unet, controller)
        states = self._with_tokens(self._parts.encode_text(texts), tokens)
        away = self._parts.encode_text([negative]).to(self._device)
        scheduler = make_scheduler(sampled.sampler, self._parts.scheduler_config, sampled.eta)
        set_steps(scheduler, sampled.steps, self._device)
        rows, steps = len(texts), len(scheduler.timesteps)
        generators = [torch.Generator().manual_seed(sampled.seed) for _ in texts]
        channels = int(self._parts.unet.config["in_channels"])
        latents = first_noise(generators, (channels, *shape), self._device)
        if begin is not None:
            latents = begin.latents.expand(rows, -1, -1, -1) / scheduler.init_noise_sigma
        blends = [self._blend(read[0], one, edit, row) for row, (one, edit) in enumerate(pairs, 1)]
        done = 0

        def predict(seen: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            controller.share = done / steps
            controller.active = True
            towards = self._answer(seen, timestep, states)
            controller.active = False
            if sampled.guidance == 1:
                return towards
            told = away if begin is None or begin.away is None else begin.away[done]
            other = self._answer(seen, timestep, told.expand(rows, -1, -1), original)
            return other + sampled.guidance * (towards - other)

        def between(_: int, made: torch.Tensor) -> torch.Tensor:
            nonlocal done
            done += 1
            for blend in blends:
                made = made if blend is None else blend.blend(made, controller.maps, done / steps)
            on_step(done, steps)
            return made

        latents = denoise(predict, latents, scheduler, generators, eta=sampled.eta, between=between)
        return EditedPictures(latents, controller.maps)

    def invert(
        self,
        text: str,
        clean: torch.Tensor,
        sampled: Sampled,
        method: str = "fixed",
        *,
        on_step: OnStep = lambda done, of: None,
    ) -> Inverted:
        """Returns a photograph's noise; the sampler is DDIM.

        Args:
            text: what the photograph shows.
            clean: its latents [1, C, h, w], in the VAE's scale.
            method: "ddim", "fixed" (fixed-point iteration), or "null-text", which fits the negative states to the guidance.
        """
        control(self._unet, AttentionController([]))
        path = self._path(sampled.steps)
        states = self._parts.encode_text([text]).to(self._device)
        iterations = 5 if method == "fixed" else 1
        trajectory = invert(self._answer, path, clean.to(self._device), states, iterations=iterations, on_step=on_step)
        away = None
        if method == "null-text":
            self._unet.requires_grad_(False)
            empty = self._parts.encode_text([""]).to(self._device)
            away = tuple(fit_null_text(
                self._answer, path, [one.clone() for one in trajectory], states.clone(), empty.clone(), sampled.guidance,
                on_step=on_step,
            ))  # fmt: skip
        return Inverted(trajectory[-1], away, clean)

    def _path(self, steps: int) -> DdimPath:
        scheduler = make_scheduler("ddim", self._parts.scheduler_config)
        set_steps(scheduler, steps, self._device)
        return DdimPath.of(scheduler, self._velocity)

    def _answer(
        self, latents: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, unet: Any = None
    ) -> torch.Tensor:
        dtype = self._parts.unet.dtype
        return (unet or self._unet)(latents.to(dtype), timestep, states.to(dtype), return_dict=False)[0].float()

    def _with_tokens(self, states: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
        states = states.to(self._device)
        return states if tokens is None else torch.cat([states, tokens.to(states).expand(len(states), -1, -1)], dim=1)

    def _edit(self, source: TokenText, edited: TokenText, edit: WordEdit, more: int) -> AttentionEdit:
        words = correspond(source, edited, edit.swaps).with_more(more)
        weights = torch.cat([equalizer(edited, edit.weights), torch.ones(more)])
        return AttentionEdit(words, weights, edit.cross, edit.itself)

    def _blend(self, source: TokenText, edited: TokenText, edit: WordEdit, row: int) -> LocalBlend | None:
        if not any(edit.local):
            return None
        here, there = (tuple(text.tokens_of(words)) if words else () for text, words in
                       zip((source, edited), edit.local, strict=True))  # fmt: skip
        return LocalBlend(here, there, row)

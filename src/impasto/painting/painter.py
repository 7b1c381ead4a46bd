"""The painter: a loaded checkpoint, ready to paint requests one by one or in batches."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError, UsageError
from impasto.painting.asked import Asked
from impasto.painting.batch_work import Groups, scheduler_of, work_of, works_of
from impasto.painting.batches import check_memory_error
from impasto.painting.batching import batches_of
from impasto.painting.conditioning import Conditioning
from impasto.painting.control.painting_controls import PaintingControls
from impasto.painting.denoising import denoise, expected_clean, first_noise
from impasto.painting.editing.edit import Edit, start_from
from impasto.painting.editing.kept_files import KeptFile, kept_files
from impasto.painting.editing.latents import for_decoder
from impasto.painting.editing.outpainting import outpainted
from impasto.painting.editing.painting_edits import (
    check_edit,
    edited_latents,
    evaluations,
    finished_picture,
    size_to_paint,
    unchanged_picture,
)
from impasto.painting.editing.record import Fit
from impasto.painting.engines.choice import choose_engine
from impasto.painting.engines.painting_engine import PaintingEngine
from impasto.painting.engines.record import AUTO
from impasto.painting.guidance.guiders import find_guider
from impasto.painting.guidance.guiding import Guiding
from impasto.painting.guidance.record import USUAL_INTERVAL, Interval, Worse
from impasto.painting.guidance.weaker_unets import WeakerUNets
from impasto.painting.guides.guide import Guide, read_guide_words
from impasto.painting.guides.painting_guides import PaintingGuides, needs_gradients
from impasto.painting.memory.folder_memory import OnPictures
from impasto.painting.memory.likes import LikeChoice, read_likes
from impasto.painting.memory.reader import MemoryReader
from impasto.painting.memory.record import OWN
from impasto.painting.not_numbers import why_not_numbers
from impasto.painting.painting import Painting
from impasto.painting.prompt_to_prompt.painting_words import PaintingWords
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import PaintRequest
from impasto.painting.watching import OnBatchStep, OnPreview, OnStep, Watching
from impasto.prompts.artists import Artist, ArtistIndex
from impasto.prompts.condition import Condition
from impasto.prompts.weights import A1111
from impasto.settings import choose_device, keep_freed_memory

if TYPE_CHECKING:
    from impasto.adapters.merge import ConceptChoice, LoraChoice
    from impasto.checkpoints.components import Components
    from impasto.data.catalogue.entry import Skipped

_LOGGER = logging.getLogger("impasto")


class Painter:
    """A loaded checkpoint that paints pictures. It is not safe for use by several threads at once.

    Attributes:
        components: the checkpoint's parts; they are used as they are and never changed.
        artists: the artists that the checkpoint lists by name; empty for checkpoints without a list.
        device: where the U-Net and the VAE run.
        words: edits pictures by their words.
    """

    def __init__(
        self, components: "Components", device: torch.device | str = "cpu", engine: str = AUTO, inference: str = "fp32"
    ) -> None:
        """`engine` and `inference` are those of an `EngineChoice`."""
        self.components = components
        self.device = torch.device(device)
        for part in (components.vae, components.unet, components.text_encoder):
            torch.nn.Module.to(part, self.device).eval()
        self.artists = ArtistIndex([Artist(name=row["name"], works=row["works"]) for row in components.artists])
        self._dtype: torch.dtype = components.unet.dtype
        self._engine = PaintingEngine(components, self.device, engine, inference)
        self._worse = WeakerUNets(components, self._engine)
        self._looking = MemoryReader(components)
        self._controls = PaintingControls(components, self.device)
        self._guides = PaintingGuides(components, self.device)
        self.words = PaintingWords(components, self._looking, self.device)
        self._conditioning = Conditioning(components, self._looking, self.device)

    @classmethod
    def load(
        cls,
        checkpoint: str | Path = "pocket",
        device: str = "auto",
        precision: str = "auto",
        loras: "Sequence[LoraChoice]" = (),
        concepts: "Sequence[ConceptChoice]" = (),
        engine: str = AUTO,
    ) -> "Painter":
        """Load a checkpoint: `pocket`, a diffusers folder, a hub name, or a single `.safetensors` file.

        Args:
            device: auto, cpu, cuda, cuda:1, mps.
            precision: auto, fp32, bf16, fp16.
            loras: LoRAs to merge into its weights: "runs/monet:0.8" (1 without a scale), or a loaded LoRA and its scale.
            concepts: textual inversions to add to its text encoder: files, or loaded ones.
            engine: auto, eager, optimized, openvino, compiled.

        Raises:
            UsageError: unknown device, precision, engine or kind of checkpoint; a scale out of its range.
            MissingPart: the checkpoint, a LoRA, a concept, the device or the engine is not on this machine.
            ImpastoError: a file is broken, or a LoRA or concept is for another checkpoint.
        """
        from impasto.checkpoints.load import load_components

        where = choose_device(device)
        if where.type == "cpu":
            keep_freed_memory()
        chosen = choose_engine(engine, where, precision)
        components = load_components(str(checkpoint), device=where, dtype=chosen.dtype, editing=True, learns=False)
        return cls.of(components, where, loras, concepts, chosen.name, chosen.inference)

    @classmethod
    def of(
        cls,
        components: "Components",
        device: torch.device | str = "cpu",
        loras: "Sequence[LoraChoice]" = (),
        concepts: "Sequence[ConceptChoice]" = (),
        engine: str = AUTO,
        inference: str = "fp32",
    ) -> "Painter":
        """Returns a painter for loaded components with these adapters; `components` themselves are not changed.

        Raises:
            UsageError, MissingPart, ImpastoError: as `load`.
        """
        from impasto.adapters.merge import apply_adapters

        return cls(apply_adapters(components, loras, concepts), device, engine, inference)

    def condition(
        self,
        prompt: str,
        *,
        artist: str | None = None,
        year: int | None = None,
        style: str = "",
        genre: str = "",
        any_artist: bool = False,
    ) -> Condition:
        """Returns the condition for a prompt, with the artist's name spelled as in the checkpoint's list.

        Raises:
            UsageError: the checkpoint lists its artists and this is none of them (unless `any_artist`).
        """
        name = (artist or "").strip()
        if name and self.components.artists and not any_artist:
            name = self.artists.resolve(name).name
        return Condition(caption=prompt.strip(), artist=name, year=year, style=style, genre=genre)

    def open_memory(self, memory: str = OWN, on_pictures: OnPictures | None = None) -> "list[Skipped]":
        """Reads the checkpoint's memory, or a folder of pictures that replaces it, before painting.

        Returns the files of the folder that cannot be read. `on_pictures` is called with (pictures encoded, total). Each
        picture is encoded once, and the result is kept in the cache.

        Raises:
            UsageError: the checkpoint has no memory that a folder could replace.
            ImpastoError: the folder holds no picture that can be read.
            MissingPart: the packages that compute picture features are not installed.
        """
        before = len(self._looking.skipped)
        self._looking.load(memory, on_pictures)
        return self._looking.skipped[before:]

    def paint(
        self,
        prompt: str = "",
        *,
        artist: str | None = None,
        year: int | None = None,
        style: str = "",
        genre: str = "",
        seed: int | None = None,
        negative: str = "",
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        guider: str | None = None,
        guidance_interval: Interval | None = None,
        eta: float = 0.0,
        width: int | None = None,
        height: int | None = None,
        any_artist: bool = False,
        memory: str | Path = OWN,
        like: Sequence[LikeChoice] = (),
        prompt_syntax: str = A1111,
        init: "str | Path | Image.Image | Edit | None" = None,
        strength: float | None = None,
        fit: Fit | None = None,
        guides: Sequence[str | Guide] = (),
    ) -> Painting:
        """Paint one picture. The arguments are those of `condition` and of `PaintRequest`.

        Args:
            prompt_syntax: "a1111", `(a:1.3)` has a meaning; "compel", `(a)1.3` (`impasto.prompts.syntax`); "plain", none.
            seed: 0 .. 2**63 - 1; None draws one at random, which the painting's provenance then holds.
            sampler, steps, guider, guidance: None takes the checkpoint's own defaults, else the general ones: dpm++, 25, cfg
                and 5; with `lcm` 4 and 1; with another guider its own guidance.
            guidance_interval: for the guider `interval`, which it implies.
            width, height: pixels, multiples of 8 in 64 .. 2048; None takes the size the checkpoint was trained on.
            memory: the memory to retrieve works from: "", the checkpoint's own if it has any; "none"; or a folder of
                pictures.
            like: reference pictures that the painting should resemble: "picture.png", "picture.png:0.5", or a path with its
                weight.
            init: a picture to start from, or an `Edit`.
            strength: 0 .. 1, how much of it is painted anew; None for 0.6 (`impasto.painting.starting`).
            fit: how it is brought to the size: "crop", "pad" or "stretch"; without a size, its own proportions count.
            guides: what else leads its steps, such as "scorer:150" (`impasto.painting.guides`).

        Raises:
            UsageError: a value is out of its range, the artist is unknown, or the checkpoint has no memory.
            ImpastoError: a picture cannot be read, or the model's output is not finite.
        """
        asked = Asked(
            self.condition(prompt, artist=artist, year=year, style=style, genre=genre, any_artist=any_artist),
            negative, seed, sampler, steps, guidance, guider, guidance_interval, eta, width, height, str(memory),
            read_likes(like), None if init is None else start_from(init, strength, fit), read_guide_words(guides),
        )  # fmt: skip
        if init is None and (strength is not None or fit is not None):
            raise UsageError("strength and fit are of a picture to start from: give init")
        request, notes = asked.request(self.components, prompt_syntax)
        for note in notes:
            _LOGGER.warning(note)
        return next(self.paint_many([request]))

    def paint_many(
        self,
        requests: Sequence[PaintRequest],
        *,
        batch_size: int | None = None,
        preview_every: int = 0,
        on_preview: OnPreview | None = None,
        on_step: OnStep | None = None,
        on_note: Callable[[str], None] = _LOGGER.warning,
    ) -> Iterator[Painting]:
        """Paint requests in their order; neighbours with the same sampler, steps and size share a batch.

        Each is yielded as soon as it is decoded. Picture k of a batch equals the picture painted alone (to 1/255).

        Args:
            batch_size: pictures at once, 1 or more; None chooses by their pixels and the device.
            preview_every: call `on_preview` for each picture after every `preview_every` steps; 0 never does.
            on_preview: called with the request's index, the steps done, and a picture of at most 256 px a side.
            on_step: called with the model evaluations done and their total in this whole call.
            on_note: called with a sentence about an edit's background, or about the engine.

        Raises:
            UsageError: the checkpoint cannot paint a request; raised before the first is painted.
            ImpastoError: a picture is not finite (its neighbours are yielded first), or memory ran out.
        """
        if batch_size is not None and batch_size < 1:
            raise UsageError(f"batch size {batch_size}: use 1 or more")
        if preview_every < 0:
            raise UsageError(f"a preview every {preview_every} steps: use 0 or more")
        kinds: set[Worse] = {find_guider(request.guider).worse for request in requests}
        worse = self._worse.models(kinds)
        self.words.check(requests)
        for request in requests:
            check_edit(request, self.components)
        batches = list(batches_of(requests, self.components, self.device, batch_size, self._memory_tokens))
        total = sum(evaluations(batch[0], scheduler_of(batch[0], self.components, self.device)) for _, batch in batches)
        # Guides that need gradients run diffusers' own U-Net.
        ours = [batch for _, batch in batches if not needs_gradients(batch[0])]
        if ours:
            self._engine.prepare([work_of(batch, self.components, self.device) for batch in ours], worse)
        for request in requests:
            self._worse.of(find_guider(request.guider).worse, self._engine_of(request))
        controls = [control for request in requests for control in request.controls]
        guided = self._guides.prepare(requests, self._engine.asked)
        for note in (*self._engine.take_notes(), *self._controls.prepare(controls), *guided):
            on_note(note)
        watching = Watching(on_step, on_preview, preview_every, total, self._pixels)
        done_before = 0
        for first, batch in batches:
            if (edit := batch[0].edit) is not None and edit.sides is not None:
                paint = partial(self.paint_many, batch_size=len(batch), preview_every=preview_every, on_note=on_note)
                images = outpainted(paint, batch, self.components.default_size, watching, first)
                for request, image in zip(batch, images, strict=True):
                    yield self._painting(request, (image, kept_files(request.edit)))
            else:
                yield from self._paint_batch(batch, watching.batch(first, done_before), on_note)
            done_before += evaluations(batch[0], scheduler_of(batch[0], self.components, self.device))

    def _memory_tokens(self, request: PaintRequest) -> int:
        return len(self._looking.look(request).tokens)

    def decide_engine(self, groups: Groups, batch_size: int | None = None) -> tuple[str, list[str]]:
        """Decides which engine paints a whole job, so that its parts can be painted apart; paints nothing.

        Returns:
            Its name, as `--engine` takes it, and what the user should know.
        """
        works = works_of(groups, self.components, self.device, batch_size, self._memory_tokens)
        worse = self._worse.models({find_guider(request.guider).worse for requests, _ in groups for request in requests})
        return self._engine.decide(works, worse), self._engine.take_notes()

    def _paint_batch(
        self, batch: Sequence[PaintRequest], watch: OnBatchStep, on_note: Callable[[str], None]
    ) -> Iterator[Painting]:
        unchanged = [picture for request in batch if (picture := unchanged_picture(request)) is not None]
        if unchanged:
            yield from map(self._painting, batch, unchanged)
            return
        try:
            finished = self.words.latents(batch, watch) if batch[0].words is not None else self._latents(batch, watch)
            for note in (*self.words.take_notes(), *self._engine.take_notes()):
                on_note(note)
            broken = None
            # One by one: the first is on disk before the last is decoded, and the VAE needs less memory.
            for request, latents in zip(batch, finished.split(1), strict=True):
                pixels = self._pixels(latents, self._engine_of(request))
                if not torch.isfinite(pixels).all():
                    broken = broken or request
                    continue
                yield self._painting(request, finished_picture(request, self.components, latents, pixels, on_note))
        except RuntimeError as error:
            check_memory_error(error, batch)
            raise
        if broken is not None:
            raise ImpastoError(why_not_numbers(self.components, broken.seed))

    def _latents(self, batch: Sequence[PaintRequest], watch: OnBatchStep) -> torch.Tensor:
        """Returns clean latents [n, C, h, w] in fp32, in the VAE's scale."""
        with self._guides.mode(batch[0]), torch.no_grad():
            return self._denoised(batch, watch)

    def _denoised(self, batch: Sequence[PaintRequest], watch: OnBatchStep) -> torch.Tensor:
        width, height = size_to_paint(batch[0], self.components)
        factor = latent_factor(self.components.vae.config)
        generators = [torch.Generator().manual_seed(request.seed) for request in batch]
        channels = self.components.vae.config["latent_channels"]
        latents = first_noise(generators, (channels, height // factor, width // factor), self.device)
        scheduler = scheduler_of(batch[0], self.components, self.device)
        edited = edited_latents(batch, latents, scheduler, self.components)
        guider = find_guider(batch[0].guider)
        prediction_type = self.components.scheduler_config.get("prediction_type", "epsilon")
        towards, away = batch[0].sides
        weights = torch.tensor([request.guidance for request in batch]).to(self.device) if towards and away else None
        engine = self._engine_of(batch[0])
        worse = self._worse.of(guider.worse, engine) if weights is not None else None
        told = (width, height), scheduler.timesteps
        unet = self._controls.unet(engine.unet, batch[0].controls, *told)
        if worse is not None and guider.asks_away:  # it predicts the negative side, which guess mode leaves alone
            worse = self._controls.unet(worse, [one for one in batch[0].controls if not one.guess], *told)
        predict = guider.predictor(
            Guiding(
                unet if edited is None else edited.unet(unet),
                self._conditioning.conditions(batch, towards, away and guider.asks_away),
                weights,
                self._dtype,
                scheduler,
                prediction_type,
                batch[0].guidance_interval or USUAL_INTERVAL,
                worse if worse is None or edited is None else edited.unet(worse),
            )
        )
        predict = self._guides.predictor(predict, batch, scheduler, prediction_type)
        last = len(scheduler.timesteps) - (edited.index if edited is not None else 0)

        def step(done: int, seen: torch.Tensor, answer: torch.Tensor, timestep: torch.Tensor) -> None:
            watch(done, lambda: expected_clean(scheduler, prediction_type, seen, answer, timestep), done == last)

        if edited is None:
            return denoise(predict, latents, scheduler, generators, eta=batch[0].eta, on_step=step)
        return denoise(
            predict, edited.first(), scheduler, generators, eta=batch[0].eta, on_step=step, first=edited.index,
            between=edited.after,
        )  # fmt: skip

    def _engine_of(self, request: PaintRequest) -> PaintingEngine | PaintingGuides:
        return self._guides if needs_gradients(request) else self._engine

    @torch.inference_mode()
    def _pixels(self, latents: torch.Tensor, engine: PaintingEngine | PaintingGuides | None = None) -> torch.Tensor:
        """Decodes latents [1, C, h, w] to [3, H, W] in about -1 .. 1."""
        vae = self.components.vae
        return (engine or self._engine).decode(for_decoder(latents, vae.config).to(vae.dtype))[0].float()

    def _painting(self, request: PaintRequest, made: tuple[Image.Image, tuple[KeptFile, ...]]) -> Painting:
        parts, seen, controls = self.components, self._looking.look(request).use, self._controls.notes(request.controls)
        used = parts.loras, parts.concepts, seen, self._engine_of(request).note, controls, self._guides.notes(request)
        return Painting(made[0], Provenance.of(request, parts.base_name, parts.base_hash, *used), made[1])

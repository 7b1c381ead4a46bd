"""The guides of a painter: scorers and classifiers loaded once, and the parts of the model through which gradients flow."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from impasto.adapters.latent_classifier.files import SavedClassifier, load_classifier
from impasto.errors import UsageError
from impasto.painting.best_of.choosing import prompt_text
from impasto.painting.denoising import Predictor
from impasto.painting.editing.painting_edits import for_decoder
from impasto.painting.engines.eager import EagerEngine
from impasto.painting.engines.record import COMPILED, OPENVINO
from impasto.painting.guides.guide import Guide
from impasto.painting.guides.guided import ClassifierLoss, GuidedPredictor, ScorerLoss
from impasto.painting.guides.record import GuideNote
from impasto.vision.scorers.interface import POCKET, DifferentiableScorer, load_scorer
from impasto.weights.sharing import copy_sharing_weights

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.engines.conditioned import ControllableUNet
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition


class PaintingGuides:
    """The guides of one checkpoint's paintings. It also is the engine of those that need gradients: `eager`."""

    def __init__(self, components: "Components", device: torch.device) -> None:
        self._parts, self._device = components, device
        self._scorers: dict[str, DifferentiableScorer] = {}
        self._classifiers: dict[str, SavedClassifier] = {}
        self._texts: dict[tuple[str, str], torch.Tensor] = {}
        self._others: dict[str, ControllableUNet] = {}
        self._eager = EagerEngine(device, components.unet.dtype)
        self.note = self._eager.note

    def prepare(self, requests: "Sequence[PaintRequest]", engine: str) -> list[str]:
        """Loads what the guides of these requests need; returns what the user should know.

        Args:
            engine: the name of the painter's engine.

        Raises:
            UsageError: a classifier does not know the label, or a request has no text for a scorer.
            MissingPart, ImpastoError: a model is not there, broken, or for other latents.
        """
        notes: dict[str, None] = {}
        for request in requests:
            for guide in request.guides:
                known = self._hash(guide)
                if guide.expected_hash and guide.expected_hash != known:
                    notes[f"{guide.model or 'the scorer'} is not the one that it was painted with: it may differ"] = None
                if guide.is_of_pictures:
                    self._vectors(guide, request.condition)
                else:
                    notes |= dict.fromkeys(self._check_classifier(guide, request))
            if needs_gradients(request) and engine in (OPENVINO, COMPILED):
                notes[f"a guide needs gradients: painted by eager, not by {engine}"] = None
        return list(notes)

    def mode(self, request: "PaintRequest") -> AbstractContextManager[Any]:
        """Returns the mode in which a batch like this request is painted: inference, unless gradients are needed."""
        return torch.inference_mode(not needs_gradients(request))

    @cached_property
    def unet(self) -> "ControllableUNet":
        """The checkpoint's U-Net, as diffusers runs it; its weights need no gradients."""
        return self._eager.unet(_without_gradients(self._parts.unet))

    def another(self, name: str, model: Any) -> "ControllableUNet":
        """Returns another U-Net likewise; kept under its name."""
        if name not in self._others:
            self._others[name] = self._eager.unet(_without_gradients(model))
        return self._others[name]

    @cached_property
    def _vae(self) -> Any:
        return _without_gradients(self._parts.vae)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Decodes latents in the VAE's scale, [n, C, h, w] -> [n, 3, H, W]."""
        return self._vae.decode(latents, return_dict=False)[0]

    def predictor(
        self, predict: Predictor, batch: "Sequence[PaintRequest]", scheduler: Any, prediction_type: str
    ) -> Predictor:
        """Returns `predict` led by the guides of a batch, whose requests have the same; `predict` itself without any."""
        guides = [guide for guide in batch[0].guides if guide.acts_ever]
        if not guides:
            return predict
        pictures = [
            (one, ScorerLoss(one, self._scorer(one), [self._vectors(one, request.condition) for request in batch]))
            for one in guides
            if one.is_of_pictures
        ]
        latents = [self._classifier_loss(one, batch) for one in guides if not one.is_of_pictures]
        seeds = [request.seed for request in batch]
        return GuidedPredictor(predict, pictures, latents, self._pixels, seeds, scheduler, prediction_type)

    def notes(self, request: "PaintRequest") -> tuple[GuideNote, ...] | None:
        """Returns the record of a request's guides; None without any."""
        return tuple(guide.note(self._hash(guide)) for guide in request.guides) or None

    def _pixels(self, latents: torch.Tensor) -> torch.Tensor:
        vae = self._vae
        return self.decode(for_decoder(latents, vae.config).to(vae.dtype)).float()

    def _hash(self, guide: Guide) -> str:
        return self._scorer(guide).identity if guide.is_of_pictures else self._classifier(guide).content_hash

    def _scorer(self, guide: Guide) -> DifferentiableScorer:
        if guide.model not in self._scorers:
            found = load_scorer(guide.model or POCKET)
            if not isinstance(found, DifferentiableScorer):
                raise UsageError(f"--guide scorer: {found.name} has no gradients")
            self._scorers[guide.model] = found
        return self._scorers[guide.model]

    def _vectors(self, guide: Guide, condition: "Condition") -> torch.Tensor:
        """Returns unit vectors [k, width] of what a picture is scored by: its prompt, and its artist."""
        texts = scored_texts(condition)
        if not texts:
            raise UsageError("--guide scorer leads towards prompt and artist: give one of them")
        for text in texts:
            if (guide.model, text) not in self._texts:
                self._texts[guide.model, text] = torch.from_numpy(self._scorer(guide).embed_texts([text]))
        return torch.cat([self._texts[guide.model, text] for text in texts])

    def _classifier(self, guide: Guide) -> SavedClassifier:
        if guide.model not in self._classifiers:
            found = load_classifier(guide.model)
            found.model.to(self._device)
            self._classifiers[guide.model] = found
        return self._classifiers[guide.model]

    def _check_classifier(self, guide: Guide, request: "PaintRequest") -> list[str]:
        found, channels = self._classifier(guide), int(self._parts.vae.config["latent_channels"])
        if found.card.channels != channels:
            raise UsageError(
                f"{guide.model} is for latents of {found.card.channels} channels, but {self._parts.name} has {channels}: "
                "train one for it"
            )
        label_of(guide, found, request.condition)
        if found.card.base_hash != self._parts.base_hash:
            return [f"{guide.model} was trained on latents of {found.card.base}: with other ones it may lead astray"]
        return []

    def _classifier_loss(self, guide: Guide, batch: "Sequence[PaintRequest]") -> ClassifierLoss:
        found = self._classifier(guide)
        labels = torch.tensor([label_of(guide, found, request.condition) for request in batch])
        return ClassifierLoss(guide, found.model, labels)


def needs_gradients(request: "PaintRequest") -> bool:
    """Returns whether a request is painted with gradients of the U-Net and the decoder."""
    return any(guide.is_of_pictures and guide.acts_ever for guide in request.guides)


def scored_texts(condition: "Condition") -> list[str]:
    """Returns the texts by which a scorer leads: what the picture shows, and its artist; those that are given."""
    return [text for text in (prompt_text(condition), condition.artist.strip()) if text]


def label_of(guide: Guide, classifier: SavedClassifier, condition: "Condition") -> int:
    """Returns the number of the label that a guide leads towards.

    Raises:
        UsageError: the classifier does not know it, or there is none.
    """
    column = classifier.card.column
    label = guide.label or (condition.artist if column == "artist" else condition.style)
    if not label.strip():
        said = f"--guide classifier:{guide.model}"
        raise UsageError(f"{said}: name the {column}: with --{column}, or as classifier:FILE:LABEL")
    return classifier.card.number(label)


def _without_gradients(model: Any) -> Any:
    """Returns a copy of `model` that shares its weights, none of which needs a gradient; `model` is not changed."""
    plain = {id(one): torch.nn.Parameter(one.detach(), requires_grad=False) for one in model.parameters()}
    return copy_sharing_weights(model, plain)

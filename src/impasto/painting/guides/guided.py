"""The `GuidedPredictor`: adds the gradients of guides to what a model predicts, for any sampler.

Dhariwal and Nichol 2021, algorithm 2, changes the predicted noise by the gradient of log p(y | x_t):

    eps^(x_t) = eps(x_t) - sqrt(1 - alpha_bar_t) s grad_{x_t} log p(y | x_t)

A classifier of noised latents gives that gradient at x_t itself. A scorer sees the predicted clean picture, decoded, and its
loss L (`impasto.vision.losses`) stands for -log p: the gradient goes through the decoder and the U-Net to x_t (Crowson 2021,
the line of Disco Diffusion; for latents, diffusers' community pipeline `clip_guided_stable_diffusion`).

Each scheduler scales its model input to the variance-preserving x_t, so that the formula holds for every sampler.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.painting.denoising import Predictor, alpha_bar_at, clean_of
from impasto.painting.guides.guide import Guide
from impasto.vision.cutouts import cut, draw_parts
from impasto.vision.losses import out_of_range, spherical_distance, total_variation
from impasto.vision.scorers.interface import DifferentiableScorer

# At the noisiest levels a change of the noise is sqrt(1 - alpha_bar) / sqrt(alpha_bar) as large a change of the picture.
_LEAST_SIGNAL = 0.05
_OF_ONE = (1, 2, 3)


class PictureLoss(Protocol):
    """A loss of a decoded picture."""

    def __call__(self, number: int, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Returns the loss of picture `number` of the batch, pixels [1, 3, H, W] in about -1 .. 1, as a scalar."""
        ...


@dataclass(frozen=True)
class ScorerLoss:
    """The spherical distance of cut-outs to texts, and what keeps the picture smooth and in its range.

    Attributes:
        texts: of each picture, unit vectors [k, width]; the loss is the mean over them.
    """

    guide: Guide
    scorer: DifferentiableScorer
    texts: Sequence[torch.Tensor]

    def __call__(self, number: int, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """See `PictureLoss`."""
        parts = draw_parts(self.guide.cutouts, generator)
        seen = self.scorer.embed_pixels(cut(pixels / 2 + 0.5, parts, self.scorer.side, generator))
        texts = self.texts[number].to(seen)
        loss = self.guide.weight * spherical_distance(seen[:, None], texts[None]).mean().to(pixels.device)
        if self.guide.smooth:
            loss = loss + self.guide.smooth * total_variation(pixels).sum()
        if self.guide.range:
            loss = loss + self.guide.range * out_of_range(pixels).sum()
        return loss


@dataclass(frozen=True)
class ClassifierLoss:
    """-s log p(y | x_t).

    Attributes:
        labels: of each picture, [n].
    """

    guide: Guide
    model: LatentClassifier
    labels: torch.Tensor

    def gradient(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """Returns its gradient with respect to x_t [n, C, h, w], of that shape."""
        with torch.inference_mode(False), torch.enable_grad():
            # Clones: tensors of inference mode cannot take part in gradients.
            seen, labels = latents.detach().float().clone().requires_grad_(), self.labels.clone().to(latents.device)
            times = torch.as_tensor(float(timestep), device=seen.device).expand(len(seen))
            log = torch.log_softmax(self.model(seen, times), dim=1)
            chosen = log.gather(1, labels[:, None])
            return torch.autograd.grad(-self.guide.weight * chosen.sum(), seen)[0]


class GuidedPredictor:
    """A `Predictor` that is led by guides. In steps where none acts, it is the predictor alone."""

    def __init__(
        self,
        predict: Predictor,
        of_pictures: Sequence[tuple[Guide, PictureLoss]],
        of_latents: Sequence[ClassifierLoss],
        decode: Callable[[torch.Tensor], torch.Tensor],
        seeds: Sequence[int],
        scheduler: Any,
        prediction_type: str,
    ) -> None:
        """Wraps `predict`.

        Args:
            of_pictures: guides with their losses of decoded pictures.
            of_latents: losses of noised latents.
            decode: latents [1, C, h, w] in the U-Net's scale -> pictures [1, 3, H, W], with gradients.
            seeds: of the pictures; their cut-outs are drawn by them, so that a picture does not depend on its batch.
            scheduler: with its timesteps set.
            prediction_type: epsilon or v_prediction.
        """
        self._predict, self._pictures, self._latents, self._decode = predict, of_pictures, of_latents, decode
        self._seeds, self._scheduler, self._kind = seeds, scheduler, prediction_type
        self._timesteps = scheduler.timesteps.float().cpu()

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """Returns the guided prediction, [n, C, h, w]."""
        step, steps = int((self._timesteps - float(timestep)).abs().argmin()), len(self._timesteps)
        pictures = [(place, *one) for place, one in enumerate(self._pictures) if one[0].acts(step, steps)]
        latent = [one for one in self._latents if one.guide.acts(step, steps)]
        alpha_bar = alpha_bar_at(self._scheduler, timestep).to(latents)
        if pictures:
            prediction, gradients = self._of_pictures(latents, timestep, step, alpha_bar, pictures)
        else:
            prediction, gradients = self._predict(latents, timestep), []
        gradients += [limited(one.gradient(latents, timestep), one.guide.limit) for one in latent]
        if not gradients:
            return prediction
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        change = sum(gradients) * noise / signal.clamp(min=_LEAST_SIGNAL)
        # A velocity v means the noise sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x_t.
        return prediction + (change if self._kind == "v_prediction" else change * signal)

    def _of_pictures(
        self, latents: torch.Tensor, timestep: torch.Tensor, step: int, alpha_bar: torch.Tensor,
        active: Sequence[tuple[int, Guide, PictureLoss]],
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:  # fmt: skip
        """Returns the prediction, and the gradient of each guide's loss with respect to x_t."""
        with torch.enable_grad():
            seen = latents.detach().requires_grad_()
            prediction = self._predict(seen, timestep)
            clean = clean_of(self._kind, seen, prediction, alpha_bar)
            found = []
            for place, _, loss in active:
                to_clean = [self._of_one(one, number, place, step, loss) for number, one in enumerate(clean.split(1))]
                more = place != active[-1][0]
                found.append(torch.autograd.grad(clean, seen, torch.cat(to_clean), retain_graph=more)[0])
        return prediction.detach(), [limited(one, active[k][1].limit) for k, one in enumerate(found)]

    def _of_one(self, clean: torch.Tensor, number: int, place: int, step: int, loss: PictureLoss) -> torch.Tensor:
        """Returns the gradient of one picture's loss with respect to its clean latents; one by one, for memory."""
        seed = ((self._seeds[number] * 1_000_003 + step) * 31 + place) % 2**63
        leaf = clean.detach().requires_grad_()
        value = loss(number, self._decode(leaf), torch.Generator().manual_seed(seed))
        return torch.autograd.grad(value, leaf)[0]


def limited(gradient: torch.Tensor, limit: float) -> torch.Tensor:
    """Returns gradients [n, C, h, w], each with a root mean square of at most `limit` (Disco's clamp_grad); 0 for none."""
    if not limit:
        return gradient
    size = gradient.square().mean(dim=_OF_ONE, keepdim=True).sqrt()
    return gradient * (limit / size.clamp(min=1e-20)).clamp(max=1)

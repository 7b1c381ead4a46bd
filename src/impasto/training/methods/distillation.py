"""The training task of a few-step student: latent consistency distillation of a checkpoint into a LoRA (Luo et al. 2023)."""

import torch

from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.training.distributed.processes import Processes
from impasto.training.examples.shown_works import ShownWorks
from impasto.training.examples.training_set import TrainingSet
from impasto.training.losses.diffusion import Noise
from impasto.training.methods.distillation_choices import Distillation
from impasto.training.methods.fine_tuning import FineTuningTask, Told
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.latent_consistency import LatentConsistency

_ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]


def add_student(components: Components, choices: FineTuning) -> None:
    """Adds the student's LoRA to the U-Net and freezes the U-Net's own weights; torch's generator draws the initial LoRA.

    If `choices` is a `Distillation`, its `layers` are used; otherwise only attention layers get a LoRA.
    """
    from peft import LoraConfig

    unet = components.unet
    unet.requires_grad_(False)
    components.text_encoder.requires_grad_(False)
    kinds = torch.nn.Linear | torch.nn.Conv2d
    every = [name for name, module in unet.named_modules() if isinstance(module, kinds)]
    targets = every if isinstance(choices, Distillation) and choices.layers == "all" else _ATTENTION
    unet.add_adapter(LoraConfig(r=choices.lora_rank, lora_alpha=choices.lora_rank, target_modules=targets))


class DistillationTask(FineTuningTask):
    """Algorithm 1 of Luo et al. 2023 for LoRAs: makes the student's predictions consistent along the teacher's steps.

    From each noisy latent the student learns to predict what it predicts from the latent that its teacher reaches, in one
    guided step or in several. Teacher and student are one U-Net, without and with the LoRA. The target is the student's own
    prediction without gradients: as in LCM-LoRA, no average of the student is kept for it.
    """

    def __init__(
        self,
        components: Components,
        data: TrainingSet,
        states: TextStates,
        choices: Distillation,
        processes: Processes,
        *,
        seed: int,
        steps: int = 4,
        works: ShownWorks | None = None,
    ) -> None:
        """Takes the arguments of `FineTuningTask`; `states` are those of `data.all_texts`.

        `steps` is the number of steps in which the student will paint.

        Raises:
            UsageError: the batch cannot be shared among the processes.
        """
        super().__init__(components, data, states, choices, processes, seed=seed, choose=add_student, works=works)
        self.guidance, self.teacher_steps = choices.guidance, choices.teacher_steps
        self.loss: LatentConsistency = LatentConsistency(
            components.scheduler_config, leap=choices.leap, huber=choices.huber, steps=steps
        )

    def _learn(self, latents: torch.Tensor, told: Told, drawn: Noise, shares: torch.Tensor) -> torch.Tensor:
        device, loss = self.processes.device, self.loss
        latents, drawn = latents.to(device), Noise(drawn.noise.to(device), drawn.times.to(device))
        noisy, states = loss.noised(latents, drawn), self._states_of(told).to(device)
        plain = self._states_of(Told([""], told.length)).to(device).expand(len(states), -1, -1)
        with torch.no_grad():
            ahead, times = self._ahead(noisy, drawn.times, states, plain)
            target = loss.consistent(self.components.unet(ahead, times, states).sample.float(), ahead, times)
        made = loss.consistent(self._unet(noisy, drawn.times, states).sample.float(), noisy, drawn.times)
        errors = loss.distances(made, target)
        self.processes.backward((errors * shares.to(device)).sum())
        return errors.detach()

    def _ahead(
        self, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, plain: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the latents that the teacher's steps reach, and their timesteps."""
        end, now = self.loss.earlier(times), times
        for left in range(self.teacher_steps, 0, -1):
            until = now + (end - now) // left
            noisy, now = self.loss.step(self._taught(noisy, now, states, plain), noisy, now, until), until
        return noisy, now

    def _taught(
        self, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, plain: torch.Tensor
    ) -> torch.Tensor:
        """Returns the teacher's guided prediction (Ho and Salimans 2022), of the same shape as `noisy`.

        As in painting, guidance leads from the empty text without works, `plain`, to the text with its works, `states`.
        """
        unet = self.components.unet
        unet.disable_adapters()
        try:
            if self.guidance == 1:
                return unet(noisy, times, states).sample.float()
            if plain.shape == states.shape:
                both = unet(noisy.repeat(2, 1, 1, 1), times.repeat(2), torch.cat([plain, states])).sample.float()
                away, towards = both.chunk(2)
            else:
                away, towards = (unet(noisy, times, told).sample.float() for told in (plain, states))
        finally:
            unet.enable_adapters()
        return away + self.guidance * (towards - away)

"""Counts the cost of one step of a retraining on modules without memory: bytes, floating-point operations, traffic."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import latent_factor
from impasto.training.estimate.op_costs import OpCosts, memory_saving_attention
from impasto.training.loop.optimizers import make_optimizer
from impasto.training.methods.fine_tuning import LONG_SHARE, choose_weights, set_up
from impasto.training.methods.fine_tuning_choices import FineTuning

_PROBED = 65_536  # weights that an optimizer is tried on


@dataclass(frozen=True)
class StepCosts:
    """The cost of one step of one process, without the optimizer.

    Attributes:
        weights: bytes of the U-Net, and of the text encoder if the step uses it.
        trained: number of trained parameters; their gradients are fp32.
        largest: number of parameters in the largest trained tensor.
        largest_weight: bytes of the U-Net's largest weight, trained or not.
        kept: bytes that the forward pass of a part keeps for the backward pass: the activations.
        peak: the peak bytes in use besides the weights: activations, and gradients, which grow as activations are freed.
        flops, moved, operations: as `OpCosts` counts them.
    """

    weights: int
    trained: int
    largest: int
    largest_weight: int
    kept: int
    peak: int
    flops: int
    moved: int
    operations: int

    @property
    def gradients(self) -> int:
        """Bytes of all gradients."""
        return 4 * self.trained


def count_step(
    components: Components,
    choices: FineTuning,
    *,
    side: int,
    processes: int = 1,
    choose: Callable[[Components, FineTuning], None] = choose_weights,
    other_passes: int = 0,
    short_tokens: int = 0,
) -> StepCosts:
    """Counts a step on pictures of `side` px; `components` are on the meta device, and are changed as a task changes them.

    Args:
        other_passes: number of forward passes through the U-Net without gradients, such as those of a teacher.
        short_tokens: number of tokens that most batches are padded to; the work is then the mean over all batches, and the
            memory that of those with all tokens. 0: all batches have all tokens.
    """
    with torch.device("meta"):
        modules = set_up(components, choices, choose)
    with _without_memory(components, choices.precision) as device, device:
        unet, encoder = components.unet, components.text_encoder
        takes_part = [unet, *([encoder] if "text_encoder" in modules else [])]
        trained = [weight for module in modules.values() for weight in module.parameters() if weight.requires_grad]
        part = max(1, choices.batch // processes // choices.accumulation)

        def counted(tokens: int) -> tuple[OpCosts, int, int]:
            """The costs of a step's first one or two parts; bytes of the weights, and kept for the backward pass."""
            for weight in trained:
                weight.grad = None
            with OpCosts() as costs:
                costs.hold(*(weight for module in takes_part for weight in (*module.parameters(), *module.buffers())))
                weights, kept = costs.alive, 0
                for _ in range(min(2, choices.accumulation)):  # from the second part on the gradients exist all the time
                    before = costs.alive
                    with torch.no_grad():
                        for _ in range(other_passes):
                            _loss(components, part, side, choices.precision, tokens, encodes=False)
                    loss = _loss(components, part, side, choices.precision, tokens, encodes="text_encoder" in modules)
                    kept = max(kept, costs.alive - before)
                    loss.backward()
                    del loss
            return costs, weights, kept

        costs, weights, kept = counted(components.max_tokens)
        shares = [(LONG_SHARE, costs), (1 - LONG_SHARE, counted(short_tokens)[0])] if short_tokens else [(1.0, costs)]
        parts = choices.accumulation / min(2, choices.accumulation)
        return StepCosts(
            weights=weights,
            trained=sum(weight.numel() for weight in trained),
            largest=max(weight.numel() for weight in trained),
            largest_weight=max(weight.nbytes for weight in unet.parameters()),
            kept=kept,
            peak=costs.peak - weights,
            flops=int(parts * sum(share * each.flops for share, each in shares)),
            moved=int(parts * sum(share * each.moved for share, each in shares)),
            operations=int(parts * sum(share * each.operations for share, each in shares)),
        )


def choose_encoder(components: Components, choices: FineTuning) -> None:
    """Marks the U-Net's encoder as trained: about what a ControlNet, a copy of it, costs beside the frozen U-Net."""
    del choices
    unet: Any = components.unet
    unet.requires_grad_(False)
    components.text_encoder.requires_grad_(False)
    for part in (unet.down_blocks, unet.mid_block):
        part.requires_grad_(True)


def choose_word(components: Components, choices: FineTuning) -> None:
    """Replaces `choose_weights` for a new word: marks the text encoder's smallest table, which has about as few rows."""
    del choices
    for module in (components.unet, components.text_encoder):
        module.requires_grad_(False)
    tables = [module for module in components.text_encoder.modules() if isinstance(module, nn.Embedding)]
    min(tables, key=lambda table: table.weight.numel()).requires_grad_(True)


@contextmanager
def _without_memory(components: Components, precision: str) -> Iterator[torch.device]:
    """Returns a context with the device on which the components are counted.

    The meta device does not support mixed precision. torch's fake tensors do, but take three times as long.
    """
    if precision == "fp32":
        with memory_saving_attention():
            yield torch.device("meta")
        return
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):
        for module in (components.unet, components.text_encoder):
            module.to_empty(device="cpu")
        yield torch.device("cpu")


def _loss(components: Components, count: int, side: int, precision: str, tokens: int, *, encodes: bool) -> torch.Tensor:
    """Computes a denoiser's loss on `count` pictures with texts of so many tokens, as `FineTuningTask` does."""
    unet: Any = components.unet
    latent_side = side // latent_factor(components.vae.config)
    latents = torch.empty(count, unet.config["in_channels"], latent_side, latent_side)
    times = torch.zeros(count, dtype=torch.long)
    with ExitStack() as stack:
        if precision != "fp32":
            kind = torch.bfloat16 if precision == "bf16" else torch.float16
            stack.enter_context(torch.autocast("cpu", kind))
        if encodes:
            states = components.text_encoder(torch.zeros(count, tokens, dtype=torch.long))[0]
        else:
            states = torch.empty(count, tokens, unet.config["cross_attention_dim"])
        made = unet(latents, times, states).sample
    return (made.float() - latents).square().mean()


@dataclass(frozen=True)
class OptimizerCosts:
    """The cost of an optimizer for each parameter that it trains.

    Attributes:
        state: bytes that it keeps.
        work: bytes that a step needs temporarily, for each number of the largest tensor.
        moved: bytes that a step reads and writes.
    """

    state: float
    work: float
    moved: float


def count_optimizer(choices: FineTuning) -> OptimizerCosts:
    """Measures the optimizer of these choices on a few weights of its own (none is zero: Prodigy does not keep zeros)."""
    weight = nn.Parameter(torch.ones(_PROBED))
    optimizer = make_optimizer(choices.optimizer, [weight], choices.learning_rate, choices.weight_decay)
    weight.grad = torch.ones(_PROBED)
    optimizer.step()
    with OpCosts() as costs:
        state = [value for value in optimizer.state[weight].values() if isinstance(value, torch.Tensor)]
        costs.hold(weight, weight.grad, *state)
        held = costs.alive
        optimizer.step()
    size = sum(value.nbytes for value in state)
    return OptimizerCosts(state=size / _PROBED, work=(costs.peak - held) / _PROBED, moved=costs.moved / _PROBED)

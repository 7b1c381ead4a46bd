"""What a retraining is said to need, against what a small model really takes on a CPU."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from tests.checkpoints.tiny import make_tiny_pocket
from torch import nn

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.training.estimate import machine_speed, op_costs
from impasto.training.estimate.cost import PROCESS, count_encoding, disk_of, memory_of, resting_bytes
from impasto.training.estimate.op_costs import OpCosts, memory_saving_attention
from impasto.training.estimate.step_costs import StepCosts, choose_word, count_optimizer, count_step
from impasto.training.loop.optimizers import make_optimizer
from impasto.training.methods.fine_tuning import set_up
from impasto.training.methods.fine_tuning_choices import FineTuning

CHOICES = FineTuning(batch=2, validation_pictures=0)
LORA = replace(CHOICES, lora_rank=2)
SIDE = 64


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_pocket(tmp_path_factory.mktemp("checkpoint") / "base"))


def shapes(base: str) -> Components:
    return load_components(base, device="meta")


@cache
def counted(base: str, choices: FineTuning) -> StepCosts:
    return count_step(shapes(base), choices, side=SIDE)


def kept_by_autograd(base: str, choices: FineTuning) -> tuple[int, int]:
    """Bytes that autograd keeps on a CPU beside the weights, each storage once, and numbers that then have gradients."""
    components = load_components(base)
    modules = set_up(components, choices)
    own = {weight.untyped_storage()._cdata for part in modules.values() for weight in part.parameters()}
    kept: dict[int, Any] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage()._cdata not in own:
            kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    inputs = torch.randn(choices.batch, 8, 8, 8), torch.zeros(choices.batch, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made = components.unet(*inputs, torch.randn(choices.batch, 77, 384)).sample
        loss = (made - inputs[0]).square().mean()
    found = sum(storage.nbytes() for storage in kept.values())
    loss.backward()
    return found, sum(weight.numel() for weight in components.unet.parameters() if weight.grad is not None)


@pytest.mark.parametrize("choices", [CHOICES, LORA], ids=["whole", "lora"])
def test_activations_and_gradients_are_those_that_autograd_keeps(base: str, choices: FineTuning) -> None:
    step = counted(base, choices)
    kept, trained = kept_by_autograd(base, choices)
    assert step.trained == trained and step.gradients == 4 * trained and step.kept == pytest.approx(kept, rel=0.02)


def test_checkpointing_keeps_less_and_computes_more(base: str) -> None:
    whole, checkpointed = counted(base, CHOICES), counted(base, replace(CHOICES, gradient_checkpointing=True))
    assert checkpointed.kept < 0.5 * whole.kept and checkpointed.flops > 1.2 * whole.flops


def test_a_count_without_memory_is_the_count_of_the_real_computation() -> None:
    counts = []
    for device in ("cpu", "meta"):
        with torch.device(device), memory_saving_attention(), OpCosts() as costs:
            torch.manual_seed(0)
            model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 3, 3))
            made = model(torch.zeros(2, 3, 16, 16))
            attended = nn.functional.scaled_dot_product_attention(made, made, made)
            attended.square().sum().backward()
        counts.append((costs.alive, costs.peak, costs.flops, costs.moved))
    assert counts[0] == counts[1] and counts[0][2] > 2 * 2 * 14 * 14 * 8 * 27


@pytest.mark.parametrize("choices", [CHOICES, LORA, replace(CHOICES, trained="both")], ids=["whole", "lora", "both"])
def test_operations_that_were_met_before_count_the_same(
    base: str, choices: FineTuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: dict[Any, Any] = {}
    monkeypatch.setattr(op_costs, "_GIVEN", met)
    first = count_step(shapes(base), choices, side=SIDE, short_tokens=24)
    known = len(met)
    assert known and count_step(shapes(base), choices, side=SIDE, short_tokens=24) == first and len(met) == known
    monkeypatch.setattr(op_costs, "_made", lambda func, args, kwargs: func(*args, **kwargs))
    assert count_step(shapes(base), choices, side=SIDE, short_tokens=24) == first


def test_results_of_operations_have_their_shapes_and_kinds() -> None:
    def attend_and_choose() -> list[tuple[torch.Size, tuple[int, ...], torch.dtype]]:
        with torch.device("meta"), OpCosts():
            a = torch.zeros(2, 3, 8, 4)
            made = [a.transpose(1, 2) + 1, a.sum(3), a.double() @ a.double().mT, a > 0, a.topk(2)[1], a.to(torch.int64)]
            made += [*torch.native_dropout(a, 0.5, True), torch.nn.functional.group_norm(a, 3), a.flatten(1).clone()]
            return [(one.shape, one.stride(), one.dtype) for one in made]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(op_costs, "_made", lambda func, args, kwargs: func(*args, **kwargs))
        expected = attend_and_choose()
    assert attend_and_choose() == attend_and_choose() == expected
    # Tensors with content are computed.
    with OpCosts():
        assert (torch.ones(2) + 1).tolist() == [2, 2] and (torch.zeros(2) + 1).tolist() == [1, 1]


def test_a_machine_is_measured_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[torch.dtype] = []

    def measure(device: torch.device, dtype: torch.dtype) -> machine_speed.MachineSpeed:
        measured.append(dtype)
        return machine_speed.MachineSpeed(1e9, 1e9, 1e-6)

    now = [1000.0]
    monkeypatch.setattr(machine_speed, "_measured", {})
    monkeypatch.setattr(machine_speed, "_measure", measure)
    monkeypatch.setattr(machine_speed.time, "monotonic", lambda: now[0])
    for seconds in (0, 30, 40):
        now[0] += seconds
        machine_speed.measure_speed(torch.device("cpu"))
        machine_speed.measure_speed(torch.device("cpu"), torch.bfloat16)
    assert measured == [torch.float32, torch.bfloat16] * 2


def test_memory_is_let_go_when_nothing_refers_to_it() -> None:
    with OpCosts() as costs:
        first = torch.zeros(1000)
        second = first.view(10, 100) + 1
        assert costs.alive == costs.peak == 8000
        del first, second
        torch.zeros(10)
    assert (costs.alive, costs.peak) == (0, 8000)


@pytest.mark.parametrize("name", ["adamw", "schedule-free", "prodigy"])
def test_an_optimizers_state_is_what_it_keeps_of_a_model(name: str) -> None:
    choices = replace(CHOICES, optimizer=name, learning_rate=1.0 if name == "prodigy" else 1e-4)
    model = nn.Linear(300, 200)
    optimizer = make_optimizer(name, model.parameters(), choices.learning_rate, 0.01)
    model(torch.ones(1, 300)).sum().backward()
    optimizer.step()
    size = sum(v.nbytes for state in optimizer.state.values() for v in state.values() if isinstance(v, torch.Tensor))
    numbers = sum(weight.numel() for weight in model.parameters())
    assert count_optimizer(choices).state * numbers == pytest.approx(size, rel=0.01)


def test_the_parts_add_up(base: str) -> None:
    told, empty = {}, shapes(base)
    for name, choices in {
        "plain": CHOICES, "averaged": replace(CHOICES, ema_decay=0.9), "lora": LORA,
        "both": replace(CHOICES, trained="both"), "parts": replace(CHOICES, accumulation=2),
    }.items():  # fmt: skip
        resting, optimizer = resting_bytes(empty, choices), count_optimizer(choices)
        step = counted(base, replace(choices, ema_decay=0.0))
        told[name] = memory_of(step, optimizer, choices, resting=resting, decoding=10)
        assert disk_of(step, optimizer, choices, []).state >= 12 * step.trained
        guided, without = (disk_of(step, optimizer, choices, [], guide).made for guide in (empty.unet, None))
        assert guided - without == sum(weight.numel() for weight in empty.unet.parameters())
    plain, unet = told["plain"], sum(weight.numel() for weight in empty.unet.parameters())
    assert plain.weights == plain.gradients == 4 * unet and plain.optimizer == pytest.approx(8 * unet, rel=0.01)
    assert PROCESS + 4 * plain.weights < plain.training < PROCESS + 4 * plain.weights + 2 * plain.activations + plain.resting
    assert told["averaged"].training == plain.training + 4 * unet
    assert plain.painting == PROCESS + plain.weights + plain.resting + plain.optimizer + 10 < plain.training
    assert told["lora"].resting == 0 and told["lora"].optimizer < plain.optimizer / 20
    assert told["both"].weights > plain.weights and told["parts"].activations < 0.6 * plain.activations
    on_gpu = memory_of(counted(base, CHOICES), count_optimizer(CHOICES), CHOICES, on_gpu=True)
    assert on_gpu.process == 0 and on_gpu.training < plain.training


def test_mixed_precision_and_new_words_are_counted(base: str) -> None:
    plain, mixed = counted(base, LORA), counted(base, replace(LORA, precision="bf16"))
    assert mixed.trained == plain.trained and mixed.kept != plain.kept and mixed.flops == plain.flops
    word = count_step(shapes(base), CHOICES, side=SIDE, choose=choose_word)
    assert word.trained == 2 * 384 and word.weights > plain.weights  # MiniLM's smallest table: two types of tokens
    taught = count_step(shapes(base), LORA, side=SIDE, other_passes=2)
    assert taught.kept == plain.kept and taught.flops > 1.4 * plain.flops


def test_short_texts_take_less_work_and_as_much_memory(base: str) -> None:
    plain = counted(base, CHOICES)
    short = count_step(shapes(base), CHOICES, side=SIDE, short_tokens=24)
    assert (short.peak, short.kept, short.weights) == (plain.peak, plain.kept, plain.weights)
    assert 0.3 * plain.flops < short.flops < plain.flops and short.moved < plain.moved
    same = count_step(shapes(base), CHOICES, side=SIDE, short_tokens=77)
    assert same.flops == pytest.approx(plain.flops, rel=1e-6) and same.moved == pytest.approx(plain.moved, rel=1e-6)


def test_encoding_holds_all_parts_and_one_batch(base: str) -> None:
    components = load_components(base)
    costs = count_encoding(shapes(base), side=SIDE)
    parts = (components.unet, components.vae, components.text_encoder)
    weights = sum(value.nbytes for part in parts for value in (*part.parameters(), *part.buffers()))
    assert costs.weights == weights and costs.peak > costs.pictures * 3 * SIDE**2 * 4
    assert costs.decoding > sum(value.nbytes for value in components.vae.parameters()) + 3 * SIDE**2 * 4
    assert 0 == resting_bytes(components, LORA) < resting_bytes(components, replace(LORA, validation_pictures=1))


def test_weights_without_memory_have_the_checkpoints_names_and_shapes(base: str) -> None:
    real, empty = load_components(base), shapes(base)
    assert empty.content_hash == real.content_hash and empty.default_size == real.default_size
    for part in ("unet", "vae", "text_encoder"):
        wanted = {name: value.shape for name, value in getattr(real, part).state_dict().items()}
        found = getattr(empty, part).state_dict()
        assert {name: value.shape for name, value in found.items()} == wanted
        assert all(weight.is_meta for weight in getattr(empty, part).parameters())


def test_a_large_picture_goes_through_the_vae_alone() -> None:
    from impasto.training.examples.training_set import pictures_at_once

    assert [pictures_at_once(side) for side in (128, 256, 512, 2048)] == [16, 4, 1, 1]

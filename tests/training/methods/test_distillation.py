"""Distilling a tiny checkpoint: that the student learns, resumes to the bit, leaves its teacher alone, and is small."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from tests.adapters.drawn_lora import layers_of
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.lora.files import load_lora
from impasto.checkpoints.load import load_components
from impasto.checkpoints.source import pocket_folder
from impasto.errors import UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.loop.steps import seed_step
from impasto.training.methods.distillation import DistillationTask, add_student
from impasto.training.methods.distillation_choices import Distillation, check_steps
from impasto.training.recipes.distill import distill

CHOICES = Distillation(lora_rank=4, batch=4, learning_rate=1e-2, warmup_steps=0, teacher_steps=1)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("distillation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder / "cache"))
        yield write_catalogue(folder / "catalogue")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_pocket(tmp_path_factory.mktemp("base")))


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]


def test_the_loss_falls(catalogue: Path, base: str) -> None:
    # A teacher that leaps to level 0 is a target that stays where it is.
    components, choices = load_components(base), replace(CHOICES, leap=1000, layers="attention")
    data = encode_training_set(entries_of(catalogue), components, 64)
    states = encode_texts(data.all_texts, components)
    task = DistillationTask(components, data, states, choices, Processes(), seed=0)

    def learn(step: int) -> float:
        """The loss of a step before it is learned from; the same one has the same noise."""
        seed_step(0, step)
        return task.step(step, 0.0)["loss"]

    before = learn(99)
    for step in range(6):
        learn(step)
    assert learn(99) < 0.85 * before


def test_a_stopped_run_goes_on_to_the_bit(catalogue: Path, base: str, tmp_path: Path) -> None:
    asked = 0

    def stop_at_second() -> bool:
        nonlocal asked
        asked += 1
        return asked == 2

    choices = replace(CHOICES, layers="attention", accumulation=2, guidance=1.0)
    made = distill(catalogue, tmp_path / "whole", choices, checkpoint=base, steps=3, updates=3)
    assert made == tmp_path / "whole" / "lora"
    with pytest.raises(KeyboardInterrupt):
        distill(catalogue, tmp_path / "stopped", choices, checkpoint=base, steps=3, updates=3, should_stop=stop_at_second)
    assert len(losses(tmp_path / "stopped")) == 2
    distill(catalogue, tmp_path / "stopped", choices, checkpoint=base, steps=3, updates=3)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")
    lora = load_lora(tmp_path / "whole")
    assert lora.content_hash == load_lora(tmp_path / "stopped").content_hash
    assert (lora.steps, lora.base_hash, lora.largest.rank) == (3, load_components(base).content_hash, 4)
    assert {layer.up.dtype for layer in lora.unet.values()} == {torch.float16}
    assert "paints in 3 steps" in (tmp_path / "whole" / "lora" / "README.md").read_text()


def test_a_student_begins_as_its_teacher(tmp_path: Path) -> None:
    parts = make_components(tmp_path, "v_prediction")
    latents, states = torch.randn(1, 8, 8, 8), parts.encode_text(["boats"])
    with torch.inference_mode():
        before = parts.unet(latents, 500, states).sample
    add_student(parts, CHOICES)
    with torch.inference_mode():
        assert torch.equal(parts.unet(latents, 500, states).sample, before)


def test_attention_alone_is_a_smaller_student(tmp_path: Path) -> None:
    parts = make_components(tmp_path)
    add_student(parts, replace(CHOICES, layers="attention"))
    names = [name for name, weight in parts.unet.named_parameters() if weight.requires_grad]
    assert names and all(".attn" in name for name in names)


def test_pockets_student_stays_below_6_mb() -> None:
    unet: Any = UNet2DConditionModel
    with torch.device("meta"):
        unet = unet.from_config(unet.load_config(pocket_folder() / "unet"))
    count = sum(sum(layer.weight.shape[:1]) + layer.weight[0].numel() for layer in map(unet.get_submodule, layers_of(unet)))
    assert 2 * count * Distillation().lora_rank < 5_900_000


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"guidance": 0.5}, "guidance 0.5: use 1 to 50"), ({"leap": -1}, "leap -1"), ({"lora_rank": 0}, "lora_rank 0"),
        ({"teacher_steps": 0}, "teacher_steps 0"),
        ({"layers": "some"}, "layers 'some'"), ({"huber": 0.0}, "huber 0"), ({"snr_gamma": 5.0}, "snr_gamma has no meaning"),
        ({"trained": "both", "lora_rank": 4}, "LoRA"), ({"learning_rate": 0.0}, "learning_rate 0"),
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(CHOICES, **changes)


@pytest.mark.parametrize("steps", [0, 51, 2000])
def test_more_steps_than_levels_are_no_few(steps: int) -> None:
    with pytest.raises(UsageError, match=f"steps {steps}: a student paints in 1 to 50; --updates and"):
        check_steps(steps)

"""Training on instructions: it starts as the base, learns from the picture, resumes, and diffusers loads what it made."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.editing.pictures import difference
from tests.training.painted_catalogue import write_catalogue
from tests.training.paired_catalogue import write_pairs

from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.source import open_source
from impasto.painting.painter import Painter
from impasto.painting.schedulers import make_scheduler
from impasto.training.distributed.processes import Processes
from impasto.training.examples.instruct_pairs import encode_pairs
from impasto.training.examples.training_set import encode_texts, entries_of
from impasto.training.loop.steps import seed_step
from impasto.training.methods.instruct import InstructTask, SeeingUNet, seeing, widened
from impasto.training.methods.instruct_choices import InstructChoices
from impasto.training.recipes.instruct import train_instruct

CHOICES = InstructChoices(batch=4, learning_rate=1e-2, warmup_steps=0, validation_pictures=1)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder / "cache"))
        yield write_pairs(folder / "catalogue")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_pocket(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def run(base: str, catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "instruct"
    assert train_instruct(catalogue, folder, CHOICES, checkpoint=base, steps=3) == folder / "checkpoint"
    return folder


def task_of(base: str, catalogue: Path, **changed: Any) -> tuple[InstructTask, Any]:
    components = load_components(base)
    pairs = encode_pairs(entries_of(catalogue), components, 64)
    joined = seeing(components)
    states = encode_texts(pairs.edited.all_texts, components)
    return InstructTask(joined, pairs, states, replace(CHOICES, **changed), Processes(), seed=0), joined.unet


@pytest.mark.parametrize("size", [8, 16])
def test_the_widened_unet_answers_as_before_bit_for_bit(base: str, size: int) -> None:
    unet: Any = load_components(base).unet
    wide = widened(unet)
    assert wide.config["in_channels"] == 16 and wide.conv_in.weight[:, 8:].abs().max() == 0
    noisy, states = torch.randn(3, 8, size, size), torch.randn(3, 5, 384)
    with torch.inference_mode():
        plain = unet(noisy, 500, states).sample
        for picture in (torch.zeros_like(noisy), torch.randn_like(noisy)):
            assert torch.equal(wide(torch.cat([noisy, picture], dim=1), 500, states).sample, plain)
        assert torch.equal(SeeingUNet(wide)(noisy, 500, states).sample, plain)


def test_pairs_are_the_metadatas(base: str, catalogue: Path) -> None:
    components, entries = load_components(base), entries_of(catalogue)
    pairs = encode_pairs(entries, components, 64)
    assert [texts[0] for texts in pairs.edited.texts] == [entry.caption for entry in entries]
    before = Image.open(catalogue / "input" / Path(entries[0].file_name).name)
    pixels = torch.from_numpy(np.asarray(before, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():  # as the paper's program and diffusers: the mean, without the scaling factor
        latents = components.vae.encode(pixels).latent_dist.mode()[0]
    assert np.allclose(pairs.inputs[0], latents.numpy(), atol=2e-2)
    assert components.vae.config["scaling_factor"] == 0.5


def test_broken_and_incomplete_pairs_are_named_and_left_out(base: str, tmp_path: Path, own_cache: Path) -> None:
    folder, said = write_pairs(tmp_path / "pairs", 6), []
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    rows[0].pop("input_file_name")
    rows[1]["text"] = ""
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "input" / "2.png").write_bytes(b"no picture")
    (folder / "edited" / "3.png").write_bytes(b"no picture")
    from impasto.data.catalogue.read import read_catalogue

    entries = read_catalogue(folder, check_images=False).entries
    pairs = encode_pairs(entries, load_components(base), 64, on_progress=lambda stage, share, figures: said.append(stage))
    assert [entry.file_name for entry in pairs.edited.entries] == ["edited/4.png", "edited/5.png"]
    assert len(pairs.inputs) == 2
    notes = "\n".join(said)
    assert "skipped 1 pictures without a picture before: edited/0.png" in notes
    assert "skipped 1 pictures without an instruction: edited/1.png" in notes
    assert "skipped edited/2.png" in notes and "skipped edited/3.png" in notes


def test_each_pair_is_shown_its_own_picture_and_conditions_are_left_out(
    base: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = task_of(base, catalogue, accumulation=2, condition_dropout=0.2)
    seen: list[torch.Tensor] = []
    own = SeeingUNet.forward

    def forward(self: SeeingUNet, *args: Any, **named: Any) -> Any:
        assert self.shown is not None
        seen.append(self.shown)
        return own(self, *args, **named)

    monkeypatch.setattr(SeeingUNet, "forward", forward)
    step = next(n for n in range(100) if any(hidden for _, hidden in task.left_out(4, n)))
    seed_step(0, step)
    task.step(step, 0.0)
    left = task.left_out(4, step)
    expected = [np.zeros_like(task._inputs[0]) if hidden else task._inputs[number]
                for number, (_, hidden) in zip(task.order.at(step), left, strict=True)]  # fmt: skip
    assert [len(one) for one in seen] == [2, 2]
    assert np.array_equal(torch.cat(seen).numpy(), np.stack(expected))
    texts = task.draw_texts(task.order.at(step), step)
    assert [text == "" for text in texts] == [silent for silent, _ in left]


def test_the_shares_of_what_is_left_out_are_the_papers(base: str, catalogue: Path) -> None:
    task, _ = task_of(base, catalogue, condition_dropout=0.05)
    drawn = np.array(task.left_out(20_000, 0))
    text, picture = drawn[:, 0], drawn[:, 1]
    for share in ((text & ~picture).mean(), (picture & ~text).mean(), (text & picture).mean()):
        assert abs(share - 0.05) < 0.006


def test_the_loss_falls_and_the_picture_is_used(base: str, catalogue: Path) -> None:
    task, joined = task_of(base, catalogue, condition_dropout=0.0)

    def learn(step: int) -> float:
        seed_step(0, step)
        return task.step(step, 0.0)["loss"]

    before = learn(99)
    for step in range(16):
        learn(step)
    assert learn(99) < 0.9 * before
    assert joined.unet.conv_in.weight[:, 8:].abs().max() > 0


def test_a_run_says_what_it_did(run: Path) -> None:
    losses = [json.loads(line) for line in (run / "losses.jsonl").read_text().splitlines()]
    assert {"validation", "validation_without"} <= losses[-1].keys()
    assert Image.open(run / "validation" / "step-000000003.png").size == (4 * 64, 64)
    report = json.loads((run / "report.json").read_text())
    assert report["choices"]["condition_dropout"] == 0.05 and report["pairs"] > 10
    assert "InstructPix2Pix" in (run / "checkpoint" / "README.md").read_text()


def test_diffusers_pipeline_loads_the_export_and_paints_the_same(run: Path, catalogue: Path, tmp_path: Path) -> None:
    import diffusers

    folder = export_checkpoint(str(run), tmp_path / "exported")
    pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    assert type(pipeline).__name__ == "StableDiffusionInstructPix2PixPipeline"
    pipeline.set_progress_bar_config(disable=True)
    components = load_components(str(run), editing=True)
    pipeline.scheduler = make_scheduler("ddim", components.scheduler_config)
    photo = catalogue / "input" / "0.png"
    theirs = pipeline("make it red", image=Image.open(photo), num_inference_steps=4, guidance_scale=3.0,
                      image_guidance_scale=1.5, generator=[torch.Generator().manual_seed(1)]).images[0]  # fmt: skip
    edit = Edit(open_source(photo), 1.0, image_guidance=1.5)
    ours = Painter(components).paint("make it red", init=edit, seed=1, steps=4, guidance=3.0, sampler="ddim").image
    assert difference(ours, theirs) <= 1


def test_a_stopped_run_goes_on_to_the_same_weights(base: str, catalogue: Path, run: Path, tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        train_instruct(catalogue, tmp_path / "stopped", CHOICES, checkpoint=base, steps=3, save_steps=1,
                       should_stop=lambda: next(asked))  # fmt: skip
    assert not (tmp_path / "stopped" / "checkpoint").exists()
    train_instruct(catalogue, tmp_path / "stopped", CHOICES, checkpoint=base, steps=3, save_steps=1)
    weights = [(made / "checkpoint/unet/diffusion_pytorch_model.safetensors").read_bytes()
               for made in (run, tmp_path / "stopped")]  # fmt: skip
    assert weights[0] == weights[1]


def test_what_was_made_is_trained_further(run: Path, catalogue: Path, tmp_path: Path) -> None:
    choices = replace(CHOICES, validation_pictures=0)
    made = train_instruct(catalogue, tmp_path / "further", choices, checkpoint=str(run), steps=1)
    assert load_components(str(made), editing=True).unet.config["in_channels"] == 16


def test_what_it_cannot_learn_from(base: str, tmp_path: Path, own_cache: Path) -> None:
    plain = write_catalogue(tmp_path / "plain", 4)
    with pytest.raises(ImpastoError, match=r"no pair to learn from: .*input_file_name.*impasto data instructions"):
        train_instruct(plain, tmp_path / "run", CHOICES, checkpoint=base, steps=1)
    components = load_components(base)
    unet: Any = components.unet
    masked = type(unet).from_config({**unet.config, "in_channels": 17})
    with pytest.raises(UsageError, match="only inpaints"):
        seeing(replace(components, unet=masked))
    with pytest.raises(UsageError, match=r"condition_dropout 0\.5"):
        InstructChoices(condition_dropout=0.5)
    with pytest.raises(UsageError, match="lora_rank has no meaning"):
        InstructChoices(lora_rank=4)

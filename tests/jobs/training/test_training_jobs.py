"""Trainings as jobs: JSON and back, values that make no sense, a run that is stopped and goes on, a dry run."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.painted_catalogue import write_catalogue

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs import HOMES, job_class, job_from_json, run
from impasto.jobs.context import Context
from impasto.jobs.events import Event, Figures, Note, Progress
from impasto.jobs.training.personal import LoraJob
from impasto.jobs.training.run import Trained
from impasto.jobs.training.stop import StopJob
from impasto.training.methods.distillation_choices import WITHOUT, Distillation
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.runs.record import read_record

CATALOGUE = {"catalogue": Path("my catalogue")}
RECORDS = {**CATALOGUE, "records": Path("works.jsonl.gz")}
CHOICES = {"batch": 8, "learning_rate": 1e-4, "precision": "bf16", "seed": 3, "out": Path("runs/ü")}
ASKED: dict[str, dict[str, Any]] = {
    "wang2023-artist": {**CATALOGUE, **CHOICES, "artist": "Claude Monet", "lora_rank": 4, "minutes": 2.5},
    "wang2023-artists": {**CATALOGUE, **CHOICES, "artists": ("Claude Monet", "Vincent van Gogh")},
    "wang2023-masters": {**CATALOGUE, **CHOICES, "dry_run": True, "command": ("train", "wang2023-artist")},
    "wu2022-text-encoder": {**CATALOGUE, **CHOICES, "trained": "both", "steps": 7},
    "wu2022-joint": {"begin_from": Path("runs/first"), **CHOICES, "keep_best": True},
    "lora": {**CATALOGUE, **CHOICES, "trigger": "mywork", "aspect_buckets": True},
    "dreambooth": {"subject": Path("dog"), "token": "sks dog", "class_words": "a dog", "prior_weight": 0.5, **CHOICES},
    "textual-inversion": {"pictures": Path("hour"), "concept": "<hour>", "concept_kind": "style", **CHOICES},
    "distill": {**CATALOGUE, **CHOICES, "steps": 2, "updates": 100, "layers": "attention"},
    "control": {**CATALOGUE, **CHOICES, "condition": "canny:100:200", "layers": "light", "steps": 5},
    "instruct": {**CATALOGUE, **CHOICES, "steps": 5},
    "classifier": {**CATALOGUE, "label": "style", "steps": 5},
    "diffusionclip": {**CATALOGUE, "source": "a photograph", "target": "a painting", "steps": 5},
    "pocket": {**CATALOGUE, "minutes": 1.0, "compiled": False, "optimizer": "muon", "command": ("train", "pocket")},
    "pocket-autoencoder": {**CATALOGUE, "size": 64, "regularisation": "vq", "codebook": 64, "attention": True},
    "pocket-decoder": {**CATALOGUE, "autoencoder": Path("runs/ae")},
    "pocket-denoiser": {**CATALOGUE, "autoencoder": Path("runs/ae"), "align": False},
    "pocket-scorer": RECORDS,
    "pocket-tagger": RECORDS,
    "pocket-captioner": RECORDS,
    "pocket-upscaler": {**CATALOGUE, "minutes": 3.0},
    "prompt-model": {"prompts": Path("prompts.txt"), "whole": True, "test": Path("test.txt")},
}


PLACE = {"on", "workers", "cores_per_worker", "gpus_per_run"}  # where a job runs is no field of it


def test_every_training_is_asked_for_here() -> None:
    assert {f"train/{recipe}" for recipe in ASKED} == {kind for kind in HOMES if kind.startswith("train/")}


@pytest.mark.parametrize("recipe", ASKED)
def test_a_training_job_is_json_and_back(recipe: str) -> None:
    job = job_class(f"train/{recipe}")(**ASKED[recipe])
    text = job.to_json()
    assert json.loads(text)["kind"] == f"train/{recipe}" and job_from_json(text) == job
    assert job_from_json(text).to_json() == text


@pytest.mark.parametrize("recipe", ASKED)
@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"seed": -1}, "seed -1"), ({"minutes": 0.0}, "minutes 0"), ({"minuets": 1}, "no such field")],
)
def test_what_no_training_can_have(recipe: str, wrong: dict[str, Any], says: str) -> None:
    asked = {name: value for name, value in ASKED[recipe].items() if name not in ("steps", "updates")}
    with pytest.raises(UsageError, match=says):
        job_class(f"train/{recipe}")(**{**asked, **wrong})


@pytest.mark.parametrize(
    ("recipe", "wrong", "says"),
    [
        ("wang2023-artist", {"artist": " "}, "--artist is empty"),
        ("wang2023-artist", {"steps": 2, "minutes": 1.0}, "--minutes or --steps, not both"),
        ("wang2023-artist", {"learning_rate": 0.0}, "learning_rate 0: use more than 0"),
        ("wang2023-artist", {"optimizer": "sgd"}, "optimizer 'sgd'"),
        ("wang2023-masters", {"batch": 0}, "batch 0"),
        ("wu2022-text-encoder", {"lora_rank": 2}, "a LoRA is trained on the U-Net alone"),
        ("wu2022-text-encoder", {"steps": 0}, "steps 0: use 1 or more"),
        ("wu2022-joint", {"trained": "all"}, "trained 'all'"),
        ("lora", {"lora_rank": 0}, "a LoRA has a rank of 1 or more"),
        ("dreambooth", {"token": " "}, "--token is empty"),
        ("dreambooth", {"template": "a dog"}, "template 'a dog'"),
        ("dreambooth", {"prior_pictures": 0}, "prior pictures 0"),
        ("textual-inversion", {"concept": "blue hour"}, "no single word"),
        ("textual-inversion", {"concept_kind": "colour"}, "concept_kind"),
        ("textual-inversion", {"lora_rank": 4}, "no such field"),
        ("distill", {"steps": 51}, "steps 51"),
        ("distill", {"minutes": 1.0}, "--minutes or --updates, not both"),
        ("distill", {"guidance": 0.0}, "guidance 0: use 1 to 50"),
        ("pocket", {"catalogue": None}, "--catalogue is missing"),
        ("pocket", {"pack": Path("a"), "unpack": Path("b")}, "give one of them"),
        ("pocket-scorer", {"records": None}, "records"),
    ],
)
def test_wrong_values_are_said_when_the_job_is_made(recipe: str, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        job_class(f"train/{recipe}")(**{**ASKED[recipe], **wrong})


def test_what_depends_on_the_checkpoint_waits_for_it() -> None:
    # Neither pocket's batch of 16 nor Stable Diffusion's of 1 has three equal parts, but the sentences are not the same.
    assert job_class("train/wang2023-artist")(catalogue=Path("c"), artist="monet", accumulation=3)
    assert job_class("train/wang2023-artist")(catalogue=Path("c"), artist="monet", accumulation=4)


@pytest.mark.parametrize(
    ("recipe", "kind", "without"),
    [
        ("wang2023-artist", FineTuning, ()),
        ("wang2023-masters", FineTuning, ()),
        ("wu2022-text-encoder", FineTuning, ()),
        ("wu2022-joint", FineTuning, ()),
        ("lora", FineTuning, ("fresh_text_encoder", "trained", "domain_guidance")),
        ("dreambooth", FineTuning, ("fresh_text_encoder", "aspect_buckets", "domain_guidance")),
        ("textual-inversion", FineTuning, (
            "fresh_text_encoder", "aspect_buckets", "trained", "lora_rank", "works", "domain_guidance",
        )),
        ("distill", Distillation, WITHOUT),
    ],
)
def test_a_job_has_all_choices_of_its_recipe(recipe: str, kind: type, without: tuple[str, ...]) -> None:
    choices = {choice.name for choice in fields(kind) if choice.default is not MISSING}
    assert choices & set(job_class(f"train/{recipe}").model_fields) == choices - set(without)


@pytest.fixture
def lora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoraJob:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return LoraJob(
        catalogue=write_catalogue(tmp_path / "catalogue"), checkpoint=str(make_tiny_pocket(tmp_path / "base")), steps=6,
        batch=2, validation_pictures=0, out=tmp_path / "run",
    )  # fmt: skip


def test_a_training_tells_how_it_goes_is_stopped_and_goes_on(lora: LoraJob, tmp_path: Path) -> None:
    events: list[Event] = []

    def should_stop() -> bool:
        return any(isinstance(event, Progress) and event.stage == "step 2" for event in events)

    with pytest.raises(StoppedError, match=f"stopped: the same call goes on from what is kept in {tmp_path / 'run'}"):
        run(lora, Context(on_event=events.append, should_stop=should_stop))
    steps = [event for event in events if isinstance(event, Progress) and event.stage.startswith("step ")]
    assert [event.stage for event in steps] == ["step 1", "step 2", "step 3"]  # the step that heard it is kept too
    assert steps[0].figures["loss"] > 0 and 0 < (steps[0].share or 0) < 1
    figures = {name: value for event in events if isinstance(event, Figures) for name, value in event.values.items()}
    assert figures["choices"]["batch"] == 2 and set(figures["given"]) == {"batch", "validation_pictures"}
    assert figures["estimate"]["steps"] == 6 and json.dumps(figures) and "made" not in figures
    assert [file.name for file in (tmp_path / "run").glob("state-*.pt")] == ["state-000000003.pt"]

    events.clear()
    assert run(lora, Context(on_event=events.append)) == Trained(tmp_path / "run", tmp_path / "run" / "lora")
    steps = [event for event in events if isinstance(event, Progress) and event.stage.startswith("step ")]
    assert [event.stage for event in steps] == ["step 4", "step 5", "step 6"]
    assert isinstance(events[-1], Figures) and events[-1].values["made"] == str(tmp_path / "run" / "lora")
    assert events[-1].values["bytes"] > 0
    record = read_record(tmp_path / "run")
    assert record is not None and record.recipe == "lora" and record.arguments == () and record.choices["steps"] == 6

    events.clear()
    assert run(lora, Context(on_event=events.append)) == Trained(tmp_path / "run", None)
    assert events == [Note(f"{tmp_path / 'run'}: the run is already complete")]
    with pytest.raises(UsageError, match="with batch 2, not 3"):
        run(lora.model_copy(update={"batch": 3}))


def test_a_stop_before_the_first_step_ends_it_at_once(lora: LoraJob, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(StoppedError, match="stopped: "):
        run(lora, Context(on_event=events.append, should_stop=lambda: True))
    assert not [event for event in events if isinstance(event, Progress)]
    assert not list((tmp_path / "run").glob("state-*.pt"))


def test_a_dry_run_gives_the_estimate_and_leaves_nothing(lora: LoraJob, tmp_path: Path) -> None:
    from impasto.training.estimate.estimate import Estimate

    before = sorted(tmp_path.rglob("*"))
    found = run(lora.model_copy(update={"dry_run": True}))
    assert isinstance(found, Estimate) and found.steps == 6 and found.memory.peak > 0
    assert sorted(tmp_path.rglob("*")) == before


def test_what_needs_the_disk_is_said_when_the_job_runs(lora: LoraJob, tmp_path: Path) -> None:
    for wrong, says in (({"catalogue": tmp_path / "none"}, "--catalogue"), ({"checkpoint": "none"}, "none")):
        with pytest.raises(ImpastoError, match=says):
            run(lora.model_copy(update=wrong))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not a folder"):
        run(lora.model_copy(update={"out": tmp_path / "file"}))


def test_a_stop_of_what_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run"):
        run(StopJob(folder=tmp_path))
    with pytest.raises(UsageError, match="wait -1"):
        StopJob(folder=tmp_path, wait=-1.0)
    (tmp_path / "losses.jsonl").write_text('{"step": 4, "loss": 0.5}\n')
    answer = run(StopJob(folder=tmp_path))
    assert (answer.was_running, answer.status, answer.step) == (False, "stopped", 4)


@pytest.mark.parametrize("recipe", [recipe for recipe in ASKED if recipe not in ("wang2023-artists", "wang2023-masters")])
def test_a_verb_has_an_option_for_each_field_and_the_run_remembers_it(recipe: str) -> None:
    import typer

    from impasto.cli.train.app import train

    group: Any = typer.main.get_command(train)
    options = {parameter.name for parameter in group.commands[recipe].params} - {"help"} - PLACE
    job: Any = job_class(f"train/{recipe}")(**ASKED[recipe])
    assert set(job.recorded()) == options - {"out", "seed", "dry_run"}
    names = {"kind": "concept_kind"} if recipe == "textual-inversion" else {}
    assert {names.get(option, option) for option in options} == set(type(job).model_fields) - {"command"}


def test_pocket_is_not_compiled_on_a_cpu(tmp_path: Path) -> None:
    pictures = write_catalogue(tmp_path / "catalogue")
    job = job_class("train/pocket")(catalogue=pictures, compiled=True, device="cpu", out=tmp_path / "run", minutes=1.0)
    with pytest.raises(UsageError, match="--compile is for CUDA"):
        run(job)

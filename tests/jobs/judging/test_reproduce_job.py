"""The jobs of `reproduce`: every field is an option of the command line and a keyword of Python, and they are JSON."""

import inspect
from pathlib import Path
from typing import Any

import pytest

import impasto
from impasto.api.judging import ReproduceFields
from impasto.cli.judging import reproduce as commands
from impasto.errors import UsageError
from impasto.jobs import job_from_json
from impasto.jobs.judging.reproduce import Wang2023Job, Wu2022Job

PLACE = {"on", "workers", "cores_per_worker", "gpus_per_run"}  # where a job runs is no field of it
JOBS = {"wang2023": Wang2023Job, "wu2022": Wu2022Job}


@pytest.mark.parametrize("paper", JOBS)
def test_every_field_is_an_option(paper: str) -> None:
    options = set(inspect.signature(getattr(commands, paper)).parameters) - {"context"} - PLACE
    assert options == set(JOBS[paper].model_fields) - {"command"}


def test_every_field_is_a_keyword() -> None:
    keywords = {*ReproduceFields.__annotations__, *inspect.signature(impasto.reproduce).parameters}
    keywords -= {"paper", "settings", "on_event", "should_stop"}
    assert keywords == {name for job in JOBS.values() for name in job.model_fields} - {"command"}


def test_they_are_json_and_back() -> None:
    wang = Wang2023Job(catalogue=Path("a"), bounds={"paint": 3.0}, below=0.2, tagger="ram", expand_seed=4)
    wu = Wu2022Job(catalogue=Path("a"), arms=("joint", "extension"), index=Path("wiki"), extended=5)
    assert job_from_json(wang.to_json()) == wang and job_from_json(wu.to_json()) == wu


@pytest.mark.parametrize(
    ("paper", "fields", "says"),
    [
        ("wu2022", {"arms": ("three-stages",)}, "there is no arm 'three-stages': use none, joint, two-stages, extension"),
        ("wu2022", {"arms": ()}, "arms is empty"),
        ("wu2022", {"extended": 0}, "extended 0: use 1 to 20"),
        ("wu2022", {"annotate": True}, "annotate"),
        ("wang2023", {"arms": ("none",)}, "arms"),
        ("wang2023", {"expand_seed": -1}, "expand_seed -1"),
    ],
)
def test_wrong_fields_are_named(paper: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        JOBS[paper](catalogue=Path("a"), **fields)


def test_python_names_the_other_papers_settings() -> None:
    with pytest.raises(UsageError, match="arms is for wu2022"):
        impasto.reproduce("wang2023", "a", arms=["none"])
    with pytest.raises(UsageError, match="runs is for wang2023"):
        impasto.reproduce("wu2022", "a", runs={"Rembrandt": "b"})

"""Every job is checked when it is made, and is the same again from JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impasto.errors import UsageError
from impasto.jobs import HOMES, job_class, job_from_json, run
from impasto.jobs.base import Job
from impasto.jobs.context import Context, StopRequested
from impasto.jobs.events import Event, Note, Progress
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.repaint import RepaintJob

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


@pytest.mark.parametrize("kind", HOMES)
def test_every_kind_has_its_class(kind: str) -> None:
    found = job_class(kind)
    assert issubclass(found, Job) and found.kind == kind and found.__doc__
    assert found.run is not Job.run


def test_a_job_is_created_without_torch(tmp_path: Path) -> None:
    """The studio's server creates a job for each request, and importing torch and diffusers takes seconds."""
    jobs = [
        {
            "kind": "paint", "prompt": "boats {at dawn|at dusk}", "artist": "Claude Monet", "sampler": "ddim", "steps": 20,
            "guider": "interval", "guidance_interval": "0.2,0.8", "expand": "wu2022", "expand_count": 2, "best_of": 2,
            "control": ["canny:100:200=a.png"], "guides": ["scorer:150"], "size": "192x128", "init": None, "seed": 3,
        },
        {"kind": "paint", "prompt": "boats", "init": "a.png", "strength": 0.5, "swap": [], "like": ["b.png:0.5"]},
        {"kind": "grid", "prompt": "boats", "rows": "steps=4,8"},
        {"kind": "repaint", "file": "a.png"},
        {"kind": "inpaint", "file": "a.png", "prompt": "boats", "box": "0,0,64,64"},
        {"kind": "outpaint", "file": "a.png", "prompt": "boats", "left": 64},
        {"kind": "edit", "file": "a.png", "swap": ["cat=dog"]},
        {"kind": "attention", "file": "a.png"},
        {"kind": "upscale", "pictures": ["a.png"]},
        {"kind": "expand", "prompt": "boats"},
    ]  # fmt: skip
    code = (
        "import json, sys\nfrom impasto.jobs import job_from_json\n"
        "for job in json.load(sys.stdin):\n"
        "    job_from_json(json.dumps(job))\n"
        "    assert 'torch' not in sys.modules, job['kind']\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(jobs), cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompt=WORDS.filter(str.strip),
    artist=WORDS,
    seed=st.none() | st.integers(0, 2**62),
    steps=st.none() | st.integers(1, 1000),
    guidance=st.none() | st.floats(0.5, 50),
    sampler=st.sampled_from([None, "ddim", "plms", "euler"]),
    lora=st.lists(WORDS, max_size=3),
    out=st.sampled_from([Path("pictures"), Path("a b/c"), Path("ü.png")]),
    wildcards=st.none() | st.just(Path("lists")),
)
def test_a_paint_job_is_json_and_back(**fields: object) -> None:
    job = PaintJob(**fields)
    text = job.to_json()
    assert json.loads(text)["kind"] == "paint"
    assert job_from_json(text) == job and job_from_json(text).to_json() == text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(prompt=st.none() | WORDS, year=st.none() | st.integers(-3000, 3000), like=st.none() | st.just(("",)))
def test_a_repaint_job_is_json_and_back(**fields: object) -> None:
    job = RepaintJob(file=Path("a.png"), **fields)
    assert job_from_json(job.to_json()) == job


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "one JSON object"),
        ("[]", "one JSON object with its kind"),
        ('{"kind": "sculpt"}', "no job of the kind 'sculpt'"),
        ('{"kind": "paint", "version": 99, "prompt": "boats"}', "newer impasto"),
        ('{"kind": "paint", "version": 0, "prompt": "boats"}', "not a number from 1 on"),
        ('{"kind": "paint", "prompt": "boats", "colour": 1}', "paint job, colour: there is no such field"),
        ('{"kind": "paint", "prompt": "boats", "steps": "many"}', "paint job, steps 'many'"),
        ('{"kind": "paint", "prompt": "boats", "steps": 0}', "steps 0: use 1 to 1000"),
        ('{"kind": "paint"}', "nothing to paint"),
        ('{"kind": "paint", "prompt": "boats", "count": 0}', "count 0: use 1 to 10000"),
        ('{"kind": "repaint"}', "repaint job, file: field required"),
        ('{"kind": "paint", "prompt": "boats", "sampler": "brush"}', "unknown sampler 'brush'"),
    ],
)
def test_what_is_no_job_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        job_from_json(text)
    assert said in str(refused.value) and "\n" not in str(refused.value)


class OldJob(Job):
    """A job whose first version had another word."""

    kind: ClassVar[str] = "old"
    version: ClassVar[int] = 2
    colour: str = "red"

    def run(self, context: Context) -> str:
        context.progress("mixing", 0.5)
        context.note(f"mixed {self.colour}")
        return self.colour

    @classmethod
    def upgrade(cls, version: int, fields: dict[str, object]) -> dict[str, object]:
        return {"colour": fields["hue"]}


def test_an_old_version_is_read_or_refused_by_name() -> None:
    assert OldJob.from_fields({"version": 1, "hue": "blue"}) == OldJob(colour="blue")
    with pytest.raises(UsageError, match="a paint job of version 1 cannot be read: this is version 2"):

        class Newer(PaintJob):
            version: ClassVar[int] = 2

        Newer.from_fields({"version": 1, "prompt": "boats"})


def test_events_reach_who_asked_and_a_stop_comes_through() -> None:
    heard: list[Event] = []
    assert run(OldJob(), Context(on_event=heard.append)) == "red"
    assert heard == [Progress("mixing", 0.5), Note("mixed red")]
    with pytest.raises(StopRequested):
        run(OldJob(), Context(should_stop=lambda: True))
    with pytest.raises(KeyboardInterrupt):
        run(OldJob(), Context(should_stop=lambda: True))


def test_a_job_cannot_be_changed() -> None:
    job = PaintJob(prompt="boats")
    with pytest.raises(Exception, match="frozen"):
        job.prompt = "ships"  # pyright: ignore


def test_a_job_without_a_value_in_json_is_refused_by_name() -> None:
    from impasto.jobs.painting.grid import GridJob

    with pytest.raises(UsageError, match="grid job, guidance nan: use a finite number"):
        GridJob(guidance=float("nan")).to_json()
    with pytest.raises(UsageError, match=r"paint job, out .*U\+0000"):
        PaintJob(prompt="boats", out="a\0b")
    for text in (None, "[" * 100_000):
        with pytest.raises(UsageError, match="one JSON object"):
            job_from_json(text)  # pyright: ignore


def test_equal_jobs_have_one_hash_and_paths_are_text() -> None:
    from impasto.jobs.judging.reproduce import Wang2023Job

    runs = {"Claude Monet": Path("runs/monet")}
    assert len({Wang2023Job(catalogue=Path("a"), runs=runs), Wang2023Job(catalogue=Path("a"), runs=dict(runs))}) == 1
    assert PaintJob(prompt="boats", lora=[Path("runs/monet")]) == PaintJob(prompt="boats", lora=("runs/monet",))

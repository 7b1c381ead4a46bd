"""One engine for the whole job: what `auto` takes is decided by all paintings together, here and elsewhere alike."""

from pathlib import Path
from typing import Any

import pytest
from tests.fleet.elsewhere import Elsewhere

from impasto.inference import runtime, store
from impasto.jobs.batch import BatchJob
from impasto.jobs.context import Context
from impasto.jobs.events import Event, Note
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.spread.paintings import place_of
from impasto.jobs.painting.spread.settled import SettledEngines
from impasto.painting.engines import painting_engine
from impasto.painting.engines.work import BatchWork
from impasto.painting.painter import Painter
from impasto.spreading import HERE

installed = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
WAYS = {"here": HERE, "there": Elsewhere()}


@pytest.fixture
def pays_after(own_cache: Path, tiny_pocket: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function: converting pays after so many paintings of the tiny checkpoint in 2 steps."""
    monkeypatch.setattr(runtime, "cpu_flags", lambda: frozenset({"avx2"}))
    painter = Painter.load(str(tiny_pocket), device="cpu")
    side = painter.components.default_size // 8
    one = painting_engine.saved_work(painter.components.unet, BatchWork(4, 1, side, side), optimized=True)

    def pay(paintings: float) -> None:
        monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: paintings * one)

    return pay


def engines(made: Any) -> list[str]:
    return [one.provenance.engine.name for one in made]


def context(how: Any, events: list[Event]) -> Context:
    return Context(on_event=events.append, spread=how)


@installed
def test_a_batch_decides_once_for_all_its_paintings(pays_after: Any, tiny_pocket: Path, tmp_path: Path) -> None:
    pays_after(4.5)
    files = {}
    for name, how in WAYS.items():
        job = BatchJob(
            base={"checkpoint": str(tiny_pocket), "steps": 2}, prompts=("boats", "a hill", "snow"),
            settings=({"guidance": 2.0}, {"guidance": 3.0}), seed=1, out=tmp_path / name,
        )  # fmt: skip
        events: list[Event] = []
        assert engines(job.run(context(how, events))) == ["openvino"] * 6  # one alone, or three of a kind, would not pay
        assert sum("is converted for OpenVINO" in one.text for one in events if isinstance(one, Note)) == (name == "here")
        files[name] = {one.name: one.read_bytes() for one in (tmp_path / name).iterdir()}
    assert files["here"] == files["there"] and len(files["here"]) == 6


@installed
@pytest.mark.parametrize("way", WAYS)
def test_below_it_optimized_paints_all_and_counts_once(
    way: str, pays_after: Any, tiny_pocket: Path, tmp_path: Path
) -> None:
    pays_after(5.5)
    job = BatchJob(
        base={"checkpoint": str(tiny_pocket), "steps": 2, "guidance": 2.0}, prompts=("boats", "a hill", "snow"), seed=1,
        out=tmp_path / "made",
    )  # fmt: skip
    events: list[Event] = []
    assert engines(job.run(context(WAYS[way], events))) == ["optimized"] * 3
    assert sum("until converting it" in one.text for one in events if isinstance(one, Note)) == 1
    assert engines(job.run(context(WAYS[way], events))) == ["openvino"] * 3  # six in all


@installed
def test_a_job_of_several_pictures_decides_as_the_local_run(pays_after: Any, tiny_pocket: Path, tmp_path: Path) -> None:
    pays_after(1.0)
    files = {}
    for name, how in WAYS.items():
        store.clear_models()
        job = PaintJob(prompt="boats", checkpoint=str(tiny_pocket), count=10, seed=3, steps=2, out=tmp_path / name)
        assert engines(job.run(context(how, []))) == ["openvino"] * 10
        files[name] = {one.name: one.read_bytes() for one in (tmp_path / name).iterdir()}
    assert files["here"] == files["there"]


def test_what_cannot_be_painted_decides_nothing(tiny_pocket: Path, tmp_path: Path) -> None:
    wrong = PaintJob(prompt="x", checkpoint=str(tmp_path / "none"))
    named = PaintJob(prompt="x", checkpoint=str(tiny_pocket), engine="eager")
    settled = SettledEngines(Context()).decide([(wrong, 3), (named, 1)])
    assert settled.settle(wrong) is wrong and settled.settle(named) is named


@installed
def test_a_batch_of_word_edits_says_nothing_of_engines(pays_after: Any, tiny_pocket: Path, tmp_path: Path) -> None:
    pays_after(1.0)
    base = {"checkpoint": str(tiny_pocket), "steps": 2, "sampler": "ddim", "swap": ("boats=ships",)}
    events: list[Event] = []
    BatchJob(base=base, prompts=("boats", "boats at sea"), seed=1, out=tmp_path / "made").run(context(HERE, events))
    assert not [one.text for one in events if isinstance(one, Note) and "words are edited by" in one.text]


def test_where_openvino_never_pays_nothing_is_loaded(tiny_pocket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: False)
    job, here = PaintJob(prompt="x", checkpoint=str(tiny_pocket)), Context()
    monkeypatch.setattr(here.painters, "painter", pytest.fail)
    assert SettledEngines(here).decide([(job, 9)]).settle(job).engine == "optimized"


def test_a_job_that_was_begun_elsewhere_and_is_now_painted_here_says_so(tiny_pocket: Path, tmp_path: Path) -> None:
    for job in (
        PaintJob(prompt="boats", checkpoint=str(tiny_pocket), seed=3, steps=2, out=tmp_path / "one"),
        BatchJob(base={"checkpoint": str(tiny_pocket), "steps": 2}, prompts=("boats",), seed=3, out=tmp_path / "many"),
    ):
        place_of(job, job.out).mkdir(parents=True)
        events: list[Event] = []
        job.run(context(HERE, events))
        assert sum("begun with --on" in one.text for one in events if isinstance(one, Note)) == 1

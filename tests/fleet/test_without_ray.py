"""What the fleet does beside Ray: its journal, what `--on` says, what `impasto jobs` shows, the line of progress, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from tests.fleet.works import Doubling, units
from typer.testing import CliRunner

from impasto.cli.fleet_options import fleet_words
from impasto.cli.jobs import _show
from impasto.cli.main import app, main
from impasto.cli.stopping import asked_to_stop
from impasto.errors import MissingPart, StoppedError, UsageError
from impasto.fleet.crew import Crew, Member
from impasto.fleet.driver import RaySpread, _Run
from impasto.fleet.journal import NAME, Journal
from impasto.fleet.place import Place
from impasto.fleet.run import _Telling
from impasto.fleet.session import _held_interrupts
from impasto.fleet.status import FOLDER, Status, StatusFile, read_statuses
from impasto.fleet.tally import Tally
from impasto.jobs.context import Context
from impasto.jobs.data.caption import CaptionJob
from impasto.jobs.events import Event, Progress
from impasto.spreading import unit_key

KEYS = [unit_key(str(n)) for n in range(4)]


def test_a_journal_survives_a_torn_end_and_keeps_the_first_result(tmp_path: Path) -> None:
    folder = tmp_path / "units"
    journal = Journal(folder)
    journal.put([(KEYS[0], b"zero"), (KEYS[1], b"")])
    journal.put([(KEYS[0], b"another"), (KEYS[2], b"two" * 1000)])
    journal.close(done=False)
    whole = (folder / NAME).read_bytes()
    for end in (len(whole) - 1, len(whole) - 3000 - 20, len(whole)):
        (folder / NAME).write_bytes(whole[:end])
        journal = Journal(folder)
        assert journal.get(KEYS[0]) == b"zero" and journal.get(KEYS[1]) == b""
        assert (KEYS[2] in journal) == (end == len(whole)) and KEYS[3] not in journal
        journal.put([(KEYS[2], b"two" * 1000)])  # made again, at the place of what was torn
        journal.close(done=False)
        assert (folder / NAME).read_bytes() == whole
    (folder / NAME).write_bytes(whole[:60] + b"?" + whole[61:])  # a bad disk: nothing after it is believed
    journal = Journal(folder)
    assert len(journal) == 1
    journal.close(done=True)
    assert not folder.exists()


def test_nothing_to_do_starts_no_worker_and_leaves_no_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "units")
    journal.put([(KEYS[0], b"taken by a driver that was killed before it could remove it")])
    journal.close(done=False)
    assert list(RaySpread(None, Place()).map(Doubling(), [], place=tmp_path / "units")) == []
    assert not (tmp_path / "units").exists()


def test_units_that_were_done_before_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")  # for its errors only: none is started
    looks = iter([None] * 5)  # a driver that waits for ever runs out of them
    left, place = units(12)[3::2], tmp_path / "units"  # the others are pictures in the folder, say
    journal = Journal(place)
    journal.put([(unit.key, str(unit.number).encode()) for unit in left])
    journal.close(done=False)
    monkeypatch.setattr(Crew, "look_after", lambda crew: None)
    monkeypatch.setattr(Crew, "free", lambda crew, depth: Member(None))
    monkeypatch.setattr(RaySpread, "reference", lambda spread, work: ("", []))
    monkeypatch.setattr(_Run, "_hear", lambda run, timeout: next(looks))
    done = list(RaySpread(None, Place()).map(Doubling(), left, place=place))
    assert [(one.unit.number, one.result) for one in done] == [(n, str(n).encode()) for n in (3, 5, 7, 9, 11)]


def test_two_drivers_cannot_have_one_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "units")
    with pytest.raises(UsageError, match="another process works on this already"):
        Journal(tmp_path / "units")
    journal.close(done=False)
    assert not (tmp_path / "units").exists()  # it was empty


@pytest.mark.parametrize(
    "text",
    ["", "Ray", "ray:/head:1", "ray://head", "ray://head:port", "http://head:10001", "ray://head:0", "ray://head:99999"],
)
def test_a_place_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="use ray"):
        Place.read(text)


def test_what_a_place_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.fleet.place.find_spec", lambda name: object())
    assert Place.read("ray://head:10001", workers=3, gpus=0.5) == Place("ray://head:10001", 3, 1, 0.5)
    for wrong in ({"workers": 0}, {"cores": 0}, {"gpus": -1.0}):
        with pytest.raises(UsageError):
            Place.read("ray", **wrong)
    monkeypatch.setattr("impasto.fleet.place._free_memory", lambda: 5 << 30)
    monkeypatch.setattr("impasto.fleet.place.cores", lambda: 64)
    assert Place("").workers_here() == 2  # no more than there is memory for
    assert Place("", 7).workers_here() == 7


def test_without_ray_the_command_line_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.fleet.place.find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["data", "tag", str(tmp_path), "--on", "ray"])
    assert isinstance(done.exception, MissingPart)
    assert str(done.exception) == (
        "--on ray needs Ray: pip install 'impasto[fleet]', or leave --on out to work in this process"
    )
    done = CliRunner().invoke(app, ["data", "tag", str(tmp_path), "--workers", "2"])
    assert isinstance(done.exception, UsageError) and "go with --on" in str(done.exception)


def test_a_verb_that_does_not_spread_names_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["data", "stats", ".", "--on", "ray"])
    assert raised.value.code == 2
    err = capsys.readouterr().err
    assert "No such option: --on, which goes with data caption, data tag, paint" in err and "data stats --help" in err


def test_the_jobs_that_run_ended_and_were_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_WORKSPACE", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for kind, pid in (("tag", os.getpid()), ("caption", gone.pid)):
        file = StatusFile(Status(kind, "works", "ray", pid=pid))
        file.status.share = 0.25
        file.write(now=True)
    done = CliRunner().invoke(app, ["jobs", "--json"])
    rows = {row["kind"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert {kind: row["state"] for kind, row in rows.items()} == {"tag": "running", "caption": "lost"}
    assert rows["tag"].keys() == asdict(Status("", "", "")).keys() and rows["tag"]["share"] == 0.25
    head, *told = CliRunner().invoke(app, ["jobs"]).stdout.splitlines()  # through a pipe: figures under their names
    facts = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in told]
    assert [(one["job"], one["state"], one["done"]) for one in facts] == [
        ("data caption", "lost", "25%"), ("data tag", "running", "25%"),
    ]  # fmt: skip


def test_the_list_of_jobs_only_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["jobs", "--workspace", str(tmp_path / "none")])
    assert isinstance(done.exception, UsageError) and "there is no such folder" in str(done.exception)
    assert not (tmp_path / "none").exists()
    done = CliRunner().invoke(app, ["jobs", "--workspace", str(tmp_path)])
    assert done.exit_code == 0 and not done.stdout and "no job with --on" in done.stderr and not list(tmp_path.iterdir())
    monkeypatch.setenv("IMPASTO_WORKSPACE", str(tmp_path))
    old = StatusFile(Status("tag", "works", "ray", state="done"))
    monkeypatch.setattr("impasto.fleet.status._KEPT_SECONDS", -1.0)
    assert not read_statuses(tmp_path) and len(list((tmp_path / FOLDER).iterdir())) == 1
    StatusFile(Status("tag", "works", "ray", started=old.status.started + 1))  # who writes removes
    assert [one.state for one in read_statuses(tmp_path)] == ["running"]
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_the_list_of_jobs_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    why = "2 of 6 paintings failed: the worker died 6 times with it, perhaps for want of memory"
    _show([
        Status("batch", "boats, " * 30, "ray", state="failed", stage="4 of 6", error=why),
        Status("train/wang2023-artists", "Monet", "ray://head:10001", stage="123456 of 1000000 trainings of all"),
        Status("caption", "絵" * 60, "ray", state="lost", stage="6 of 14 pictures", share=0.43, rows_per_second=12345.6),
    ])  # fmt: skip
    out = capsys.readouterr().out
    assert all(cell_len(line) <= 80 for line in out.splitlines())
    for words in ("paint ", "failed", "4 of 6", "train wang2023-artist", "data caption", "6 of 14 pictures", "12346", "43%"):
        assert words in out
    assert why in " ".join(out.split()) and "123456 of 1000000 trainings of all" in out and "the same command" in out


def test_the_file_of_a_job_is_right_to_one_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_WORKSPACE", str(tmp_path))
    monkeypatch.setattr("impasto.fleet.status._FREE_SECONDS", 60.0)  # a busy machine may take long for a write
    heard: list[Event] = []
    telling = _Telling(heard.append, StatusFile(Status("batch", "boats", "ray")), by_rows=True)
    tally = Tally(telling.count)
    tally.begin(6)
    for done in range(1, 5):
        tally.done = done
        telling.hear(Progress(f"{done} of 6", done / 6))
        assert [(one.stage, one.share) for one in read_statuses(tmp_path)] == [(f"{done} of 6", done / 6)]
    tally.end(2, 0, 0)  # also within the first second
    telling.end("stopped")
    (one,) = read_statuses(tmp_path)
    assert (one.state, one.stage, one.workers) == ("stopped", "4 of 6", 2) and one.rows_per_second > 0


@pytest.mark.parametrize("all_there", [True, False])
def test_a_stop_that_comes_when_all_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_there: bool
) -> None:
    pytest.importorskip("ray")
    place, all_units, asked = tmp_path / "units", units(6), threading.Event()
    journal = Journal(place)
    journal.put([(unit.key, b"") for unit in (all_units if all_there else all_units[:5])])
    journal.close(done=False)
    monkeypatch.setattr(Crew, "look_after", lambda crew: None)
    monkeypatch.setattr(Crew, "free", lambda crew, depth: None if asked.is_set() else Member(None))
    monkeypatch.setattr(RaySpread, "reference", lambda spread, work: ("", []))
    spread = RaySpread(None, Place(), should_stop=asked.is_set, ahead=2)
    got: list[int] = []
    with nullcontext() if all_there else pytest.raises(KeyboardInterrupt):
        for one in spread.map(Doubling(), all_units, place=place):
            got.append(one.unit.number)
            assert spread.is_mapping
            if len(got) == (6 if all_there else 1):
                asked.set()
    assert not spread.is_mapping and place.exists() != all_there
    assert got == list(range(6)) if all_there else len(got) < 6


def test_a_stopped_caption_job_says_how_many_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*given: Any) -> None:
        given[4](5, 6)  # the progress
        raise KeyboardInterrupt

    monkeypatch.setattr("impasto.data.annotations.captioning.write_captions", stopped)
    monkeypatch.setattr("impasto.data.annotations.caption_work.names_of", lambda work, spread: None)
    with pytest.raises(StoppedError, match="stopped: 5 of 6 pictures are done, and the same command goes on"):
        CaptionJob(catalogue=tmp_path).run(Context())


def test_the_line_of_the_whole() -> None:
    counted = []
    tally = Tally(counted.append)
    tally.begin(100)
    tally.done = 40
    tally.tell(3, 1, 12)
    tally.tell(3, 1, 12)  # not again within a second
    assert len(counted) == 1 and (counted[0].done, counted[0].rows) == (40, 100)
    figures = {"rows_per_second": 4.08, "eta_seconds": 130.0, "workers": 3, "lost_workers": 1, "retries": 12}
    assert fleet_words(figures) == "4.08 rows/s, 2 min to go, 3 workers, 1 lost, 12 units sent again"
    assert fleet_words({"workers": 1, "lost_workers": 0, "retries": 0}) == "1 worker"


def test_the_first_interrupt_asks_and_the_second_stops(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with asked_to_stop() as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert asked() and "again stops at once" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_while_ray_starts_waits_for_its_end() -> None:
    done: list[str] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            with _held_interrupts():
                signal.raise_signal(signal.SIGINT)
                done.append("started")
            done.append("not reached")
        assert done == ["started"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with _held_interrupts():
            pass
    finally:
        signal.signal(signal.SIGINT, before)

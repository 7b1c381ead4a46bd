"""The cache of converted models: whole or not there, bounded, shared by processes, listed and emptied."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto.cli.main import app
from impasto.inference import store

KEYS = [letter * 64 for letter in "abcd"]


def keep(key: str, size: int = 1000) -> None:
    store.keep_model(key, os.urandom(size), name="tiny", part="unet", engine="openvino 1", precision="fp32")


def age(key: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(store.engines_folder() / key / store.ENTRY, (then, then))


def test_a_model_is_found_again(own_cache: Path) -> None:
    assert store.find_model(KEYS[0]) is None and store.list_models() == []
    keep(KEYS[0])
    file = store.find_model(KEYS[0])
    assert file is not None and file.stat().st_size == 1000
    assert store.find_model(KEYS[1]) is None
    (entry,) = store.list_models()
    assert (entry.key, entry.name, entry.size) == (KEYS[0], "tiny", 1000)


def test_the_least_recently_used_goes_first(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.LIMIT, str(2500 / 2**30))
    keep(KEYS[0])
    keep(KEYS[1])
    age(KEYS[0], 100)
    age(KEYS[1], 200)
    keep(KEYS[2])
    assert {entry.key for entry in store.list_models()} == {KEYS[0], KEYS[2]}
    age(KEYS[0], 100)
    store.find_model(KEYS[0])  # used now
    age(KEYS[2], 50)
    keep(KEYS[3])
    assert {entry.key for entry in store.list_models()} == {KEYS[0], KEYS[3]}


def test_what_is_too_large_is_not_kept(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.LIMIT, "0")
    with pytest.raises(store.NotKept, match=store.LIMIT):
        keep(KEYS[0])
    monkeypatch.setenv(store.LIMIT, "many")
    keep(KEYS[0])
    assert len(store.list_models()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(own_cache: Path) -> None:
    own_cache.chmod(0o500)
    with pytest.raises(store.NotKept, match="Permission"):
        keep(KEYS[0])
    own_cache.chmod(0o700)


def test_a_file_where_the_folder_should_be(own_cache: Path) -> None:
    (own_cache / "engines").write_text("x")
    with pytest.raises(store.NotKept):
        keep(KEYS[0])
    assert store.find_model(KEYS[0]) is None and store.list_models() == []


def test_the_rest_of_a_killed_process_is_swept(own_cache: Path) -> None:
    rest = store.engines_folder() / f".{KEYS[1]}.77.tmp"
    rest.mkdir(parents=True)
    (rest / store.MODEL).write_bytes(bytes(100))
    keep(KEYS[0])
    assert rest.exists()  # it may still be at work
    os.utime(rest, (0, 0))
    keep(KEYS[2])
    assert not rest.exists() and len(store.list_models()) == 2


def _keep_often(key: str) -> None:
    for _ in range(20):
        keep(key, 100_000)


def test_processes_that_keep_the_same_model(own_cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_keep_often, args=(KEYS[0],)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert store.find_model(KEYS[0]) is not None
    assert [path.name for path in store.engines_folder().iterdir()] == [KEYS[0]]


def test_work_adds_up_over_processes(own_cache: Path) -> None:
    assert store.work_so_far(KEYS[0]) == 0
    store.add_work(KEYS[0], 1e12)
    store.add_work(KEYS[0], 2e12)
    assert store.work_so_far(KEYS[0]) == pytest.approx(3e12)
    (store.engines_folder() / f"{KEYS[0]}{store.WORK}").write_text("much")
    assert store.work_so_far(KEYS[0]) == 0


def test_it_is_listed_and_emptied(own_cache: Path) -> None:
    keep(KEYS[0], 2**20)
    other = own_cache / "latents"
    other.mkdir()
    run = CliRunner().invoke(app, ["cache", "list"])
    assert run.exit_code == 0 and KEYS[0][:12] in run.stdout and "tiny, unet" in run.stdout
    assert '"size": 1048576' in CliRunner().invoke(app, ["cache", "list", "--json"]).stdout
    merged = own_cache / "language" / "small-1.gguf"
    merged.parent.mkdir()
    merged.write_bytes(bytes(1 << 19))
    assert "0.5 MB: a language model with its LoRA" in CliRunner().invoke(app, ["cache", "list"]).stdout
    listed = json.loads(CliRunner().invoke(app, ["cache", "list", "--json"]).stdout)
    assert listed["merged"] == [{"file": str(merged), "size": 1 << 19}]
    assert "1.5 MB" in CliRunner().invoke(app, ["cache", "clear"]).stdout and not merged.exists()
    assert store.list_models() == [] and other.exists()
    assert CliRunner().invoke(app, ["cache", "clear"]).exit_code == 0

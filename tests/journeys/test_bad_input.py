"""Bad input gets a sentence, no traceback: one line on stderr, the right exit code, nothing left behind."""

import os
import pickle
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Answer, Impasto

QUICK = ("--steps", 2, "--size", 64, "--seed", 1)


def nothing(folder: Path) -> None:
    del folder


@dataclass(frozen=True)
class Case:
    """A command that must fail with `code`, saying `word`, once `prepare` has set the scene."""

    name: str
    code: int
    word: str
    arguments: tuple[object, ...]
    prepare: Callable[[Path], None] = nothing


def paint(
    name: str, code: int, word: str, *arguments: object, prepare: Callable[[Path], None] = nothing
) -> Case:
    return Case(name, code, word, ("paint", *arguments), prepare)


def text_as_png(folder: Path) -> None:
    (folder / "text.png").write_text("I am no picture")


def bare_png(folder: Path) -> None:
    Image.new("RGB", (8, 8)).save(folder / "bare.png")


def truncated_png(folder: Path) -> None:
    Image.new("RGB", (64, 64)).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:40])
    (folder / "whole.png").unlink()


def broken_record(folder: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("impasto", '{"format": 1, "prompt": "boats", "steps": -3}')
    Image.new("RGB", (8, 8)).save(folder / "broken.png", pnginfo=info)


def a_file(folder: Path) -> None:
    (folder / "file").write_text("in the way")


def a_picture(folder: Path) -> None:
    bare_png(folder)
    (folder / "bare.png").rename(folder / "there.png")


def truncated_safetensors(folder: Path) -> None:
    (folder / "cut.safetensors").write_bytes((1 << 20).to_bytes(8, "little") + b'{"a":')


def truncated_weights(folder: Path) -> None:
    from tests.checkpoints.tiny import make_tiny_pocket

    weights = make_tiny_pocket(folder / "cut") / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def no_json(folder: Path) -> None:
    from tests.checkpoints.tiny import make_tiny_pocket

    (make_tiny_pocket(folder / "odd") / "unet" / "config.json").write_text("{not json")


class Hostile:
    """Unpickled without care, this would leave a file behind."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("OWNED",)


def hostile_pickle(folder: Path) -> None:
    (folder / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": Hostile()}))


def hostile_zip(folder: Path) -> None:
    import torch

    torch.save({"state_dict": Hostile()}, folder / "evil.ckpt")


def climbing_catalogue(folder: Path) -> None:
    bare_png(folder)
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    rows = ('{"file_name": "../bare.png", "artist": "Claude Monet"}', '{"file_name": "/etc/passwd"}')
    (catalogue / "metadata.jsonl").write_text("\n".join(rows))


def empty_catalogue(folder: Path) -> None:
    (folder / "catalogue").mkdir()


AUTOENCODER = ("train", "pocket-autoencoder", "--minutes", 0.01, "--catalogue")
CASES = [
    paint("empty prompt", 2, "nothing to paint", ""),
    paint("blank prompt", 2, "nothing to paint", "  \t "),
    paint("huge prompt", 2, "100000 characters", "a" * 100_000),
    paint("control character", 2, "control character", "boats\x1b[2J"),
    paint("NUL", 2, "control character", "boats\0"),
    paint("undecodable prompt", 2, "control character", "boats \udcff"),
    paint("huge negative", 2, "negative prompt", "boats", "--negative", "a" * 3000),
    paint("unknown sampler", 2, "'ddimm'", "boats", "--sampler", "ddimm"),
    paint("negative steps", 2, "steps -5", "boats", "--steps", -5),
    paint("zero steps", 2, "steps 0", "boats", "--steps", 0),
    paint("too many steps", 2, "steps 1001", "boats", "--steps", 1001),
    paint("steps in words", 2, "--steps", "boats", "--steps", "many"),
    paint("zero count", 2, "count 0", "boats", "--count", 0),
    paint("count without end", 2, "count 99999999", "boats", "--count", 99999999),
    paint("zero batch", 2, "batch 0", "boats", "--batch", 0),
    paint("odd size", 2, "multiple of 8", "boats", "--size", 130),
    paint("size in words", 2, "'big'", "boats", "--size", "big"),
    paint("three sides", 2, "'1x2x3'", "boats", "--size", "1x2x3"),
    paint("far too large", 2, "width 80000", "boats", "--size", 80000),
    paint("zero width", 2, "width 0", "boats", "--width", 0),
    paint("negative height", 2, "height -64", "boats", "--height", -64),
    paint("guidance is no number", 2, "guidance nan", "boats", "--guidance", "nan"),
    paint("endless guidance", 2, "guidance inf", "boats", "--guidance", "inf"),
    paint("guidance too large", 2, "guidance 51", "boats", "--guidance", 51),
    paint("negative seed", 2, "seed -1", "boats", "--seed", -1),
    paint("seed too large", 2, "seed 9223372036854775808", "boats", "--seed", 2**63),
    paint("last seed too large", 2, "seed 9223372036854775807: the job needs", "boats", "--seed", 2**63 - 1, "--count", 2),
    paint("eta without ddim", 2, "eta 0.5", "boats", "--eta", 0.5),
    paint("negative preview", 2, "preview-every -1", "boats", "--preview-every", -1),
    paint("unknown artist", 2, "Claude Monet", "boats", "--artist", "Claude Manet"),
    paint("unknown device", 2, "'toaster'", "boats", "--device", "toaster"),
    paint("unknown precision", 2, "'fp3'", "boats", "--precision", "fp3"),
    paint("unknown option", 2, "--frobnicate", "boats", "--frobnicate"),
    paint("output below a file", 2, "not a folder", "boats", "--out", "file/pictures", prepare=a_file),
    paint("output is a file", 2, "not a folder", "boats", "--out", "file", prepare=a_file),
    paint("read-only output", 1, "/proc/nowhere", "boats", "--out", "/proc/nowhere"),
    paint("png in a missing folder", 2, "no folder", "boats", "--out", "missing/boats.png"),
    paint("png that is there", 2, "--overwrite", "boats", "--out", "there.png", prepare=a_picture),
    paint("one png for two", 2, "but 2 are to be painted", "boats", "--out", "boats.png", "--count", 2),
    paint("overwriting a folder", 2, "--overwrite", "boats", "--overwrite"),
    paint("no such checkpoint folder", 1, "missing", "boats", "--checkpoint", "./missing"),
    paint("no checkpoint name", 2, "empty", "boats", "--checkpoint", ""),
    paint("a hub name without network", 1, "org/name", "boats", "--checkpoint", "org/name"),
    paint("a folder of something else", 1, "model_index.json", "boats", "--checkpoint", "."),
    paint(
        "truncated safetensors",
        1,
        "cut",
        "boats",
        "--checkpoint",
        "cut.safetensors",
        prepare=truncated_safetensors,
    ),
    paint("truncated weights", 1, "cut", "boats", "--checkpoint", "cut", prepare=truncated_weights),
    paint("config that is no JSON", 1, "config.json", "boats", "--checkpoint", "odd", prepare=no_json),
    paint("hostile pickle", 1, "evil.ckpt", "boats", "--checkpoint", "evil.ckpt", prepare=hostile_pickle),
    paint(
        "hostile pickle of torch's", 1, "evil.ckpt", "boats", "--checkpoint", "evil.ckpt", prepare=hostile_zip
    ),
    Case("no such picture", 1, "missing.png", ("show", "missing.png")),
    Case("a folder as a picture", 1, ".", ("show", ".")),
    Case("no record", 1, "bare.png", ("show", "bare.png"), bare_png),
    Case("text as a picture", 1, "text.png", ("show", "text.png"), text_as_png),
    Case("truncated picture", 1, "cut.png", ("show", "cut.png"), truncated_png),
    Case("broken record", 1, "broken.png", ("show", "broken.png"), broken_record),
    Case("repaint without a record", 1, "bare.png", ("repaint", "bare.png"), bare_png),
    Case("repaint of a broken record", 1, "broken.png", ("repaint", "broken.png"), broken_record),
    Case("unknown verb", 2, "'pianted'", ("pianted",)),
    Case("missing argument", 2, "FILE", ("show",)),
    Case("artists of nothing", 1, "missing", ("artists", "--checkpoint", "./missing")),
    Case("inspect of nothing", 1, "missing", ("checkpoints", "inspect", "./missing")),
    Case("export below a file", 1, "file", ("checkpoints", "export", "pocket", "file/x"), a_file),
    Case(
        "export over pictures",
        2,
        "catalogue",
        ("checkpoints", "export", "pocket", "catalogue"),
        climbing_catalogue,
    ),
    Case("no such catalogue", 2, "missing", (*AUTOENCODER, "missing")),
    Case("empty catalogue", 1, "catalogue", (*AUTOENCODER, "catalogue"), empty_catalogue),
    Case("climbing catalogue", 1, "catalogue", (*AUTOENCODER, "catalogue"), climbing_catalogue),
    Case("endless training", 2, "minutes", (*AUTOENCODER, ".", "--minutes", "inf")),
    Case("training for nothing", 2, "minutes", (*AUTOENCODER, ".", "--minutes", "0")),
    Case("codes without a codebook", 2, "--codebook", (*AUTOENCODER, ".", "--codebook", 64)),
    Case("no such regularisation", 2, "regularisation", (*AUTOENCODER, ".", "--regularisation", "gan")),
    Case("one code", 2, "--codebook 1", (*AUTOENCODER, ".", "--regularisation", "vq", "--codebook", 1)),
    Case("run in a file", 2, "not a folder", (*AUTOENCODER, ".", "--out", "file"), a_file),
]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder below, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def check(answer: Answer, code: int, word: str) -> None:
    assert answer.code == code, answer.err
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert word in answer.err
    assert "unexpected" not in answer.err
    assert len(answer.err) < 500


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_line_and_nothing_left(case: Case, impasto: Impasto, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    before = tree(tmp_path)
    check(impasto(*case.arguments), case.code, case.word)
    assert tree(tmp_path) == before


def run_script(
    folder: Path, *arguments: object, prepare: Callable[[], None] | None = None, **variables: str
) -> Answer:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "impasto.cli.main", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **variables},
        capture_output=True,
        text=True,
        preexec_fn=prepare,
        timeout=120,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    check(run_script(tmp_path, "paint", "boats", "--count", "0"), 2, "count 0")
    assert tree(tmp_path) == {}


def test_a_disk_that_is_full_from_the_start(tiny: Path, tmp_path: Path) -> None:
    def no_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    answer = run_script(tmp_path, "paint", "boats", *QUICK, prepare=no_space, IMPASTO_POCKET=str(tiny))
    check(answer, 1, "pictures")
    assert tree(tmp_path) == {}


def test_a_disk_that_fills_up_while_painting(impasto: Impasto, tmp_path: Path, monkeypatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for out in ("boats.png", "some/new/folder"):
        check(impasto("paint", "boats", "--out", out, *QUICK), 1, "No space left on device")
        assert tree(tmp_path) == {}


def test_stdout_that_is_full(tiny: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "impasto.cli.main", "artists"],
            cwd=tmp_path,
            env={**os.environ, "IMPASTO_POCKET": str(tiny)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    check(Answer(done.returncode, "", done.stderr), 1, "No space left on device")


def test_ctrl_c_in_a_process_of_its_own(tiny: Path, tmp_path: Path) -> None:
    arguments = ["paint", "boats", "--steps", "50", "--size", "64", "--count", "1000", "--batch", "1"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "impasto.cli.main", *arguments],
        cwd=tmp_path,
        env={**os.environ, "IMPASTO_POCKET": str(tiny)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would every child of it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=60)
    kept = (first + rest).splitlines()
    assert process.returncode == 130, said
    *notes, stopped = said.splitlines()  # a busy machine has the time to convert the model
    assert re.match(r"error: stopped: [1-9]\d* of 1000 paintings finished and kept", stopped)
    assert all(note.startswith("note: pocket is converted") for note in notes)
    assert len(list((tmp_path / "pictures").iterdir())) == len(kept) > 0
    for line in kept:
        with Image.open(tmp_path / line.split("  ")[0]) as image:
            image.load()


def test_a_fault_of_ours_is_one_line_too(impasto: Impasto, monkeypatch) -> None:
    import impasto.painting.sheets.file as sheet_file

    def fault(path: Path) -> None:
        raise KeyError("a\nb")

    monkeypatch.setattr(sheet_file, "read_sheet", fault)
    answer = impasto("show", "x.png")
    assert answer.code == 1
    assert answer.err.startswith("error: unexpected KeyError: ")
    assert answer.err.count("\n") == 1
    monkeypatch.setenv("IMPASTO_DEBUG", "1")
    assert "Traceback" in impasto("show", "x.png").err

"""A pack trains where neither diffusers nor our package is installed, and what it leaves becomes a run that paints."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import torch
from tests.training.drawn import draw_catalogue

from impasto import Painter
from impasto.checkpoints.memory import MemoryConfig, load_memory
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.machine import PLAIN_CPU
from impasto.training.pocket.pack.begin import choices_to_go_on, unpack
from impasto.training.pocket.pack.write import write_pack
from impasto.training.pocket.phases import PocketRequest, train_phases

# What a machine is promised to have, and what these need.
PROMISED = (
    "torch", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow", "huggingface-hub", "tokenizers",
    "regex", "requests", "filelock", "packaging", "PyYAML", "tqdm",
)  # fmt: skip


def bare_site(folder: Path) -> Path:
    """A folder with links to what is promised and to all that it requires."""
    folder.mkdir()
    waiting: list[str] = list(PROMISED)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        for line in found.requires or []:
            if "extra ==" not in line and "extra==" not in line:
                waiting.append(re.split(r"[^\w.-]", line.strip())[0])
        tops = {file.parts[0] for file in found.files or [] if ".." not in file.parts}
        for top in tops - {"__pycache__"}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))).resolve())
    assert not (folder / "diffusers").exists() and "diffusers" not in seen
    return folder


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_catalogue(tmp_path_factory.mktemp("drawn") / "catalogue", count=20)


@pytest.fixture(scope="module")
def trained(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What train.py wrote, and what it said."""
    folder = tmp_path_factory.mktemp("pack")
    pack, out = folder / "pack", folder / "out"
    report = write_pack(catalogue, pack, size=64, memory=MemoryConfig(components=8, hidden=16), neighbours=4, variants=2)
    assert report.bytes < 45e6 and report.pictures > 10
    done = subprocess.run(
        [sys.executable, "-S", str(pack / "train.py"), "--steps", "3", "--tiny", "--out", str(out), "--device", "cpu"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(bare_site(folder / "site")), "OMP_NUM_THREADS": "1",
             "HF_HUB_OFFLINE": "1", "HOME": str(folder)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return out, done.stdout


def test_it_trains_with_what_it_carries(trained: tuple[Path, str]) -> None:
    out, said = trained
    where = next(line.split(" from ")[1] for line in said.splitlines() if "diffusers" in line)
    assert "/impasto-" in where and "site-packages" not in where
    files = list(out.iterdir())
    assert len(files) <= 8 and all(file.stat().st_size < 16 * 2**20 for file in files)
    log = json.loads((out / "log.json").read_text())
    assert log["denoiser"]["steps"] == 3 and log["denoiser"]["pictures_per_second"] > 0
    assert log["matrix_rate"] > 0 and log["operations_a_picture"] > 0 and log["machine"]
    assert (out / "sheet.png").is_file()


def test_what_it_leaves_paints_and_goes_on(trained: tuple[Path, str], catalogue: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    checkpoint = unpack(trained[0], run)
    painting = Painter.load(str(checkpoint)).paint("a sun over the ground", steps=2, seed=1)
    assert painting.image.size == (64, 64)
    memory = load_memory(checkpoint / "memory")
    assert memory is not None and {work.artist for work in memory.works} >= {"Claude Monet"}
    assert (run / "raw" / "unet").is_dir()

    choices = choices_to_go_on(run, replace(PocketChoices(), batch=4, log_every=1, text_variants=2, neighbours=4))
    request = PocketRequest(catalogue, steps=5, size=64, decoder=False, choices=choices)
    assert train_phases(request, run, PLAIN_CPU) == checkpoint
    rows = [json.loads(line) for line in (run / "losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 5]  # three were made on the other machine
    state = torch.load(run / "state-000000005.pt", weights_only=True)
    assert int(state["averages"]["unet"]["n_averaged"]) == 5

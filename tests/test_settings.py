import os
import subprocess
import sys

import pytest
import torch

from impasto import settings
from impasto.settings import flushed_denormals, others_compute

REUSE = """
import resource, sys
import numpy as np
from impasto.settings import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
np.ones(5_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(5_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_memory_is_reused_without_new_pages() -> None:
    def faults(mode: str) -> int:
        return int(subprocess.run([sys.executable, "-c", REUSE, mode], capture_output=True, check=True).stdout)

    assert faults("keep") < 0.2 * faults("give back")


@pytest.mark.parametrize(
    "statement", ["import impasto.training.recipes.retraining", "import impasto\nfrom diffusers import UNet2DConditionModel"]
)
def test_no_library_complains_that_a_kernel_is_missing(statement: str) -> None:
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)
    assert done.stderr == ""


THREADS = """
import sys
from impasto.settings import cores, limit_spinning, threads_that_wait
if sys.argv[1] == "late":
    import torch
if sys.argv[1] != "never":
    limit_spinning()
print(threads_that_wait(most=cores() + 1) == cores(), threads_that_wait())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU OpenMP")
@pytest.mark.parametrize(
    ("when", "chosen", "all_cores"),
    [
        ("early", {}, True),
        ("late", {}, False),  # OpenMP was loaded with torch and has read its settings
        ("never", {}, False),
        ("early", {"GOMP_SPINCOUNT": "INFINITY"}, False),
        ("early", {"OMP_WAIT_POLICY": "active"}, False),
        ("never", {"OMP_WAIT_POLICY": "PASSIVE"}, True),
    ],
)
def test_llama_uses_all_cores_only_if_its_threads_sleep_while_they_wait(
    when: str, chosen: dict[str, str], all_cores: bool
) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", THREADS, when], capture_output=True, text=True, check=True, env={**clean, **chosen}
    )
    every, threads = done.stdout.split()
    if all_cores:
        assert every == "True"
    else:
        assert threads == "1"


@pytest.mark.parametrize(
    ("samples", "busy"),
    [
        (["2.10 1.00 0.50 3/106 900", "2.10 1.00 0.50 2/106 901"], True),
        (["2.10 1.00 0.50 3/106 900", "2.10 1.00 0.50 1/106 901"], False),  # only this process runs: the others have ended
        (["0.20 1.00 0.50 3/106 900"], False),  # a moment's work of something else
        (["2.10"], False),
        ([""], False),
    ],
)
def test_others_compute_only_if_they_did_for_a_while_and_still_do(samples: list[str], busy: bool) -> None:
    assert others_compute(samples) is busy


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's load average")
@pytest.mark.parametrize("answers", [(True, True), (True, False), (False,)])
def test_spinning_is_limited_only_if_others_compute_at_every_look(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[bool, ...]
) -> None:
    asked, limited = iter(answers), []
    monkeypatch.setattr(settings, "others_compute", lambda samples: next(asked))
    monkeypatch.setattr(settings, "limit_spinning", lambda: limited.append(1))
    settings.limit_spinning_on_a_busy_machine()
    assert bool(limited) == all(answers)


def test_the_smallest_numbers_are_zero_in_a_training_only() -> None:
    small = torch.tensor([1e-30])
    with flushed_denormals():
        assert float(small * 1e-10) == 0
    assert float(small * 1e-10) > 0

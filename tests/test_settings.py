import subprocess
import sys

import pytest

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

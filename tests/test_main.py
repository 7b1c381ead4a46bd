import subprocess
import sys

from impasto import __version__


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "impasto", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and __version__ in done.stdout

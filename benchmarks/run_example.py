"""Runs diffusers' example as it is: `python benchmarks/run_example.py train_text_to_image.py ARGUMENTS`.

The example takes its transforms from torchvision. Where that is not installed it gets `torchvision_stand_in`, but only after
the libraries have looked for torchvision and found none, since they would ask more of it.
"""

import importlib.util
import runpy
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType


def stand_in() -> None:
    """Puts `torchvision_stand_in` in torchvision's place."""
    import accelerate  # noqa: F401
    import datasets  # noqa: F401
    import diffusers  # noqa: F401
    from transformers.utils.import_utils import is_torchvision_available

    import torchvision_stand_in

    is_torchvision_available()  # remembers its answer
    package = ModuleType("torchvision")
    package.__spec__ = ModuleSpec("torchvision", None)
    package.__dict__["transforms"] = torchvision_stand_in
    sys.modules["torchvision"] = package


if __name__ == "__main__":
    if importlib.util.find_spec("torchvision") is None:
        stand_in()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")

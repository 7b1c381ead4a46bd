"""Imports spaCy without torch, which its library thinc would import if it is installed: a second and more of a core.

thinc does without it if it is absent, and spaCy's own pipelines compute with NumPy.
"""

import builtins
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_ASKS = "thinc.compat"  # the module that imports torch, if it can


def import_without_torch(name: str) -> ModuleType:
    """Imports `name`, a package that imports spaCy; other threads may import torch meanwhile.

    Raises:
        ImportError: it is not installed.
    """
    if _ASKS in sys.modules or "torch" in sys.modules:
        return import_module(name)
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        return import_module(name)
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _ASKS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _TorchlessLoader(spec.loader)
        return spec


class _TorchlessLoader(Loader):
    """Loads a module whose own import statements do not find torch."""

    def __init__(self, usual: Loader) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import_without_torch}
        self._usual.exec_module(module)


def _import_without_torch(name: str, *arguments: Any, **named: Any) -> Any:
    if name.partition(".")[0] == "torch":
        raise ImportError("torch is not imported for spaCy")
    return builtins.__import__(name, *arguments, **named)

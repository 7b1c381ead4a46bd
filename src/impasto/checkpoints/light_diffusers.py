"""Imports what painting needs of diffusers without what it does not need, in a process that begins with a painting.

diffusers' U-Net imports transformers' models, peft, SciPy's statistics and torch's compiler: three seconds of a core, more
than painting takes. They are for loading LoRAs, for offloading and for noise levels that no checkpoint here asks for. So
they look absent, or are postponed, while the modules in `_PAINTING` are imported; afterwards all is as it was.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module, metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_PAINTING = (
    "diffusers.models.unets.unet_2d_condition",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.schedulers.scheduling_dpmsolver_multistep",
)
_ABSENT = ("transformers", "peft", "scipy")
_COMPILER = "torch._dynamo"


def import_diffusers_lightly() -> None:
    """Lets the first import of diffusers in this process load only what painting needs; it imports nothing itself.

    diffusers' own loaders of LoRAs and its layerwise casting do not work on the models afterwards; Impasto has its own.
    """
    if "diffusers" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds diffusers as Python does, with another loader."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "diffusers":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            sys.meta_path.remove(self)
            spec.loader = _LightLoader(spec.loader)
        return spec


class _LightLoader(Loader):
    """Loads diffusers, and after it the modules that painting needs."""

    def __init__(self, usual: Loader) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        import torch  # noqa: F401 - whole, before anything looks absent

        module.__loader__ = self._usual
        if module.__spec__ is not None:
            module.__spec__.loader = self._usual
        with _compiler_postponed():
            with _no_distributions():
                self._usual.exec_module(module)
            for lists_its_names in ("diffusers.models", "diffusers.loaders"):
                import_module(lists_its_names)
            with _looking_absent(import_module("diffusers.utils.import_utils")):
                modules = [import_module(name) for name in _PAINTING]
        _scale_only_with_peft(import_module("diffusers.utils.peft_utils"))
        # Its noise levels by the beta distribution need SciPy, which loads its parts when they are used.
        if "scipy" not in vars(modules[-1]):
            with suppress(ImportError):
                vars(modules[-1])["scipy"] = import_module("scipy")


def _scale_only_with_peft(peft_utils: Any) -> None:
    """Lets a forward pass scale peft's layers only if peft is loaded, as without it there are none: to look for them,
    diffusers imports it, and with it transformers' models.
    """
    for name in ("scale_lora_layers", "unscale_lora_layers"):
        usual = getattr(peft_utils, name)

        def scale(model: Any, weight: float | None = None, usual: Any = usual) -> None:
            if "peft" in sys.modules:
                usual(model, weight)

        setattr(peft_utils, name, scale)


@contextmanager
def _compiler_postponed() -> Iterator[None]:
    """Lets `torch.compiler.disable` import torch's compiler with the first call of what it marks; diffusers does without
    `allow_in_graph`.
    """
    import torch
    from torch._compile import _disable_dynamo

    if _COMPILER in sys.modules:
        yield
        return

    def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
        del reason
        return _disable_dynamo(fn, recursive)

    usual = torch.compiler.disable
    torch.compiler.disable = disable
    sys.modules[_COMPILER] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[_COMPILER]
        torch.compiler.disable = usual


@contextmanager
def _no_distributions() -> Iterator[None]:
    """Hides the list of installed distributions, of which diffusers would read every file's name; it asks for versions by
    the packages' own names.
    """
    usual = metadata.distributions
    metadata.distributions = lambda **_: iter(())
    try:
        yield
    finally:
        metadata.distributions = usual


@contextmanager
def _looking_absent(known: Any) -> Iterator[None]:
    """Lets diffusers take the packages `_ABSENT` for absent: `known` is its record of what is installed. Those that are not
    loaded yet cannot be imported either, since diffusers does not ask everywhere.
    """
    usual = {f"_{name}_available": getattr(known, f"_{name}_available") for name in _ABSENT}
    hidden = [name for name in _ABSENT if name not in sys.modules]
    vars(known).update(dict.fromkeys(usual, False))
    sys.modules.update(dict.fromkeys(hidden))  # pyright: ignore[reportArgumentType, reportCallIssue]
    try:
        yield
    finally:
        vars(known).update(usual)
        for name in hidden:
            del sys.modules[name]

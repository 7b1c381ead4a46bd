"""The language models of prompt expansion by role: what a name, a folder or the hub's cache leads to, and what was used.

wu2022 (section 3) takes T5 to continue a prompt and to embed texts, DialoGPT to answer it, and BERT-NER to find places and
times; wang2023 (section 3.3) takes GPT-2 to continue it. Here each role has a small default, and accepts the paper's own
model. Hub names are searched in the Hugging Face cache first; nothing is downloaded unless the user names it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.language.find_model import SHORT_NAMES, cached_language_model, find_language_model, is_model_name
from impasto.prompts.expansion.settings import AUTO, MINILM, OFF, SMALL, SPACY
from impasto.weights.transformers_heads import WRITES_TEXT, check_head

if TYPE_CHECKING:
    from impasto.prompts.entities import Recogniser
    from impasto.prompts.expansion.proposers.models import Writes
    from impasto.prompts.expansion.scoring import Embed
    from impasto.weights.transformers_folder import TransformersFolder

SMALL_NAME = "SmolLM2-135M-Instruct"
# The paper's models in the order in which `auto` looks for them in the cache.
AUTOMATIC = {
    "continuation": ("t5-base", "t5-large", "t5-small", "t5-base-lm-adapt", "t5-v1.1-base", "t5-v1.1-large", "flan-t5-base"),
    "dialogue": ("dialogpt-medium", "dialogpt-large", "dialogpt-small"),
}
PAPERS = {"continuation": "T5", "dialogue": "DialoGPT"}


@dataclass(frozen=True)
class UsedModel:
    """Which model did what.

    Attributes:
        role: "continuation", "dialogue", "prompt model", "encoder", "ner" or "terms".
        name: of the model or the table.
        identity: SHA-256 of its weights and configs, hexadecimal; "" for parts that come with a package.
        why: the reason of an automatic choice; "" if the user named it.
    """

    role: str
    name: str
    identity: str = ""
    why: str = ""

    def __str__(self) -> str:
        told = f" ({self.identity[:12]})" if self.identity else ""
        return f"{self.role}: {self.name}{told}{f', {self.why}' if self.why else ''}"


def automatic_model(role: str) -> tuple[str, str]:
    """Returns what `auto` means for a role here: the name of the paper's model if it is in the cache, else smollm2; and why.

    `role`: "continuation" or "dialogue".
    """
    for name in AUTOMATIC[role]:
        if cached_language_model(name) is not None:
            return name, "found in the Hugging Face cache"
    return SMALL, f"no {PAPERS[role]} is on this machine"


def needs_no_torch(role: str, name: str) -> bool:
    """Returns whether the model for a role of wu2022 runs in llama.cpp (or the role is off), so that it imports no torch.

    Args:
        role: "continuation" or "dialogue".
        name: see `load_writer`.
    """
    return (automatic_model(role)[0] if name == AUTO else name) in (SMALL, OFF)


def load_writer(role: str, name: str) -> "tuple[Writes, UsedModel] | None":
    """Loads the model for a role of wu2022, "continuation" or "dialogue"; None if the role is off.

    Args:
        name: "auto", "smollm2", "off", a GGUF file, or a name for `find_language_model`.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, or it cannot be loaded; the message names the option.
    """
    why = ""
    if name == AUTO:
        name, why = automatic_model(role)
    if name == OFF:
        return None
    if name == SMALL:
        from impasto.prompts.expansion.proposers.small_model import small_model

        return small_model(), UsedModel(role, SMALL_NAME, "", why)
    with naming_option(role):
        model, used, identity = load_text_model(name)
        return model, UsedModel(role, used, identity, why)


def load_text_model(name: str) -> "tuple[Any, str, str]":
    """Loads a language model that writes texts; returns it, its name, and the hash of its weights and configs.

    Args:
        name: a GGUF file for llama.cpp, or a name for `find_language_model`.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, or it cannot be loaded.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        from impasto.weights.file_hash import hash_file

        return _gguf_model(path.resolve()), path.stem, hash_file(path)
    folder = find_language_model(name)
    return _model_in(folder.path.resolve(), folder.name, "writer"), folder.name, folder.identity


def check_text_model(name: str) -> None:
    """Checks a model that writes texts: a GGUF file, or a name for `find_language_model`.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, or it writes no texts.
    """
    path = Path(name).expanduser()
    if not (path.suffix.lower() == ".gguf" and path.is_file()):
        find_kind(name, WRITES_TEXT, "a language model that writes texts")


def find_kind(name: str, head: str, what: str) -> "TransformersFolder | None":
    """Finds and checks a model without the network; returns None if it would have to be downloaded."""
    from impasto.weights.hub import is_in_cache

    if not Path(name).expanduser().exists() and is_model_name(name):
        short = name.strip().casefold()
        if cached_language_model(short) is None if short in SHORT_NAMES else not is_in_cache(name):
            return None
    folder = find_language_model(name)
    check_head(folder, head, what)
    return folder


@cache
def _gguf_model(file: Path) -> Any:
    from impasto.prompts.expansion.proposers.small_model import SmallModel

    return SmallModel(file)


@cache
def _model_in(path: Path, name: str, kind: str) -> Any:
    """Loads the model in a folder once. `kind`: "writer", "encoder" or "ner"."""
    from impasto.weights.transformers_folder import find_transformers_folder

    folder = replace(find_transformers_folder(str(path), pickles=True), name=name)
    if kind == "writer":
        from impasto.language.text_model import load_text_model as load

        return load(folder)
    if kind == "encoder":
        from impasto.language.text_vectors import TextVectors

        return TextVectors(folder)
    from impasto.language.token_classifier import TokenClassifier
    from impasto.prompts.entities import check_labels

    recogniser = TokenClassifier(folder)
    check_labels(recogniser.name, recogniser.labels)
    return recogniser


def load_encoder(name: str) -> "tuple[Embed, UsedModel]":
    """Loads e(.) of equation 20: MiniLM, or another encoder of texts such as T5's.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, or it cannot be loaded; the message names the option.
    """
    if name == MINILM:
        from impasto.prompts.expansion.sentence_vectors import sentence_vectors

        return sentence_vectors, UsedModel("encoder", "all-MiniLM-L6-v2")
    with naming_option("encoder"):
        folder = find_language_model(name)
        vectors = _model_in(folder.path.resolve(), folder.name, "encoder")
        return vectors.vectors, UsedModel("encoder", folder.name, folder.identity)


def load_recogniser(name: str) -> "tuple[Recogniser, UsedModel]":
    """Loads what finds places, times and people: spaCy's recogniser, or a token classifier such as BERT-NER.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, it cannot be loaded, or it labels neither places nor
            times; the message names the option.
    """
    if name == SPACY:
        from impasto.prompts.entities import spacy_recogniser

        return spacy_recogniser(), UsedModel("ner", spacy_recogniser().name)
    with naming_option("ner"):
        folder = find_language_model(name)
        recogniser = _model_in(folder.path.resolve(), folder.name, "ner")
        return recogniser, UsedModel("ner", folder.name, folder.identity)


@contextmanager
def naming_option(role: str) -> Iterator[None]:
    """Names the option in the message of an error."""
    try:
        yield
    except ImpastoError as error:
        raise type(error)(f"--{role}: {error}") from None

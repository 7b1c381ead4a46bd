"""The settings of prompt expansion in one file: parameters of equation 20, models by role, numbers of candidates."""

import difflib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically
from impasto.prompts.expansion.term_table import MIN_DF, TFIDF, USUAL_TFIDF

AUTO, SMALL, OFF = "auto", "smollm2", "off"
MINILM, SPACY, BUILTIN = "minilm", "spacy", "builtin"
_SUFFIXES = (".toml", ".json")
# What each key means, for the written file.
ABOUT = {
    "tfidf": f"how the TF-IDF weights of a text's words become one number: {', '.join(TFIDF)}",
    "min_df": "words in a smaller share of the table's texts weigh nothing, 0 .. 1",
    "terms": 'a table by `impasto knowledge terms`; "" for the built-in one',
    "lambda1": "the weight of the cosine in equation 20 of wu2022",
    "lambda2": "the weight of each place and time",
    "most_entities": "places and times that count at most",
    "candidates": "texts that each language model writes for a prompt",
    "sentences": "sentences of looked-up articles that are considered at most",
    "articles": "articles of an index that are looked up for a text at most",
    "index": 'a folder by `impasto knowledge build`, searched besides the handbook; "" for none',
    "continuation": "continues the prompt: auto (T5 if it is here, else smollm2), smollm2, t5-base, a folder, off",
    "dialogue": "answers the prompt: auto (DialoGPT if it is here, else smollm2), smollm2, dialogpt, a folder, off",
    "encoder": "e(.) of the cosine: minilm, t5-base, a folder or a hub name",
    "ner": "finds places and times: spacy, bert, a folder or a hub name",
    "prompt_model": "continues the prompt for wang2023: builtin, gpt2, a folder or a hub name",
}
_PATHS = ("terms", "index")
_MODELS = ("continuation", "dialogue", "encoder", "ner", "prompt_model")


@dataclass(frozen=True)
class ExpansionSettings:
    """How prompts are expanded. Paths and names are text, so that the settings can be written to a file.

    Attributes:
        tfidf: how TFIDF(v) of equation 20 is computed; a name of `term_table.TFIDF`.
        min_df: words in a smaller share of the table's texts weigh nothing, 0 .. 1.
        terms: a term table by `impasto knowledge terms`; "" for the built-in one.
        lambda1: weight of the cosine, 0 .. 100.
        lambda2: weight of each place and time (section 3 of wu2022, below equation 20), 0 .. 100.
        most_entities: how many places and times count at most, 0 .. 1000.
        candidates: number of texts that each language model of wu2022 writes, 1 .. 100.
        sentences: maximum number of sentences of looked-up articles, 0 .. 10,000.
        articles: maximum number of articles that are looked up for a text in each index, 1 .. 100.
        index: a folder by `impasto knowledge build`; "" for none.
        continuation, dialogue: "auto", "smollm2", "off", a short name, a folder, a hub name, or a GGUF file.
        encoder: e(.) of equation 20: "minilm", a short name, a folder or a hub name.
        ner: "spacy", "bert", a folder or a hub name.
        prompt_model: for wang2023: "builtin", "gpt2", a folder or a hub name.

    Raises:
        UsageError: a value is of the wrong type or out of its range; the message names it.
    """

    tfidf: str = USUAL_TFIDF
    min_df: float = MIN_DF
    terms: str = ""
    lambda1: float = 1.0
    lambda2: float = 0.1
    most_entities: int = 3
    candidates: int = 4
    sentences: int = 80
    articles: int = 4
    index: str = ""
    continuation: str = AUTO
    dialogue: str = AUTO
    encoder: str = MINILM
    ner: str = SPACY
    prompt_model: str = BUILTIN

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Path):
                value = str(value)
            if isinstance(field.default, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            object.__setattr__(self, field.name, value)
            if type(value) is not type(field.default):
                kind = {str: "a text", int: "a whole number", float: "a number"}[type(field.default)]
                raise UsageError(f"{field.name} {value!r}: give {kind}")
        if self.tfidf not in TFIDF:
            raise UsageError(f"tfidf {self.tfidf!r}: use {', '.join(TFIDF)}")
        ranges = {
            "min_df": (0, 1), "lambda1": (0, 100), "lambda2": (0, 100), "most_entities": (0, 1000), "candidates": (1, 100),
            "sentences": (0, 10_000), "articles": (1, 100),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not math.isfinite(value) or not least <= value <= most:
                raise UsageError(f"{name} {value}: use {least} to {most}")
        for name in _MODELS:
            if not getattr(self, name).strip():
                default = next(field.default for field in fields(self) if field.name == name)
                raise UsageError(f"{name} is empty: name a model, or use {default}")

    def with_changes(self, **changes: Any) -> Self:
        """Returns the settings with the values that are not None.

        Raises:
            UsageError: see the class.
        """
        for name in changes:
            if name not in ABOUT:
                raise UsageError(_unknown(name))
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def differing(self) -> dict[str, Any]:
        """Returns the settings that differ from the defaults, by name."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a TOML or JSON file; keys that are left out have their defaults.

        Keys may be written with "-" or "_". Folders and files in it are relative to the file's folder.

        Raises:
            UsageError: there is no such file, a key is unknown (the nearest one is named), or a value is out of its range.
            ImpastoError: the file cannot be read.
        """
        if path.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"{path}: settings of expansion are read from .toml or .json")
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file")
        try:
            text = path.read_text("utf-8-sig")
            content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise ImpastoError(f"{path} cannot be read: {(str(error).splitlines() or [type(error).__name__])[0]}") from None
        if not isinstance(content, dict):
            raise ImpastoError(f"{path} holds no settings: write names and values, as --write-config does")
        try:
            return cls(**_known(content, path.resolve().parent))
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None

    def write(self, path: Path) -> None:
        """Writes all settings, as TOML with a comment for each, or as JSON; the same settings give the same bytes.

        Paths in them are written absolute.

        Raises:
            UsageError: the name ends in neither .toml nor .json, or its folder does not exist.
            ImpastoError: the file cannot be written.
        """
        if path.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"{path}: settings of expansion are written to .toml or .json")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}")
        values = asdict(self)
        for name in (*_PATHS, *_MODELS):
            if values[name] and Path(values[name]).expanduser().exists():
                values[name] = str(Path(values[name]).expanduser().resolve())
        if path.suffix.lower() == ".json":
            text = json.dumps(values, indent=1, ensure_ascii=False)
        else:
            # A JSON text is a TOML basic string, except for the escape of a surrogate pair, which ensure_ascii would write.
            rows = [f"# {ABOUT[name]}\n{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
            text = "\n".join(["# Settings of `impasto expand`, for --expansion-config.", *rows])
        try:
            write_atomically(path, f"{text}\n".encode())
        except OSError as error:
            raise ImpastoError(f"{path} cannot be written: {error.strerror}") from None


def settings_from(config: Path | None, **changes: Any) -> ExpansionSettings:
    """Returns the settings of a file, or the defaults, with the values of `changes` that are not None.

    Raises:
        UsageError, ImpastoError: see `ExpansionSettings.read`.
    """
    settings = ExpansionSettings() if config is None else ExpansionSettings.read(Path(config).expanduser())
    return settings.with_changes(**changes)


def _known(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Returns the values by the names of the settings.

    Raises:
        UsageError: a key is unknown, or given twice.
    """
    values: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key).strip().replace("-", "_")
        if name not in ABOUT:
            inside = f" with {', '.join(map(str, value))}" if isinstance(value, dict) and value else ""
            if isinstance(value, dict) and any(str(part).replace("-", "_") in ABOUT for part in value):
                raise UsageError(f"there is no part [{key}]{inside}: write its keys without a part")
            raise UsageError(_unknown(str(key)))
        if name in values:
            raise UsageError(f"{name} is given twice, with - and with _")
        if isinstance(value, str) and value and name in (*_PATHS, *_MODELS):
            beside = folder / Path(value).expanduser()
            if name in _PATHS or beside.exists():
                value = str(beside)
        values[name] = value
    return values


def _unknown(key: str) -> str:
    """Returns the message for a setting that does not exist."""
    near = difflib.get_close_matches(key.strip().replace("-", "_").casefold(), ABOUT, 1, 0)[0]
    return f"there is no setting {key!r}: the nearest is {near}; all are {', '.join(ABOUT)}"

"""The prompt model of wang2023 (section 3.3): a language model trained on people's prompts continues a prompt.

It is the built-in LoRA of SmolLM2, a folder by `impasto train prompt-model`, or a model of transformers such as GPT-2.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.language.find_model import is_model_name
from impasto.language.smollm2 import smollm2_file
from impasto.prompts.expansion.models import check_text_model, load_text_model
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.expansion.proposers.small_model import WROTE_NOTHING, SmallModel
from impasto.prompts.expansion.settings import BUILTIN

if TYPE_CHECKING:
    from impasto.language.text_model import TextModel

TOKENS = 60
_LEAST_WORDS = 3
_ADAPTER = "adapter.gguf"
_SHIPPED = Path(__file__).parents[1] / "prompt_model" / _ADAPTER
# The last part of a continuation, which is removed if the text was cut off.
_LAST_PART = re.compile(r"[,;.][^,;.]*$")


class Continues(Protocol):
    """The interface of a model that continues a text."""

    def go_on(self, text: str, *, seed: int, count: int, tokens: int) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... a continuation of `text`, and whether the model ended it.

        Each continuation has at most `tokens` tokens.
        """
        ...


class PromptWriter:
    """Proposes a prompt model's continuations of the prompt. Each seed gives another text; the same seed gives the same."""

    name = "wang2023"

    def __init__(self, model: Continues, by: str = "") -> None:
        """`by`: the model's name, for the candidates' source."""
        self._model, self._source = model, f"{self.name}: {by}" if by else self.name
        self.discarded: list[tuple[Candidate, str]] = []  # of the last `propose`; see `discarded_by`

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """Returns continuations, including the comma or space that they begin with; fewer than `count` if some are empty.

        Many people's prompts end where this one does, and then the model ends it too. If it writes less than three words, it
        continues the prompt again after a comma.
        """
        found = self._written(prompt, count, seed)
        if any(len(text.split()) < _LEAST_WORDS for text in found):
            behind_comma = self._written(f"{prompt.rstrip(' ,;.')},", count, seed)
            found = [
                text if len(text.split()) >= _LEAST_WORDS else self._with_comma(prompt, other)
                for text, other in zip(found, behind_comma, strict=True)
            ]
        self.discarded = [(Candidate("", self._source), WROTE_NOTHING) for text in found if not text]
        return [Candidate(text, self._source) for text in found if text]

    def _written(self, given: str, count: int, seed: int) -> list[str]:
        texts = self._model.go_on(given, seed=seed, count=count, tokens=TOKENS)
        return [continuation(given, written, ended=ended) for written, ended in texts]

    @staticmethod
    def _with_comma(prompt: str, text: str) -> str:
        return f", {text.lstrip(' ,;')}" if text and prompt.rstrip()[-1:] not in (",", ";", ".") else text


def continuation(prompt: str, written: str, *, ended: bool) -> str:
    """Returns the usable part of a continuation: its first line, without a part that was cut off, after ", " or " ".

    Letters directly after the prompt's last word would change the user's word, so they are removed.
    """
    line = written.split("\n")[0]
    if prompt[-1:].isalnum():
        line = re.sub(r"^[\w'’]+", "", line)
    if not ended:
        cut = _LAST_PART.sub("", line)
        line = cut if cut != line else line.rpartition(" ")[0]
    body = " ".join(line.strip(" ,;:.").split())
    if not body:
        return ""
    comma = line.lstrip()[:1] in (",", ";", ".", ":") and prompt.rstrip()[-1:] not in (",", ";", ".", ":")
    return f", {body}" if comma else f" {body}"


@cache
def load_lora_model(folder: Path) -> "TextModel":
    """Loads a LoRA that peft saved, on its base model.

    Raises:
        MissingPart: peft is not installed.
        ImpastoError: the folder, or its base model, cannot be read.
    """
    from transformers import AutoTokenizer

    from impasto.language.text_model import TextModel

    try:
        base = json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"]
        try:
            kind: Any = import_module("peft").AutoPeftModelForCausalLM
        except ImportError:
            raise MissingPart("this prompt model is a LoRA: pip install 'impasto[prompt-model]'") from None
        model: Any = kind.from_pretrained(folder, local_files_only=True).eval()
        tokenizer: Any = AutoTokenizer.from_pretrained(Path(base), local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ImpastoError(f"{folder} cannot be read as a prompt model: {reason}") from None
    return TextModel(model, tokenizer, folder.resolve().name)


def check_prompt_model(name: str | Path | None = None) -> None:
    """Checks that a prompt model is here and of the right kind, by names and its config.json; loads nothing.

    A hub name that is not in the Hugging Face cache passes: it is downloaded when it is loaded.

    Raises:
        UsageError: there is no such folder or name.
        MissingPart, ImpastoError: the folder contains no prompt model, or only a part of one.
    """
    if name is None or str(name) == BUILTIN:
        return
    folder = Path(name).expanduser()
    if folder.suffix.lower() == ".gguf" and folder.is_file():
        return
    if not folder.is_dir() and not is_model_name(str(name)):
        raise UsageError(
            f"prompt model {name}: there is no such folder or GGUF file, and it is no short name such as gpt2 or hub name"
        )
    if (folder / _ADAPTER).is_file() or (folder / "adapter_config.json").is_file():
        return
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise ImpastoError(
            f"{folder} holds no prompt model: give the folder that `impasto train prompt-model` wrote, the folder of a GPT-2"
            " (config.json, weights and tokenizer), or a name such as gpt2"
        )
    check_text_model(str(name))


def is_llama_cpp(name: str | Path | None) -> bool:
    """Returns whether a prompt model is a LoRA of SmolLM2 for llama.cpp, so that loading it imports no torch."""
    return name is None or str(name) == BUILTIN or (Path(name).expanduser() / _ADAPTER).is_file()


def load_prompt_model(name: str | Path | None = None) -> Continues:
    """Loads the built-in prompt model, one that `impasto train prompt-model` wrote into a folder, or one of transformers.

    Args:
        name: a folder, a hub name, a short name such as "gpt2", or a GGUF file; None or "builtin" for the built-in model.

    Raises:
        UsageError: there is no such folder or name.
        MissingPart: llama.cpp, SmolLM2's file, or peft is not installed; the model is not on this machine.
        ImpastoError: the folder contains no prompt model.
    """
    if name is None or str(name) == BUILTIN:
        if not _SHIPPED.is_file():
            raise MissingPart("this installation has no prompt model: train one with `impasto train prompt-model`")
        return _adapted(_SHIPPED)
    check_prompt_model(name)
    folder = Path(name).expanduser()
    if (folder / _ADAPTER).is_file():
        return _adapted(folder / _ADAPTER)
    if (folder / "adapter_config.json").is_file():
        return load_lora_model(folder)
    return load_text_model(str(folder) if folder.exists() else str(name))[0]


@cache
def _adapted(adapter: Path) -> SmallModel:
    """SmolLM2 with a LoRA, which is loaded once: merged, or beside it where there is no room for the merged file."""
    from impasto.language.merged_gguf import merged_model

    model = smollm2_file()
    merged = merged_model(model, adapter)
    return SmallModel(model, adapter=adapter, many=True) if merged is None else SmallModel(merged, many=True)


def prompt_model_name(name: str | Path | None) -> str:
    """Returns the name by which a prompt model is recorded; "" for the built-in one."""
    return "" if name is None or str(name) == BUILTIN else Path(name).expanduser().name

"""The prompt model of wang2023 (section 3.3): a language model trained on people's prompts continues a prompt."""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.language.smollm2 import smollm2_file
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.expansion.proposers.small_model import SmallModel

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

    def __init__(self, model: Continues) -> None:
        self._model = model

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
        return [Candidate(text, self.name) for text in found if text]

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


class TransformersModel:
    """A prompt model in transformers' or peft's layout, for base models that are not used through llama.cpp.

    Raises:
        MissingPart: the folder contains a LoRA and peft is not installed.
        ImpastoError: transformers cannot read the model.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        kind: Any = AutoModelForCausalLM
        base = folder
        try:
            if (folder / "adapter_config.json").is_file():
                base = Path(json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"])
                try:
                    kind = import_module("peft").AutoPeftModelForCausalLM
                except ImportError:
                    raise MissingPart("this prompt model is a LoRA: pip install 'impasto[prompt-model]'") from None
            self._model: Any = kind.from_pretrained(folder, local_files_only=True).eval()
            self._tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ImpastoError(f"{folder} cannot be read as a prompt model: {reason}") from None

    def go_on(self, text: str, *, seed: int, count: int, tokens: int) -> list[tuple[str, bool]]:
        """See `Continues.go_on`."""
        import torch

        given = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        found = []
        for number in range(seed, seed + count):
            with torch.random.fork_rng(devices=[]), torch.inference_mode():
                torch.manual_seed(number)
                made = self._model.generate(
                    **given, max_new_tokens=tokens, do_sample=True, top_p=0.95, temperature=0.8, repetition_penalty=1.1
                )
            new = made[0, given["input_ids"].shape[1] :]
            ended = int(new[-1]) == self._tokenizer.eos_token_id
            found.append((self._tokenizer.decode(new, skip_special_tokens=True), ended))
        return found


@cache
def load_prompt_model(folder: Path | None = None) -> Continues:
    """Loads the built-in prompt model, or one that `impasto train prompt-model` wrote into a folder.

    Raises:
        UsageError: there is no such folder.
        MissingPart: llama.cpp, SmolLM2's file, or peft is not installed.
        ImpastoError: the folder contains no prompt model.
    """
    if folder is None:
        if not _SHIPPED.is_file():
            raise MissingPart("this installation has no prompt model: train one with `impasto train prompt-model`")
        return SmallModel(smollm2_file(), adapter=_SHIPPED)
    if not folder.is_dir():
        raise UsageError(f"--model {folder}: there is no such folder")
    if (folder / _ADAPTER).is_file():
        return SmallModel(smollm2_file(), adapter=folder / _ADAPTER)
    if not any((folder / name).is_file() for name in ("adapter_config.json", "config.json")):
        raise ImpastoError(f"{folder} holds no prompt model: give the folder that `impasto train prompt-model` wrote")
    return TransformersModel(folder)

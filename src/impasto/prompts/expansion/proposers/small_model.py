"""A small language model that writes on a laptop: SmolLM2-135M-Instruct through llama.cpp.

It stands where wu2022 has T5 (continuation) and DialoGPT (dialogue) when those are not on the machine.
"""

import os
import secrets
import socket
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, MissingPart
from impasto.language.smollm2 import smollm2_file
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.knowledge.handbook import split_sentences

# As many texts are written side by side, each in its own share of the context: in a shared one what was written before
# would change the order of sums, and so the words.
_LANES, _CONTEXT = 4, 4 * 1024


class SmallModel:
    """A GGUF model, with a LoRA adapter if one is given. The same text and seed give the same answer.

    Raises:
        MissingPart: llama.cpp is not installed.
        ImpastoError: a file is not what llama.cpp can read.
    """

    def __init__(self, path: Path, *, adapter: Path | None = None, threads: int | None = None) -> None:
        try:
            library: Any = import_module("xllamacpp")  # its stubs leave out what is used here
        except ImportError:
            raise MissingPart("the small language model needs llama.cpp: pip install 'impasto[expand]'") from None
        for file in (path, *([adapter] if adapter is not None else [])):
            with file.open("rb") as opened:
                if opened.read(4) != b"GGUF":
                    raise ImpastoError(f"{file} is not a GGUF file")
        parameters: Any = library.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel, parameters.kv_unified = _CONTEXT, _LANES, False
        parameters.cpuparams.n_threads = threads or len(os.sched_getaffinity(0))
        parameters.n_gpu_layers, parameters.warmup, parameters.offline, parameters.verbosity = 0, False, True, -1
        if adapter is not None:
            lora: Any = library.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), 1.0
            parameters.lora_adapters = [lora]
        # llama.cpp's server insists on an address to listen on. It gets one that is gone when it has begun, and a key that
        # nobody knows: no network, and nobody else's prompts.
        parameters.api_keys = [secrets.token_hex()]
        # A socket's path has room for some hundred bytes: a long TMPDIR is not for it.
        short = "/tmp" if len(os.fsencode(tempfile.gettempdir())) > 80 else None
        with tempfile.TemporaryDirectory(dir=short) as folder:
            if hasattr(socket, "AF_UNIX"):
                parameters.hostnames = [str(Path(folder) / "model.sock")]
            try:
                self._server: Any = library.Server(parameters)
            except RuntimeError as error:
                raise ImpastoError(f"{path} is not a model that llama.cpp can read: {error}") from None

    def go_on(
        self, text: str, *, seed: int, count: int, tokens: int, whole: bool = False, stop: Sequence[str] = ()
    ) -> list[tuple[str, bool]]:
        """For each of the seeds `seed`, `seed` + 1, ... what follows `text`, and whether the model ended it by itself.

        `whole`: all `tokens` tokens, whatever the model would end with. `stop`: none is written, and nothing behind it.
        """
        found = []
        for first in range(0, count, _LANES):
            order = _order(seed + first, tokens, prompt=text, ignore_eos=whole, stop=list(stop))
            found += [(choice["text"], _ended(choice)) for choice in _choices(self._server.handle_completions(order))]
        return found[:count]

    def answer(
        self, system: str, question: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()
    ) -> list[tuple[str, bool]]:
        """For each of the seeds `seed`, `seed` + 1, ... what the model answers in its chat template, and whether it ended.

        `stop`: see `go_on`.
        """
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        found = []
        for first in range(0, count, _LANES):
            order = _order(seed + first, tokens, messages=messages, stop=list(stop))
            choices = _choices(self._server.handle_chat_completions(order))
            found += [(choice["message"]["content"], _ended(choice)) for choice in choices]
        return found[:count]


def _order(seed: int, tokens: int, **what: Any) -> dict[str, Any]:
    return {
        **what,
        # Always as many texts side by side: with fewer the last digits, and so the words, could differ.
        "n": _LANES,
        "max_tokens": tokens,
        "seed": seed % 2**31,  # llama.cpp gives the texts this seed and the ones after it
        "temperature": 0.8,
        "top_p": 0.95,
        "repeat_penalty": 1.1,
        "cache_prompt": False,  # for the same reason as `n`
    }


def _choices(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, dict) or "choices" not in answer:
        raise ImpastoError(f"the small language model gave no answer: {str(answer)[:120]}")
    return sorted(answer["choices"], key=lambda choice: choice["index"])


def _ended(choice: dict[str, Any]) -> bool:
    return choice.get("finish_reason") == "stop"


@cache
def small_model() -> SmallModel:
    """SmolLM2, loaded once."""
    return SmallModel(smollm2_file())


# Behind its first sentence nothing of a text is used, so nothing is written there.
_SENTENCE_ENDS = (". ", ".\n", "\n")


def _first_sentence(text: str, ended: bool) -> str:
    """The first sentence of a text, "" where the model was cut off in it. The stop that ended the text is not in it."""
    first = next(iter(split_sentences(text.strip())), "")
    if ended and first and not first.endswith((".", "!", "?")):
        return f"{first}."
    return first if first.endswith((".", "!", "?")) else ""


class ContinuationProposer:
    """The prompt as a prefix that the model writes on from (T5's part in wu2022)."""

    name = "continuation"

    def __init__(self, model: SmallModel) -> None:
        self._model = model

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """One candidate for each of the seeds `seed`, `seed` + 1, ..., without those that broke off."""
        texts = self._model.go_on(f"The painting shows {prompt}:", seed=seed, count=count, tokens=40, stop=_SENTENCE_ENDS)
        written = (_first_sentence(text, ended) for text, ended in texts)
        return [Candidate(text, self.name) for text in written if text]


class DialogueProposer:
    """The prompt as what somebody says, the model's answer as candidate (DialoGPT's part in wu2022)."""

    name = "dialogue"
    _SYSTEM = "You describe what can be seen in a picture, in one plain sentence that names places, things, light and time."

    def __init__(self, model: SmallModel) -> None:
        self._model = model

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """One candidate for each of the seeds `seed`, `seed` + 1, ..., without those that broke off."""
        texts = self._model.answer(self._SYSTEM, f"{prompt}.", seed=seed, count=count, tokens=40, stop=_SENTENCE_ENDS)
        written = (_first_sentence(text, ended) for text, ended in texts)
        return [Candidate(text, self.name) for text in written if text]

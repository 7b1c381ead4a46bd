"""A small language model that runs on a laptop, SmolLM2-135M-Instruct with llama.cpp, and its proposers.

It takes the place of T5 (continuation) and DialoGPT (dialogue) in wu2022 when those are not on the machine;
`impasto.prompts.expansion.models` decides. The proposers here work with any of them.
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
from impasto.prompts.expansion.proposers.models import Writes
from impasto.prompts.knowledge.sentences import split_sentences
from impasto.settings import threads_that_wait

# Number of texts generated in parallel, each in its own part of the context, of so many tokens: in a shared context, earlier
# texts would change the order of sums, and so the words. Eight take a fifth less time a text than twice four.
_FEW, _MANY, _CONTEXT = 4, 8, 1024


class SmallModel:
    """A GGUF language model, with a LoRA adapter if one is given. The same text and seed give the same answer.

    Raises:
        MissingPart: llama.cpp is not installed.
        ImpastoError: llama.cpp cannot read a file.
    """

    def __init__(
        self, path: Path, *, adapter: Path | None = None, threads: int | None = None, many: bool = False
    ) -> None:
        """`many`: more than four texts are often asked for; they are then generated eight at a time."""
        self._most = _MANY if many else _FEW
        try:
            library: Any = import_module("xllamacpp")  # its stubs lack what is used here
        except ImportError:
            raise MissingPart("the small language model needs llama.cpp: pip install 'impasto[expand]'") from None
        for file in (path, *([adapter] if adapter is not None else [])):
            with file.open("rb") as opened:
                if opened.read(4) != b"GGUF":
                    raise ImpastoError(f"{file} is not a GGUF file")
        parameters: Any = library.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel, parameters.kv_unified = self._most * _CONTEXT, self._most, False
        parameters.cpuparams.n_threads = threads or threads_that_wait()
        parameters.n_gpu_layers, parameters.warmup, parameters.offline, parameters.verbosity = 0, False, True, -1
        parameters.fit_params = False  # it would read the file once more, to fit the model into a GPU
        if adapter is not None:
            lora: Any = library.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), 1.0
            parameters.lora_adapters = [lora]
        # llama.cpp's server needs an address to listen on. It gets a socket that is deleted once it runs, and a random
        # secret key: no network, and no prompts from others.
        parameters.api_keys = [secrets.token_hex()]
        # A socket's path is limited to some hundred bytes, so a long TMPDIR is not used.
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
        """Returns for each of the seeds `seed`, `seed` + 1, ... a continuation of `text`, and whether the model ended it.

        `whole`: always write all `tokens` tokens, ignoring the end token. `stop`: strings that end the text and are not
        part of it.
        """
        found = []
        lanes = self._lanes(count)
        for first in range(0, count, lanes):
            order = _order(lanes, seed + first, tokens, prompt=text, ignore_eos=whole, stop=list(stop))
            found += [(choice["text"], _ended(choice)) for choice in _choices(self._server.handle_completions(order))]
        return found[:count]

    def answer(
        self, system: str, question: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()
    ) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... the chat model's answer, and whether the model ended it.

        The question is formatted by the model's chat template.

        `stop`: see `go_on`.
        """
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        found = []
        lanes = self._lanes(count)
        for first in range(0, count, lanes):
            order = _order(lanes, seed + first, tokens, messages=messages, stop=list(stop))
            choices = _choices(self._server.handle_chat_completions(order))
            found += [(choice["message"]["content"], _ended(choice)) for choice in choices]
        return found[:count]

    def _lanes(self, count: int) -> int:
        return _FEW if count <= _FEW else self._most


def _order(lanes: int, seed: int, tokens: int, **what: Any) -> dict[str, Any]:
    return {
        **what,
        # Never fewer texts in parallel: with fewer the last digits, and so the words, could differ.
        "n": lanes,
        "max_tokens": tokens,
        "seed": seed % 2**31,  # llama.cpp uses this seed and the following ones for the texts
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
    """Returns SmolLM2, which is loaded only once."""
    return SmallModel(smollm2_file())


# Only the first sentence of a text is used, so generation stops after it.
_SENTENCE_ENDS = (". ", ".\n", "\n")


def _first_sentence(text: str, ended: bool) -> str:
    """Returns the first sentence of a text, or "" if the text was cut off in it. `text` does not contain the stop string."""
    first = next(iter(split_sentences(text.strip())), "")
    if ended and first and not first.endswith((".", "!", "?")):
        return f"{first}."
    return first if first.endswith((".", "!", "?")) else ""


WROTE_NOTHING, CUT_OFF = "wrote nothing", "cut off before its first sentence ended"


def _first_sentences(
    texts: Sequence[tuple[str, bool]], source: str
) -> tuple[list[Candidate], list[tuple[Candidate, str]]]:
    """Returns the first sentences of what a model wrote, and the texts without a whole one, each with the reason."""
    found: list[Candidate] = []
    discarded: list[tuple[Candidate, str]] = []
    for text, ended in texts:
        first, whole = _first_sentence(text, ended), " ".join(text.split())
        if first:
            found.append(Candidate(first, source))
        else:
            discarded.append((Candidate(whole, source), CUT_OFF if whole else WROTE_NOTHING))
    return found, discarded


PREFIX = "The painting shows {}:"  # what a model continues; wu2022 gives it the prompt alone


class ContinuationProposer:
    """Proposes continuations of a text with the prompt as prefix (T5 in wu2022)."""

    name = "continuation"

    def __init__(self, model: Writes, by: str = "") -> None:
        """`by`: the model's name, for the candidates' source."""
        self._model, self._source = model, f"{self.name}: {by}" if by else self.name
        self.discarded: list[tuple[Candidate, str]] = []  # of the last `propose`; see `discarded_by`

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """Returns one candidate for each of the seeds `seed`, `seed` + 1, ..., without texts that were cut off."""
        texts = self._model.go_on(PREFIX.format(prompt), seed=seed, count=count, tokens=40, stop=_SENTENCE_ENDS)
        found, self.discarded = _first_sentences(texts, self._source)
        return found


class DialogueProposer:
    """Proposes the model's answers to the prompt as a query (DialoGPT in wu2022)."""

    name = "dialogue"
    _SYSTEM = "You describe what can be seen in a picture, in one plain sentence that names places, things, light and time."

    def __init__(self, model: Writes, by: str = "") -> None:
        """`by`: the model's name, for the candidates' source."""
        self._model, self._source = model, f"{self.name}: {by}" if by else self.name
        self.discarded: list[tuple[Candidate, str]] = []  # of the last `propose`; see `discarded_by`

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """Returns one candidate for each of the seeds `seed`, `seed` + 1, ..., without texts that were cut off."""
        texts = self._model.answer(self._SYSTEM, f"{prompt}.", seed=seed, count=count, tokens=40, stop=_SENTENCE_ENDS)
        found, self.discarded = _first_sentences(texts, self._source)
        return found

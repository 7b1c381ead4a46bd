"""Language models of transformers that write texts: causal ones (GPT-2, DialoGPT) and encoder-decoders (T5)."""

import re
from collections.abc import Sequence
from typing import Any

import torch

from impasto.language.find_model import reading_a_text
from impasto.weights.transformers_folder import (
    TransformersFolder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

# Span-corruption models of T5's kind fill a gap; those that were trained further to continue or to answer do not.
_INFILLING = ("t5", "mt5", "umt5", "longt5")
_CONTINUING = re.compile(r"lm[-_]?adapt|flan|t0|instruct", re.IGNORECASE)
_GAP, _AFTER_GAP = "<extra_id_0>", "<extra_id_1>"
_LEAST_FILLING = 8  # tokens: the gaps that T5 learned to fill have three on average, which is no sentence
_SAMPLING: dict[str, Any] = {"do_sample": True, "top_p": 0.95, "temperature": 0.8, "repetition_penalty": 1.1}


class TextModel:
    """A language model with its tokenizer. The same text and seed give the same continuation on the same machine.

    Attributes:
        name: the last part of its hub name, or its folder's name.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str = "") -> None:
        self.name = name
        self._model, self._tokenizer = model, tokenizer
        self._is_encoder_decoder = bool(model.config.is_encoder_decoder)
        known = str(getattr(model.config, "_name_or_path", ""))
        fills = model.config.model_type in _INFILLING and not _CONTINUING.search(f"{name} {known}")
        self._gap = self._marks() if self._is_encoder_decoder and fills else None

    def _marks(self) -> tuple[int, int] | None:
        """The tokens around T5's first gap; None if its tokenizer has none."""
        vocabulary = self._tokenizer.get_vocab()
        return (vocabulary[_GAP], vocabulary[_AFTER_GAP]) if _GAP in vocabulary and _AFTER_GAP in vocabulary else None

    def go_on(self, text: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... a continuation of `text`, and whether the model ended it.

        T5 (Raffel et al. 2019) learned to fill gaps: `text` is the prefix, and a gap after it is filled.

        Args:
            tokens: maximum number of tokens of a continuation.
            stop: strings that end the text and are not part of it.
        """
        if self._gap is None:
            return self._write(self._ids(text, tokens), seed, count, tokens, stop)
        return self._write(self._ids(f"{text} {_GAP}", tokens, special=True), seed, count, tokens, stop, self._gap)

    def answer(
        self, system: str, question: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()
    ) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... an answer, and whether the model ended it.

        The question goes through the model's chat template, and `system` too if the template has a place for it. Without a
        template, the question is followed by the end of a turn, as DialoGPT (Zhang et al. 2019) was trained.

        Args:
            tokens, stop: see `go_on`.
        """
        template = getattr(self._tokenizer, "chat_template", None)
        if self._is_encoder_decoder or not template:
            end = "" if self._is_encoder_decoder else self._tokenizer.eos_token or ""
            return self._write(self._ids(f"{question}{end}", tokens), seed, count, tokens, stop)
        messages = [{"role": "user", "content": question}]
        if "system" in str(template):
            messages.insert(0, {"role": "system", "content": system})
        asked = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return self._write(self._ids(asked, tokens), seed, count, tokens, stop)

    def _ids(self, text: str, tokens: int, *, special: bool | None = None) -> torch.Tensor:
        """The text's tokens [1, n], so many of its last ones that `tokens` more fit into the model."""
        special = self._is_encoder_decoder if special is None else special
        with reading_a_text(self.name):
            ids = self._tokenizer(text, return_tensors="pt", add_special_tokens=special)["input_ids"].long()
        config = self._model.config
        places = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
        if isinstance(places, int) and config.model_type not in _INFILLING:  # T5's positions are relative
            ids = ids[:, -max(1, places - (0 if self._is_encoder_decoder else tokens)) :]
        if ids.shape[1] == 0:
            ids = torch.tensor([[self._begin()]])
        return ids.to(next(self._model.parameters()).device)

    def _begin(self) -> int:
        """The token with which a text begins: the decoder's, or that of a tokenizer without words for the text."""
        tokenizer, config = self._tokenizer, self._model.config
        known = [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id]
        if self._is_encoder_decoder:
            known = [getattr(config, name, None) for name in ("decoder_start_token_id", "pad_token_id")] + known
        return next((int(token) for token in known if isinstance(token, int) and token < config.vocab_size), 0)

    def _write(
        self,
        ids: torch.Tensor,
        seed: int,
        count: int,
        tokens: int,
        stop: Sequence[str],
        gap: tuple[int, int] | None = None,
    ) -> list[tuple[str, bool]]:
        settings: dict[str, Any] = {**_SAMPLING, "max_new_tokens": tokens}
        end = self._tokenizer.eos_token_id
        ends = [] if end is None else [int(end)]
        if end is not None:
            settings["eos_token_id"] = ends
            settings["pad_token_id"] = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else end
        start = 0 if self._is_encoder_decoder else ids.shape[1]
        begin = self._begin()
        if self._is_encoder_decoder:
            settings["decoder_start_token_id"] = begin
        if gap is not None:
            ends.append(gap[1])
            settings |= {
                "decoder_input_ids": torch.tensor([[begin, gap[0]]], device=ids.device), "eos_token_id": ends,
                "min_new_tokens": min(_LEAST_FILLING, tokens),
            }  # fmt: skip
            start = 2
        found = []
        for number in range(seed, seed + count):
            with torch.random.fork_rng(devices=[]), torch.inference_mode(), quietly(), reading_a_text(self.name):
                torch.manual_seed(number % 2**63)
                made = self._model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
            new = made[0, start:]
            ended = len(new) > 0 and int(new[-1]) in ends
            found.append(_cut(self._tokenizer.decode(new, skip_special_tokens=True), stop, ended))
        return found


def _cut(text: str, stop: Sequence[str], ended: bool) -> tuple[str, bool]:
    places = [place for mark in stop if (place := text.find(mark)) >= 0]
    return (text[: min(places)], True) if places else (text, ended)


def load_text_model(folder: TransformersFolder, what: str = "a language model that writes texts") -> TextModel:
    """Loads a causal language model or an encoder-decoder, in fp32 on the CPU.

    Raises:
        MissingPart, ImpastoError: the folder holds another kind of model, or is broken.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind: Any = AutoModelForSeq2SeqLM if folder.config.get("is_encoder_decoder") else AutoModelForCausalLM
    model = load_transformers_model(folder, kind, what, torch.device("cpu"), torch.float32)
    tokenizer: Any = load_transformers_part(folder, _tokenizer_kind(), what)
    return TextModel(model, tokenizer, folder.name)


def _tokenizer_kind() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer

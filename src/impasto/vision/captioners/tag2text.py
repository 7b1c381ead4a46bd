"""Tag2Text (Huang et al. 2023a) as a captioner: it captions a picture with its tags, as wang2023 does (section 4.1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from impasto.errors import ImpastoError
from impasto.language.minilm import minilm_folder
from impasto.vision.captioners.interface import clean_caption
from impasto.vision.recognize_anything.model import RecognizeAnything
from impasto.vision.taggers.recognize_anything import RecognizeAnythingTagger
from impasto.weights.files import one_line
from impasto.weights.transformers_folder import quietly

# The authors' choices (their inference code): lengths in tokens, the prompt's included.
PROMPT = "a picture of"
BEAMS, SHORTEST, LONGEST, TAG_TOKENS = 3, 10, 50, 40
TOP_P, TOP_K, REPETITION_PENALTY = 0.9, 50, 1.1  # of drawn candidates
# Tags that disturb captions, which the authors leave out.
DISTURBING = frozenset({"quarter", "back", "one", "two", "three", "four", "five"})
_BEGIN, _TAGS = "[DEC]", "[ENC]"


class Tag2TextCaptioner:
    """A `Captioner` that is told the tags.

    Attributes:
        name, identity: see `Captioner`.
        tagger: the same model as a tagger.
    """

    def __init__(self, model: RecognizeAnything) -> None:
        """`model` must be Tag2Text, loaded with its text models.

        Raises:
            MissingPart: the package with BERT's vocabulary is not installed.
            ImpastoError: the model has another vocabulary.
        """
        self._model = model
        self.name, self.identity = model.name, model.identity
        self.tagger = RecognizeAnythingTagger(model)
        self._order = {tag: n for n, tag in enumerate(self.tagger.tags)}
        self._tokenizer: Any = _tokenizer(minilm_folder() / "vocab.txt")
        size = model.network.text_decoder.config.vocab_size
        if len(self._tokenizer) != size:
            raise ImpastoError(f"{model.file} has {size} tokens, not the {len(self._tokenizer)} of bert-base-uncased")

    def caption(
        self,
        images: Sequence[Image.Image],
        *,
        tags: Sequence[Sequence[str]] | None,
        count: int,
        seeds: Sequence[int],
    ) -> list[list[str]]:
        """Returns `count` candidates per picture (see `Captioner`): one by beam search, the others sampled with its seed.

        Without `tags`, the model's own are used. They are told in the order of its list, as in its training; tags that it
        does not list follow. Only the first 40 tokens of them are read.

        Raises:
            ImpastoError: the model cannot be run, for instance because there is too little memory.
        """
        told = [None] * len(images) if tags is None else tags
        try:
            with torch.inference_mode(), quietly():
                return [self._candidates(*one, count) for one in zip(images, told, seeds, strict=True)]
        except Exception as error:
            raise ImpastoError(f"{self._model.file} cannot be run: {one_line(error)}") from None

    def _candidates(self, image: Image.Image, tags: Sequence[str] | None, seed: int, count: int) -> list[str]:
        model = self._model
        seen = model.see(image)
        if tags is None:
            p = model.network.logits(seen)[0].float().sigmoid().cpu().numpy()
            told = [tag for tag, is_given in zip(model.tags, p > model.thresholds, strict=True) if is_given]
        else:
            told = sorted(dict.fromkeys(tags), key=lambda tag: self._order.get(tag, len(self._order)))
        words = " | ".join(tag for tag in told if tag not in DISTURBING)
        reading = self._tokenizer(
            words, padding="max_length", truncation=True, max_length=TAG_TOKENS, return_tensors="pt"
        ).to(model.device)
        reading["input_ids"][:, 0] = self._tokenizer.convert_tokens_to_ids(_TAGS)
        read = model.network.read_tags(reading["input_ids"], reading["attention_mask"], seen)
        found = self._write(read, do_sample=False, num_beams=BEAMS, num_return_sequences=1)
        if count > 1:
            devices = [model.device] if model.device.type == "cuda" else []
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(seed)
                found += self._write(
                    read, do_sample=True, num_beams=1, top_p=TOP_P, top_k=TOP_K, repetition_penalty=REPETITION_PENALTY,
                    num_return_sequences=count - 1,
                )  # fmt: skip
        return found[:count]

    def _write(self, read: torch.Tensor, **choices: Any) -> list[str]:
        tokenizer = self._tokenizer
        words = tokenizer(PROMPT, add_special_tokens=False)["input_ids"]
        asked = torch.tensor([[tokenizer.convert_tokens_to_ids(_BEGIN), *words]], device=read.device)
        made = self._model.network.text_decoder.generate(
            input_ids=asked, attention_mask=torch.ones_like(asked), encoder_hidden_states=read,
            min_length=SHORTEST, max_length=LONGEST, eos_token_id=tokenizer.sep_token_id,
            pad_token_id=tokenizer.pad_token_id, **choices,
        )  # fmt: skip
        return [self._read(row[asked.shape[1] :]) for row in made.tolist()]

    def _read(self, tokens: list[int]) -> str:
        ended = self._tokenizer.sep_token_id in tokens
        words = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=True)
        return clean_caption(words, ended=ended)


def _tokenizer(vocabulary: Path) -> Any:
    """BERT's tokenizer with the two marks that BLIP and Tag2Text add.

    MiniLM's package holds the vocabulary of bert-base-uncased, byte for byte (SHA-256 07eced37...).
    """
    from transformers.models.bert.tokenization_bert import BertTokenizer

    tokenizer = BertTokenizer.from_pretrained(vocabulary.parent, local_files_only=True, model_max_length=512)
    tokenizer.add_special_tokens({"bos_token": _BEGIN})
    tokenizer.add_special_tokens({"additional_special_tokens": [_TAGS]})
    return tokenizer

"""A captioner with any image-to-text model of transformers: BLIP, BLIP-2, GIT, Florence-2, encoder-decoder, chat models.

The pipelines for this task changed between transformers' releases. This module uses only what has remained stable:
tokenizers, and `generate` on pixels and token numbers. Only a chat model's prompt is formatted by its own processor.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import choose_device, choose_precision
from impasto.vision.captioners.interface import CHAT, HUB_NAMES, MANNERS, Manner, clean_caption
from impasto.vision.preprocessing import read_preprocessing
from impasto.vision.recognize_anything.keys import TAG2TEXT
from impasto.weights.files import one_line
from impasto.weights.transformers_folder import (
    TransformersFolder,
    find_transformers_folder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

WHAT = "an image captioner"
MAX_TOKENS = 60  # of a caption: with the other parts of a condition it has to fit into CLIP's 77
TOP_P = 0.9  # nucleus sampling, as Li et al. 2022 (BLIP) sampled their training captions


class TransformersCaptioner:
    """A `Captioner` from a folder or hub name in transformers' layout, or one of the names in `HUB_NAMES`.

    Pictures are captioned one by one, the candidates of each together, so a text cannot depend on other pictures.
    """

    def __init__(self, name: str, *, device: str = "auto", precision: str = "auto") -> None:
        """Loads the model. `impasto.settings` describes `device` and `precision`.

        Raises:
            UsageError, MissingPart, ImpastoError: as `find_transformers_folder` and `load_transformers_model`; or its
                model is of a kind that is not supported here.
        """
        from transformers import AutoModelForImageTextToText

        folder = find_transformers_folder(name, HUB_NAMES, pickles=True, also=("pocket", TAG2TEXT))
        self._manner = MANNERS.get(folder.model_type, CHAT)
        self._device = choose_device(device)
        self._dtype = choose_precision(precision, self._device)
        self._model: Any = load_transformers_model(folder, AutoModelForImageTextToText, WHAT, self._device, self._dtype)
        self._inputs: _Inputs
        if self._manner is CHAT:
            self._inputs = _ChatInputs(folder, self._manner)
        else:
            self._inputs = _TokenInputs(folder, self._manner, self._model)
        self._path, self.name, self.identity = folder.path, folder.name, folder.identity

    def caption(
        self,
        images: Sequence[Image.Image],
        *,
        tags: Sequence[Sequence[str]] | None,
        count: int,
        seeds: Sequence[int],
    ) -> list[list[str]]:
        """Returns `count` candidates per picture (see `Captioner`): one by search, the others sampled with its seed.

        The same picture, tags, seed and count give the same texts. Only chat models use the tags.

        Raises:
            ImpastoError: the model cannot be run, for instance because there is too little memory.
        """
        told = [()] * len(images) if tags is None else tags
        jobs = list(zip(images, told, seeds, strict=True))
        try:
            with torch.inference_mode(), quietly():
                return [self._candidates(image, some, count, seed) for image, some, seed in jobs]
        except Exception as error:  # too little memory, a tokenizer of another model, a chat template's own complaint
            raise ImpastoError(f"{self._path} cannot be run: {one_line(error)}") from None

    def _candidates(self, image: Image.Image, tags: Sequence[str], count: int, seed: int) -> list[str]:
        inputs, given = self._inputs.of(image, tags)
        inputs = {
            name: value.to(self._device, self._dtype) if value.is_floating_point() else value.to(self._device)
            for name, value in inputs.items()
        }
        found = self._write(inputs, given, do_sample=False, num_beams=self._manner.beams, num_return_sequences=1)
        if count > 1:
            devices = [self._device] if self._device.type == "cuda" else []
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(seed)
                found += self._write(
                    inputs, given, do_sample=True, num_beams=1, top_p=TOP_P, top_k=0, temperature=1.0,
                    num_return_sequences=count - 1,
                )  # fmt: skip
        return found[:count]

    def _write(self, inputs: dict[str, torch.Tensor], given: list[int], **choices: Any) -> list[str]:
        # A chat model's prompt contains the tags, and the caption may repeat them.
        ban = {} if self._manner is CHAT else {"no_repeat_ngram_size": 3}
        made = self._model.generate(**inputs, max_new_tokens=MAX_TOKENS, **ban, **choices)
        return [self._read(row, given) for row in made.tolist()]

    def _read(self, tokens: list[int], given: list[int]) -> str:
        """Decodes the caption in a row of tokens, which may begin with the prompt's tokens and end with padding."""
        tokenizer = self._inputs.tokenizer
        new = tokens[len(given) :] if given and tokens[: len(given)] == given else tokens
        ended = len(new) < MAX_TOKENS or new[-1] in tokenizer.all_special_ids
        return clean_caption(tokenizer.decode(new, skip_special_tokens=True), ended=ended)


class _Inputs(Protocol):
    """Prepares the inputs of a model's `generate` for a picture."""

    tokenizer: Any

    def of(self, image: Image.Image, tags: Sequence[str]) -> tuple[dict[str, torch.Tensor], list[int]]:
        """Returns the tensors by name, and the token numbers that a row of `generate` may begin with."""
        ...


class _TokenInputs:
    """Pixels, and the prompt as token numbers that each kind of model was trained on. These models take no instruction."""

    def __init__(self, folder: TransformersFolder, manner: Manner, model: Any) -> None:
        from transformers import AutoTokenizer

        self._preprocessing = read_preprocessing(folder.path)
        self.tokenizer: Any = load_transformers_part(folder, AutoTokenizer, f"{WHAT} with a tokenizer")
        self._asked, self._given = self._prompt(folder, manner.prompt, model)
        if not all(isinstance(token, int) for token in self._asked):
            raise ImpastoError(f"{folder.path}: its config or tokenizer lacks a mark that its prompt begins or ends with")

    def of(self, image: Image.Image, tags: Sequence[str]) -> tuple[dict[str, torch.Tensor], list[int]]:
        del tags
        inputs = {"pixel_values": torch.from_numpy(self._preprocessing.prepare([image]))}
        if self._asked:
            inputs["input_ids"] = torch.tensor([self._asked])
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        return inputs, self._given

    def _prompt(self, folder: TransformersFolder, text: str, model: Any) -> tuple[list[int], list[int]]:
        """Returns the token numbers of the prompt, and those that a generated row begins with."""
        config, kind = model.config, folder.model_type
        words: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if kind == "blip":  # its `generate` drops the last token, which ends a text
            begin, end = config.text_config.bos_token_id, config.text_config.sep_token_id
            return [begin, *words, end], [begin, *words]
        if kind == "git":
            return [self.tokenizer.cls_token_id, *words], [self.tokenizer.cls_token_id, *words]
        if kind == "blip-2":
            asked = [*[config.image_token_id] * config.num_query_tokens, *self.tokenizer(text)["input_ids"]]
            return asked, asked
        if kind == "florence2":
            begin, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
            places = [config.image_token_id] * self._features(model)
            return [*places, begin, *words, end], []
        return [], []

    @torch.inference_mode()
    def _features(self, model: Any) -> int:
        """Returns the number of vectors into which Florence-2 encodes a picture; each has a place in its prompt."""
        blank = torch.from_numpy(self._preprocessing.prepare([Image.new("RGB", (64, 64))]))
        output = model.get_image_features(pixel_values=blank.to(model.device, model.dtype))
        return int((output if isinstance(output, torch.Tensor) else output.pooler_output).shape[1])


class _ChatInputs:
    """The picture and an instruction that contains the tags, in the model's own chat template."""

    def __init__(self, folder: TransformersFolder, manner: Manner) -> None:
        from transformers import AutoProcessor

        self._manner = manner
        self._processor: Any = load_transformers_part(folder, AutoProcessor, f"{WHAT} with a processor")
        if not getattr(self._processor, "chat_template", None):
            known = ", ".join(MANNERS)
            raise ImpastoError(
                f"{folder.path} holds a {folder.model_type!r} model without a chat template: use {known} or a chat model"
            )
        self.tokenizer: Any = self._processor.tokenizer

    def of(self, image: Image.Image, tags: Sequence[str]) -> tuple[dict[str, torch.Tensor], list[int]]:
        instruction = self._manner.tagged_prompt.format(tags=", ".join(tags)) if tags else self._manner.prompt
        content = [{"type": "image", "image": image.convert("RGB")}, {"type": "text", "text": instruction}]
        inputs = self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        return dict(inputs), inputs["input_ids"][0].tolist()

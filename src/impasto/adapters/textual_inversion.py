"""Textual inversion (Gal et al. 2022): loads and saves learned word embeddings, and adds them to a text encoder."""

import copy
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from impasto.adapters.concept_layouts import read_words
from impasto.checkpoints.applied_adapters import AppliedConcept, is_single_word, printable_path
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import write_atomically
from impasto.weights.sharing import copy_sharing_weights

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

# The file name that diffusers' training script uses.
EMBEDDINGS = "learned_embeds.safetensors"
_ENDINGS = (".safetensors", ".pt", ".bin", ".pth", ".ckpt")
_MOST_VECTORS = 75  # as many as fit into a text of 77 tokens


@dataclass(frozen=True)
class Concept:
    """A learned word (textual inversion), not yet added to a text encoder.

    Attributes:
        name: the word that invokes it in a prompt, such as `<blue-hour>`.
        vectors: [n, width], one for each token that it becomes.
        path: the path it was read from, as given; "" for one made in memory, or if the path does not print.
    """

    name: str
    vectors: torch.Tensor
    path: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256, hexadecimal, of the word and its vectors in fp32."""
        numbers = self.vectors.detach().float().cpu().contiguous()
        return hashlib.sha256(f"{self.name}\0{list(numbers.shape)}\0".encode() + numbers.numpy().tobytes()).hexdigest()

    def applied(self) -> AppliedConcept:
        """Returns the record of this concept in a text encoder."""
        return AppliedConcept(self.name, self.path, self.content_hash, self.vectors.shape[0])


def find_concept(path: str | Path) -> Path | None:
    """Returns the embeddings file at `path`; None if there is none.

    It is the file itself, or diffusers' `learned_embeds.safetensors` or `.bin` in a folder or in its `concept`.
    """
    place = Path(path).expanduser()
    try:
        if place.is_file():
            return place
        for folder in (place, place / "concept"):
            for name in (EMBEDDINGS, "learned_embeds.bin"):
                if (folder / name).is_file():
                    return folder / name
    except (OSError, ValueError):  # not a valid file name
        return None
    return None


def load_concepts(path: str | Path) -> list[Concept]:
    """Loads the concepts in a file, or in its folder: one, or several words that were learned together.

    The layouts are those of diffusers (`{word: vectors}`), A1111 (`emb_params`, or its .pt files, named by the file) and
    kohya (`bundle_emb`). Files other than `.safetensors` are loaded weights-only. The vectors become fp32.

    Raises:
        UsageError: `path` is empty or no file of weights.
        MissingPart: there is no such file.
        ImpastoError: the file is truncated, or holds something other than concepts.
    """
    if not str(path).strip():
        raise UsageError("the concept's name is empty: give a .safetensors file")
    file = find_concept(path)
    if file is None:
        raise MissingPart(f"{path} is not there: give a textual inversion's .safetensors or .pt file")
    if file.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{path} is no concept's file: concepts are read from {', '.join(_ENDINGS)} files")
    return [_checked(name, vectors, path) for name, vectors in read_words(file).items()]


def load_concept(path: str | Path, name: str = "") -> Concept:
    """Loads the concept called `name`, or the only one, from a file; as `load_concepts`.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_concepts`; or the file holds several, or none of that name.
    """
    found = load_concepts(path)
    chosen = [concept for concept in found if concept.name == name] or found
    if len(chosen) != 1:
        raise ImpastoError(f"{path} holds no single concept but {', '.join(concept.name for concept in chosen[:5])}")
    return chosen[0]


def _checked(name: str, vectors: torch.Tensor, path: str | Path) -> Concept:
    """Returns the concept of a file's word.

    Raises:
        ImpastoError: it is none, or its vectors are not all numbers.
    """
    vectors = vectors[None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or not vectors.is_floating_point() or not vectors.numel():
        raise ImpastoError(f"{path} holds no concept: {name[:60]!r} is of shape {list(vectors.shape)}, {vectors.dtype}")
    if vectors.shape[0] > _MOST_VECTORS:
        raise ImpastoError(f"{path}: {name[:60]!r} has {vectors.shape[0]} vectors, a text has room for {_MOST_VECTORS}")
    vectors = vectors.float()  # 8-bit floats can do nothing but be converted
    if not torch.isfinite(vectors).all():
        raise ImpastoError(f"{path} is broken: the vectors of {name[:60]!r} are not all numbers (NaN or infinite)")
    if not is_single_word(name):
        raise ImpastoError(
            f"{path}: {name[:60]!r} cannot stand for a concept, for it is no single word: give the file (A1111's) or its"
            " tensor (diffusers') a name without spaces"
        )
    return Concept(name, vectors, printable_path(path))


def is_known_token(tokenizer: Any, token: str) -> bool:
    """Returns whether the tokenizer has this word. Changing its meaning would change every prompt that contains it."""
    pieces = tokenizer.tokenize(token)
    return len(pieces) == 1 and pieces[0] != tokenizer.unk_token


def save_concept(file: Path, concept: Concept) -> Path:
    """Writes `concept` in the format of diffusers' `load_textual_inversion`, replacing `file` atomically; returns the file.

    Raises:
        ImpastoError: the file cannot be written.
    """
    from safetensors.torch import save

    file = Path(file).expanduser()
    try:
        write_atomically(file, save({concept.name: concept.vectors.detach().cpu().contiguous()}))
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror or error}") from None
    return file


def add_concept(components: "Components", concept: Concept) -> "Components":
    """Returns `components` with the concept's word added to the tokenizer, and its vectors to the text encoder.

    A word of n vectors becomes n tokens, with diffusers' names for them. `components` itself is not changed; the other
    weights are shared with it.

    Raises:
        ImpastoError: the vectors are of another width, or the tokenizer has the word already.
    """
    encoder: Any = components.text_encoder
    table: torch.Tensor = encoder.get_input_embeddings().weight
    if concept.vectors.shape[1] != table.shape[1]:
        raise ImpastoError(
            f"the concept {concept.name} is for another text encoder than {components.base_name}'s: its vectors are"
            f" {concept.vectors.shape[1]} wide, there {table.shape[1]}"
        )
    record = concept.applied()
    tokenizer, places = _with_tokens(components.tokenizer, record.tokens)
    digest = hashlib.sha256(f"{components.content_hash}\nconcept {record.content_hash}".encode())
    return replace(
        components,
        name=f"{components.name} + {concept.name}",
        content_hash=digest.hexdigest(),
        tokenizer=tokenizer,
        text_encoder=_with_vectors(encoder, places, concept.vectors),
        concepts=(*components.concepts, record),
    )


def _with_tokens(tokenizer: Any, tokens: tuple[str, ...]) -> tuple[Any, list[int]]:
    """Returns a copy of the tokenizer with these tokens added, and their ids.

    Raises:
        ImpastoError: the tokenizer has one of them already.
    """
    from tokenizers import AddedToken

    for token in tokens:
        if is_known_token(tokenizer, token):
            raise ImpastoError(
                f"{token} is a word that the tokenizer knows already: give the concept's file (A1111's) or its tensor"
                " (diffusers') another name"
            )
    tokenizer = copy.deepcopy(tokenizer)
    # single_word: they match as whole words only, not inside another word. normalized: case is ignored as elsewhere.
    tokenizer.add_tokens([AddedToken(token, single_word=True, normalized=True) for token in tokens])
    return tokenizer, tokenizer.convert_tokens_to_ids(list(tokens))


@torch.no_grad()
def _with_vectors(encoder: Any, places: list[int], vectors: torch.Tensor) -> Any:
    """Returns a copy of the encoder whose embeddings hold `vectors` at `places`; all other weights are shared."""
    former = encoder.get_input_embeddings().weight
    rows = max(former.shape[0], max(places) + 1)
    table = torch.cat([former, former.new_zeros(rows - former.shape[0], former.shape[1])])
    table[places] = vectors.to(table)
    grown = torch.nn.Parameter(table, requires_grad=former.requires_grad)
    encoder = copy_sharing_weights(encoder, {id(former): grown})
    encoder.get_input_embeddings().num_embeddings = encoder.config.vocab_size = rows
    return encoder

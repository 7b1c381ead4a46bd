"""Turns a request into memory tokens for cross-attention, and records which works and pictures they come from."""

import random
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from impasto.checkpoints.memory import PaintingMemory, Work
from impasto.checkpoints.memory_ranking import Ranking, apportion
from impasto.data.catalogue.entry import Skipped
from impasto.data.catalogue.plain_text import cleaned
from impasto.errors import UsageError
from impasto.painting.memory.codes import pack, unpack
from impasto.painting.memory.folder_memory import OnPictures, folder_hash, read_folder_memory
from impasto.painting.memory.likes import code_of, mixed
from impasto.painting.memory.record import LONGEST_TEXT, NONE, OWN, Like, MemoryUse, SeenWork

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest

_REMEMBERED = 256


@dataclass(frozen=True)
class MemoryReading:
    """Memory tokens, float32 [k, width], where k may be 0, and their entry in the painting's record."""

    tokens: torch.Tensor
    use: MemoryUse | None


class MemoryReader:
    """Retrieves works for requests from a checkpoint's memory, or from a folder's memory that replaces it."""

    def __init__(self, components: "Components") -> None:
        self._components = components
        self._rankings: dict[str, tuple[Ranking, str]] = {}  # source -> the memory's works, and its hash
        self._looks: OrderedDict[tuple[object, ...], MemoryReading] = OrderedDict()
        self.skipped: list[Skipped] = []

    def load(self, source: str, on_pictures: OnPictures | None = None) -> Ranking | None:
        """Loads the works of a memory once; None without a memory. Files of a folder that cannot be read go to `skipped`.

        Raises:
            ImpastoError: the checkpoint has no memory to replace, or the folder holds no picture.
        """
        if source == NONE:
            return None
        if source in self._rankings:
            return self._rankings[source][0]
        own = self._components.memory
        if source == OWN:
            if own is None:
                return None
            found: PaintingMemory = own
            content = self._components.memory_hash
        else:
            if own is None:
                raise UsageError(lacking_memory(self._components.name))
            read = read_folder_memory(Path(source).expanduser(), own.encoder, self._components, on_pictures)
            self.skipped += read.skipped
            found, content = read.memory, folder_hash(Path(source).expanduser())
        self._rankings[source] = Ranking(found), content
        return self._rankings[source][0]

    def look(self, request: "PaintRequest") -> MemoryReading:
        """Returns the memory tokens for this picture: those of its earlier painting, if it has one, or newly retrieved ones.

        Raises:
            UsageError, ImpastoError, MissingPart: as `load` and `code_of`.
        """
        if request.guidance == 0:  # conditions have no effect
            return MemoryReading(torch.zeros(0, 1), None)
        condition = request.condition
        key = (request.memory, request.like, condition, request.seed, request.looked_at)
        if key not in self._looks:
            self._looks[key] = self._again(request) or self._anew(request)
            while len(self._looks) > _REMEMBERED:
                self._looks.popitem(last=False)
        return self._looks[key]

    def _again(self, request: "PaintRequest") -> MemoryReading | None:
        """Restores the tokens of a repainted picture from its recorded codes; None if there are none, or if they do not fit
        this memory.
        """
        before, own = request.looked_at, self._components.memory
        if before is None or not before.codes or own is None:
            return None
        codes = unpack(before.codes, own.config.code)
        return None if codes is None else MemoryReading(_tokens(own, codes), before)

    def _anew(self, request: "PaintRequest") -> MemoryReading:
        own = self._components.memory
        if request.like and own is None:
            raise UsageError(lacking_memory(self._components.name))
        ranking = self.load(request.memory)
        if own is None:
            return MemoryReading(torch.zeros(0, 1), None)
        if ranking is None and not request.like:
            return MemoryReading(torch.zeros(0, 1), MemoryUse(source=NONE))
        looked = [code_of(like, own.encoder, self._components) for like in request.like]
        codes, works, likes = self._choose(request, ranking, looked, own.config.neighbours)
        content = self._rankings[request.memory][1] if ranking is not None else ""
        use = MemoryUse(request.memory, content, works, likes, pack(codes) if len(codes) else "")
        return MemoryReading(_tokens(own, codes), use)

    def _choose(
        self, request: "PaintRequest", ranking: Ranking | None, looked: list[tuple[Like, torch.Tensor]], count: int
    ) -> tuple[torch.Tensor, tuple[SeenWork, ...], tuple[Like, ...]]:
        """Returns the codes [k, code] to attend to, the retrieved works among them, and the user's reference pictures.

        Reference pictures come first, as a work's own code does in training. One picture gives its code. Several give their
        interpolated code, and then each as often as its weight says. Works near them fill the remaining places. If the
        weights sum to less than 1, the difference is the share of works that are retrieved by text.
        """
        condition, artist = request.condition, request.condition.artist
        text = condition.text().strip()
        likes, shown = tuple(like for like, _ in looked), [code for _, code in looked]
        weights = [like.weight for like in likes]
        codes: list[torch.Tensor] = []
        places: list[int] = []
        found = count if not likes else min(count - 1, round(count * max(0.0, 1 - sum(weights))))
        if likes:
            between = mixed(torch.stack(shown), weights)
            codes.append(between)
            left = count - found - 1
            for code, share in zip(shown, apportion(left, weights) if len(shown) > 1 else [0], strict=True):
                codes += [code] * share
            if ranking is not None:
                draw = random.Random(f"{request.seed}/like")
                places += ranking.near(between, artist, draw, count - found - len(codes))
        if ranking is not None and found and text:
            words = " ".join(filter(None, (condition.caption, condition.genre, condition.style)))
            places += [place for place in ranking.find(text, words, artist, request.seed, found) if place not in places]
        if ranking is not None:
            codes += [ranking.memory.codes[place] for place in places]
            works = tuple(_seen(ranking.memory.works[place]) for place in places)
        else:
            works = ()
        width = self._components.memory.config.code if self._components.memory is not None else 0
        return (torch.stack(codes) if codes else torch.zeros(0, width)), works, likes


def lacking_memory(name: str) -> str:
    """Returns the error message for a memory or a reference picture given to a checkpoint without a memory."""
    return f"{name} has no memory: leave --memory and --like out, or choose a checkpoint that has one"


def planned_use(request: "PaintRequest", name: str, own_hash: str) -> MemoryUse | None:
    """Returns the memory entry of a picture's record as far as it is known before anything is loaded.

    That is enough to decide whether the picture is painted already.

    Args:
        name: the checkpoint's name.
        own_hash: the hash of its memory; "" if it has none.

    Raises:
        UsageError: the checkpoint has no memory, and the request names a memory or a reference picture.
        ImpastoError: the folder that replaces the memory holds no picture.
    """
    if not own_hash and (request.like or request.memory not in (OWN, NONE)):
        raise UsageError(lacking_memory(name))
    if request.guidance == 0 or not own_hash:
        return None
    if request.memory == NONE and not request.like:
        return MemoryUse(source=NONE)
    content = {OWN: own_hash, NONE: ""}.get(request.memory)
    if content is None:
        content = folder_hash(Path(request.memory).expanduser())
    likes = tuple(Like(like.name, like.content_hash, like.weight, like.code) for like in request.like)
    return MemoryUse(request.memory, content, likes=likes)


def _seen(work: Work) -> SeenWork:
    """Returns a work's entry in the record, with its texts cleaned and shortened so that they can be read back."""
    return SeenWork(*(cleaned(text)[:LONGEST_TEXT] for text in (work.name, work.artist, work.title)))


def _tokens(memory: PaintingMemory, codes: torch.Tensor) -> torch.Tensor:
    if not len(codes):
        return torch.zeros(0, memory.config.width)
    with torch.inference_mode():
        return memory.encoder(codes[None])[0]


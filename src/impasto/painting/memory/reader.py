"""From a request to the tokens beside its text, and the record of what they were made of."""

import random
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from impasto.checkpoints.memory import PaintingMemory, Work
from impasto.data.catalogue.entry import Skipped
from impasto.data.catalogue.plain_text import cleaned
from impasto.errors import UsageError
from impasto.painting.memory.codes import pack, unpack
from impasto.painting.memory.folder_memory import OnPictures, folder_hash, read_folder_memory
from impasto.painting.memory.likes import code_of, mixed
from impasto.painting.memory.ranking import Ranking, apportion
from impasto.painting.memory.record import LONGEST_TEXT, NONE, OWN, Like, MemoryUse, SeenWork

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest

_REMEMBERED = 256


@dataclass(frozen=True)
class MemoryReading:
    """Tokens float32 [k, width], k may be 0, and what the record says of them."""

    tokens: torch.Tensor
    use: MemoryUse | None


class MemoryReader:
    """A checkpoint's memory, and those that take its place, ready for requests."""

    def __init__(self, components: "Components") -> None:
        self._components = components
        self._rankings: dict[str, tuple[Ranking, str]] = {}  # source -> the memory's works, and its hash
        self._looks: OrderedDict[tuple[object, ...], MemoryReading] = OrderedDict()
        self.skipped: list[Skipped] = []

    def load(self, source: str, on_pictures: OnPictures | None = None) -> Ranking | None:
        """The works of a memory, read once; None without one. What cannot be read of a folder is told in `skipped`.

        Raises:
            ImpastoError: the checkpoint has no memory to put another in the place of; the folder holds no picture.
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
        """What this picture looks at: what it did when it was painted before, or what is found now.

        Raises:
            UsageError, ImpastoError, MissingPart: as `load` and `code_of`.
        """
        if request.guidance == 0:  # nothing is obeyed
            return MemoryReading(torch.zeros(0, 1), None)
        condition = request.condition
        key = (request.memory, request.like, condition, request.seed, request.looked_at)
        if key not in self._looks:
            self._looks[key] = self._again(request) or self._anew(request)
            while len(self._looks) > _REMEMBERED:
                self._looks.popitem(last=False)
        return self._looks[key]

    def _again(self, request: "PaintRequest") -> MemoryReading | None:
        """What a repainted picture looked at, by its codes; None where there is none, or of another kind of memory."""
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
        """The codes [k, code] to look at, the works among them, and the pictures shown.

        Pictures shown come first, as in training a work's own code does: the one, or the code between several and then each
        as its weight is; works near them take the places left. What the weights lack of 1 is the share of works that the
        text finds.
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
    """What is said where a checkpoint without a memory is given another memory, or a picture to be like."""
    return f"{name} has no memory: leave --memory and --like out, or choose a checkpoint that has one"


def planned_use(request: "PaintRequest", name: str, own_hash: str) -> MemoryUse | None:
    """What is known of a picture's look before anything is loaded: enough to tell whether it is painted already.

    Args:
        name: the checkpoint's.
        own_hash: of its memory; "" where it has none.

    Raises:
        UsageError: it has none and is given another, or a picture to be like.
        ImpastoError: the folder in the memory's place holds no picture.
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
    """What a record says of a work: texts that are fit to be read back."""
    return SeenWork(*(cleaned(text)[:LONGEST_TEXT] for text in (work.name, work.artist, work.title)))


def _tokens(memory: PaintingMemory, codes: torch.Tensor) -> torch.Tensor:
    if not len(codes):
        return torch.zeros(0, memory.config.width)
    with torch.inference_mode():
        return memory.encoder(codes[None])[0]


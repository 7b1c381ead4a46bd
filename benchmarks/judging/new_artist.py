"""`--only new-artist`: whether 30 works in the painter's memory give it the manner of an artist whom it never saw."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impasto.data.caches.pixels import prepare_pixels
from impasto.data.caches.row_cache import content_key
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.style_probe import StyleProbe, most_seen
from impasto.files import replace_folder
from impasto.painting.memory.reader import lacking_memory
from impasto.painting.memory.record import NONE
from impasto.prompts.artists import Artist, ArtistIndex, plain_name
from impasto.prompts.condition import Condition
from impasto.settings import cache_folder
from judged_pictures import JudgedPictures, is_fit
from judging.style import ARTISTS, GENERIC

IN_MEMORY = 30
ENOUGH = 30  # works that teach a probe; with 9 of van Gogh's it named 3 % of 30 others as his
FOLDS = 5


def new_artist(judged: JudgedPictures, count: int, artist: str, catalogue: Path) -> dict[str, Any]:
    """His works are of `catalogue`; where the checkpoint knows him, of those that no training sees. Other works than the 30
    in the memory teach the probe, so that a copy of what the painter looked at is not what the probe was taught; but where
    there are fewer than 30 others, all do.

    Raises:
        ImpastoError: too few works, nobody of this name, or the checkpoint has no memory (after all else is prepared).
    """
    name, works = works_of(artist, catalogue)
    if knows(judged.painter.artists, name):
        print(f"  (the checkpoint knows {name}: only works that every training holds out are taken, but it is no stranger)")
        works = [entry for entry in works if is_held_out(entry.file_name)]
    shown, rest = in_two(works, name)
    folder = write_memory(shown, judged.work)
    apart = len(rest) >= ENOUGH
    taught = rest if apart else works
    by = f"{len(rest)} others teach the probe" if apart else f"all of his {len(works)}, those 30 too, teach the probe"
    print(f"\nnew-artist: {len(shown)} works of {name} in {folder}; {by}")
    most = most_seen([entry.artist for entry in judged.training], ARTISTS + 1)
    others = [who for who in most if plain_name(who) != plain_name(name)][:ARTISTS]
    train = [entry for entry in judged.training if entry.artist in others]
    test = [entry for entry in judged.held_out if entry.artist in others]
    strangers, artists = judged.real_features(train), [entry.artist for entry in train]
    own = _features(judged, taught)
    model = _probe(strangers, artists, own, name)
    real = _share(model, _features(judged, shown), name) if apart else _left_out(strangers, artists, own, name)
    found: dict[str, Any] = {
        "artist": name,
        "works": len(works),
        "count": count,
        "chance": 1 / (len(others) + 1),
        "others_named_as_they_are": model.accuracy(judged.real_features(test), [entry.artist for entry in test]),
        "others_named_so": _share(model, judged.real_features(test), name),
        "real": real,
    }
    print(f"  a probe of {len(others) + 1} artists names as {name} {real:.1%} of his works that it was not taught, "
          f"and {found['others_named_so']:.1%} of {len(test)} held-out works by the others")
    print(f"  of the latter {found['others_named_as_they_are']:.1%} are named as they are")
    if judged.painter.components.memory is None:
        raise ImpastoError(lacking_memory(judged.painter.components.name))
    subjects = sorted({e.caption or e.title for e in rest} - {""}) or list(GENERIC)
    random.Random(21).shuffle(subjects)
    conditions = [Condition(caption=subjects[number % len(subjects)]) for number in range(count)]
    for what, memory in (("with", str(folder)), ("own", None), ("without", NONE)):
        requests = [judged.request(condition, 15000 + n, memory=memory) for n, condition in enumerate(conditions)]
        found[what] = _share(model, judged.painted(f"new-artist-{what}", requests)[1], name)
    ratio = found["with"] / found["without"] if found["without"] else None
    print(f"  named as {name}, of {count} paintings of subjects of his, with no artist in the prompt:")
    of_real = found["with"] / max(real, 1e-9)
    print(f"    his works in the memory      {found['with']:6.1%}   {of_real:.2f} of the real ones'")
    print(f"    the memory of the others     {found['own']:6.1%}   (--memory, where it is given)")
    print(f"    no memory                    {found['without']:6.1%}")
    print(f"    chance                       {found['chance']:6.1%}")
    times = "no ratio, since none is named so without" if ratio is None else f"{ratio:.1f}"
    print(f"    with his works over no memory: {times}")
    return {**found, "ratio": ratio}


def works_of(artist: str, catalogue: Path) -> tuple[str, list[CatalogueEntry]]:
    """His name as the catalogue has it, and his works that a training would take: no drawings, prints, stretched pictures.

    Raises:
        ImpastoError: it has nobody of this name.
    """
    entries = [entry for entry in read_catalogue(catalogue, check_images=False).entries if is_fit(entry)]
    names = most_seen([entry.artist for entry in entries], len(entries))
    try:
        name = ArtistIndex([Artist(who) for who in names]).resolve(artist).name
    except ImpastoError:
        raise ImpastoError(f"{catalogue} has no works of {artist!r} that are fit to be learned from") from None
    return name, [entry for entry in entries if entry.artist == name]


def knows(artists: ArtistIndex, name: str) -> bool:
    return any(plain_name(artist.name) == plain_name(name) for artist in artists.artists)


def in_two(works: Sequence[CatalogueEntry], name: str) -> tuple[list[CatalogueEntry], list[CatalogueEntry]]:
    """The 30 works for the memory, and the others.

    Raises:
        ImpastoError: there are fewer than 30.
    """
    if len(works) < IN_MEMORY:
        raise ImpastoError(f"{len(works)} works of {name} that the painter never saw: {IN_MEMORY} are needed")
    drawn = random.Random(22).sample(sorted(works, key=lambda entry: entry.file_name), len(works))
    return drawn[:IN_MEMORY], drawn[IN_MEMORY:]


def write_memory(works: Sequence[CatalogueEntry], work: Path) -> Path:
    """A catalogue of these works below `work`, by a name that tells them apart from others; written once."""
    digest = content_key(*(entry.file.read_bytes() for entry in works)).hex()[:12]
    folder = work / f"new-artist-{digest}"
    if folder.is_dir():
        return folder
    with replace_folder(folder) as under_way:
        lines = []
        for number, entry in enumerate(works):
            file = f"{number:02d}{entry.file.suffix.lower()}"
            (under_way / file).write_bytes(entry.file.read_bytes())
            row = {"file_name": file, "artist": entry.artist, "title": entry.title, "text": entry.caption,
                   "style": entry.style, "genre": entry.genre}  # fmt: skip
            lines.append(json.dumps({key: value for key, value in row.items() if value}, ensure_ascii=False))
        (under_way / "metadata.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _features(judged: JudgedPictures, works: Sequence[CatalogueEntry]) -> np.ndarray:
    pixels, _ = prepare_pixels(works, judged.size, cache_folder())
    return judged.features.of_squares(pixels.batch(np.arange(len(pixels.entries))))


def _probe(strangers: np.ndarray, artists: Sequence[str], own: np.ndarray, name: str) -> StyleProbe:
    return StyleProbe.train(np.concatenate([strangers, own]), [*artists, *[name] * len(own)])


def _left_out(strangers: np.ndarray, artists: Sequence[str], own: np.ndarray, name: str) -> float:
    """The share of his works named as his, each by one of 5 probes, that which was not taught it."""
    folds, right = np.arange(len(own)) % FOLDS, 0.0
    for fold in range(FOLDS):
        model = _probe(strangers, artists, own[folds != fold], name)
        right += _share(model, own[folds == fold], name) * int((folds == fold).sum())
    return right / len(own)


def _share(model: StyleProbe, features: np.ndarray, name: str) -> float:
    return float(np.mean([named == name for named in model.name(features)]))

"""`--only probe`: whether a linear probe names the artist that was asked for."""

import random
from typing import Any

import numpy as np

from impasto.evaluation.style_probe import StyleProbe, most_seen
from impasto.prompts.condition import Condition
from judged_pictures import JudgedPictures
from judging.distances import blurred

ARTISTS = 20
GENERIC = ("landscape", "portrait", "still life", "river", "street", "garden", "sea", "figures")


def probe(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Trains the probe on training pictures; asks for each artist in turn with titles of his held-out works."""
    artists = most_seen([entry.artist for entry in judged.training], ARTISTS)
    train = [entry for entry in judged.training if entry.artist in artists]
    test = [entry for entry in judged.held_out if entry.artist in artists]
    model = StyleProbe.train(judged.real_features(train), [entry.artist for entry in train])
    real = model.accuracy(judged.real_features(test), [entry.artist for entry in test])
    squares = judged.squares(test)
    spoilt = {"through the autoencoder": judged.reconstructions(squares), "blurred to 16x16": blurred(squares)}
    neighbours = {
        what: model.accuracy(judged.features.of_squares(made), [entry.artist for entry in test])
        for what, made in spoilt.items()
    }
    draw = random.Random(20)
    captions: dict[str, list[str]] = {}
    for artist in artists:
        own = sorted({e.caption or e.title for e in test if e.artist == artist} - {""})
        captions[artist] = draw.sample(own, len(own)) or list(GENERIC)
    asked = [artists[number % len(artists)] for number in range(count)]
    requests = []
    for number, artist in enumerate(asked):
        own = captions[artist]
        condition = Condition(caption=own[number // len(artists) % len(own)], artist=artist)
        requests.append(judged.request(condition, 5000 + number))
    _, features, _ = judged.painted("probe", requests)
    named, ours = model.name(features), model.accuracy(features, asked)
    chance = 1 / len(artists)
    shares = {a: float(np.mean([n == a for n, b in zip(named, asked, strict=True) if a == b])) for a in artists[:count]}
    print(f"\nprobe: the artist that a linear probe names, {len(artists)} artists, {len(train)} training pictures")
    print(f"  held-out real paintings      {len(test):5d}   {real:6.1%}")
    for what, share in neighbours.items():
        print(f"    the same {what:24s}   {share:6.1%}")
    print(f"  paintings of the checkpoint  {count:5d}   {ours:6.1%}   {ours / max(real, 1e-9):.2f} of the real ones'")
    print(f"  chance                               {chance:6.1%}")
    for artist, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        taken = [n for n, b in zip(named, asked, strict=True) if b == artist and n != artist]
        rival = f"   else mostly {max(sorted(set(taken)), key=taken.count)}" if taken else ""
        print(f"    {artist:28s} {share:6.0%}{rival}")
    found = {"real": real, "real_count": len(test), **neighbours, "paintings": ours, "count": count, "chance": chance}
    return {**found, "artists": shares}

"""Which works a prompt finds: its words, its artist and its seed, and nothing else."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.painting.memory.drawn_memory import drawn_memory

from impasto.checkpoints.memory_ranking import NEAREST, Ranking, apportion
from impasto.language.sentence_encoder import sentence_encoder


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = Ranking(drawn_memory())
        found.find("anything", "anything", "", 0, 1)
        return found


def test_the_same_for_the_same_and_others_for_other_seeds(ranking: Ranking) -> None:
    found = [ranking.find("boats at sunset", "boats at sunset", "", seed, 4) for seed in range(8)]
    again = Ranking(ranking.memory)
    assert [again.find("boats at sunset", "boats at sunset", "", seed, 4) for seed in range(8)] == found
    assert all(len(set(places)) == 4 for places in found)
    assert len({places[0] for places in found}) > 2


def test_many_prompts_find_what_each_finds_alone(ranking: Ranking) -> None:
    prompts = [
        ("boats at sunset, by Claude Monet", "boats at sunset", "Claude Monet"), ("red roses", "red roses", ""),
        ("", "", "Rembrandt"), ("storm", "storm", "Nobody"),
    ]  # fmt: skip
    sentences = sentence_encoder().vectors([text for text, _, _ in prompts])
    found = list(ranking.best_of_each(sentences, [(words, artist) for _, words, artist in prompts], 5))
    assert found == [ranking.best(*prompt, 5) for prompt in prompts]
    assert list(ranking.best_of_each(np.zeros((0, 384), np.float32), [])) == []


def test_words_in_common_count(ranking: Ranking) -> None:
    anchors = {ranking.find("red roses", "red roses", "", seed, 4)[0] for seed in range(30)}
    assert all(ranking.memory.works[place].title == "Red Roses" for place in anchors)


def test_only_a_named_artists_works_where_he_has_any(ranking: Ranking) -> None:
    works = ranking.memory.works
    for seed in range(8):
        own = ranking.find("storm, by Rembrandt", "storm", "rembrandt", seed, 4)
        assert {works[place].artist for place in own} == {"Rembrandt"}
    unknown = {place for seed in range(20) for place in ranking.find("storm", "storm", "Nobody", seed, 4)}
    assert {works[place].artist for place in unknown} == {"Rembrandt", "Claude Monet"}


def test_the_others_are_near_the_anchor(ranking: Ranking) -> None:
    anchor, *others = ranking.find("wheat field", "wheat field", "", 3, 4)
    unit = torch.nn.functional.normalize(ranking.memory.codes, dim=1)
    likeness = unit @ unit[anchor]
    likeness[anchor] = -2
    assert set(others) <= set(likeness.topk(NEAREST).indices.tolist())


def test_a_memory_smaller_than_what_is_wanted() -> None:
    small = Ranking(drawn_memory(works=2))
    assert len(small.near(small.memory.codes[0], "", random.Random(0), 3)) == 1


def test_a_picture_after_the_first_takes_milliseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    many = Ranking(drawn_memory(works=20_000))
    many.find("boats", "boats", "", 0, 4)
    begun = time.perf_counter()
    for seed in range(10):
        many.find("boats", "boats", "", seed, 4)
    assert (time.perf_counter() - begun) / 10 < 0.1
    assert list((tmp_path / "memory-vectors").iterdir())


def test_places_are_given_in_proportion() -> None:
    assert apportion(3, [1, 1]) == [1, 1]
    assert apportion(4, [3, 1]) == [3, 1]

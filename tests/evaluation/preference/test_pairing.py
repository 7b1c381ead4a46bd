import random
from collections import Counter
from pathlib import Path

import pytest
from tests.evaluation.preference.made_up_votes import QUESTION, contestant

from impasto.errors import UsageError
from impasto.evaluation.preference.contestants import Contestant, folder_labels
from impasto.evaluation.preference.pairing import PicturePair, choose_pair, match_folders, pair_of
from impasto.evaluation.preference.votes import Shown, Vote


def voted(pair: PicturePair, number: int, judge: str = "anna") -> Vote:
    left, right = (Shown(label, picture.content, picture.file_name) for label, picture in (pair.left, pair.right))
    return Vote(str(number), QUESTION, judge, "", left, right, "left", 1.0, pair.match)


def judged(contestants: list[Contestant], count: int, seed: int = 0, judge: str = "anna") -> list[Vote]:
    """So many pairs, as a judge would get them."""
    rng, votes, matchings = random.Random(seed), [], match_folders(contestants)
    for number in range(count):
        pair = choose_pair(matchings, votes, judge, rng)
        assert pair is not None
        votes.append(voted(pair, number, judge))
    return votes


def test_pairs_are_of_the_same_prompt_and_seed_where_there_are_such() -> None:
    asked = [("boats", "Monet", 1), ("boats", "Monet", 2), ("a  Harbour", "", 1), ("dogs", "Monet", None)]
    theirs = [("Boats", "monet", 2), ("boats", "Monet", 1), ("a harbour", "Klimt", 1), ("dogs", "Monet", 7), ("cats", "", 1)]
    (matching,) = match_folders([contestant("a", asked), contestant("b", theirs)])
    found = {tuple(sorted(pair.pictures)) for pair in matching.pairs}
    assert found == {("a-0", "b-1"), ("a-1", "b-0"), ("a-2", "b-2"), ("a-3", "b-3")}
    assert matching.alone == 1  # the cats
    assert matching.ground == "prompt, artist and seed or prompt and artist or prompt and seed"


def test_three_folders_have_one_match_for_one_prompt() -> None:
    asked = [("boats", "", 1), ("dogs", "", 1)]
    matchings = match_folders([contestant(label, asked) for label in "abc"])
    assert len({pair.match for matching in matchings for pair in matching.pairs}) == 2


def test_without_prompts_pairs_are_drawn_at_random_and_all_pictures_are_used() -> None:
    folders = [contestant("a", [("", "", None)] * 30), contestant("b", [("", "", None)] * 30)]
    (matching,) = match_folders(folders)
    assert (matching.pairs, matching.ground) == ((), "")
    votes = judged(folders, 60)
    assert len({content for vote in votes for content in vote.pictures}) == 60
    assert all(vote.match == "" for vote in votes)


def test_the_least_compared_folders_come_first() -> None:
    folders = [contestant(label, [(f"p{n}", "", n) for n in range(20)]) for label in "abcd"]
    counts = Counter(vote.folders for vote in judged(folders, 120))
    assert len(counts) == 6 and max(counts.values()) - min(counts.values()) <= 8  # 20 each, but for the repeated
    # What others voted counts too.
    others = [voted(match_folders(folders[:2])[0].pairs[n], 1000 + n, "bo") for n in range(9)]
    pair = choose_pair(match_folders(folders[:3]), others, "anna", random.Random(1))
    assert pair is not None and pair.folders != {"a", "b"}


def test_a_pair_is_seen_again_with_its_sides_changed() -> None:
    folders = [contestant(label, [(f"p{n}", "", n) for n in range(150)]) for label in "ab"]
    votes = judged(folders, 120)
    last: dict[frozenset[str], tuple[int, Vote]] = {}
    again = []
    for number, one in enumerate(votes):
        if one.pictures in last:
            before, other = last[one.pictures]
            again.append(number - before)
            assert one.left == other.right and one.right == other.left
        last[one.pictures] = number, one
    assert 3 <= len(again) <= 25 and min(again) > 8
    assert 35 <= sum(one.left.folder == "a" for one in votes) <= 85


def test_few_pairs_come_round_evenly() -> None:
    folders = [contestant(label, [("p", "", n) for n in range(4)]) for label in "ab"]
    counts = Counter(vote.pictures for vote in judged(folders, 40))
    assert len(counts) == 4 and max(counts.values()) - min(counts.values()) <= 5
    shown = match_folders(folders)[0].pairs[0]
    for seed in range(20):  # what waits is not shown at once again
        chosen = choose_pair(match_folders(folders), [], "anna", random.Random(seed), waiting=[shown])
        assert chosen is not None and chosen.pictures != shown.pictures


def test_what_cannot_be_shown_is_passed_over() -> None:
    folders = [contestant(label, [("p", "", n) for n in range(2)]) for label in "ab"]
    first, second = match_folders(folders)[0].pairs
    for unusable in ({first.pictures}, {frozenset(("a-0",))}):
        for seed in range(10):
            assert choose_pair(match_folders(folders), [], "x", random.Random(seed), unusable=unusable) in (
                second, second.swapped(),
            )  # fmt: skip
    everything = {frozenset((f"a-{n}",)) for n in range(2)}
    assert choose_pair(match_folders(folders), [], "x", random.Random(0), unusable=everything) is None
    twins = [Contestant("a", folders[0].pictures), Contestant("b", folders[0].pictures)]
    assert choose_pair(match_folders(twins), [], "x", random.Random(0)) is None


def test_the_pair_of_a_vote_is_found_again() -> None:
    folders = [contestant(label, [("p", "", 1)]) for label in "ab"]
    pair = match_folders(folders)[0].pairs[0].swapped()
    assert pair_of(voted(pair, 1), folders) == pair
    assert pair_of(voted(pair, 1), folders[:1]) is None


def test_labels_tell_folders_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1/after", "2/after", "before"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "1")
    assert folder_labels([Path("after"), tmp_path / "before"]) == ["after", "before"]
    assert folder_labels([Path("after"), Path("../2/after")]) == ["1/after", "2/after"]
    with pytest.raises(UsageError, match=r"after is given twice"):
        folder_labels([Path("after"), Path("../1/after")])
    with pytest.raises(UsageError, match="two or more folders"):
        folder_labels([Path("after")])

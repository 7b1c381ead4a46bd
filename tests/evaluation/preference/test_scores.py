import math

import pytest
from tests.evaluation.preference.made_up_votes import simulated_votes, vote, votes_between

from impasto.evaluation.preference.scores import score_votes, wilson_interval


def test_two_folders_and_what_was_counted() -> None:
    report = score_votes(votes_between("after", "before", 24, 6, 2))
    best, worst = report.folders
    assert (best.folder, best.votes, best.wins, best.share) == ("after", 32, 25.0, 25 / 32)
    assert best.score == pytest.approx(math.log(25 / 7) / 2) == -(worst.score or 0)
    (pair,) = report.pairs
    assert (pair.votes, pair.first_wins, pair.second_wins, pair.ties) == (32, 24, 6, 2)
    assert pair.chance == pytest.approx(25 / 32)
    assert pair.low is not None and pair.high is not None and 0.5 < pair.low < 25 / 32 < pair.high < 0.95
    assert report.resampled == "32 pairs of pictures" and not report.refused
    assert any("not about other judges" in note for note in report.notes)


def test_four_simulated_folders_lie_within_their_intervals() -> None:
    truth = {"a": 1.0, "b": 0.3, "c": -0.3, "d": -1.0}
    inside = wide = 0
    for seed in range(10):
        report = score_votes(simulated_votes(truth, 25, seed))
        for one in report.folders:
            assert one.low is not None and one.high is not None
            inside += one.low <= truth[one.folder] <= one.high
            wide += one.high - one.low > 1.6
        assert report.folders[0].folder in ("a", "b")
    assert 36 <= inside <= 40 and wide == 0  # 38 of 40 at 95 %


def test_votes_on_the_same_pictures_are_no_new_pictures() -> None:
    once = votes_between("after", "before", 12, 8)
    often = [
        vote(one.left.folder, one.right.folder, one.choice, number=1000 + 20 * again + number, pair=str(number))
        for again in range(4)
        for number, one in enumerate(once)
    ]
    single, fourfold = score_votes(once).pairs[0], score_votes(often).pairs[0]
    assert fourfold.votes == 80
    assert (fourfold.low, fourfold.high) == (pytest.approx(single.low), pytest.approx(single.high))


def test_judges_who_differ_make_the_interval_wider() -> None:
    # Each of six judges is of one mind about all pictures: much about these pictures, little about other judges.
    votes = [
        vote("after", "before", "right" if judge < 2 else "left", number=number, pair=str(number), judge=f"judge {judge}")
        for judge in range(6)
        for number in range(20)
    ]
    six, one = score_votes(votes), score_votes([*votes_between("after", "before", 80, 40)])
    assert six.resampled == "20 pairs of pictures and 6 judges"
    assert six.pairs[0].low is not None and one.pairs[0].low is not None
    assert six.pairs[0].low < 0.4 < 0.5 < one.pairs[0].low


def test_a_folder_that_won_everything_has_no_score_unless_asked_for() -> None:
    votes = votes_between("after", "before", 9, 0) + votes_between("before", "real", 3, 4, first=100)
    report = score_votes(votes)
    assert [one.score for one in report.folders] == [None] * 3
    assert [one.folder for one in report.folders] == ["after", "real", "before"]
    assert report.refused == [
        "after won every comparison with the other folders: no upper bound",
        "before, real lost every comparison with the other folders: no lower bound",
    ]
    forced = score_votes(votes, regularize=True)
    assert forced.regularized and not forced.refused
    chance = {(pair.first, pair.second): pair.chance for pair in forced.pairs}
    assert chance["after", "before"] == pytest.approx(9.5 / 10)
    assert chance["before", "real"] == pytest.approx(3.5 / 8)


def test_folders_that_never_met_have_no_scores() -> None:
    votes = votes_between("a", "b", 3, 3) + votes_between("c", "d", 3, 3, first=10)
    for regularize in (False, True):
        report = score_votes(votes, regularize=regularize)
        assert report.refused == ["nothing compares these folders with each other: a, b; c, d"]


def test_too_few_pictures_have_a_score_without_an_interval() -> None:
    report = score_votes(votes_between("after", "before", 4, 3))
    assert report.folders[0].score is not None and report.folders[0].low is None and report.resampled == ""
    assert any("no intervals: they need votes on 8" in note for note in report.notes)
    ties = score_votes(votes_between("after", "before", 0, 0, 20))
    assert ties.pairs[0].chance == pytest.approx(0.5) and ties.pairs[0].low is None


def test_side_and_consistency_of_each_judge() -> None:
    leftish = [vote("a" if n % 2 else "b", "b" if n % 2 else "a", "left", number=n, judge="bo") for n in range(20)]
    steady = [
        vote("a", "b", "left", number=1, judge="anna"),
        vote("b", "a", "right", number=2, pair="1", judge="anna"),  # swapped, and the same picture again
        vote("a", "b", "right", number=3, pair="1", judge="anna"),  # another one
        vote("a", "b", "tie", number=4, judge="anna"),
    ]
    report = score_votes(leftish + steady)
    anna, bo = report.judges
    assert (anna.votes, anna.left, anna.right, anna.ties, anna.repeated, anna.agreed) == (4, 1, 2, 1, 2, 1)
    assert (bo.left_share, bo.repeated) == (1.0, 0) and bo.left_low is not None and bo.left_low > 0.8
    assert [note for note in report.notes if "prefers" in note] == ["bo prefers what is on the left: 20 of 20 times"]


def test_wilsons_interval() -> None:
    # Newcombe 1998, table I: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)

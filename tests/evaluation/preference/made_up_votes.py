"""Votes and contestants for tests, made by code."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from impasto.data.annotations.log import content_of
from impasto.evaluation.preference.contestants import Contestant, Picture
from impasto.evaluation.preference.votes import Choice, Shown, Vote

QUESTION = "Which picture is better?"
_ANSWERS: dict[float, Choice] = {1.0: "left", 0.0: "right", 0.5: "tie"}


def vote(
    left: str, right: str, choice: Choice = "left", *, number: int = 0, pair: str = "", judge: str = "anna", **more: str
) -> Vote:
    """A vote between a picture of folder `left` and one of folder `right`; `pair` names the pictures."""
    pair = pair or str(number)
    return Vote(
        id=f"{judge}-{number}",
        question=more.get("question", QUESTION),
        judge=judge,
        time="2026-01-01T00:00:00+00:00",
        left=Shown(left, f"{left}-{pair}", f"{pair}.png"),
        right=Shown(right, f"{right}-{pair}", f"{pair}.png"),
        choice=choice,
        seconds=2.0,
        match=more.get("match", ""),
    )


def votes_between(left: str, right: str, won: int, lost: int, tied: int = 0, *, first: int = 0) -> list[Vote]:
    """So many votes on as many pairs of pictures, won, lost and tied by `left`."""
    answers = [1.0] * won + [0.0] * lost + [0.5] * tied
    return [vote(left, right, _ANSWERS[answer], number=first + number) for number, answer in enumerate(answers)]


def simulated_votes(scores: dict[str, float], pairs: int, seed: int) -> list[Vote]:
    """Votes as Bradley and Terry have them, on so many pairs of pictures of every two folders, on random sides."""
    rng = np.random.default_rng(seed)
    names, found = list(scores), []
    for number in range(pairs):
        for one, name in enumerate(names):
            for other in names[one + 1 :]:
                left, right = (name, other) if rng.random() < 0.5 else (other, name)
                wins = rng.random() < 1 / (1 + np.exp(scores[right] - scores[left]))
                found.append(vote(left, right, "left" if wins else "right", number=len(found), pair=str(number)))
    return found


def contestant(label: str, asked: Sequence[tuple[str, str, int | None]]) -> Contestant:
    """A contestant whose pictures, which are nowhere, were asked for as (prompt, artist, seed)."""
    pictures = [
        Picture(Path(f"{label}/{number}.png"), f"{number}.png", f"{label}-{number}", *one)
        for number, one in enumerate(asked)
    ]
    return Contestant(label, tuple(pictures))


def contestant_of(folder: Path, *, prompts: bool = True) -> Contestant:
    """The PNGs of a folder; the n-th of each folder has the same prompt."""
    pictures = [
        Picture(file, file.name, content_of(file), f"field {number}" if prompts else "", "", number)
        for number, file in enumerate(sorted(folder.glob("*.png")))
    ]
    return Contestant(folder.name, tuple(pictures))

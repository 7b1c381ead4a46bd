"""What an edit of words refuses before anything is read or loaded."""

from pathlib import Path

import pytest

from impasto.errors import UsageError
from impasto.jobs.editing.edit_words import EditWordsJob


@pytest.mark.parametrize("number", ["10.5", "-2.1", "nan", "inf"])
def test_a_weight_outside_its_range_is_refused_with_the_job(number: str) -> None:
    with pytest.raises(UsageError, match=rf"--weight red flowers={number}: use -2 to 10"):
        EditWordsJob(file=Path("none.png"), weight=(f"red flowers={number}",))
    assert EditWordsJob(file=Path("none.png"), weight=("flowers=-2", "sky=10")).weight[1] == "sky=10"

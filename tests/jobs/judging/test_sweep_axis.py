"""The axis of a sweep: ranges, steps, lists and names."""

import pytest

from impasto.errors import UsageError
from impasto.jobs.judging.sweep import SweepJob, folder_names
from impasto.jobs.judging.sweep_axis import SweepAxis


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("guidance=1.5:8", "1.5 2.5 3.5 4.5 5.5 6.5 7.5 8"),
        ("guidance=1.5:8:1.5", "1.5 3 4.5 6 7.5"),
        ("guidance=1.5:7.5:1.5", "1.5 3 4.5 6 7.5"),
        ("Guidance = 8, 1:2:0.5", "1 1.5 2 8"),
        ("eta=0:1:0.1", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ("steps=5,10,10,20", "5 10 20"),
        ("steps=5:50", "5 15 25 35 45 50"),
        ("steps=4:6", "4 5 6"),
        ("steps=10-30:10", "10 20 30"),
        ("year=-50:1900:650", "-50 600 1250 1900"),
        ("sampler=dpm++, ddim", "dpm++ ddim"),
    ],
)
def test_values(text: str, values: str) -> None:
    axis = SweepAxis.parse(text)
    assert " ".join(axis.values) == values
    assert axis.numbers is None if axis.name == "sampler" else axis.numbers == tuple(map(float, axis.values))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("guidance", "use AXIS=VALUES, such as guidance=1.5:8"),
        ("guidance=", "use AXIS=VALUES"),
        ("painter=Monet,Klimt", "no axis 'painter', use artist"),
        ("prompt=boats;ships", "--prompts FILE names the prompts"),
        ("seed=1:4", "--count sets how many seeds"),
        ("guidance=much", "'much' is no number"),
        ("guidance=nan,1", "'nan' is no number"),
        ("guidance=1:1e999", "is no number"),
        ("steps=1.5,3", "'1.5' is no whole number"),
        ("guidance=8:1.5", "counts nothing"),
        ("guidance=1:8:0", "counts nothing"),
        ("guidance=1:8:-1", "counts nothing"),
        ("guidance=0:50:0.01", "5001 values: a curve has at most 100"),
        ("guidance=3", "1 values: a curve has 2 to 100 points"),
    ],
)
def test_what_is_no_axis(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SweepAxis.parse(text)


def test_each_value_has_a_folder_of_its_own() -> None:
    assert folder_names(SweepAxis.parse("guidance=1.5,10")) == ["guidance-1.5", "guidance-10"]
    names = folder_names(SweepAxis.parse("checkpoint=runs/a,runs_a,b"))
    assert len(set(names)) == 3 and names[0] == "checkpoint-runs-a" and names[2] == "checkpoint-b"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "a sweep paints prompts"),
        ({"prompts": ("",)}, "a sweep paints prompts"),
        ({"prompts": ("boats",), "prompt": "ships"}, "prompt and prompts are both given"),
        ({"prompts": ("boats",), "count": 0}, "count 0: use 1 or more"),
        ({"prompts": ("boats",), "measures": ("fid",)}, "--measures 'fid'"),
        ({"prompts": ("boats",), "sweep": "guidance=3"}, "2 to 100 points"),
        ({"prompts": "boats"}, "prompts 'boats': use a list"),
    ],
)
def test_a_job_is_checked_when_it_is_made(fields: dict[str, object], words: str) -> None:
    from impasto.jobs import job_from_json

    with pytest.raises(UsageError, match=words):
        SweepJob(**{"sweep": "guidance=1,2", "real": "works", **fields})
    whole = SweepJob(sweep="guidance=1,2", real="works", prompts=["boats"])
    assert job_from_json(whole.to_json()) == whole

"""What a paint job refuses when it is made."""

from pathlib import Path
from typing import Any

import pytest

from impasto.errors import ImpastoError
from impasto.jobs import job_from_json
from impasto.jobs.painting.paint import PaintJob


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"expand": "off", "expand_count": 2}, "--expand-count 2 paints expansions, --expand off makes none"),
        ({"seed": 2**64 - 1, "best_of": 3}, f"seed {2**64 - 1}: use 0 to"),
        ({"seed": 2**63 - 1, "best_of": 3}, f"seed {2**63 - 1}: the job needs 3 seeds from it on: use 0 to {2**63 - 3}"),
        ({"expand": "wu2022", "expansion_config": "none.toml"}, "none.toml: there is no such file"),
        ({"safety_checker": "nodir"}, "--safety-checker nodir is not here"),
    ],
)
def test_each_mistake(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ImpastoError, match=says):
        PaintJob(prompt="boats", **fields)


def test_a_series_of_extensions_implies_the_method() -> None:
    job = PaintJob(prompt="boats", expand_count=2)
    assert job.expand == "wu2022" and job_from_json(job.to_json()) == job
    assert PaintJob(prompt="boats", expand_count=2, prompt_model="gpt2").expand == "wang2023"
    assert PaintJob(prompt="boats").expand == "off"


@pytest.mark.parametrize("text", ["lamda1 = 2", 'lambda1 = "much"', "lambda1 = ", "lambda1 = 1000"])
def test_the_content_of_the_settings_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ImpastoError, match=r"s\.toml"):
        PaintJob(prompt="boats", expand="wu2022", expansion_config=tmp_path / "s.toml")

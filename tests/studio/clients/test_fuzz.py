"""The short form of benchmarks/fuzz_api.py: a few requests to every operation that the OpenAPI document has."""

from pathlib import Path

import pytest
from benchmarks.fuzz_api import fuzz, serving


def test_no_request_makes_the_server_fail(painter_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(painter_home) as (studio, address):
        monkeypatch.setattr(studio, "word_search", _no_scorer)
        found = fuzz(address, cases=140)
    assert found.operations > 60 and found.cases >= 140
    assert not found.faults, "\n".join(found.faults)


def _no_scorer() -> None:
    from impasto.errors import MissingPart

    raise MissingPart("a scorer takes seconds to load, and has tests of its own")

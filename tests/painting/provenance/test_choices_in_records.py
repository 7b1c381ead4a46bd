"""Which extension was painted, and among which paintings it was chosen, is read back exactly; hostile values are refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tests.painting.provenance.test_record import BOATS

from impasto.errors import ImpastoError
from impasto.painting.best_of.record import MOST_TRIED, BestOf, Tried
from impasto.painting.provenance.extension import ExtensionNote
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import painting_key
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.pipeline import Expansion

NOTE = ExtensionNote("wu2022", 2, 5, 1.397, (("tf-idf", 0.749), ("cosine", 0.448)), "handbook: Shanghai", 7, "wiki")
CHOSEN = BestOf("pocket-scorer", "ab" * 32, (Tried(1, 0.5, 0.3, 0.2), Tried(2, 0.9, 0.9), Tried(3, 0.1, None, 0.1)))


def test_both_are_read_back_and_a_record_without_them_is_what_it_was() -> None:
    whole = replace(BOATS, expansion="boats at sunset, a port", extension=NOTE, best_of=CHOSEN)
    assert Provenance.from_json(whole.to_json()) == whole
    fields = json.loads(BOATS.to_json())
    assert "extension" not in fields and "best_of" not in fields
    # How it was chosen does not make it another painting.
    assert painting_key(replace(whole, expansion=None)) == painting_key(BOATS)
    assert str(NOTE) == (
        "rank 2 of 5 by wu2022, score 1.397 (tf-idf 0.749, cosine 0.448), from handbook: Shanghai, with wiki, seed 7"
    )
    assert str(CHOSEN) == "best of 3 by pocket-scorer (seed 2: 0.900, seed 1: 0.500, seed 3: 0.100)"


def test_a_note_of_an_expansion() -> None:
    found = Expansion("boats, a port", 1.25, {"tf-idf": 1.0, "cosine": 0.25}, "wikipedia: a\nb" + "c" * 400, "a port")
    note = ExtensionNote.of(found, 1, 3, ExpansionChoices("wu2022", index=Path("somewhere/wiki"), seed=4))
    assert (note.rank, note.found, note.seed, note.knowledge) == (1, 3, 4, "wiki")
    assert note.source.startswith("wikipedia: a bccc") and len(note.source) == 300
    record = replace(BOATS, extension=note)
    assert Provenance.from_json(record.to_json()).extension == note


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("extension", {"rank": -1}),
        ("extension", {"rank": True}),
        ("extension", {"found": "5"}),
        ("extension", {"seed": 2**63}),
        ("extension", {"score": "1.4"}),
        ("extension", {"score": float("1e999")}),
        ("extension", {"source": "a\x1b[2J"}),
        ("extension", {"method": "w" * 301}),
        ("extension", {"components": [["tf-idf", "x"]]}),
        ("extension", {"components": [["a", 1.0]] * 17}),
        ("extension", {"components": {"tf-idf": 1.0}}),
        ("best_of", {"tried": []}),
        ("best_of", {"tried": [{"seed": 1, "score": 1.0}] * (MOST_TRIED + 1)}),
        ("best_of", {"tried": [{"seed": -1, "score": 1.0}]}),
        ("best_of", {"tried": [{"seed": 1, "score": None}]}),
        ("best_of", {"tried": [{"seed": 1, "score": 1.0, "prompt": "0.3"}]}),
        ("best_of", {"tried": ["seed 1"]}),
        ("best_of", {"scorer": "a\nb"}),
        ("best_of", {"identity": 5}),
    ],
)
def test_hostile_values_are_refused(field: str, changes: dict[str, object]) -> None:
    whole = asdict(NOTE if field == "extension" else CHOSEN)
    text = json.dumps({**json.loads(BOATS.to_json()), field: whole | changes})
    with pytest.raises(ImpastoError, match=f"no valid '{field}'"):
        Provenance.from_json(text)
    for other in ("rank 2", [], 1):
        with pytest.raises(ImpastoError, match=f"no valid '{field}'"):
            Provenance.from_json(json.dumps({**json.loads(BOATS.to_json()), field: other}))

import json
import re
from pathlib import Path

import pytest

import impasto
from impasto.errors import ImpastoError
from impasto.prompts.knowledge.handbook import FIELDS, KINDS, handbook, look_up, read_entry, split_sentences

POCKET = Path(impasto.__file__).parent / "checkpoints" / "pocket"


def test_every_entry_is_as_the_handbook_says() -> None:
    entries = handbook()
    for entry in entries:
        assert [name for name, _ in entry.fields] == [name for name in FIELDS[entry.kind] if entry.field(name)], entry.slug
        words = len(entry.body.split())
        assert 55 <= words <= 125, f"{entry.kind}/{entry.slug}: {words} words"
        assert not re.search(r"https?:|[<>\[\]*_`#]|\bI\b", entry.body), entry.slug
        for sentence in entry.sentences:
            assert not re.match(r"(It|He|She|They|This|These|His|Her|Their|Its)\b", sentence), f"{entry.slug}: {sentence}"


def test_it_covers_who_and_what_it_should() -> None:
    entries = handbook()
    counts = {kind: sum(entry.kind == kind for entry in entries) for kind in KINDS}
    assert counts["artists"] >= 60 and counts["styles"] == 27 and counts["genres"] >= 10 and counts["themes"] >= 200
    seen = json.loads((POCKET / "artists.json").read_text("utf-8"))
    most_seen = [row["name"] for row in seen if row["works"] > 53]
    assert len(most_seen) >= 55
    assert [name for name in most_seen if look_up(name, entries, "artists") is None] == []
    for kind in KINDS:
        titles = [entry.title.casefold() for entry in entries if entry.kind == kind]
        assert len(titles) == len(set(titles))


def test_names_are_found_without_case_and_accents() -> None:
    found = look_up("edouard manet", handbook())
    assert found is not None and found.title == "Édouard Manet"
    china = look_up("URBANIZATION of china", handbook())
    assert china is not None and china.kind == "themes" and len(china.sentences) >= 4
    assert look_up("Nobody at all", handbook()) is None
    assert look_up("", handbook()) is None


def test_sentences_do_not_end_at_initials() -> None:
    text = "J. M. W. Turner painted the Thames.  St. Mark's shines at dawn. Boats wait!"
    assert split_sentences(text) == ["J. M. W. Turner painted the Thames.", "St. Mark's shines at dawn.", "Boats wait!"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1"),
        ("Monet\n\nbody", "line 1"),
        ("# Monet\nborn: 1840\n\nbody", "line 2: not a field of artists"),
        ("# Monet\nlife: 1840-1926\nnonsense\n\nbody", "line 3"),
        ("# Monet\nlife: 1840-1926\n\n", "the text is missing"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "monet.md"
    path.write_text(text, "utf-8")
    with pytest.raises(ImpastoError, match=f"monet.md.*{reason}"):
        read_entry("artists", path)

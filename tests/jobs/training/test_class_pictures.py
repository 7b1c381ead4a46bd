"""Pictures of a class are painted once, and again only where one is missing or of something else."""

from pathlib import Path

import pytest
from tests.checkpoints.tiny import make_tiny_pocket

from impasto.errors import UsageError
from impasto.jobs.training.class_pictures import paint_class_pictures
from impasto.painting.provenance.record import Provenance, read_provenance
from impasto.training.loop.progress import no_report


def test_only_what_is_missing_is_painted(tmp_path: Path) -> None:
    base, folder = str(make_tiny_pocket(tmp_path / "base")), tmp_path / "run" / "prior"

    def paint(text: str, count: int) -> list[Path]:
        return paint_class_pictures(folder, text, count, base, size=64, on_progress=no_report)

    first = paint("a dog", 2)
    record = read_provenance(first[1])
    assert isinstance(record, Provenance) and (record.text, record.seed) == ("a dog", 1)
    times = [file.stat().st_mtime_ns for file in first]
    first[0].write_bytes(b"torn")
    again = paint("a dog", 3)
    assert again[:2] == first and isinstance(read_provenance(first[0]), Provenance)
    assert first[0].stat().st_mtime_ns != times[0] and first[1].stat().st_mtime_ns == times[1]
    paint("a cat", 1)
    other = read_provenance(first[0])
    assert isinstance(other, Provenance) and other.text == "a cat"
    with pytest.raises(UsageError, match="prior pictures 0"):
        paint("a dog", 0)

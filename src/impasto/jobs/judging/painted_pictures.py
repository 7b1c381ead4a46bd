"""What the pictures of a folder say of how they were painted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import CatalogueEntry


@dataclass(frozen=True)
class RecordedPrompt:
    """What was asked of the painter of one picture; "" and None where its file does not tell."""

    prompt: str = ""
    artist: str = ""
    seed: int | None = None


def read_recorded_prompts(entries: "Sequence[CatalogueEntry]") -> list[RecordedPrompt]:
    """From each picture's own record, or from another tool's; a picture without one asked for nothing."""
    from impasto.painting.provenance.record import Provenance, read_provenance

    found = []
    for entry in entries:
        try:
            record = read_provenance(entry.file)
        except ImpastoError:
            found.append(RecordedPrompt())
            continue
        artist = record.condition.get("artist") if isinstance(record, Provenance) else ""
        found.append(RecordedPrompt(record.prompt, artist if isinstance(artist, str) else "", record.seed))
    return found

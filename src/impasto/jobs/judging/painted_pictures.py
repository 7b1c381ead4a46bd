"""Reads the prompts from the provenance records of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import CatalogueEntry


@dataclass(frozen=True)
class RecordedPrompt:
    """The prompt, artist and seed of one picture; "" and None if its file does not contain them."""

    prompt: str = ""
    artist: str = ""
    seed: int | None = None


def read_recorded_prompts(entries: "Sequence[CatalogueEntry]") -> list[RecordedPrompt]:
    """Reads the prompt of each picture from its provenance record, impasto's or another tool's.

    The result of a picture without a record is empty.
    """
    from impasto.painting.provenance.record import Provenance, read_provenance

    found = []
    for entry in entries:
        try:
            record = read_provenance(entry.file)
        except ImpastoError:
            found.append(RecordedPrompt())
            continue
        artist = record.condition.get("artist") if isinstance(record, Provenance) else ""
        told = isinstance(record, Provenance) or "prompt" not in record.untold  # a part of a prompt is none
        prompt = record.prompt if told else ""
        found.append(RecordedPrompt(prompt, artist if isinstance(artist, str) else "", record.seed))
    return found

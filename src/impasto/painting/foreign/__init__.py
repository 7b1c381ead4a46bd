"""Reads the generation metadata that other tools write into their pictures, one module per tool.

`read_foreign` takes the texts of a picture (see `impasto.painting.provenance.picture_text`) and returns the first
record that it can read. These texts are untrusted input: they are parsed, bounded and stripped
of control characters, never executed.
"""

from collections.abc import Mapping

from impasto.painting.foreign.a1111 import read_a1111
from impasto.painting.foreign.comfyui import read_comfyui
from impasto.painting.foreign.invokeai import read_invokeai
from impasto.painting.foreign.novelai import read_novelai
from impasto.painting.foreign.record import ForeignRecord, RecordError

__all__ = ["ForeignRecord", "RecordError", "read_foreign"]

# A1111's text comes first: ComfyUI's saving nodes write it beside the graph, with all values resolved.
_READERS = (read_a1111, read_invokeai, read_comfyui, read_novelai)


def read_foreign(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record that another tool left in a picture's `texts` (chunk name -> text), or None.

    If several tools left a record, the first readable one is returned.

    Raises:
        RecordError: there is a record, but none that can be read.
    """
    broken: RecordError | None = None
    for reader in _READERS:
        try:
            record = reader(texts)
        except RecordError as error:
            broken = broken or error
            continue
        if record is not None:
            return record
    if broken is not None:
        raise broken
    return None

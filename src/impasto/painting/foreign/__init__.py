"""Reads the generation metadata that other tools write into their pictures, one module per tool.

`read_foreign` takes the texts of a picture (see `impasto.painting.provenance.picture_text`) and returns the first
record that it can read. These texts are untrusted input: they are parsed, bounded and stripped
of control characters, never executed. docs/records.md lists what is read from which tool.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from impasto.painting.foreign.a1111 import read_a1111
from impasto.painting.foreign.comfyui import read_comfyui
from impasto.painting.foreign.invokeai import read_invokeai
from impasto.painting.foreign.named_settings import read_named_settings
from impasto.painting.foreign.novelai import read_novelai
from impasto.painting.foreign.record import ForeignRecord, RecordError, is_placeholder
from impasto.painting.foreign.texts import unpacked

__all__ = ["ForeignRecord", "RecordError", "read_foreign"]

# Texts of settings come first: ComfyUI's saving nodes and Civitai write them beside the graph, with all values resolved.
_READERS = (read_novelai, read_a1111, read_invokeai, read_named_settings)


def read_foreign(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record that another tool left in a picture's `texts` (chunk name -> text), or None.

    If several tools left a record, the first readable one is returned; ComfyUI's graph fills what it lacks, and comes
    before it if it holds placeholders ("undefined", "unknown") where its prompt should be.

    Raises:
        RecordError: there is a record, but none that can be read.
    """
    texts = unpacked(texts)
    broken: list[RecordError] = []

    def attempt(reader: Callable[[Mapping[str, str]], ForeignRecord | None]) -> ForeignRecord | None:
        try:
            return reader(texts)
        except RecordError as error:
            broken.append(error)
            return None

    record = next((found for found in map(attempt, _READERS) if found is not None), None)
    graph = attempt(read_comfyui)
    if record is None and graph is None and broken:
        raise broken[0]
    return _together(record, graph) if record is not None and graph is not None else record or graph


def _together(record: ForeignRecord, graph: ForeignRecord) -> ForeignRecord:
    """Returns the one record of a picture that has both settings as text and ComfyUI's graph."""
    first, second = (graph, record) if is_placeholder(record.prompt) or not record.prompt else (record, graph)
    differing: dict[str, str] = {}
    filled: dict[str, object] = {}
    for one in fields(ForeignRecord):
        if one.name in ("tool", "extra", "untold"):
            continue
        value, other = getattr(first, one.name), getattr(second, one.name)
        if value in ("", None) and other not in ("", None) and not is_placeholder(other):
            filled[one.name] = other
        elif first is graph and other not in ("", None, value) and not is_placeholder(other):
            differing[one.name] = str(other)
    extra = {**second.extra, **first.extra}
    if differing:
        extra["beside the graph"] = ", ".join(f"{name}: {value}" for name, value in differing.items())
    untold = {name: reason for name, reason in first.untold.items() if name not in filled}
    return replace(first, **filled, extra=extra, untold=untold)  # pyright: ignore[reportArgumentType] - fields of its own

"""Detects paintings that exist already: a key of all settings that determine a painting, and a check of its file."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError
from impasto.painting.guidance.record import USUAL
from impasto.painting.provenance.record import Provenance, read_provenance


def painting_key(record: Provenance) -> str:
    """Returns the SHA-256, hexadecimal, of all fields of the record that determine the painting.

    The key leaves out the paths of adapters, the checkpoint's name and the version of Impasto: the hashes in the record
    identify the files.
    """
    values = asdict(replace(record, version="", checkpoint=""))
    del values["extension"], values["best_of"]  # how the text and the seed were chosen
    del values["engine"]  # a picture by another engine is the same one but for rounding
    del values["safety"]  # sheets, whose cells this finds again, are not checked
    del values["negative_prompt"]  # as `negative`, what it became, decides
    if record.weights is None:
        del values["weights"]
    if record.edit is None:
        del values["edit"]
    else:
        del values["edit"]["kept"]
        for source in (values["edit"]["source"], ((values["edit"]["masked"] or {}).get("mask") or {}).get("source")):
            if source is not None:
                del source["path"], source["name"]
    if record.words is None:
        del values["words"]
    if record.controls is None:
        del values["controls"]
    else:
        values["controls"] = [control.deciding() for control in record.controls]
    if record.guides is None:
        del values["guides"]
    else:
        values["guides"] = [guide.deciding() for guide in record.guides]
    if record.guider == USUAL:  # a record from before there were other guiders has the same key
        del values["guider"], values["guidance_interval"]
    if record.memory is None:
        del values["memory"]
    else:  # the works found in the memory follow from the other fields
        values["memory"] = record.memory.deciding()
    for row in (*values["loras"], *values["concepts"]):
        del row["path"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def is_painted(file: Path, record: Provenance) -> bool:
    """Returns whether the file is the painting that `record` describes, and can be decoded completely."""
    try:
        said = read_provenance(file)
        with Image.open(file) as picture:
            picture.load()
    except (ImpastoError, OSError, SyntaxError):
        return False
    return isinstance(said, Provenance) and painting_key(said) == painting_key(record)

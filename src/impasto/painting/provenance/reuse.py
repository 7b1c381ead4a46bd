"""Paintings that are there already: what decides what a painting is, and whether a file is that painting, whole."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError
from impasto.painting.guidance.record import USUAL
from impasto.painting.provenance.record import Provenance, read_provenance


def painting_key(record: Provenance) -> str:
    """SHA-256, hexadecimal, of all that decides what a painting is: of its record but for where things lay when it was
    painted, what they were called, and by which version of impasto. Hashes say what they were.
    """
    values = asdict(replace(record, version="", checkpoint=""))
    if record.guider == USUAL:  # a record of before there were others has the same key
        del values["guider"], values["guidance_interval"]
    if record.memory is None:
        del values["memory"]
    else:  # which works are found in it, all that is here decides
        values["memory"] = record.memory.deciding()
    for row in (*values["loras"], *values["concepts"]):
        del row["path"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def is_painted(file: Path, record: Provenance) -> bool:
    """Whether the file is the painting that `record` tells of, and whole."""
    try:
        said = read_provenance(file)
        with Image.open(file) as picture:
            picture.load()
    except (ImpastoError, OSError, SyntaxError):
        return False
    return isinstance(said, Provenance) and painting_key(said) == painting_key(record)

"""Splits a catalogue into training and held-out pictures; evaluation uses real pictures that no checkpoint has seen."""

import hashlib

HELD_OUT_SHARE = 0.1


def is_held_out(file_name: str) -> bool:
    """Returns whether the picture is held out: about `HELD_OUT_SHARE` of all names are, chosen by a hash of the name.

    A hash is used instead of a random draw so that adding pictures to a catalogue does not change the split of the others.
    """
    digest = hashlib.sha256(file_name.encode("utf-8")).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32

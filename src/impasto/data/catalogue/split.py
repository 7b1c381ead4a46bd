"""Which pictures of a catalogue are held out from training, so that judgement has real pictures no checkpoint saw."""

import hashlib

HELD_OUT_SHARE = 0.1


def is_held_out(file_name: str) -> bool:
    """Whether the picture is held out: about `HELD_OUT_SHARE` of all names, by a hash of the name.

    A hash and not a draw, so that adding pictures to a catalogue moves none from one side to the other.
    """
    digest = hashlib.sha256(file_name.encode("utf-8")).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32

"""Notices on artists who may be living: painting in their manner is not refused, but said."""

from collections.abc import Iterable, Sequence
from typing import Any

from impasto.jobs.painting.adapters import Say


def say_living(artists: Iterable[str], listed: Sequence[dict[str, Any]], say: Say) -> None:
    """Calls `say` with one line for each artist whom the checkpoint's list, the handbook or the name itself dates as living.

    Args:
        artists: full names; "" is nobody.
        listed: the checkpoint's list of artists, with the years "born" and "died" where its training knew them.
        say: called with the notices.
    """
    from impasto.prompts.living import life_of, living_note

    rows = {row.get("name"): row for row in listed}
    for name in dict.fromkeys(filter(None, artists)):
        life = life_of(name, rows.get(name))
        if life.is_living():
            say(living_note(name, life))

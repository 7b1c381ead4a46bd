"""Tells addresses of object stores from paths, and refuses those that carry a secret."""

import re
from pathlib import Path

from impasto.errors import UsageError

# A path type folds the two slashes of an address into one, so `s3:/bucket` is an address, too. One letter is a drive.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(?!/)(.*)", re.DOTALL)


def address_of(place: str | Path) -> str | None:
    """Returns the address `SCHEME://REST` that `place` is, also one that was made a path; None if it is a path.

    Raises:
        UsageError: the address holds a user, a password or a query. It would be kept in jobs, records and messages, so the
            message does not repeat it.
    """
    found = _ADDRESS.fullmatch(str(place))
    if found is None:
        return None
    scheme, rest = found.groups()
    if "@" in rest.partition("/")[0] or "?" in rest:
        raise UsageError(
            f"the {scheme} address holds a user, a password or a query, which would be recorded: leave it out, and give "
            "credentials in the environment or in fsspec's configuration"
        )
    return f"{scheme}://{rest.rstrip('/')}"

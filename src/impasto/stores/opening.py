"""Opens the store of a folder or an address."""

import os
from functools import lru_cache
from pathlib import Path

from impasto.stores.local import LocalStore
from impasto.stores.place import address_of
from impasto.stores.remote import RemoteStore
from impasto.stores.store import Store


def store_of(place: str | Path) -> Store:
    """Returns the store of a folder, which need not exist yet, or of an address such as `s3://bucket/folder`.

    Raises:
        UsageError: the address holds a secret, or fsspec does not know its scheme.
        MissingPart: the package for this scheme is not installed.
    """
    address = address_of(place)
    if address is not None:
        return _remote(address, os.getpid())
    return LocalStore(Path(place))


@lru_cache(maxsize=16)
def _remote(address: str, process: int) -> Store:
    """A store of this process: connections and event loops must not be used on the other side of a fork."""
    del process
    return RemoteStore(address)

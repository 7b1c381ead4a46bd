"""A check that a folder can be written, before work is spent on what goes into it."""

from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.stores.place import address_of

# Enough to detect a full disk or a quota; about the size of a painting of 128 px.
_PROBE = bytes(64 << 10)


def check_writable(folder: Path) -> None:
    """Checks that files can be written to `folder`, or to the folder in which it will be created; leaves no file behind.

    Raises:
        UsageError: it is the address of an object store. ImpastoError: files cannot be written: it is not a folder,
            read-only, or full.
    """
    import tempfile

    if (address := address_of(folder / "x")) is not None:
        raise UsageError(
            f"{address.removesuffix('/x')} is an address, but this needs a folder; `paint` and `data export` write to one"
        )

    try:
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise UsageError(f"cannot write to {folder}: {place} is not a folder")
        # A permission check is not enough: root has permission on read-only file systems, too.
        with tempfile.TemporaryFile(dir=place, buffering=0) as probe:
            left = memoryview(_PROBE)
            while left:  # near a limit, a partial write succeeds without an error
                left = left[probe.write(left) :]
    except OSError as error:
        raise ImpastoError(f"cannot write to {folder}: {error.strerror or error}") from None

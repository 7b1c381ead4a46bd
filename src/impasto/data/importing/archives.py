"""Lists and reads the files inside zip and tar archives, without unpacking them to disk.

Names of members are only names here: no file is written under them.
"""

import gzip
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from impasto.data.catalogue.listing import Listing
from impasto.errors import ImpastoError

MAX_MEMBER_BYTES = 1 << 29
_MAX_UNPACKED = 1 << 36  # of a compressed tar, which is unpacked to a temporary file to be read in any order


class Archives:
    """The archives of one source; at most one is open at a time."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._opened: Any = None
        self._unpacked: IO[bytes] | None = None

    def add_members(self, listing: Listing, key: str) -> None:
        """Adds the files in the archive `key` to the listing, under the archive's name as a folder.

        Raises:
            ImpastoError: the archive cannot be read.
        """
        path = listing.path(key)
        opened = self._open(path)
        if isinstance(opened, zipfile.ZipFile):
            members = [(info.filename, info) for info in opened.infolist() if not info.is_dir()]
        else:
            try:
                members = [(member.name, member) for member in opened if member.isfile()]
            except (tarfile.TarError, OSError, EOFError) as error:
                raise ImpastoError(f"an archive that cannot be read ({_first_line(error)})") from None
        for name, member in members:
            inner = "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
            if inner and f"{key}/{inner}" not in listing.pictures:
                listing.add_member(f"{key}/{inner}", self._reader(path, member))

    def close(self) -> None:
        """Closes the archive that is open."""
        for opened in (self._opened, self._unpacked):
            if opened is not None:
                opened.close()
        self._path = self._opened = self._unpacked = None

    def _reader(self, path: Path, member: Any) -> Callable[[str], bytes]:
        def read(key: str) -> bytes:
            size = member.file_size if isinstance(member, zipfile.ZipInfo) else member.size
            if size > MAX_MEMBER_BYTES:
                raise ImpastoError(f"{key} unpacks to more than {MAX_MEMBER_BYTES >> 20} MiB")
            opened = self._open(path)
            try:
                if isinstance(opened, zipfile.ZipFile):
                    with opened.open(member) as file:
                        return file.read(size + 1)[:size]
                found = opened.extractfile(member)
                return found.read() if found is not None else b""
            except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, NotImplementedError) as error:
                raise ImpastoError(f"{key} cannot be unpacked ({_first_line(error)})") from None
            except RuntimeError:  # zipfile's word for a password
                raise ImpastoError(f"{key} is locked with a password: unpack {path.name}") from None
            except Exception as error:  # zlib.error and the like
                raise ImpastoError(f"{key} cannot be unpacked ({_first_line(error)})") from None

        return read

    def _open(self, path: Path) -> Any:
        if self._path == path:
            return self._opened
        self.close()
        try:
            if path.suffix.lower() == ".zip":
                self._opened = zipfile.ZipFile(path)
            elif path.name.lower().endswith((".tar.gz", ".tgz")):
                self._unpacked = _unpacked(path)
                self._opened = tarfile.open(fileobj=self._unpacked, mode="r:")  # noqa: SIM115
            else:
                self._opened = tarfile.open(path, mode="r:")  # noqa: SIM115
        except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
            self.close()
            raise ImpastoError(f"an archive that cannot be read ({_first_line(error)})") from None
        self._path = path
        return self._opened


def _unpacked(path: Path) -> IO[bytes]:
    """Returns the tar inside a gzip file, as a temporary file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with gzip.open(path) as packed:
            size = 0
            while block := packed.read(1 << 20):
                size += len(block)
                if size > _MAX_UNPACKED:
                    raise tarfile.ReadError("it unpacks to too much")
                file.write(block)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["broken"])[0][:200]

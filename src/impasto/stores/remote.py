"""A store that fsspec reaches: S3 and what speaks its protocol, and any other of fsspec's file systems."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from impasto.errors import MissingPart, UsageError
from impasto.stores.store import Store, StoredFile

_PACKAGES = {"s3": "impasto[s3]", "s3a": "impasto[s3]", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


# What the libraries of S3, Google and Azure raise when there is no connection, or nothing comes through it.
_NO_ANSWER = frozenset({
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ProxyConnectionError", "ConnectionClosedError",
    "ClientConnectorError", "ClientConnectorDNSError", "ServerTimeoutError", "ConnectionTimeoutError", "ServiceRequestError",
    "ConnectionRefusedError", "ConnectionError", "TimeoutError",
})  # fmt: skip


class RemoteStore(Store):
    """Objects below an address. Credentials come from the environment or fsspec's configuration, never from the address.

    S3 gets conditional writes (`If-None-Match: *`), so that of several writers one wins. Of other file systems, those
    without such writes are asked first whether the file is there.
    """

    def __init__(self, address: str) -> None:
        import fsspec

        self.place = address
        scheme, _, self._root = address.partition("://")
        if scheme not in fsspec.available_protocols():
            raise UsageError(f"{address}: fsspec knows no {scheme!r}: use a folder or an address such as s3://bucket/folder")
        try:
            self._system: Any = fsspec.filesystem(scheme, use_listings_cache=False)
        except ImportError:
            package = _PACKAGES.get(scheme, f"fsspec's package for {scheme}")
            raise MissingPart(f"{scheme}:// needs a package that is not installed: pip install '{package}'") from None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def put_if_absent(self, name: str, content: bytes | Path) -> bool:
        path = self._path(name)
        with self._reasons(name):
            if self._system.exists(path):
                return False
            try:
                if isinstance(content, bytes):
                    self._unless_there(self._system.pipe_file, path, content)
                else:
                    self._unless_there(self._system.put_file, str(content), path)
            except FileExistsError:
                return False
            return True

    def _unless_there(self, write: Callable[..., object], *arguments: object) -> None:
        try:
            write(*arguments, mode="create")
        except (NotImplementedError, TypeError):  # a file system without conditional writes
            write(*arguments)

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        with self._reasons(name):
            end = None if size is None else start + size
            return bytes(self._system.cat_file(self._path(name), start=start or None, end=end))

    def open(self, name: str) -> BinaryIO:
        with self._reasons(name):
            return cast(BinaryIO, self._system.open(self._path(name), "rb"))

    def find(self, name: str) -> StoredFile | None:
        try:
            with self._reasons(name):
                return _stored(name, self._system.info(self._path(name)))
        except FileNotFoundError:
            return None

    def files(self) -> list[StoredFile]:
        with self._reasons(""):
            listed = [item for item in self._system.ls(self._root, detail=True) if item["type"] == "file"]
        named = {str(item["name"]).rpartition("/")[2]: item for item in listed}
        return [_stored(name, named[name]) for name in sorted(named) if name and not name.startswith(".")]

    @contextmanager
    def _reasons(self, name: str) -> Iterator[None]:
        """Turns what a file system raises into an OSError of our own words: its own may hold keys or signed addresses."""
        where = f"{self.place}/{name}" if name else self.place
        try:
            yield
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "there is no such object", where) from None
        except PermissionError:
            raise PermissionError(errno.EACCES, "the credentials do not permit it", where) from None
        except Exception as error:
            kind = type(error).__name__
            if "Credential" in kind:
                raise PermissionError(
                    errno.EACCES, "there are no credentials (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)", where
                ) from None
            if kind in _NO_ANSWER:
                setting = "AWS_ENDPOINT_URL" if self.place.startswith(("s3:", "s3a:")) else "the address"
                told = f"no store answers at the endpoint: check {setting} and the network"
                raise OSError(errno.EHOSTUNREACH, told, where) from None
            raise OSError(errno.EIO, f"the store answered with {kind}", where) from None


def _stored(name: str, info: dict[str, Any]) -> StoredFile:
    stamp = (
        info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified") or info.get("created") or ""
    )
    return StoredFile(name, int(info.get("size") or 0), str(stamp).strip('"'))

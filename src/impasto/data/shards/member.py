"""Pictures inside tar shards, which read like files."""

import errno
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PosixPath
from typing import Any

from impasto.stores.opening import store_of


@dataclass(frozen=True)
class MemberPlace:
    """Where a picture's bytes lie.

    Attributes:
        store: the place of the shards, a folder or an address.
        shard: the shard's name within it.
        offset, size: of the bytes within the shard.
        content: their SHA-256, hexadecimal.
        width, height: upright, in px; 0 if they could not be read.
    """

    store: str
    shard: str
    offset: int
    size: int
    content: str
    width: int = 0
    height: int = 0


class ShardMember(PosixPath):
    """The path SHARD/MEMBER of a picture inside a tar shard. Reading it reads the shard from the picture's offset on.

    Bytes whose SHA-256 is not `place.content` raise OSError, so that a shard which changed is never taken for the old one.
    What is derived from it, such as its parent, is an ordinary path.
    """

    place: MemberPlace

    @classmethod
    def at(cls, place: MemberPlace, name: str) -> "ShardMember":
        """Returns the member `name` of the shard."""
        member = cls(f"{place.store}/{place.shard}/{name}")
        member.place = place
        return member

    def with_segments(self, *segments: Any) -> Path:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Path(*segments)

    @property
    def member(self) -> str:
        """Its name in the shard."""
        return str(self).removeprefix(f"{Path(self.place.store)}/{self.place.shard}/")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return ShardMember.at, (self.place, self.member)

    def read_bytes(self) -> bytes:
        place = self.place
        data = store_of(place.store).read(place.shard, place.offset, place.size)
        if len(data) < place.size:
            raise OSError(errno.EIO, f"{place.shard} is cut off before its end", str(self))
        if hashlib.sha256(data).hexdigest() != place.content:
            raise OSError(errno.EIO, f"{place.shard} holds other bytes than its manifest says", str(self))
        return data

    def open(self, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        """Opens the bytes for reading; only the mode "rb" is possible."""
        del arguments, options
        if mode != "rb":
            raise OSError(errno.EROFS, "a picture inside a shard can only be read, as bytes", str(self))
        return io.BytesIO(self.read_bytes())

    def exists(self, **options: Any) -> bool:
        return True

    def is_file(self, **options: Any) -> bool:
        return True

    def resolve(self, strict: bool = False) -> "ShardMember":
        return self

    def absolute(self) -> "ShardMember":
        """Returns the same picture of shards whose place holds from any working folder."""
        place = self.place
        if "://" in place.store:
            return self
        member = str(self).removeprefix(f"{Path(place.store)}/{place.shard}/")
        return ShardMember.at(replace(place, store=str(Path(place.store).absolute())), member)

    def stat(self, **options: Any) -> os.stat_result:
        return os.stat_result((0o100444, 0, 0, 1, 0, 0, self.place.size, 0, 0, 0))

"""A store in a local or shared folder."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from impasto.files import sync_folder
from impasto.stores.store import Store, StoredFile


class LocalStore(Store):
    """The files of a folder; the folder and those below are made when a file is put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.place = str(folder)

    def put_if_absent(self, name: str, content: bytes | Path) -> bool:
        """See `Store`. The file is written under a hidden name and linked to its own, which fails if there is one."""
        target = self.folder / name
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            with temporary.open("xb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            try:
                target.hardlink_to(temporary)
            except FileExistsError:
                return False
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
        return True

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        with (self.folder / name).open("rb") as file:
            file.seek(start)
            return file.read() if size is None else file.read(size)

    def open(self, name: str) -> BinaryIO:
        return (self.folder / name).open("rb")

    def find(self, name: str) -> StoredFile | None:
        try:
            state = (self.folder / name).stat()
        except FileNotFoundError:
            return None
        return StoredFile(name, state.st_size, str(state.st_mtime_ns))

    def files(self) -> list[StoredFile]:
        found = []
        for item in sorted(os.scandir(self.folder), key=lambda item: item.name):
            if item.is_file() and not item.name.startswith("."):
                state = item.stat()
                found.append(StoredFile(item.name, state.st_size, str(state.st_mtime_ns)))
        return found

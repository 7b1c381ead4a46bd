"""Finds the files that hold articles: which ones, of what kind, how they are packed, in which order."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError

READ = ".xml (MediaWiki dumps), .jsonl, .json, .parquet and WikiExtractor's files, also as .bz2, .gz or .xz"
_HEAD = 1 << 16  # bytes of a file's text that tell its kind
_MOST_PACKED = 4 << 20  # a bz2 block has up to 900 kB of text
_PACKED = {b"BZh": "bz2", b"\x1f\x8b": "gz", b"\xfd7zXZ\x00": "xz"}
_FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive: unpack it first (`7z e`), or take the .bz2 of the same dump",
    b"\x28\xb5\x2f\xfd": "is packed with zstd: unpack it first (`zstd -d`)",
    b"PK\x03\x04": "is a ZIP archive: unpack it first",
    b"SQLite format 3": "is an SQLite database: export its articles as .jsonl with title and text",
    b"\xff\xfe": "is UTF-16: save it as UTF-8",
    b"\xfe\xff": "is UTF-16: save it as UTF-8",
}
# enwiki-20240101-pages-articles-multistream1.xml-p1p41242.bz2
_DUMP = re.compile(
    r"(?P<wiki>\w+)-(?P<date>\d{8}|latest)-pages-(?P<what>articles|meta-current|meta-history)(?:-multistream)?(?P<part>\d*)"
    r"\.xml(?P<range>-p\d+p\d+)?(?:\.\w+)?"
)


@dataclass(frozen=True)
class DumpFile:
    """A file with articles. `kind`: xml, jsonl, json, docs or parquet; `packing`: "", bz2, gz or xz."""

    path: Path
    kind: str
    packing: str = ""


def find_dump_files(given: Sequence[Path], on_note: Callable[[str], None] = lambda _: None) -> list[DumpFile]:
    """Returns the files with articles among `given`: files, folders with everything below them, and patterns (`*.bz2`).

    Parts of a dump come in their order. A dump that is there twice, packed and unpacked or also as multistream, is read
    once. `on_note` is called with what is left out and why.

    Raises:
        UsageError: there is no such file, or no file with articles in a folder.
        ImpastoError: a file that was named holds no articles.
    """
    found: dict[Path, DumpFile] = {}
    for path in given:
        for file in _named(path):
            if file.is_dir():
                for one in _in_folder(file, on_note):
                    found.setdefault(one.path.resolve(), one)
            else:
                found.setdefault(file.resolve(), look_at(file))
    files = _once(sorted(found.values(), key=lambda file: _natural(file.path)), on_note)
    if len(given) == 1 and len(files) == 1 and not given[0].is_dir():
        _tell_of_other_parts(files[0].path, on_note)
    return files


def _named(path: Path) -> list[Path]:
    if path.exists():
        return [path]
    if any(sign in str(path) for sign in "*?["):
        start = Path(path.anchor or ".")
        names = sorted(start.glob(str(path.relative_to(path.anchor))))
        if not names:
            raise UsageError(f"--wikipedia {path}: there is no file of such a name")
        return names
    raise UsageError(f"--wikipedia {path}: there is no such file or folder")


def _in_folder(folder: Path, on_note: Callable[[str], None]) -> list[DumpFile]:
    files = []
    looked_at = 0
    for path in sorted(folder.rglob("*"), key=_natural):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        looked_at += 1
        try:
            files.append(look_at(path))
        except ImpastoError as error:
            on_note(f"{error}; not read")
    if not files:
        raise UsageError(f"--wikipedia {folder}: none of its {looked_at} files holds articles (they are read from {READ})")
    return files


def look_at(path: Path) -> DumpFile:
    """Returns what a file is, by its content.

    Raises:
        ImpastoError: it holds no articles, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_PACKED)
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
    for magic, reason in _FOREIGN.items():
        if raw.startswith(magic):
            raise ImpastoError(f"{path} {reason}")
    if raw.startswith(b"PAR1"):
        return DumpFile(path, "parquet")
    packing = next((name for magic, name in _PACKED.items() if raw.startswith(magic)), "")
    text = _first_text(raw, packing).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        # Nothing of a packed file could be unpacked, or it is empty: reading it will tell.
        kind = "jsonl" if ".json" in path.name else "xml"
        if raw and not packing:
            raise ImpastoError(f"{path} holds only white space")
        return DumpFile(path, kind, packing)
    return DumpFile(path, _kind(path, text), packing)


def _first_text(raw: bytes, packing: str) -> bytes:
    unpack: Any = {"bz2": bz2.BZ2Decompressor, "xz": lzma.LZMADecompressor}.get(packing)
    try:
        if packing == "gz":
            return zlib.decompressobj(wbits=31).decompress(raw, _HEAD)
        return unpack().decompress(raw, _HEAD) if unpack else raw[:_HEAD]
    except (OSError, ValueError, lzma.LZMAError, zlib.error, EOFError):
        return b""


def _kind(path: Path, text: bytes) -> str:
    if text.startswith(b"<doc "):
        return "docs"
    if text.startswith(b"<"):
        root = re.search(rb"<([A-Za-z_][\w:.-]*)", text)
        if root is None or root[1].rpartition(b":")[2] == b"mediawiki":
            return "xml"
        name = root[1].decode("ascii", "replace")
        raise ImpastoError(f"{path} is no MediaWiki dump: it begins with <{name}>, not with <mediawiki>")
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return "json" if text.split(b"\n", 1)[0].strip() == b"{" else "jsonl"
    if re.match(rb"\d+:\d+:", text):
        raise ImpastoError(f"{path} is the index of a multistream dump, without articles: name the .xml.bz2 beside it")
    if re.match(rb"-- MySQL|INSERT INTO|/\*!", text):
        raise ImpastoError(f"{path} is a dump of database tables, without articles: take the one called pages-articles")
    if ".xml" in path.name:
        return "xml"  # damaged at its beginning: the reader says where
    if ".jsonl" in path.name or ".ndjson" in path.name:
        return "jsonl"
    raise ImpastoError(f"{path}: articles are read from {READ}")


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path)) if part]


def _once(files: Sequence[DumpFile], on_note: Callable[[str], None]) -> list[DumpFile]:
    """Leaves out what another file of the same dump also holds."""
    kept: list[DumpFile] = []
    seen: dict[tuple[str | None, ...], Path] = {}
    names = {file.path: _DUMP.fullmatch(file.path.name) for file in files}
    wholes = {
        (name["wiki"], name["date"], name["what"]): path
        for path, name in names.items()
        if name is not None and not name["part"] and not name["range"]
    }
    for file in sorted(files, key=lambda file: "multistream" in file.path.name):
        name = names[file.path]
        if name is None:
            kept.append(file)
            continue
        dump = (name["wiki"], name["date"], name["what"])
        twin = seen.setdefault((*dump, name["part"], name["range"]), file.path)
        if twin != file.path:
            on_note(f"{file.path.name} holds the same as {twin.name}; not read")
        elif dump in wholes and wholes[dump] != file.path:
            on_note(f"{file.path.name} is a part of {wholes[dump].name}; not read")
        else:
            kept.append(file)
    return sorted(kept, key=lambda file: _natural(file.path))


def _tell_of_other_parts(path: Path, on_note: Callable[[str], None]) -> None:
    own = _DUMP.fullmatch(path.name)
    if own is None or not (own["part"] or own["range"]):
        return
    others = {
        (name["part"], name["range"])
        for name in (_DUMP.fullmatch(other.name) for other in path.parent.iterdir() if other != path)
        if name is not None and all(name[key] == own[key] for key in ("wiki", "date", "what")) and name["part"]
    } - {(own["part"], own["range"])}
    if others:
        on_note(f"only this part is read; {len(others)} more of the dump lie beside it: name the folder to read them all")

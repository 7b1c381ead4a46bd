"""Sheets of paintings as files: PNG, WebP or PDF, each with the record of every cell inside.

The record is a PNG's text chunk `impasto-sheet`, a WebP's EXIF ImageDescription, a PDF's keywords. A cell has no other
place there than its record: what holds its pixels alone is the painting of its own beside the sheet.
"""

from pathlib import Path
from typing import BinaryIO

from PIL import Image, PdfParser
from PIL.PngImagePlugin import PngInfo

from impasto.errors import ImpastoError, UsageError
from impasto.files import written_atomically
from impasto.painting.foreign.record import RecordError
from impasto.painting.provenance.picture_text import IMAGE_DESCRIPTION, SHEET, picture_texts, readable_name
from impasto.painting.sheets.record import SheetRecord

SUFFIXES = (".png", ".webp", ".pdf")
# Where Pillow, and many a program after it, takes a picture for a bomb.
_MOST_PIXELS = 178_956_970
_WEBP_SIDE = 16_383  # its header has 14 bits for a side
_PDF_SIDE = 65_500  # of the JPEG inside
_PDF_DPI, _PDF_INCHES = 150, 200  # no page may be larger than that
_QUALITY = 95


def check_suffix(path: Path) -> None:
    """Raises UsageError where no sheet can be called so."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a sheet is a picture whose name ends in .png, .webp or .pdf")


def check_size(path: Path, width: int, height: int) -> None:
    """Raises UsageError where a sheet of these pixels does not fit into a file of this kind, or into most programs."""
    smaller = "use --cell with fewer pixels, or make several sheets"
    side = {".webp": _WEBP_SIDE, ".pdf": _PDF_SIDE}.get(path.suffix.lower())
    if side is not None and max(width, height) > side:
        kind = path.suffix[1:].lower().replace("webp", "WebP").replace("pdf", "PDF")
        raise UsageError(f"a sheet of {width} x {height} px is no {kind}, which ends at {side} px a side: {smaller}")
    if width * height > _MOST_PIXELS:
        most = f"the {_MOST_PIXELS // 1_000_000} million that programs open"
        raise UsageError(f"a sheet of {width} x {height} px is more than {most}: {smaller}")


def save_sheet(image: Image.Image, record: SheetRecord, path: Path) -> None:
    """Writes an RGB sheet with its record inside; it replaces `path` whole or not at all.

    Raises:
        UsageError: the kind of file, the size, or the length of the record is none that can be.
        ImpastoError: the disk refuses.
    """
    check_suffix(path)
    check_size(path, *image.size)
    text = record.to_json()
    save = {".png": _save_png, ".webp": _save_webp, ".pdf": _save_pdf}[path.suffix.lower()]
    try:
        with written_atomically(path) as file:
            save(image, text, file)
    except OSError as error:
        raise ImpastoError(f"cannot write {path}: {error.strerror or error}") from None


def read_sheet(path: Path) -> SheetRecord | None:
    """The record in a sheet; None for another PNG, JPEG or WebP picture.

    Raises:
        ImpastoError: no such file, no picture, or a record that is broken.
    """
    is_pdf = path.suffix.lower() == ".pdf" and path.is_file()
    text = _pdf_keywords(path) if is_pdf else picture_texts(path).get(SHEET)
    if text is None:
        return None
    try:
        return SheetRecord.from_json(text)
    except RecordError as error:
        raise ImpastoError(f"{readable_name(path)} cannot be read: {error}") from None


def is_sheet(path: Path) -> bool:
    """Whether there is a sheet in the file `path`, and nothing else."""
    try:
        return read_sheet(path) is not None
    except ImpastoError:
        return False


def _save_png(image: Image.Image, text: str, file: BinaryIO) -> None:
    info = PngInfo()
    info.add_text(SHEET, text)
    image.save(file, format="PNG", pnginfo=info)


def _save_webp(image: Image.Image, text: str, file: BinaryIO) -> None:
    exif = Image.Exif()
    exif[IMAGE_DESCRIPTION] = f"{SHEET}:{text}"
    image.save(file, format="WEBP", quality=_QUALITY, exif=exif)


def _save_pdf(image: Image.Image, text: str, file: BinaryIO) -> None:
    resolution = max(_PDF_DPI, -(-max(image.size) // _PDF_INCHES))
    image.save(
        file, format="PDF", resolution=resolution, quality=_QUALITY, subsampling=0, producer="impasto", keywords=text
    )


def _pdf_keywords(path: Path) -> str | None:
    try:
        with PdfParser.PdfParser(str(path)) as parsed:
            keywords = parsed.info.get(b"Keywords", b"")
    except Exception:  # Pillow meets broken PDFs with all kinds of errors
        raise ImpastoError(f"{readable_name(path)} is a PDF that cannot be read") from None
    if not isinstance(keywords, bytes):
        return None
    text = PdfParser.decode_text(keywords)
    return text if text.startswith('{"format"') else None

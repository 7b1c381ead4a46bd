"""Writes and reads sheets of paintings as PNG, WebP or PDF files, with the record of every cell inside.

The record is stored in the text chunk `impasto-sheet` of a PNG, in the EXIF ImageDescription of a WebP, and in the keywords
of a PDF. The sheet's file holds no separate picture for a cell: each cell's painting is also a file of its own beside the
sheet.
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
# Above this, Pillow and many other programs take a picture for a decompression bomb.
_MOST_PIXELS = 178_956_970
_WEBP_SIDE = 16_383  # its header has 14 bits for a side
_PDF_SIDE = 65_500  # of the JPEG inside
_PDF_DPI, _PDF_INCHES = 150, 200  # the largest side of a page
_QUALITY = 95


def check_suffix(path: Path) -> None:
    """Raises UsageError if the file name's suffix is not one that a sheet can have."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a sheet is a picture whose name ends in .png, .webp or .pdf")


def check_size(path: Path, width: int, height: int) -> None:
    """Raises UsageError if a sheet of this size is too large for the file format of `path`, or for most programs."""
    smaller = "use --cell with fewer pixels, or make several sheets"
    side = {".webp": _WEBP_SIDE, ".pdf": _PDF_SIDE}.get(path.suffix.lower())
    if side is not None and max(width, height) > side:
        kind = path.suffix[1:].lower().replace("webp", "WebP").replace("pdf", "PDF")
        raise UsageError(f"a sheet of {width} x {height} px is no {kind}, which ends at {side} px a side: {smaller}")
    if width * height > _MOST_PIXELS:
        most = f"the {_MOST_PIXELS // 1_000_000} million that programs open"
        raise UsageError(f"a sheet of {width} x {height} px is more than {most}: {smaller}")


def save_sheet(image: Image.Image, record: SheetRecord, path: Path) -> None:
    """Writes an RGB sheet with its record inside; the write is atomic and replaces `path`.

    Raises:
        UsageError: the file format, the size, or the length of the record is not supported.
        ImpastoError: the file cannot be written.
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
    """Returns the record in a sheet; None for a PNG, JPEG or WebP picture that is not a sheet.

    Raises:
        ImpastoError: no such file, not a picture, or a record that is broken.
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
    """Returns whether the file `path` is a sheet with a readable record."""
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

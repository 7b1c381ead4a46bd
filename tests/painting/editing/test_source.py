"""Pictures of every kind to start from."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.painting.editing.pictures import difference, drawn, pixels, write

from impasto.errors import ImpastoError, UsageError
from impasto.painting.editing.source import fitted, open_source, source_in_memory


def test_modes_are_read_as_they_look(tmp_path: Path) -> None:
    image = drawn(40, 30)
    cmyk = write(image.convert("CMYK"), tmp_path / "print.jpg", quality=95)
    assert np.abs(pixels(open_source(cmyk).image) - pixels(image)).mean() < 12
    grey16 = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    deep = open_source(write(grey16, tmp_path / "deep.png")).image
    assert difference(deep, image.convert("L").convert("RGB")) <= 1
    for mode in ("L", "1", "P", "RGBA", "LA"):
        found = open_source(write(image.convert(mode), tmp_path / f"{mode}.png")).image
        assert difference(found, image.convert(mode)) == 0, mode


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    """CompVis's script made them black."""
    layered = drawn(40, 30).convert("RGBA")
    layered.paste((9, 9, 9, 0), (0, 0, 10, 30))
    source = open_source(write(layered, tmp_path / "a.png"))
    assert (pixels(source.image)[:, :10] == 255).all()
    assert difference(source.image.crop((10, 0, 40, 30)), layered.crop((10, 0, 40, 30))) == 0
    assert source.alpha is not None and source.alpha.getextrema() == (0, 255)
    assert open_source(write(drawn(40, 30), tmp_path / "b.png")).alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(drawn(40, 30), tmp_path / "a.png", exif=exif)
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened)
    source = open_source(path)
    assert source.size == ((30, 40) if orientation > 4 else (40, 30))
    assert (source.note.width, source.note.height) == source.size
    assert difference(source.image, upright) == 0


def test_the_note_names_the_file_by_its_hash(tmp_path: Path) -> None:
    import hashlib

    path = write(drawn(40, 30), tmp_path / "a.png")
    source = open_source(path)
    assert source.note.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.note.name, source.note.path, source.data) == ("a.png", str(path), path.read_bytes())
    copy = tmp_path / "b\nc.png"
    copy.write_bytes(path.read_bytes())
    assert open_source(copy).note.name == "b?c.png"
    write(drawn(40, 30, 1), path)  # a file that changed is read again
    assert open_source(path).note.content_hash != source.note.content_hash
    assert source_in_memory(drawn(9, 9)) == source_in_memory(drawn(9, 9)) != source_in_memory(drawn(9, 9, 1))


def test_what_is_refused(tmp_path: Path) -> None:
    small = drawn(16, 16)
    frames = {"save_all": True, "append_images": [drawn(16, 16, 1)]}
    huge = tmp_path / "huge.png"
    huge.write_bytes(_header_only(20_000, 20_000))
    cases = [
        (tmp_path / "none.png", "no such file"),
        (tmp_path, "is a folder"),
        (write(small, tmp_path / "a.gif", **frames), "holds 2 pictures"),
        (write(small, tmp_path / "a.webp", **frames), "holds 2 pictures"),
        (write(small, tmp_path / "a.tiff", **frames), "holds 2 pictures"),
        (write(small, tmp_path / "anim.png", **frames), "holds 2 pictures"),
        (write(drawn(1, 1), tmp_path / "dot.png"), "1x1 px is too small"),
        (write(drawn(7, 300), tmp_path / "strip.png"), "7x300 px is too small"),
        (write(drawn(16_400, 8), tmp_path / "long.png"), "at most 16384 px"),
        (write(Image.new("RGBA", (16, 16), (9, 9, 9, 0)), tmp_path / "clear.png"), "wholly transparent"),
        (huge, "megapixels"),
        (tmp_path / "text.png", "not a picture"),
        (tmp_path / "cut.png", "cut.png: cannot be decoded"),
    ]
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(write(drawn(64, 64), tmp_path / "whole.png").read_bytes()[:3000])
    for path, word in cases:
        with pytest.raises(ImpastoError, match=word) as caught:
            open_source(path, "--from ")
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="--from "):
        open_source(tmp_path / "none.png", "--from ")
    assert open_source(write(small, tmp_path / "one.gif")).size == (16, 16)  # of one frame


def _header_only(width: int, height: int) -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_fits() -> None:
    image = drawn(80, 40)
    assert fitted(image, 80, 40, "crop") is image
    for fit in ("crop", "pad", "stretch"):
        assert fitted(image, 60, 60, fit).size == (60, 60)
        assert fitted(image, 33, 90, fit).size == (33, 90)
    padded = pixels(fitted(image, 80, 80, "pad"))
    assert np.array_equal(padded[20:60], pixels(image))  # in the middle, with its edge repeated
    assert np.array_equal(padded[0], pixels(image)[0]) and np.array_equal(padded[-1], pixels(image)[-1])
    assert difference(fitted(image, 40, 40, "crop"), image.crop((20, 0, 60, 40))) == 0

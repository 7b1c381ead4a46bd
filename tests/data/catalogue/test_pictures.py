import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.data.catalogue.pictures import fit_square, open_layered, open_picture
from impasto.errors import ImpastoError


def refusal(path: Path) -> str:
    with pytest.raises(ImpastoError) as caught:
        open_picture(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    return str(caught.value)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (40, 40), "white").convert("RGBA" if mode == "LA" else mode).convert(mode).save(path)
    picture = open_picture(path)
    assert picture.mode == "RGB" and min(picture.getpixel((5, 5))) > 250  # type: ignore[arg-type]


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    for name in ("grey.png", "grey.tif"):
        Image.fromarray(np.full((40, 40), 0x8000, np.uint16)).save(tmp_path / name)
        assert open_picture(tmp_path / name).getpixel((5, 5)) == (128, 128, 128)
    Image.fromarray(np.full((40, 40), 0.5, np.float32)).save(tmp_path / "unknown.tif")
    assert "32 bits" in refusal(tmp_path / "unknown.tif")


@pytest.mark.parametrize(
    ("saved", "opened"),
    [("1", "L"), ("L", "L"), ("P", "RGB"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("CMYK", "RGB")],
)
def test_layers_are_kept_where_they_are_wanted(tmp_path: Path, saved: str, opened: str) -> None:
    path = tmp_path / ("a.jpg" if saved == "CMYK" else "a.png")
    Image.new(saved, (3, 2)).save(path)
    picture = open_layered(path)
    assert (picture.mode, picture.size) == (opened, (3, 2))
    if opened.endswith("A"):
        assert picture.getchannel("A").getextrema() == (0, 0)


def test_a_transparent_colour_is_a_layer(tmp_path: Path) -> None:
    for mode, colour, clear in (("L", 7, 7), ("RGB", (7, 8, 9), (7, 8, 9)), ("P", 0, 0)):
        Image.new(mode, (40, 40), colour).save(tmp_path / "a.png", transparency=clear)
        assert open_layered(tmp_path / "a.png").getchannel("A").getextrema() == (0, 0)
    Image.fromarray(np.full((40, 40), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    assert open_layered(tmp_path / "deep.png").getextrema() == (128, 128)


def test_half_transparent_red_on_white_is_pink(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (255, 0, 0, 128)).save(tmp_path / "half.png")
    assert open_picture(tmp_path / "half.png").getpixel((5, 5)) == (255, 127, 127)


def test_the_first_picture_of_an_animation(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (40, 40), "lime"), Image.new("RGB", (40, 40), "red")
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert open_picture(tmp_path / "a.gif").getpixel((5, 5)) == (0, 255, 0)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    noise(200, 200).save(path)
    whole = path.read_bytes()
    for share in (0.9, 0.5, 0.05):
        path.write_bytes(whole[: int(len(whole) * share)])
        refusal(path)


def test_a_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for side in (10_001, 60_000):  # above our limit, and above Pillow's own
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")))
        assert "more than 100 megapixels" in refusal(tmp_path / "bomb.png")


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    # A PostScript program under a harmless name must never reach Ghostscript.
    (tmp_path / "program.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n(x) print\n")
    assert "not a picture" in refusal(tmp_path / "empty.png") and "not a picture" in refusal(tmp_path / "program.png")
    assert "no such file" in refusal(tmp_path / "gone.png") and "not a file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a file" in refusal(tmp_path / "pipe.png")


def test_the_smallest(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "least.png")
    Image.new("RGB", (31, 400)).save(tmp_path / "less.png")
    assert open_picture(tmp_path / "least.png").size == (32, 32)
    assert "31x400 px is smaller than 32 px" in refusal(tmp_path / "less.png")
    assert open_picture(tmp_path / "less.png", min_side=1).size == (31, 400)


def test_threads_leave_the_warnings_of_others_alone(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for path in paths:
        noise(150, 150).save(path)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(open_picture, paths * 20))) == 160
    assert warnings.filters == before


def test_squares_do_not_alias() -> None:
    stripes = np.zeros((400, 500, 3), np.uint8)
    stripes[:, ::2] = 255
    square = np.asarray(fit_square(Image.fromarray(stripes), 50))
    assert square.shape == (50, 50, 3) and square[:, 2:-2].std() < 3 and abs(square.mean() - 127.5) < 3


@pytest.mark.parametrize("size", [(33, 5000), (5000, 33), (64, 64), (128, 127)])
def test_every_shape_becomes_a_square(size: tuple[int, int]) -> None:
    assert fit_square(Image.new("RGB", size), 128).size == (128, 128)

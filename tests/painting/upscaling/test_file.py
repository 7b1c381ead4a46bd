"""An enlarged file keeps what its picture said of itself, says how it was enlarged, and replaces nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.checkpoints.upscaler.random_upscaler import random_upscaler
from tests.painting.provenance.test_record import BOATS, save, with_text

from impasto.errors import ImpastoError
from impasto.painting.provenance.picture_text import picture_texts
from impasto.painting.provenance.record import png_info, read_provenance
from impasto.painting.upscaling.file import upscale_file
from impasto.painting.upscaling.note import UPSCALED, read_upscalings
from impasto.painting.upscaling.tiles import Upscaler


@pytest.fixture
def upscaler() -> Upscaler:
    return Upscaler(random_upscaler(), "random", "ab" * 32)


def test_a_painting_keeps_its_record(tmp_path: Path, upscaler: Upscaler) -> None:
    record = replace(BOATS, prompt="日没の船")
    picture = save(tmp_path / "boats.png", png_info(record))
    first = upscale_file(picture, upscaler)
    assert first.path == tmp_path / "boats-x2.png" and (first.width, first.height) == (32, 32)
    second = upscale_file(first.path, upscaler, 4, out=tmp_path / "new" / "folder")
    assert second.path == tmp_path / "new" / "folder" / "boats-x2-x4.png"
    assert read_provenance(second.path) == record
    assert picture_texts(second.path)["parameters"] == picture_texts(picture)["parameters"]
    assert picture_texts(second.path)["postprocessing"] == "Postprocess upscale by: 4, Postprocess upscaler: random"
    assert read_upscalings(second.path) == [first.note, second.note]
    assert read_upscalings(picture) == []


def test_what_another_tool_wrote_stays_too(tmp_path: Path, upscaler: Upscaler) -> None:
    text = "a boat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 16x16"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    Image.new("RGB", (16, 16)).save(tmp_path / "boat.jpg", exif=exif)
    made = upscale_file(tmp_path / "boat.jpg", upscaler).path
    assert read_provenance(made) == read_provenance(tmp_path / "boat.jpg")


def test_pictures_come_upright_and_in_their_mode(tmp_path: Path, upscaler: Upscaler) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (20, 10), (9, 9, 9, 60)).save(tmp_path / "clear.webp", lossless=True)
    ramp = np.linspace(0, 65535, 200, dtype=np.uint16).reshape(10, 20)
    Image.fromarray(ramp).save(tmp_path / "deep.tiff")
    turned, clear, deep = (
        Image.open(upscale_file(tmp_path / name, upscaler).path) for name in ("turned.jpg", "clear.webp", "deep.tiff")
    )
    assert (turned.mode, turned.size) == ("L", (20, 40)) and not turned.getexif()
    assert clear.mode == "RGBA" and clear.getchannel("A").getextrema() == (60, 60)
    assert deep.mode == "L" and deep.size == (40, 20)


def test_a_colour_profile_stays_with_its_colours(tmp_path: Path, upscaler: Upscaler) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", icc_profile=b"a profile")
    Image.new("CMYK", (8, 8)).save(tmp_path / "b.jpg", icc_profile=b"a profile")
    made, printed = (Image.open(upscale_file(tmp_path / name, upscaler).path) for name in ("a.png", "b.jpg"))
    assert made.info["icc_profile"] == b"a profile" and "icc_profile" not in printed.info


def test_no_file_is_replaced(tmp_path: Path, upscaler: Upscaler) -> None:
    picture = save(tmp_path / "boats.png")
    names = [upscale_file(picture, upscaler).path.name for _ in range(3)]
    assert names == ["boats-x2.png", "boats-x2-2.png", "boats-x2-3.png"]


@pytest.mark.parametrize("note", ["[]", "{", '{"steps": 1}', '{"steps": [{"by": 2}]}', '{"steps": [3]}'])
def test_a_broken_note_is_none(tmp_path: Path, upscaler: Upscaler, note: str) -> None:
    picture = with_text(tmp_path / "odd.png", **{UPSCALED: note})
    assert read_upscalings(picture) == []
    assert len(read_upscalings(upscale_file(picture, upscaler).path)) == 1


def test_what_no_chunk_holds_is_left_out(tmp_path: Path, upscaler: Upscaler) -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 1000)
    made = upscale_file(save(tmp_path / "long.png", info), upscaler).path
    assert picture_texts(made)["comment"] == "x" * 1000


def test_what_cannot_be_read_or_would_be_too_large_is_named(tmp_path: Path, upscaler: Upscaler) -> None:
    (tmp_path / "cut.png").write_bytes(save(tmp_path / "whole.png").read_bytes()[:60])
    Image.new("1", (6000, 5000)).save(tmp_path / "large.png")
    for name in ("cut.png", "large.png", "none.png"):
        with pytest.raises(ImpastoError, match=name):
            upscale_file(tmp_path / name, upscaler)
    assert not list(tmp_path.glob("*-x2*"))

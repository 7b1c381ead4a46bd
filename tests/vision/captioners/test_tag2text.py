"""Tag2Text writes captions from a picture and its tags."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.vision import tiny_recognize_anything as tiny
from tests.vision.recognize_anything.test_model import picture

from impasto.errors import ImpastoError
from impasto.vision.captioners import tag2text
from impasto.vision.captioners.load import load_captioner
from impasto.vision.captioners.tag2text import Tag2TextCaptioner

SEEDS = [11, 12, 2**63]
TAGS = [["boat", "sea"], [], ["woman"]]
# What the authors' code says of `picture()` with these weights: without tags (none is above its threshold), and with two.
WITHOUT = (
    "legitimate pathology legitimate pathology legitimate legitimate pathology pathology pathology pathology"
)
WITH = "##lynn saxophone legitimate saxophonelynnlynnlynn saxophone saxophone saxophone legitimate legitimate legitimate"


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Tag2TextCaptioner:
    found = load_captioner(str(tiny.save(tmp_path_factory.mktemp("tag2text"), "tag2text")))
    assert isinstance(found, Tag2TextCaptioner)
    return found


def pictures() -> list[Image.Image]:
    return [picture(), picture().rotate(90), Image.new("RGB", (50, 300), "navy")]


def test_the_first_candidate_is_the_authors_own(captioner: Tag2TextCaptioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag2text, "clean_caption", lambda text, ended: text)
    assert captioner.caption([picture()], tags=None, count=1, seeds=[0])[0][0].startswith(WITHOUT)
    assert captioner.caption([picture()], tags=[["sea", "boat"]], count=1, seeds=[0])[0][0].startswith(WITH)
    again = captioner.caption([picture()], tags=[["sea", "two", "boat", "sea"]], count=1, seeds=[0])
    assert again[0][0].startswith(WITH), "tags are told in the list's order, each once, and without those that disturb"
    other = captioner.caption([picture()], tags=[["sea", "boat", "whale"]], count=1, seeds=[0])
    assert not other[0][0].startswith(WITH), "other models' tags are told, too"


def test_it_is_a_captioner(captioner: Tag2TextCaptioner, capfd: pytest.CaptureFixture[str]) -> None:
    assert captioner.name == "tag2text_swin_14m" and captioner.identity == captioner.tagger.identity
    before = torch.random.get_rng_state()
    together = captioner.caption(pictures(), tags=TAGS, count=4, seeds=SEEDS)
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's random numbers are the caller's"
    assert [len(texts) for texts in together] == [4, 4, 4]
    assert all(len(set(texts)) >= 3 for texts in together), "the sampled ones differ"
    for image, tags, seed, texts in zip(pictures(), TAGS, SEEDS, together, strict=True):
        assert captioner.caption([image], tags=[tags], count=4, seeds=[seed]) == [texts]
    other = captioner.caption(pictures(), tags=TAGS, count=4, seeds=[1, 2, 3])
    assert [texts[0] for texts in other] == [texts[0] for texts in together] and other != together
    assert captioner.caption([], tags=None, count=2, seeds=[]) == []
    assert capfd.readouterr() == ("", "")


def test_what_goes_wrong_is_one_line(captioner: Tag2TextCaptioner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("not enough memory\nand more")

    monkeypatch.setattr(captioner, "_candidates", fail)
    with pytest.raises(ImpastoError, match=r"tag2text_swin_14m\.pth cannot be run: not enough memory$"):
        captioner.caption(pictures(), tags=TAGS, count=1, seeds=SEEDS)


def test_a_folder_with_its_file(tmp_path: Path) -> None:
    tiny.save(tmp_path, "tag2text")
    assert load_captioner(str(tmp_path)).name == "tag2text_swin_14m"

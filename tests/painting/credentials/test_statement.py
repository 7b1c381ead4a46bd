"""A painting made from another picture names it, and says whether a model made that, too."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import c2pa
import pytest
from PIL import Image
from tests.painting.credentials.pictures import (
    encoded,
    inpainted,
    note_of,
    painted_over,
    painting,
    write,
)
from tests.painting.credentials.test_signing import GENERATED, actions, manifest
from tests.painting.editing.pictures import drawn
from tests.painting.provenance.test_record import BOATS

from impasto.painting.control.record import ControlNote
from impasto.painting.credentials.identity import SigningIdentity
from impasto.painting.credentials.signing import SigningChoices, sign_bytes
from impasto.painting.credentials.statement import statement_of
from impasto.painting.credentials.verification import verify_bytes
from impasto.painting.memory.record import Like, MemoryUse
from impasto.painting.prompt_to_prompt.record import WordsNote

PHOTO = encoded(drawn(24, 20, 4), "JPEG")
TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_inpainted_photograph_is_a_composite_of_it(identity: SigningIdentity, anchors: str) -> None:
    signed = sign_bytes(painting(inpainted(PHOTO)), identity).data
    found = verify_bytes(signed, anchors)
    (source,) = found.ingredients
    assert (found.state, found.made) == ("valid", "composite")
    assert (source.title, source.relationship, source.content_hash) == ("photo.jpg", "parentOf", sha(PHOTO))
    opened, edited = actions(signed)
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"] == TYPES + "compositeWithTrainedAlgorithmicMedia"
    assert found.said().startswith("a picture changed by a model, from photo.jpg (written by impasto")
    assert "thumbnail" not in manifest(signed)["ingredients"][0]


def test_a_source_inside_is_shown(identity: SigningIdentity, anchors: str) -> None:
    signed = sign_bytes(painting(inpainted(PHOTO), PHOTO), identity).data
    assert verify_bytes(signed, anchors).state == "valid"
    (source,) = manifest(signed)["ingredients"]
    assert source["format"] == "image/jpeg"
    shown = io.BytesIO()
    c2pa.Reader("image/png", io.BytesIO(signed)).resource_to_stream(source["thumbnail"]["identifier"], shown)
    with Image.open(shown) as image:
        assert image.size == (24, 20)


def test_a_source_beside_is_not_shown_but_known(identity: SigningIdentity, tmp_path: Path) -> None:
    source = painting(seed=3)
    edited = painting(inpainted(source, "boats.png"))
    assert verify_bytes(sign_bytes(edited, identity, folder=tmp_path).data).made == "composite"  # not at hand
    write(tmp_path, "boats.png", source)
    signed = sign_bytes(edited, identity, folder=tmp_path).data
    assert verify_bytes(signed).made == "generated"  # a painting made anew in parts
    assert "thumbnail" not in manifest(signed)["ingredients"][0]
    write(tmp_path, "boats.png", painting(seed=4))  # another file of that name
    assert verify_bytes(sign_bytes(edited, identity, folder=tmp_path).data).made == "composite"


def test_a_source_where_it_was(identity: SigningIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited = painting(inpainted(painting(seed=3), "boats.png"))
    (tmp_path / "somewhere").mkdir()
    write(tmp_path / "somewhere", "boats.png", painting(seed=3))
    monkeypatch.chdir(tmp_path)
    assert verify_bytes(sign_bytes(edited, identity, folder=tmp_path).data).made == "generated"
    assert verify_bytes(sign_bytes(edited, identity).data).made == "composite"  # a stranger's record opens no file
    monkeypatch.chdir(tmp_path / "somewhere")
    assert verify_bytes(sign_bytes(edited, identity, folder=tmp_path).data).made == "composite"


def test_a_painting_of_a_painting_of_a_photograph(identity: SigningIdentity) -> None:
    first = painting(painted_over(PHOTO), PHOTO)
    made = statement_of(painting(painted_over(first, "first.png"), first))
    assert made is not None and made.made == "composite"
    second = painting()
    made = statement_of(painting(painted_over(second, "second.png"), second))
    assert made is not None and made.made == "generated"
    nested = painting()
    for _ in range(7):  # deeper than it is followed
        nested = painting(painted_over(nested, "x.png"), nested)
    made = statement_of(nested)
    assert made is not None and made.made == "composite"


def test_painted_over_the_source_only_led_the_model(identity: SigningIdentity) -> None:
    signed = sign_bytes(painting(painted_over(PHOTO)), identity).data
    found = verify_bytes(signed)
    assert (found.made, found.ingredients[0].relationship) == ("composite", "inputTo")
    (created,) = actions(signed)
    assert created["action"] == "c2pa.created" and len(created["parameters"]["ingredients"]) == 1
    # With all steps nothing of it remains, unless it was inverted to noise.
    assert verify_bytes(sign_bytes(painting(painted_over(PHOTO, strength=1.0)), identity).data).made == "generated"
    inverted = replace(painted_over(PHOTO, strength=1.0), words=WordsNote("a cat", (("cat", "dog"),), inversion="ddim"))
    assert verify_bytes(sign_bytes(painting(inverted), identity).data).made == "composite"


def test_lines_and_likes_are_named_and_make_no_composite(identity: SigningIdentity) -> None:
    other = encoded(drawn(24, 20, 8))
    control = ControlNote("canny", note_of(PHOTO), "net", "ab" * 32, 1.0, 0.0, 1.0, False)
    record = replace(BOATS, controls=(control, control), memory=MemoryUse(likes=(Like("sea.png", sha(other), 1.0),)))
    found = verify_bytes(sign_bytes(painting(record), identity).data)
    assert found.made == "generated"
    assert [(one.title, one.relationship) for one in found.ingredients] == [("photo.jpg", "inputTo"), ("sea.png", "inputTo")]
    both = replace(record, edit=inpainted(other, "sea.png").edit)
    found = verify_bytes(sign_bytes(painting(both), identity).data)
    named = [(one.title, one.relationship) for one in found.ingredients]
    assert named == [("sea.png", "parentOf"), ("photo.jpg", "inputTo")]


@pytest.mark.parametrize("edit", [inpainted, painted_over])
def test_the_sources_own_credentials_go_with_it(identity: SigningIdentity, anchors: str, edit: object) -> None:
    source = sign_bytes(PHOTO, identity, SigningChoices(made="composite"), name="photo.jpg").data
    signed = sign_bytes(painting(edit(source), source), identity).data  # pyright: ignore[reportCallIssue]
    found = verify_bytes(signed, anchors)
    assert found.state == "valid" and found.made == "composite"
    assert [(one.content_hash, one.state) for one in found.ingredients] == [(sha(source), "valid")]
    report = json.loads(c2pa.Reader("image/png", io.BytesIO(signed)).json())
    assert len(report["manifests"]) == 2
    assert "photo.jpg (with credentials of its own: valid)" in found.said()


def test_an_enlarged_painting_says_so(identity: SigningIdentity, tmp_path: Path) -> None:
    from tests.checkpoints.upscaler.random_upscaler import random_upscaler

    from impasto.painting.upscaling.file import upscale_file
    from impasto.painting.upscaling.tiles import Upscaler

    made = upscale_file(write(tmp_path, "boats.png", painting()), Upscaler(random_upscaler(), "random", "ab" * 32))
    signed = sign_bytes(made.path.read_bytes(), identity).data
    assert [one["action"] for one in actions(signed)] == ["c2pa.created", "c2pa.resized"]


def test_what_the_user_says_comes_first(identity: SigningIdentity) -> None:
    signed = sign_bytes(painting(inpainted(PHOTO)), identity, GENERATED).data
    assert verify_bytes(signed).made == "generated"

"""A signed picture verifies and is otherwise the same file; a changed one is named; what cannot be said is not signed."""

import io
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest
from PIL import Image
from tests.painting.credentials.pictures import encoded, every_kind, painting, png_chunks, png_of, repainted, write
from tests.painting.editing.pictures import drawn
from tests.painting.provenance.test_record import BOATS
from tests.painting.sheets.test_file import record as sheet_record

from impasto.errors import ImpastoError, UsageError
from impasto.painting.credentials.embedded import media_type
from impasto.painting.credentials.identity import SigningIdentity
from impasto.painting.credentials.signing import SigningChoices, sign_bytes, sign_file
from impasto.painting.credentials.trial import TrialCertificates, make_trial_certificates
from impasto.painting.credentials.verification import NONE, verify_bytes
from impasto.painting.provenance.record import read_provenance
from impasto.painting.sheets.file import save_sheet

GENERATED = SigningChoices(made="generated")
KINDS = every_kind()
TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def manifest(data: bytes) -> dict[str, Any]:
    """The active manifest as c2pa's own reader gives it."""
    report = json.loads(c2pa.Reader(media_type(data), io.BytesIO(data)).json())
    return report["manifests"][report["active_manifest"]]


def actions(data: bytes) -> list[dict[str, Any]]:
    (found,) = [one for one in manifest(data)["assertions"] if one["label"] == "c2pa.actions.v2"]
    return found["data"]["actions"]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture(identity: SigningIdentity, anchors: str, name: str) -> None:
    before = KINDS[name]
    signed = sign_bytes(before, identity, GENERATED, name=name).data
    found = verify_bytes(signed, anchors)
    assert (found.state, found.signer, found.made, found.problems) == ("valid", "Ada", "generated", ())
    assert found.generator.startswith("impasto ") and found.ingredients == ()
    assert verify_bytes(signed).state == "untrusted" and verify_bytes(before) == NONE
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(signed)) as new:
        assert (old.mode, old.size) == (new.mode, new.size) and dict(old.getexif()) == dict(new.getexif())
        assert old.info.get("comment") == new.info.get("comment")
        frames = getattr(old, "n_frames", 1)
        assert frames == getattr(new, "n_frames", 1) == (3 if "animated" in name else 1)
        for frame in range(frames):
            old.seek(frame)
            new.seek(frame)
            assert np.array_equal(np.asarray(old), np.asarray(new))
    if name.endswith(".png"):
        assert [one for one in png_chunks(signed) if one[0] != b"caBX"] == png_chunks(before)


def test_a_painting_says_what_made_it_and_keeps_its_record(identity: SigningIdentity, tmp_path: Path) -> None:
    before = painting()
    signed = sign_bytes(before, identity, name="boats.png").data
    assert [one for one in png_chunks(signed) if one[0] != b"caBX"] == png_chunks(before)
    assert read_provenance(write(tmp_path, "boats.png", signed)) == BOATS
    (created,) = actions(signed)
    assert created["action"] == "c2pa.created" and created["digitalSourceType"] == TYPES + "trainedAlgorithmicMedia"
    assert created["softwareAgent"] == {"name": "impasto", "version": BOATS.version}
    claim = manifest(signed)
    assert claim["claim_generator_info"][0]["name"] == "impasto" and claim["title"] == "boats.png"
    assert claim["signature_info"]["common_name"] == "Ada"


def test_the_prompt_is_said_only_when_it_is_wanted(identity: SigningIdentity) -> None:
    record = replace(BOATS, checkpoint="/home/ada/checkpoints/secret-folder/boats")
    silent = sign_bytes(painting(record), identity).data
    assert [one["label"] for one in manifest(silent)["assertions"]] == ["c2pa.actions.v2"]
    store = dict(png_chunks(silent))[b"caBX"]
    assert b"sunset" not in store and b"ada" not in store
    told = sign_bytes(painting(record), identity, SigningChoices(with_prompt=True)).data
    (words,) = [one["data"] for one in manifest(told)["assertions"] if one["label"] == "cawg.metadata"]
    assert words["Iptc4xmpExt:AIPromptInformation"] == "boats at sunset"
    assert words["Iptc4xmpExt:AISystemUsed"] == "boats (0123456789ab)"
    assert b"secret-folder" not in dict(png_chunks(told))[b"caBX"]


@pytest.mark.parametrize("name", ["plain.png", "plain.jpg", "plain.webp"])
def test_a_changed_picture_is_named(identity: SigningIdentity, anchors: str, name: str) -> None:
    signed = bytearray(sign_bytes(KINDS[name], identity, GENERATED).data)
    pixels = {"plain.png": signed.rfind(b"IDAT") + 20, "plain.jpg": len(signed) - 9, "plain.webp": signed.find(b"VP8") + 40}
    signed[pixels[name]] ^= 1
    found = verify_bytes(bytes(signed), anchors)
    assert found.state == "tampered" and found.problems == ("assertion.dataHash.mismatch",) and not found.is_intact
    who = "Ada of Impasto test certificates (not trusted)"
    assert str(found) == f"tampered: changed after it was signed in the name of {who}"


def test_changed_words_of_the_credentials_are_named(identity: SigningIdentity, anchors: str) -> None:
    signed = sign_bytes(KINDS["plain.png"], identity, GENERATED).data
    forged = signed.replace(b"trainedAlgorithmicMedia", b"digitalCapture_________")
    assert forged != signed and verify_bytes(forged, anchors).state == "tampered"
    forged = png_of([(kind, data.replace(b"Ada", b"Eve") if kind == b"caBX" else data) for kind, data in png_chunks(signed)])
    assert verify_bytes(forged, anchors).state == "tampered"


def test_credentials_of_one_picture_in_another(identity: SigningIdentity, anchors: str) -> None:
    signed = sign_bytes(painting(), identity).data
    store = [one for one in png_chunks(signed) if one[0] == b"caBX"]
    header, *rest = png_chunks(painting(seed=5))
    assert verify_bytes(png_of([header, *store, *rest]), anchors).state == "tampered"


def test_signed_again_the_earlier_credentials_are_the_parent(identity: SigningIdentity, anchors: str) -> None:
    first = sign_bytes(painting(), identity, name="boats.png").data
    again = sign_bytes(first, identity, name="boats.png")
    assert again.earlier is not None and again.earlier.state == "untrusted"
    found = verify_bytes(again.data, anchors)
    (parent,) = found.ingredients
    assert (found.state, found.made) == ("valid", "generated")
    assert (parent.title, parent.relationship, parent.state) == ("boats.png", "parentOf", "valid")
    assert verify_bytes(again.data).ingredients[0].state == "untrusted"
    (opened,) = actions(again.data)
    assert opened["action"] == "c2pa.opened"
    report = json.loads(c2pa.Reader("image/png", io.BytesIO(again.data)).json())
    assert len(report["manifests"]) == 2
    assert [one for one in png_chunks(again.data) if one[0] != b"caBX"] == png_chunks(painting())
    # A picture without a record: what its credentials said of it stays said.
    once = sign_bytes(KINDS["plain.jpg"], identity, SigningChoices(made="composite")).data
    assert verify_bytes(sign_bytes(once, identity).data).made == "composite"


def test_a_picture_changed_after_signing_and_signed_again_says_so(identity: SigningIdentity, anchors: str) -> None:
    changed = repainted(sign_bytes(painting(), identity, name="boats.png").data)
    again = sign_bytes(changed, identity, name="boats.png")
    assert again.earlier is not None and again.earlier.state == "tampered"
    found = verify_bytes(again.data, anchors)
    assert found.state == "valid" and [one.state for one in found.ingredients] == ["tampered"]
    assert "boats.png (with credentials of its own: tampered)" in found.said()


def test_damaged_credentials_are_unreadable_and_left_out(identity: SigningIdentity, anchors: str) -> None:
    signed = sign_bytes(KINDS["plain.jpg"], identity, GENERATED).data
    place = signed.find(b"c2pa") + 30
    damaged = signed[:place] + bytes(40) + signed[place + 40 :]
    assert verify_bytes(damaged, anchors).state == "unreadable"
    again = sign_bytes(damaged, identity, GENERATED)
    assert again.earlier is not None and again.earlier.state == "unreadable"
    assert verify_bytes(again.data, anchors).state == "valid" and verify_bytes(again.data).ingredients == ()


def test_a_picture_without_a_record_is_signed_as_what_its_owner_says(identity: SigningIdentity) -> None:
    with pytest.raises(UsageError, match=r"^photo.jpg has no record .* --as generated .* --as composite"):
        sign_bytes(KINDS["plain.jpg"], identity, name="photo.jpg")
    signed = sign_bytes(KINDS["plain.jpg"], identity, SigningChoices(made="composite")).data
    (created,) = actions(signed)
    assert created["digitalSourceType"] == TYPES + "compositeWithTrainedAlgorithmicMedia" and "softwareAgent" not in created
    with pytest.raises(UsageError, match="--as photograph: use generated or composite"):
        SigningChoices(made="photograph")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("more", "made"),
    [("", "generated"), (", Denoising strength: 0.5, Hires upscale: 2", "generated"),
     (", Denoising strength: 0.5", "composite"), (", Mask blur: 4", "composite")],
)  # fmt: skip
def test_another_tools_record_is_believed(identity: SigningIdentity, more: str, made: str) -> None:
    text = "a boat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 16x16" + more
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    signed = sign_bytes(encoded(drawn(24, 20), "JPEG", exif=exif), identity).data
    assert verify_bytes(signed).made == made
    assert actions(signed)[0]["softwareAgent"] == {"name": "A1111"}


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_sheets(identity: SigningIdentity, tmp_path: Path, suffix: str) -> None:
    save_sheet(drawn(60, 40), sheet_record(), tmp_path / f"sheet{suffix}")
    signed = sign_bytes((tmp_path / f"sheet{suffix}").read_bytes(), identity).data
    assert verify_bytes(signed).made == "generated"


def test_ed25519(tmp_path: Path) -> None:
    made = make_trial_certificates(tmp_path, "Bo", "ed25519", 3)
    signed = sign_bytes(painting(), SigningIdentity.load(made.key, made.certificate)).data
    assert verify_bytes(signed, made.root.read_text()).state == "valid"
    assert manifest(signed)["signature_info"]["alg"] == "Ed25519"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no picture", "a.png: credentials go into PNG, JPEG, WebP"),
        (encoded(drawn(9, 9), "GIF"), "a.png: credentials go into"),
        (KINDS["plain.png"][:-300], "a.png: cannot be decoded"),
        (KINDS["plain.jpg"][:300], "a.png: cannot be decoded"),
        (b"", "a.png: credentials go into"),
        (b"\x89PNG\r\n\x1a\n", "a.png: "),
    ],
)
def test_what_is_no_whole_picture_is_not_signed(identity: SigningIdentity, data: bytes, said: str) -> None:
    with pytest.raises(ImpastoError) as refused:
        sign_bytes(data, identity, GENERATED, name="a.png")
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


def test_a_broken_record_is_not_signed(identity: SigningIdentity) -> None:
    broken = painting().replace(b'"seed": 7', b'"seed": -')
    chunks = png_of(png_chunks(broken))
    with pytest.raises(ImpastoError, match=r"^a.png cannot be read: its impasto record"):
        sign_bytes(chunks, identity, GENERATED, name="a.png")


def test_files(identity: SigningIdentity, tmp_path: Path) -> None:
    source = write(tmp_path, "boats.png", painting())
    source.chmod(0o640)
    link = tmp_path / "link.png"
    link.symlink_to(source)
    sign_file(source, tmp_path / "new" / "boats.png", identity)
    assert verify_bytes((tmp_path / "new" / "boats.png").read_bytes()).state == "untrusted"
    assert source.read_bytes() == painting()
    with pytest.raises(UsageError, match="exists already: --overwrite"):
        sign_file(source, tmp_path / "new" / "boats.png", identity)
    sign_file(link, link, identity)
    assert link.is_symlink() and verify_bytes(source.read_bytes()).state == "untrusted"
    assert source.stat().st_mode & 0o777 == 0o640
    with pytest.raises(UsageError, match=r"gone.png: there is no such file"):
        sign_file(tmp_path / "gone.png", tmp_path / "x.png", identity)
    with pytest.raises(UsageError, match="is a folder"):
        sign_file(tmp_path, tmp_path / "x.png", identity)
    (tmp_path / "file").write_text("")
    with pytest.raises(ImpastoError, match="cannot write"):
        sign_file(source, tmp_path / "file" / "x.png", identity)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boats.png", "file", "link.png", "new"]


def test_a_picture_that_cannot_be_written_stays_whole(
    identity: SigningIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path, "boats.png", painting())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("impasto.files.os.fsync", full)
    with pytest.raises(ImpastoError, match=r"cannot write .*boats.png: No space left on device"):
        sign_file(source, source, identity)
    assert source.read_bytes() == painting() and [path.name for path in tmp_path.iterdir()] == ["boats.png"]


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine, and what was sent to it. It answers nothing of use."""
    heard: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            heard.append(self.rfile.readline())
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address[1], heard
        server.shutdown()
        thread.join()


def test_only_a_time_stamping_authority_is_asked(identity: SigningIdentity) -> None:
    with listening() as (port, heard):
        url = f"http://127.0.0.1:{port}/stamp"
        sign_bytes(painting(), identity)
        assert heard == []
        with pytest.raises(ImpastoError, match=rf"^--timestamp-url {url} gave no time stamp for boats.png"):
            sign_bytes(painting(), identity, SigningChoices(timestamp_url=url), name="boats.png")
        assert heard == [b"POST /stamp HTTP/1.1\r\n"]
    for odd in ("stamp.example", "ftp://stamp.example", "http://", "http://a b", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="use an http or https address"):
            SigningChoices(timestamp_url=odd)


def test_verifying_asks_no_network(identity: SigningIdentity, trial: TrialCertificates) -> None:
    """A picture may say that its credentials are at some address: whoever is there would learn who looks at it."""
    info = c2pa.C2paSignerInfo("es256", trial.certificate.read_bytes(), trial.key.read_bytes(), None)
    context = c2pa.Context(c2pa.Settings.from_dict({"verify": {"verify_after_sign": False}}), c2pa.Signer.from_info(info))
    with listening() as (port, heard):
        url = f"http://127.0.0.1:{port}/manifest"
        for embedded, state in ((True, "untrusted"), (False, "none")):
            builder = c2pa.Builder({"claim_generator_info": [{"name": "x"}], "assertions": []}, context)
            builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
            builder.set_remote_url(url)
            if not embedded:
                builder.set_no_embed()
            out = io.BytesIO()
            builder.sign("image/png", io.BytesIO(KINDS["plain.png"]), out)
            assert verify_bytes(out.getvalue()).state == state and url.encode() in out.getvalue()
        assert heard == []

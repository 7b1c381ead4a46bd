"""What a reader's report means; where credentials lie in a file; what is said of them."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import features
from tests.painting.credentials.pictures import encoded, every_kind, painting, png_chunks, png_of, repainted, write
from tests.painting.editing.pictures import drawn

from impasto.errors import ImpastoError, MissingPart
from impasto.painting.credentials.embedded import file_holds_credentials, holds_credentials, media_type
from impasto.painting.credentials.identity import SigningIdentity
from impasto.painting.credentials.signing import SigningChoices, sign_bytes
from impasto.painting.credentials.trial import TrialCertificates
from impasto.painting.credentials.verification import NONE, Credentials, credentials_of, verify_bytes, verify_file

KINDS = every_kind()
GENERATED = SigningChoices(made="generated")


def report(verdict: str, *problems: str, **active: Any) -> dict[str, Any]:
    return {
        "active_manifest": "a", "validation_state": verdict, "manifests": {"a": active},
        "validation_results": {"activeManifest": {"failure": [{"code": code} for code in problems]}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "problems", "state"),
    [
        ("Trusted", (), "valid"),
        ("Valid", ("signingCredential.untrusted",), "untrusted"),
        ("Invalid", ("assertion.dataHash.mismatch",), "tampered"),
        ("Invalid", ("signingCredential.untrusted", "claimSignature.mismatch"), "tampered"),
        ("Invalid", ("assertion.hashedURI.mismatch", "signingCredential.expired"), "tampered"),
        ("Invalid", ("assertion.missing",), "tampered"),
        ("Invalid", ("signingCredential.untrusted", "signingCredential.expired"), "expired"),
        ("Invalid", ("signingCredential.invalid",), "invalid"),
        ("Invalid", ("signingCredential.ocsp.revoked",), "invalid"),
        ("Invalid", (), "invalid"),
        ("Something new", (), "invalid"),
    ],
)
def test_states(verdict: str, problems: tuple[str, ...], state: str) -> None:
    found = credentials_of(report(verdict, *problems))
    assert found.state == state and found.problems == problems
    assert found.is_intact == (state in ("valid", "untrusted", "expired"))
    assert str(found).startswith(f"{state}: ")


def test_a_strangers_words_stay_on_their_line() -> None:
    name = "Ada\x1b[2J\nvalid: yes" + "x" * 1000
    actions = [{"label": "c2pa.actions", "data": {"actions": [{"action": "x", "digitalSourceType": "a\nb/digitalCapture"}]}}]
    many = [{"title": name, "relationship": "inputTo"}] * 500
    found = credentials_of(
        report("Valid", signature_info={"common_name": name, "issuer": 3}, assertions=actions, ingredients=many)
    )
    assert "\n" not in str(found) + found.said() and "\x1b" not in str(found) + found.said()
    assert len(found.signer) == 300 and found.organization == "3" and len(found.ingredients) == 100
    assert found.made == "a b/digitalCapture"


def test_a_certificate_that_has_expired_since() -> None:
    """The file was signed with a certificate that was valid for three seconds, which no test can wait for twice."""
    data = (Path(__file__).parent / "expired.png").read_bytes()
    found = verify_bytes(data)
    assert found.state == "expired" and found.signer == "Ada" and found.is_intact
    assert str(found) == "expired: unchanged since it was signed by Ada, whose certificate has expired since"
    assert verify_bytes(repainted(data)).state == "tampered"


@pytest.mark.parametrize("name", KINDS)
def test_where_credentials_lie(identity: SigningIdentity, name: str) -> None:
    data = KINDS[name]
    signed = sign_bytes(data, identity, GENERATED).data
    assert holds_credentials(signed) and not holds_credentials(data)
    for end in range(0, len(signed), 97):  # cut short anywhere, it ends
        holds_credentials(signed[:end])
        verify_bytes(signed[:end])
    assert not holds_credentials(data + b"caBX jumb c2pa C2PA")


def test_the_boxes_of_other_formats() -> None:
    start = struct.pack(">I", 24) + b"ftypavif" + bytes(4) + b"avifmif1"
    uuid = b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"store"
    other = b"uuid" + bytes(16)
    assert media_type(start) == "image/avif"
    assert holds_credentials(start + struct.pack(">I", len(other) + 4) + other + struct.pack(">I", len(uuid) + 4) + uuid)
    assert holds_credentials(start + struct.pack(">I4sQ", 1, b"free", 16) + struct.pack(">I", len(uuid) + 4) + uuid)
    for end in (b"", struct.pack(">I", 0) + b"mdat", struct.pack(">I", 3) + b"free", struct.pack(">I4sQ", 1, b"free", 2)):
        assert not holds_credentials(start + end)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_an_avif_is_verified_though_not_signed(trial: TrialCertificates, anchors: str) -> None:
    import c2pa

    info = c2pa.C2paSignerInfo("es256", trial.certificate.read_bytes(), trial.key.read_bytes(), None)
    context = c2pa.Context(c2pa.Settings.from_dict({}), c2pa.Signer.from_info(info))
    builder = c2pa.Builder({"claim_generator_info": [{"name": "x"}], "assertions": []}, context)
    builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
    out = io.BytesIO()
    builder.sign("image/avif", io.BytesIO(encoded(drawn(24, 20), "AVIF")), out)
    found = verify_bytes(out.getvalue(), anchors)
    assert (found.state, found.made) == ("valid", "digitalCapture")


def test_files(identity: SigningIdentity, trial: TrialCertificates, tmp_path: Path) -> None:
    signed = write(tmp_path, "a.png", sign_bytes(painting(), identity).data)
    assert verify_file(signed, trial.root).state == "valid" and file_holds_credentials(signed)
    assert verify_file(write(tmp_path, "b.png", b"no picture")) == NONE
    for wrong in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(ImpastoError, match="cannot be read"):
            verify_file(wrong)
        with pytest.raises(ImpastoError, match="cannot be read"):
            file_holds_credentials(wrong)


def test_without_the_library(identity: SigningIdentity, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = sign_bytes(painting(), identity).data
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    assert verify_bytes(painting()) == NONE
    with pytest.raises(MissingPart, match=r"c2pa-python, which is not installed: pip install 'impasto\[credentials\]'"):
        verify_bytes(signed)
    with pytest.raises(MissingPart, match="c2pa-python"):
        sign_bytes(painting(), identity)


def test_credentials_behind_the_pixels_count(identity: SigningIdentity, anchors: str) -> None:
    """Where another tool may have moved them; the picture's bytes then lie elsewhere than they were signed."""
    chunks = png_chunks(sign_bytes(painting(), identity).data)
    moved = [one for one in chunks if one[0] not in (b"caBX", b"IEND")]
    moved += [one for one in chunks if one[0] == b"caBX"] + chunks[-1:]
    assert verify_bytes(png_of(moved), anchors).state == "tampered"


def test_what_is_said() -> None:
    assert Credentials("none").said() == "" and str(NONE) == "none"
    assert Credentials("valid", made="generated").said() == "made by a model"

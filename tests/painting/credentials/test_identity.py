"""A key and a certificate that cannot sign are named before anything is signed; the test certificates serve, privately."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from tests.painting.credentials.pictures import painting

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.painting.credentials.identity import SigningIdentity, read_anchors
from impasto.painting.credentials.library import PURPOSES
from impasto.painting.credentials.signing import sign_bytes
from impasto.painting.credentials.trial import TrialCertificates, make_trial_certificates
from impasto.painting.credentials.verification import verify_bytes

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PURPOSE = x509.ExtendedKeyUsageOID.EMAIL_PROTECTION
ANYTHING = x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
KEY = ec.generate_private_key(ec.SECP256R1())


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def usage(**allowed: bool) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{one: allowed.get(one, False) for one in every})


def issued(
    subject: str,
    key: Any = KEY,
    issuer: str = "root",
    issuer_key: Any = KEY,
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + DAY,
    authority: bool = False,
    keys: x509.KeyUsage | None = usage(digital_signature=True),  # noqa: B008
    purposes: tuple[Any, ...] = (PURPOSE,),
    issuer_named: bool = True,
    purposes_critical: bool = False,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(named(issuer), named(subject), key.public_key(), 7, begins, ends)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), True)
    builder = builder if keys is None else builder.add_extension(keys, True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), purposes_critical) if purposes else builder
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    if issuer_named:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def private(key: Any, form: Any = serialization.PrivateFormat.PKCS8, secret: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def load(folder: Path, key: bytes, certificate: bytes) -> SigningIdentity:
    (folder / "k.pem").write_bytes(key)
    (folder / "c.pem").write_bytes(certificate)
    return SigningIdentity.load(folder / "k.pem", folder / "c.pem")


GOOD = pem(issued("Ada"))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (lambda: GOOD, "k.pem holds no private key: is it the certificate?"),
        (lambda: b"\x30\x82", "k.pem is not a PEM file"),
        (lambda: b"", "k.pem is not a PEM file"),
        (lambda: private(KEY, secret=b"x"), "k.pem is encrypted: openssl pkey -in k.pem"),
        (lambda: private(KEY).replace(b"MIG", b"MI!"), "k.pem holds no private key that can be read"),
        (lambda: private(ec.generate_private_key(ec.SECP256K1())), "C2PA takes EC (P-256, P-384, P-521)"),
        (lambda: private(ed448.Ed448PrivateKey.generate()), "C2PA takes EC"),
        (lambda: private(rsa.generate_private_key(65537, 1024)), "RSA of 2048 bits or more"),
        (lambda: private(ec.generate_private_key(ec.SECP256R1())), "does not belong to --certificate"),
        (lambda: b"x" * (1 << 20) + private(KEY), "k.pem is too large"),
    ],
)
def test_keys_that_cannot_sign(tmp_path: Path, key: Callable[[], bytes], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, key(), GOOD)
    assert said in str(refused.value) and "--key" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        (lambda: private(KEY), "c.pem holds no certificate in PEM"),
        (lambda: b"\x30\x82\x01", "openssl x509 -inform der"),
        (lambda: GOOD.replace(b"MII", b"MI!"), "holds no certificate that can be read"),
        (lambda: pem(issued("root")), "is self-signed, which C2PA refuses: an authority must issue it"),
        (lambda: pem(issued("Ada", ends=NOW - DAY / 2)), "the certificate of Ada expired on"),
        (lambda: pem(issued("Ada", begins=NOW + DAY / 2)), "the certificate of Ada is valid only from"),
        (lambda: pem(issued("Ada", authority=True)), "is an authority's, which issues others"),
        (lambda: pem(issued("Ada", keys=usage(key_agreement=True))), "is not for digital signatures"),
        (lambda: pem(issued("Ada", keys=None)), "is not for digital signatures"),
        (lambda: pem(issued("Ada", purposes=(x509.ExtendedKeyUsageOID.SERVER_AUTH,))), "is not for signing documents"),
        (lambda: pem(issued("Ada", purposes=())), "is not for signing documents"),
        (lambda: pem(issued("Ada", purposes=(PURPOSE, ANYTHING))), "neither all purposes nor time stamps"),
        (lambda: pem(issued("Ada", keys=usage(digital_signature=True, key_cert_sign=True))), "digital signatures alone"),
        (lambda: pem(issued("Ada", issuer_named=False)), "does not name its issuer's key"),
    ],
)
def test_certificates_that_cannot_sign(tmp_path: Path, certificate: Callable[[], bytes], said: str) -> None:
    with pytest.raises(ImpastoError) as refused:
        load(tmp_path, private(KEY), certificate())
    assert said in str(refused.value) and "c.pem" in str(refused.value) and "\n" not in str(refused.value)


def test_an_issuer_that_has_expired(tmp_path: Path) -> None:
    between = ec.generate_private_key(ec.SECP256R1())
    old = issued("between", between, ends=NOW - DAY / 2, authority=True)
    with pytest.raises(ImpastoError, match="the certificate of between expired"):
        load(tmp_path, private(KEY), pem(issued("Ada", issuer="between", issuer_key=between), old))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "es512"),
        (lambda: rsa.generate_private_key(65537, 2048), "ps256"),
    ],
)
def test_a_chain_in_any_order_signs(tmp_path: Path, key: Callable[[], Any], algorithm: str) -> None:
    """As authorities send them: the root first, the signer's last; and the key in the older form of OpenSSL."""
    root_key, between_key, own = (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()), key())
    signs = usage(key_cert_sign=True)
    root = issued("root", root_key, "root", root_key, authority=True, keys=signs, purposes=())
    between = issued("between", between_key, "root", root_key, authority=True, keys=signs)
    leaf = issued("Ada", own, "between", between_key)
    identity = load(tmp_path, private(own, serialization.PrivateFormat.TraditionalOpenSSL), pem(root, between, leaf))
    assert (identity.algorithm, identity.name) == (algorithm, "Ada") and not identity.is_trial
    assert identity.certificates.encode() == pem(leaf, between)
    signed = sign_bytes(painting(), identity).data
    assert verify_bytes(signed, pem(root).decode()).state == "valid"
    assert verify_bytes(signed, pem(issued("other")).decode()).state == "untrusted"


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_that_c2pa_allows(tmp_path: Path, purpose: str) -> None:
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = issued("root", root_key, "root", root_key, authority=True, keys=usage(key_cert_sign=True), purposes=())
    leaf = issued("Ada", issuer_key=root_key, purposes=(x509.ObjectIdentifier(purpose),))
    signed = sign_bytes(painting(), load(tmp_path, private(KEY), pem(leaf))).data
    assert verify_bytes(signed, pem(root).decode()).state == "valid"
    assert verify_bytes(signed).state == "untrusted"


def test_files_that_are_not_there(tmp_path: Path, trial: TrialCertificates) -> None:
    for key, certificate, said in (
        (tmp_path / "no.pem", trial.certificate, "--key "), (trial.key, tmp_path / "no.pem", "--certificate "),
        (tmp_path, trial.certificate, "is a folder"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            SigningIdentity.load(key, certificate)
    with pytest.raises(UsageError, match=r"--trust .*no.pem: there is no such file"):
        read_anchors(tmp_path / "no.pem")
    with pytest.raises(UsageError, match=r"--trust .*key.pem holds no certificate in PEM"):
        read_anchors(trial.key)


def test_the_test_certificates_as_openssl_sees_them(trial: TrialCertificates) -> None:
    assert trial.key.stat().st_mode & 0o777 == 0o600
    identity = SigningIdentity.load(trial.key, trial.certificate)
    assert identity.is_trial and "not trusted" in identity.organization and identity.algorithm == "es256"
    assert "PRIVATE" not in repr(identity)
    leaf, root = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (trial.certificate, trial.root))
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.issuer != leaf.subject
    command = ["openssl", "verify", "-CAfile", str(trial.root), "-purpose", "smimesign", str(trial.certificate)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:  # no openssl here; what cryptography says was checked above
        return
    assert said.returncode == 0, said.stderr


def test_test_certificates_replace_nothing(trial: TrialCertificates, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in trial.key.parent.iterdir()}
    with pytest.raises(UsageError, match=r"key.pem exists already: name another folder"):
        make_trial_certificates(trial.key.parent, "Bo")
    assert {path.name: path.read_bytes() for path in trial.key.parent.iterdir()} == before
    for wrong, said in (({"name": " "}, "--name"), ({"name": "a" * 65}, "--name"), ({"days": 0}, "--days 0"),
                        ({"days": 4000}, "--days 4000"), ({"algorithm": "rsa"}, "--algorithm rsa")):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            make_trial_certificates(tmp_path / "new", **{"name": "Bo", **wrong})  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "new").exists()


def test_all_test_certificates_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("impasto.files.os.fsync", full)
    with pytest.raises(ImpastoError, match="No space left on device"):
        make_trial_certificates(tmp_path / "new", "Bo")
    assert list((tmp_path / "new").iterdir()) == []


def test_without_cryptography(trial: TrialCertificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(MissingPart, match=r"pip install 'impasto\[credentials\]'"):
        SigningIdentity.load(trial.key, trial.certificate)

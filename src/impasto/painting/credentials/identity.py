"""Who signs: a private key and its certificate, read from PEM files and checked before anything is signed.

What a certificate must be: C2PA's specification 2.2, section 14.5 (X.509 certificates).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import check_file
from impasto.painting.credentials.library import INSTALL, LONE_PURPOSES, PURPOSES

if TYPE_CHECKING:
    from cryptography import x509

_LARGEST = 1 << 20  # bytes of a PEM file
_SMALLEST_RSA = 2048  # bits
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_ANY_PURPOSE = "2.5.29.37.0"
TRIAL = "Impasto test certificates (not trusted)"  # the organization of `impasto credentials make-test`


@dataclass(frozen=True)
class SigningIdentity:
    """A private key and its certificates, ready to sign.

    Attributes:
        name, organization: of the certificate's subject.
        ends: when the certificate expires, with its time zone.
        algorithm: the signature's, as C2PA calls it: es256, es384, es512, ps256 or ed25519.
        certificates: PEM, the signer's first, then those that issued it, without the root.
        key: PKCS#8 PEM.
    """

    name: str
    organization: str
    ends: datetime
    algorithm: str
    certificates: str = field(repr=False)
    key: str = field(repr=False)

    @classmethod
    def load(cls, key: str | Path, certificate: str | Path) -> "SigningIdentity":
        """Reads and checks a pair of files.

        Args:
            key: an unencrypted private key, PEM: EC (P-256, P-384, P-521), Ed25519, or RSA of 2048 bits or more.
            certificate: the key's certificate and those of its issuers, PEM.

        Raises:
            UsageError: there is no such file, it holds something else, or the two do not belong together.
            ImpastoError: the certificate has expired, or is not one for signing documents.
            MissingPart: cryptography is not installed.
        """
        key, certificate = Path(key).expanduser(), Path(certificate).expanduser()
        private, algorithm = _private_key(key)
        chain = _chain(_certificates(certificate), private, key, certificate)
        _check_chain(chain, certificate)
        from cryptography.hazmat.primitives import serialization as form

        pem = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
        leaf = chain[0]
        return cls(
            _part(leaf.subject, "2.5.4.3"), _part(leaf.subject, "2.5.4.10"), leaf.not_valid_after_utc, algorithm,
            "".join(one.public_bytes(form.Encoding.PEM).decode() for one in chain), pem,
        )  # fmt: skip

    @property
    def is_trial(self) -> bool:
        """Whether it comes from `impasto credentials make-test`, which nobody trusts."""
        return self.organization == TRIAL

    def __str__(self) -> str:
        return " of ".join(filter(None, (self.name, self.organization))) or "a certificate without a name"


def read_anchors(path: Path) -> str:
    """Returns the certificates in a PEM file of trusted roots.

    Raises:
        UsageError: there is no such file, or no certificate in it.
        MissingPart: cryptography is not installed.
    """
    found = _certificates(path, "--trust ")
    from cryptography.hazmat.primitives.serialization import Encoding

    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def cryptography_parts() -> Any:
    """Returns the modules `x509` and `serialization` of cryptography.

    Raises:
        MissingPart: it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise MissingPart(f"Content Credentials need cryptography, which is not installed: {INSTALL}") from None
    return x509, serialization


def _bytes_of(path: Path, option: str) -> bytes:
    check_file(path, option)
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{option}{path} is too large for a PEM file")
        return path.read_bytes()
    except OSError as error:
        raise ImpastoError(f"{option}{path} cannot be read: {error.strerror or error}") from None


def _private_key(path: Path) -> tuple[Any, str]:
    """Returns the key and its algorithm."""
    _, serialization = cryptography_parts()
    data = _bytes_of(path, "--key ")
    if b"-----BEGIN" not in data:
        raise UsageError(f"--key {path} is not a PEM file: openssl pkey -in KEY -out key.pem makes one of a DER file")
    if b"PRIVATE KEY-----" not in data:
        hint = ": is it the certificate?" if b"CERTIFICATE" in data else ""
        raise UsageError(f"--key {path} holds no private key{hint}")
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        raise UsageError(f"--key {path} is encrypted: openssl pkey -in {path.name} -out key.pem decrypts it") from None
    except Exception as error:  # cryptography meets broken keys with errors of several kinds
        raise UsageError(f"--key {path} holds no private key that can be read ({_first_line(error)})") from None
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key, "ed25519"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key, _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
        return key, "ps256"
    raise UsageError(f"--key {path}: C2PA takes EC (P-256, P-384, P-521), Ed25519, and RSA of {_SMALLEST_RSA} bits or more")


def _certificates(path: Path, option: str = "--certificate ") -> "list[x509.Certificate]":
    x509, _ = cryptography_parts()
    data = _bytes_of(path, option)
    if b"-----BEGIN CERTIFICATE-----" not in data:
        der = b"-----BEGIN" not in data
        hint = ": openssl x509 -inform der -in FILE -out certificate.pem makes one of a DER file" if der else ""
        raise UsageError(f"{option}{path} holds no certificate in PEM{hint}")
    try:
        return x509.load_pem_x509_certificates(data)
    except Exception as error:
        raise UsageError(f"{option}{path} holds no certificate that can be read ({_first_line(error)})") from None


def _chain(found: "Sequence[x509.Certificate]", private: Any, key: Path, path: Path) -> "list[x509.Certificate]":
    """Returns the certificates of a file in C2PA's order: the key's own, its issuer, and so on, without the root."""
    own = next((one for one in found if one.public_key() == private.public_key()), None)
    if own is None:
        raise UsageError(f"--key {key} does not belong to --certificate {path}: no certificate in it is that key's")
    if own.issuer == own.subject:
        raise UsageError(
            f"--certificate {path} is self-signed, which C2PA refuses: an authority must issue it; for trying, "
            "`impasto credentials make-test DIR` makes one"
        )
    chain, left = [own], [one for one in found if one is not own and one.issuer != one.subject]
    while (issuer := next((one for one in left if one.subject == chain[-1].issuer), None)) is not None:
        chain.append(issuer)
        left.remove(issuer)
    return chain


def _check_chain(chain: "Sequence[x509.Certificate]", path: Path) -> None:
    now = datetime.now(UTC)
    for one in chain:
        which = f"--certificate {path}: the certificate of {_part(one.subject, '2.5.4.3') or 'no name'}"
        if one.not_valid_after_utc < now:
            raise ImpastoError(f"{which} expired on {one.not_valid_after_utc:%Y-%m-%d}: get a new one")
        if one.not_valid_before_utc > now:
            raise ImpastoError(f"{which} is valid only from {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on")
    x509, _ = cryptography_parts()
    own, which = chain[0], f"--certificate {path}: the certificate"
    kinds = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.AuthorityKeyIdentifier)
    try:
        basic, usage, purposes, issuer = (_extension(own, kind) for kind in kinds)
    except ValueError as error:  # two of one kind, or one that cannot be read
        raise ImpastoError(f"{which} has broken extensions ({_first_line(error)})") from None
    if basic is not None and basic.ca:
        raise ImpastoError(f"{which} of that key is an authority's, which issues others: use one that it issued")
    if usage is None or not usage.digital_signature or usage.key_cert_sign:
        raise ImpastoError(f"{which} is not for digital signatures alone (its key usage): C2PA refuses it")
    named = {one.dotted_string for one in purposes or ()}
    if not named & set(PURPOSES) or named & {_ANY_PURPOSE, *LONE_PURPOSES}:
        raise ImpastoError(
            f"{which} is not for signing documents: C2PA wants e-mail protection, document signing or C2PA claim signing "
            "among its extended key usages, and neither all purposes nor time stamps"
        )
    if issuer is None:
        raise ImpastoError(f"{which} does not name its issuer's key (authority key identifier): C2PA refuses it")


def _extension(certificate: "x509.Certificate", kind: Any) -> Any:
    x509, _ = cryptography_parts()
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _part(name: "x509.Name", oid: str) -> str:
    """Returns a part of a name by its object identifier, without characters that do not print."""
    text = next((str(one.value) for one in name if one.oid.dotted_string == oid), "")
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["broken"])[0][:120]

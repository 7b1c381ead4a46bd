"""Certificates for trying: a root, and a certificate that it issued with its key. Nobody trusts them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from impasto.errors import ImpastoError, UsageError
from impasto.files import written_atomically
from impasto.painting.credentials.identity import TRIAL, cryptography_parts

Algorithm: TypeAlias = Literal["es256", "ed25519"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
MOST_DAYS = 3650
_PRIVATE = 0o600  # only the owner may read the key
_NAMES = ("key.pem", "certificate.pem", "root.pem")


@dataclass(frozen=True)
class TrialCertificates:
    """The three files, PEM: the private key, its certificate, the root to trust when verifying; and the day they end."""

    key: Path
    certificate: Path
    root: Path
    ends: datetime


def make_trial_certificates(folder: Path, name: str, algorithm: Algorithm = "es256", days: int = 365) -> TrialCertificates:
    """Writes `key.pem`, `certificate.pem` and `root.pem` into `folder`. The root's own key is not kept.

    Args:
        name: the name in the certificate, such as "Ada's studio".
        days: 1 .. 3650, how long they are valid.

    Raises:
        UsageError: a file is there already, or a value is out of its range.
        ImpastoError: the folder cannot be written.
        MissingPart: cryptography is not installed.
    """
    check_trial(name, algorithm, days)
    x509, form = cryptography_parts()
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    paths = [folder / one for one in _NAMES]
    for path in paths:
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} exists already: name another folder")
    root_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "es256" else ed25519.Ed25519PrivateKey.generate()
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)  # clocks of other machines may be behind
    ends = begins + timedelta(days=days)
    root_name = _named(x509, "Impasto test root (not trusted)")

    def issued(subject: Any, public: Any, *extensions: tuple[Any, bool]) -> bytes:
        builder = x509.CertificateBuilder(root_name, subject, public, x509.random_serial_number(), begins, ends)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root_key, hashes.SHA256()).public_bytes(form.Encoding.PEM)

    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = issued(
        root_name, root_key.public_key(), (x509.BasicConstraints(True, 0), True), (_usage(x509, key_cert_sign=True), True),
        (root_id, False),
    )  # fmt: skip
    certificate = issued(
        _named(x509, name), key.public_key(), (x509.BasicConstraints(False, None), True),
        (_usage(x509, digital_signature=True), True),
        (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), False),
    )  # fmt: skip
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    _write_all(folder, dict(zip(paths, (private, certificate, root), strict=True)))
    return TrialCertificates(paths[0], paths[1], paths[2], ends)


def check_trial(name: str, algorithm: str, days: int) -> None:
    """Checks the values of `make_trial_certificates`.

    Raises:
        UsageError: one is out of its range.
    """
    if not name.strip() or not name.isprintable() or len(name) > 64:  # X.520's bound for a common name
        raise UsageError(f"--name {name[:80]!r}: use 1 to 64 letters")
    if algorithm not in ALGORITHMS:
        raise UsageError(f"--algorithm {algorithm}: use {' or '.join(ALGORITHMS)}")
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"--days {days}: use 1 to {MOST_DAYS}")


def _named(x509: Any, name: str) -> Any:
    parts = ((x509.NameOID.ORGANIZATION_NAME, TRIAL), (x509.NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _usage(x509: Any, **allowed: bool) -> Any:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{one: allowed.get(one, False) for one in every})


def _write_all(folder: Path, files: dict[Path, bytes]) -> None:
    """Writes all of the files, or none."""
    done: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            with written_atomically(path, _PRIVATE if path.name == "key.pem" else 0o666) as file:
                file.write(data)
            done.append(path)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        raise ImpastoError(f"cannot write to {folder}: {error.strerror or error}") from None

"""Python API of Content Credentials (C2PA): pictures are signed, as files or in memory, and verified."""

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.api.session import OnEvent, ShouldStop, as_path, run_job

if TYPE_CHECKING:
    from impasto.jobs.credentials.sign import SignedPicture
    from impasto.painting.credentials.signing import Made
    from impasto.painting.credentials.verification import Credentials


def sign(
    *pictures: str | Path,
    key: str | Path,
    certificate: str | Path,
    out: str | Path | None = None,
    in_place: bool = False,
    overwrite: bool = False,
    made: "Made | None" = None,
    with_prompt: bool = False,
    timestamp_url: str | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "list[SignedPicture]":
    """Signs PNG, JPEG or WebP files with your key and certificate.

    Args:
        key: the private key, PEM.
        certificate: its certificate with those of its issuers, PEM.
        out: a folder; None for `<name>-signed` beside each picture.
        in_place: replaces the pictures themselves.
        overwrite: whether other files that are there may be replaced.
        made: "generated" by a model, or "composite", changed by one; None for what each picture's record says.
        with_prompt: whether the credentials hold the prompt and the checkpoint.
        timestamp_url: of a time-stamping authority that is asked over the network.

    Raises:
        UsageError, MissingPart, ImpastoError: signing failed; the message is one sentence.
        StoppedError: `should_stop` returned True, or the user pressed Ctrl-C; signed pictures are kept.
    """
    from impasto.jobs.credentials.sign import SignJob

    job = SignJob(
        pictures=tuple(as_path("pictures", file) for file in pictures), key=as_path("key", key),
        certificate=as_path("certificate", certificate), out=None if out is None else as_path("out", out), in_place=in_place,
        overwrite=overwrite, made=made, with_prompt=with_prompt, timestamp_url=timestamp_url,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def sign_bytes(
    data: bytes,
    *,
    key: str | Path,
    certificate: str | Path,
    name: str = "picture",
    made: "Made | None" = None,
    with_prompt: bool = False,
    timestamp_url: str | None = None,
) -> bytes:
    """Returns the bytes of a PNG, JPEG or WebP with credentials; see `sign`.

    Args:
        name: the title in the credentials.

    Raises:
        UsageError, MissingPart, ImpastoError: signing failed; the message is one sentence.
    """
    from impasto.painting.credentials.identity import SigningIdentity
    from impasto.painting.credentials.signing import SigningChoices
    from impasto.painting.credentials.signing import sign_bytes as signed

    identity = SigningIdentity.load(as_path("key", key), as_path("certificate", certificate))
    return signed(data, identity, SigningChoices(made, with_prompt, timestamp_url), name=name).data


def verify(picture: str | Path | bytes, *, trust: str | Path | None = None) -> "Credentials":
    """Verifies the Content Credentials in a picture, a file or its bytes. It asks no network.

    Args:
        trust: a PEM file of the roots that you trust; without it the best result is "untrusted".

    Raises:
        UsageError: `trust` does not exist, or holds no certificate.
        MissingPart: the picture has credentials, and c2pa-python is not installed.
        ImpastoError: the picture cannot be read.
    """
    from impasto.painting.credentials.identity import read_anchors
    from impasto.painting.credentials.verification import verify_bytes, verify_file

    anchors = None if trust is None else as_path("trust", trust)
    if isinstance(picture, bytes):
        return verify_bytes(picture, "" if anchors is None else read_anchors(anchors))
    return verify_file(as_path("picture", picture), anchors)

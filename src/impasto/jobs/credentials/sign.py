"""The job `sign`: puts Content Credentials (C2PA) into pictures."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, MissingPart, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from impasto.painting.credentials.identity import SigningIdentity
    from impasto.painting.credentials.signing import SignedBytes, SigningChoices


@dataclass(frozen=True)
class SignedPicture:
    """One signed picture.

    Attributes:
        path: the signed file.
        source: the picture.
        made: what its credentials say: "generated", or "composite".
        ingredients: names of the pictures that it came from.
    """

    path: Path
    source: Path
    made: str
    ingredients: tuple[str, ...]


class SignJob(Job):
    """Signs pictures with the user's own key and certificate.

    Attributes:
        pictures: PNG, JPEG or WebP files.
        key, certificate: PEM files: the private key, and its certificate with those of its issuers.
        out: a folder; None for `<name>-signed.<ending>` beside each picture.
        in_place: whether the pictures themselves are replaced.
        overwrite: whether other files that are there may be replaced.
        made: what the pictures are, "generated" or "composite"; None for what their records say.
        with_prompt: whether the credentials hold the prompt and the checkpoint.
        timestamp_url: of a time-stamping authority that is asked over the network; None for none.
    """

    kind: ClassVar[str] = "sign"

    pictures: tuple[Path, ...]
    key: Path
    certificate: Path
    out: Path | None = None
    in_place: bool = False
    overwrite: bool = False
    made: str | None = None
    with_prompt: bool = False
    timestamp_url: str | None = None

    @model_validator(mode="after")
    def _check(self) -> "SignJob":
        self._choices()
        if not self.pictures:
            raise UsageError("there is nothing to sign: name one picture or more")
        if self.in_place and self.out is not None:
            raise UsageError(f"--in-place replaces the pictures themselves: leave --out {self.out} away")
        twice = [path for path, count in Counter(path for _, path in self._places()).items() if count > 1]
        if twice:
            raise UsageError(f"{twice[0]} would be written twice: sign pictures of one name one by one, to several --out")
        return self

    def run(self, context: Context) -> list[SignedPicture]:
        """Signs one picture after the other; one that cannot be signed is reported, and the others continue.

        Raises:
            UsageError, MissingPart: key, certificate or the library c2pa-python are missing or do not serve.
            ImpastoError: the certificate has expired; a picture could not be signed.
            StoppedError: the job was stopped.
        """
        from impasto.painting.credentials.identity import SigningIdentity
        from impasto.painting.credentials.library import library

        if self.out is not None:
            if self.out.is_file():
                raise UsageError(f"--out {self.out} is a file: give a folder")
            check_writable(self.out)
        library()
        identity = SigningIdentity.load(self.key, self.certificate)
        if identity.is_trial:
            context.note("this certificate is for trying: nobody trusts it (docs/credentials.md)")
        done: list[SignedPicture] = []
        of, failed = len(self.pictures), 0
        try:
            for number, (picture, path) in enumerate(self._places()):
                context.progress(picture.name, number / of)
                started = time.monotonic()
                try:
                    signed = self._sign(picture, path, identity)
                except ImpastoError as error:
                    if of == 1 or isinstance(error, MissingPart):
                        raise
                    context.failure(error)
                    failed += 1
                    continue
                _tell(context, picture, signed, self.with_prompt)
                names = tuple(one.title for one in signed.statement.ingredients)
                done.append(SignedPicture(path, picture, signed.statement.made, names))
                seconds, made = time.monotonic() - started, signed.statement.made
                context.picture_done(path, seconds, source=str(picture), made=made, ingredients=list(names))
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: {len(done)} of {of} pictures are signed") from None
        if failed:
            raise ImpastoError(f"{failed} of {of} pictures could not be signed")
        return done

    def _choices(self) -> "SigningChoices":
        from impasto.painting.credentials.signing import SigningChoices
        from impasto.painting.credentials.statement import check_made

        check_made(self.made)
        made = "generated" if self.made == "generated" else "composite" if self.made == "composite" else None
        return SigningChoices(made, self.with_prompt, self.timestamp_url)

    def _places(self) -> Iterator[tuple[Path, Path]]:
        for picture in self.pictures:
            if self.in_place:
                yield picture, picture
            elif self.out is not None:
                yield picture, self.out / picture.name
            else:
                yield picture, picture.with_name(f"{picture.stem}-signed{picture.suffix}")

    def _sign(self, picture: Path, path: Path, identity: "SigningIdentity") -> "SignedBytes":
        from impasto.painting.credentials.signing import sign_file

        if not self.in_place and path.exists() and picture.exists() and path.samefile(picture):
            raise UsageError(f"{path} is the picture itself: --in-place replaces it, or name another --out")
        return sign_file(picture, path, identity, self._choices(), overwrite=self.overwrite)


def _tell(context: Context, picture: Path, signed: "SignedBytes", with_prompt: bool) -> None:
    if with_prompt and not signed.statement.prompt:
        context.note(f"{picture}: its record has no prompt to be said")
    if signed.earlier is None or signed.earlier.is_intact:
        return
    if signed.earlier.state == "unreadable":
        context.note(f"{picture} had credentials that are damaged: they are left out")
    else:
        context.note(f"{picture}: its earlier credentials are kept as they are, {signed.earlier}")

"""The job `credentials/make-test`: makes a key and certificates for trying to sign."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import model_validator

from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from impasto.painting.credentials.trial import Algorithm, TrialCertificates


class TrialCertificatesJob(Job):
    """Makes a root and a certificate that it issued, with its key. Nobody trusts them.

    Attributes:
        folder: where `key.pem`, `certificate.pem` and `root.pem` go.
        name: in the certificate.
        algorithm: es256 or ed25519.
        days: 1 .. 3650, how long the certificates are valid.
    """

    kind: ClassVar[str] = "credentials/make-test"

    folder: Path
    name: str = "Impasto test"
    algorithm: str = "es256"
    days: int = 365

    @model_validator(mode="after")
    def _check(self) -> "TrialCertificatesJob":
        from impasto.painting.credentials.trial import check_trial

        check_trial(self.name, self.algorithm, self.days)
        return self

    def run(self, context: Context) -> "TrialCertificates":
        """Writes the three files.

        Raises:
            UsageError: one is there already.
            MissingPart: the package cryptography is not installed.
            ImpastoError: the folder cannot be written.
        """
        from impasto.painting.credentials.trial import make_trial_certificates

        check_writable(self.folder)
        made = make_trial_certificates(self.folder, self.name, cast("Algorithm", self.algorithm), self.days)
        context.note("these certificates are for trying: nobody trusts them, and they prove nothing about a picture")
        return made

"""What `impasto show` says of a picture's Content Credentials."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.console import say_note
from impasto.errors import ImpastoError, MissingPart

if TYPE_CHECKING:
    from impasto.painting.credentials.verification import Credentials


@dataclass(frozen=True)
class Verified:
    """The credentials of one picture; None if there are some, but the part that verifies them is not installed."""

    credentials: "Credentials | None"

    @classmethod
    def of(cls, file: Path, trust: Path | None) -> "Verified":
        """Verifies a picture's credentials; a note on stderr says what to install, if that is needed."""
        from impasto.painting.credentials.embedded import file_holds_credentials
        from impasto.painting.credentials.identity import read_anchors
        from impasto.painting.credentials.verification import NONE, verify_file

        if not file_holds_credentials(file):
            if trust is not None:
                read_anchors(trust)
            return cls(NONE)
        try:
            return cls(verify_file(file, trust))
        except MissingPart as error:
            say_note(f"{file} has credentials, which are not verified: {error}")
            return cls(None)

    @property
    def is_there(self) -> bool:
        """Whether the picture has credentials."""
        return self.credentials is None or self.credentials.state != "none"

    @property
    def fields(self) -> dict[str, Any]:
        """The credentials as JSON values."""
        return {"state": "unverified"} if self.credentials is None else asdict(self.credentials)

    @property
    def facts(self) -> list[tuple[str, object]]:
        """The credentials in one line or two."""
        if self.credentials is None:
            return [("credentials", "there are some, not verified")]
        return [("credentials", self.credentials), ("credentials say", self.credentials.said())]

    def refuse_tampered(self, file: Path) -> None:
        """Ends a verb with an error if the picture is not what was signed.

        Raises:
            ImpastoError: it was changed after it was signed, or its credentials are damaged or not valid.
        """
        if self.credentials is not None and self.is_there and not self.credentials.is_intact:
            raise ImpastoError(f"{file} is not what was signed: its credentials are {self.credentials}")

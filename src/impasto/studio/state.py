"""What handlers work with."""

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from impasto.errors import UsageError
from impasto.gallery.index import Gallery
from impasto.queue.store import Queue
from impasto.studio.news import News
from impasto.studio.requests.references import References
from impasto.studio.security.sessions import Sessions
from impasto.studio.settings import StudioSettings
from impasto.studio.uploads import Uploads
from impasto.workspace import Workspace

if TYPE_CHECKING:
    from impasto.gallery.words import WordSearch
    from impasto.painting.credentials.identity import SigningIdentity


class Studio:
    """The parts of a running server.

    Attributes:
        settings: what it was started with.
        queue, gallery, uploads: of its workspace.
        references: ids and names of clients -> paths.
        sessions: cookies and tokens.
        news: wakes those who wait for events.
        streams: the number of open event streams.
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.queue = Queue.open(settings.workspace, most_waiting=settings.limits.waiting_jobs)
        self.gallery = Gallery.open(settings.workspace)
        self.uploads = Uploads(settings.workspace)
        self.references = References(settings.workspace, self.gallery, self.uploads)
        self.sessions = Sessions(settings)
        self.news = News(self.queue)
        self.streams = 0
        self._words = threading.Lock()

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        return self.settings.workspace

    @cached_property
    def _word_search(self) -> "WordSearch":
        from impasto.gallery.words import WordSearch
        from impasto.vision.scorers.interface import load_scorer

        return WordSearch(self.gallery, load_scorer())

    def word_search(self) -> "WordSearch":
        """Returns the search by words; the scorer is loaded by the first call.

        Raises:
            MissingPart: the scorer's packages are not installed.
        """
        with self._words:
            return self._word_search

    @cached_property
    def _identity(self) -> "SigningIdentity":
        from impasto.painting.credentials.identity import SigningIdentity
        from impasto.painting.credentials.library import library

        if self.settings.signing is None:
            raise UsageError(
                "this studio has no certificate: start it with --sign-key and --sign-certificate, or leave credentials away"
            )
        library()
        return SigningIdentity.load(*self.settings.signing)

    def signing_identity(self) -> "SigningIdentity":
        """Returns who signs downloads; the files are read once.

        Raises:
            UsageError, MissingPart, ImpastoError: the studio has no certificate, c2pa-python is missing, or the certificate
                does not serve.
        """
        return self._identity

    def close(self) -> None:
        """Closes the files."""
        self.news.end()
        self.queue.close()
        self.gallery.close()


def studio_of(request: Request) -> Studio:
    """Returns the studio of the application that a request came to."""
    return request.app.state.studio


StudioOf = Annotated[Studio, Depends(studio_of)]

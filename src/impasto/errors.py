"""The exception classes for errors that a user can act on.

Every error that a user can cause is an `ImpastoError`. Its message is one sentence that says what is wrong, with which file
or value, and what to do about it. The command line prints only that sentence, without a traceback, and exits with
`exit_code`.
"""


class ImpastoError(Exception):
    """Base class of all user errors; the message says in one line what went wrong and what to do.

    `exit_code` is 1: the work failed.
    """

    exit_code = 1


class UsageError(ImpastoError):
    """The request itself cannot be met: an unknown sampler, a negative step count. `exit_code` is 2."""

    exit_code = 2


class MissingPart(ImpastoError):
    """A package, file or checkpoint is not on this machine; the message says how to get it."""


class StoppedError(Exception):
    """The user stopped the work; the message says what was kept. The command line exits with 130."""

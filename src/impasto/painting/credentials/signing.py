"""Signs pictures: puts a C2PA manifest into a PNG, JPEG or WebP. Pixels, records and all else in the file stay as they are.

Two signatures of one picture differ, since each has a number of its own; so pictures are signed when they leave the house,
never while they are painted.
"""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from impasto.data.catalogue.pictures import open_picture
from impasto.errors import ImpastoError, UsageError
from impasto.files import written_atomically
from impasto.painting.credentials.embedded import SIGNED, holds_credentials, media_type
from impasto.painting.credentials.identity import SigningIdentity
from impasto.painting.credentials.library import library, signing_context
from impasto.painting.credentials.manifest import ingredient_of, manifest_of, thumbnail_name
from impasto.painting.credentials.statement import MADE, Ingredient, Made, Statement, check_made, sha_256, statement_of
from impasto.painting.credentials.verification import Credentials, verify_bytes

_LARGEST = 1 << 30  # bytes of a picture's file


@dataclass(frozen=True)
class SigningChoices:
    """How pictures are signed.

    Attributes:
        made: what the picture is, "generated" or "composite"; None for what its record says.
        with_prompt: whether the prompt and the checkpoint are said.
        timestamp_url: of a time-stamping authority (RFC 3161) that is asked over the network; None for none.

    Raises:
        UsageError: a value is none of these.
    """

    made: Made | None = None
    with_prompt: bool = False
    timestamp_url: str | None = None

    def __post_init__(self) -> None:
        check_made(self.made)
        if self.timestamp_url is not None and not _is_web_address(self.timestamp_url):
            raise UsageError(f"--timestamp-url {self.timestamp_url!r}: use an http or https address, or leave it away")


@dataclass(frozen=True)
class SignedBytes:
    """A signed picture.

    Attributes:
        data: the bytes of its file.
        statement: what its credentials say.
        earlier: the credentials that it had before, which the new ones name as its parent; None if it had none.
    """

    data: bytes
    statement: Statement
    earlier: Credentials | None


def sign_bytes(
    data: bytes,
    identity: SigningIdentity,
    choices: SigningChoices | None = None,
    *,
    name: str = "picture",
    folder: Path | None = None,
) -> SignedBytes:
    """Returns a picture with credentials.

    Args:
        data: the bytes of a PNG, JPEG or WebP; of an animation, all pictures are signed.
        choices: what is said; None for what the record says, without the prompt.
        name: the file's name, which is the title in the credentials.
        folder: where the file is, to find the pictures that it came from, there or at their recorded paths; None to look
            only inside it.

    Raises:
        UsageError: the format is another one; the picture has no record, so that nobody knows what it is.
        ImpastoError: the picture is damaged; the time-stamping authority does not answer.
        MissingPart: c2pa-python is not installed.
    """
    choices = choices or SigningChoices()
    kind = media_type(data)
    if kind not in SIGNED:
        raise UsageError(f"{name}: credentials go into {', '.join(SIGNED.values())}: save it as one of them")
    open_picture(Path(name), data=data, min_side=1)  # damaged pictures are refused
    earlier = verify_bytes(data) if holds_credentials(data) else None
    statement = statement_of(data, name, folder=folder, made=choices.made, with_prompt=choices.with_prompt)
    if statement is None and earlier is not None and earlier.made in MADE:
        statement = Statement("generated" if earlier.made == "generated" else "composite", tool="", version="")
    if statement is None:
        raise UsageError(
            f"{name} has no record of how it was made: say with --as generated that a model made it, or with --as composite "
            "that a model changed a picture; what no model made is not signed here"
        )
    parent = None
    if earlier is not None and earlier.state != "unreadable":
        parent = Ingredient(Path(name).name, "parentOf", sha_256(data), kind, data)
    return SignedBytes(_signed(data, kind, identity, choices, statement, parent, name), statement, earlier)


def sign_file(
    picture: Path, out: Path, identity: SigningIdentity, choices: SigningChoices | None = None, *, overwrite: bool = False
) -> SignedBytes:
    """Signs the picture `picture` into the file `out`, which may be the same one.

    Raises:
        UsageError, MissingPart: as `sign_bytes`; there is no such file, or `out` is there already.
        ImpastoError: as `sign_bytes`, or a file cannot be read or written.
    """
    try:
        if picture.is_dir():
            raise UsageError(f"{picture} is a folder: name the pictures in it")
        if (size := picture.stat().st_size) > _LARGEST:
            raise UsageError(f"{picture}: {size / 1e9:.1f} GB are too much for a picture")
        data, permissions = picture.read_bytes(), picture.stat().st_mode & 0o777
    except FileNotFoundError:
        raise UsageError(f"{picture}: there is no such file") from None
    except OSError as error:
        raise ImpastoError(f"{picture} cannot be read: {error.strerror or error}") from None
    same = out.exists() and out.samefile(picture)
    if out.exists() and not same and not overwrite:
        raise UsageError(f"{out} exists already: --overwrite replaces it")
    made = sign_bytes(data, identity, choices, name=str(picture), folder=picture.absolute().parent)
    try:
        out = out.resolve() if same else out  # a link stays a link
        out.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(out) as file:
            file.write(made.data)
            if same and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), permissions)
    except OSError as error:
        raise ImpastoError(f"cannot write {out}: {error.strerror or error}") from None
    return made


def _signed(
    data: bytes,
    kind: str,
    identity: SigningIdentity,
    choices: SigningChoices,
    statement: Statement,
    parent: Ingredient | None,
    name: str,
) -> bytes:
    module = library()
    out = io.BytesIO()
    try:
        context = signing_context(identity.algorithm, identity.certificates, identity.key, choices.timestamp_url)
        plain = [] if parent is not None else [one for one in statement.ingredients if not one.signed]
        definition = manifest_of(statement, Path(name).name, parent)
        definition["ingredients"] = [ingredient_of(one) for one in plain]
        with module.Builder(definition, context) as builder:
            for one in [parent] if parent is not None else [one for one in statement.ingredients if one.signed]:
                builder.add_ingredient(json.dumps(ingredient_of(one)), one.media_type, io.BytesIO(one.signed))
            for one in statement.ingredients if parent is None else ():
                if one.thumbnail:
                    builder.add_resource(thumbnail_name(one), io.BytesIO(one.thumbnail))
            builder.sign(kind, io.BytesIO(data), out)
    except module.C2paError as error:
        why = " ".join(str(error).split()) or type(error).__name__
        if choices.timestamp_url is not None and any(word in why for word in ("http", "HTTP", "timestamp", "time stamp")):
            raise ImpastoError(f"--timestamp-url {choices.timestamp_url} gave no time stamp for {name} ({why})") from None
        raise ImpastoError(f"{name} cannot be signed ({why})") from None
    return out.getvalue()


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text

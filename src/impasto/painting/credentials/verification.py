"""Verifies the Content Credentials in a picture: who signed it, whether it has changed since, and what they say."""

import io
import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from impasto.errors import ImpastoError
from impasto.painting.credentials.embedded import holds_credentials, media_type
from impasto.painting.credentials.identity import read_anchors
from impasto.painting.credentials.library import library, reading_context
from impasto.painting.credentials.manifest import HASH, SOURCE_TYPES

State: TypeAlias = Literal["none", "valid", "untrusted", "tampered", "expired", "invalid", "unreadable"]
_TRUSTED, _UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
_EXPIRED, _STAMPED = "signingCredential.expired", "timeStamp.trusted"
_TYPES = "digitalsourcetype/"
_MOST_INGREDIENTS, _LONGEST = 100, 300


@dataclass(frozen=True)
class SignedIngredient:
    """A picture that a signed one came from, as the credentials say.

    Attributes:
        title: its name.
        relationship: parentOf, componentOf or inputTo.
        content_hash: SHA-256 of its file, if it is said; else "".
        state: of its own credentials, as they were when the picture was signed; "none" if it had none.
    """

    title: str
    relationship: str
    content_hash: str
    state: State

    def __str__(self) -> str:
        name = self.title or "a picture without a name"
        return name if self.state == "none" else f"{name} (with credentials of its own: {self.state})"


@dataclass(frozen=True)
class Credentials:
    """What verifying found.

    Attributes:
        state: "none"; "valid", unchanged since it was signed with a certificate that a trusted root vouches for;
            "untrusted", unchanged, but no trusted root vouches for it; "tampered", the picture or its credentials were
            changed after they were signed; "expired", unchanged, but its certificate has expired and no time stamp says that
            it was valid then; "invalid" for other faults; "unreadable" for credentials that are damaged.
        signer, organization: of the certificate's subject. Anybody can make a certificate with any name: only with "valid"
            is it known to be true.
        signed_at: when, ISO 8601, if a time-stamping authority says so for which a trusted root vouches; else "".
        generator: what made the credentials, such as "impasto 0.1.0".
        made: "generated", "composite", or another of IPTC's digital source types; "" if it is not said.
        ingredients: the pictures that it came from, at most 100.
        problems: C2PA's codes of what failed.
    """

    state: State
    signer: str = ""
    organization: str = ""
    signed_at: str = ""
    generator: str = ""
    made: str = ""
    ingredients: tuple[SignedIngredient, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether the picture is as it was when it was signed."""
        return self.state in ("valid", "untrusted", "expired")

    def __str__(self) -> str:
        who = " of ".join(filter(None, (self.signer, self.organization))) or "somebody without a name"
        when = f" on {self.signed_at}" if self.signed_at else ""
        return {
            "none": "none",
            "valid": f"valid: unchanged since it was signed by {who}{when}",
            "untrusted": f"untrusted: unchanged since it was signed by {who}, for whom no trusted root vouches",
            "tampered": f"tampered: changed after it was signed in the name of {who}",
            "expired": f"expired: unchanged since it was signed by {who}, whose certificate has expired since",
            "invalid": f"invalid: signed in the name of {who}, but {', '.join(self.problems)}",
            "unreadable": "unreadable: they are damaged",
        }[self.state]

    def said(self) -> str:
        """Returns what the credentials say of the picture, in one line; "" if there is nothing."""
        how = {"generated": "made by a model", "composite": "a picture changed by a model"}.get(self.made, self.made)
        words = [how, f"from {', '.join(map(str, self.ingredients))}" if self.ingredients else ""]
        said = ", ".join(filter(None, words))
        return f"{said} (written by {self.generator})" if said and self.generator else said


NONE = Credentials("none")


def verify_file(path: Path, trust: Path | None = None) -> Credentials:
    """Verifies a picture's file; see `verify_bytes`. `trust` is a PEM file of trusted roots.

    Raises:
        UsageError: `trust` does not exist, or holds no certificate.
        ImpastoError: the picture cannot be read.
        MissingPart: it has credentials, and c2pa-python is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror or error}") from None
    return verify_bytes(data, "" if trust is None else read_anchors(trust))


def verify_bytes(data: bytes, anchors: str = "") -> Credentials:
    """Verifies the credentials in the bytes of a PNG, JPEG, WebP or AVIF. It asks no network: a manifest that is elsewhere
    counts as none, and whether a certificate was revoked is not asked.

    Args:
        anchors: PEM certificates of the roots that are trusted.

    Raises:
        MissingPart: it has credentials, and c2pa-python is not installed.
    """
    if not holds_credentials(data):
        return NONE
    module = library()
    try:
        with module.Reader(media_type(data), io.BytesIO(data), context=reading_context(anchors)) as reader:
            return credentials_of(json.loads(reader.json()))
    except (module.C2paError, ValueError, KeyError, TypeError, AttributeError):
        return Credentials("unreadable")


def credentials_of(report: Mapping[str, Any]) -> Credentials:
    """Returns what the JSON of c2pa's reader says.

    Raises:
        KeyError, TypeError, AttributeError: it is another JSON.
    """
    active = report["manifests"][report["active_manifest"]]
    results = report["validation_results"]
    problems = _codes(results["activeManifest"])
    is_stamped = _STAMPED in _codes(results["activeManifest"], "success")
    signature = active.get("signature_info") or {}
    generators = active.get("claim_generator_info") or [{}]
    trusted = set(_trusted(results.get("ingredientDeltas") or ()))
    return Credentials(
        _state(problems, report.get("validation_state", "Invalid")),
        _text(signature.get("common_name")), _text(signature.get("issuer")),
        _text(signature.get("time")) if is_stamped else "",
        " ".join(filter(None, (_text(generators[0].get("name")), _text(generators[0].get("version"))))),
        _made(active.get("assertions") or ()),
        tuple(_ingredient(one, trusted) for one in (active.get("ingredients") or ())[:_MOST_INGREDIENTS]),
        problems,
    )  # fmt: skip


def _codes(results: Mapping[str, Any], outcome: str = "failure") -> tuple[str, ...]:
    return tuple(dict.fromkeys(_text(one["code"]) for one in results.get(outcome) or ()))


def _state(problems: Iterable[str], verdict: str) -> State:
    faults = set(problems) - {_UNTRUSTED}
    if any("mismatch" in one or one.startswith(("assertion.missing", "claim.missing")) for one in faults):
        return "tampered"
    if faults == {_EXPIRED}:
        return "expired"
    if faults or verdict not in ("Valid", "Trusted"):
        return "invalid"
    return "valid" if verdict == "Trusted" else "untrusted"


def _made(assertions: Iterable[Mapping[str, Any]]) -> str:
    """Returns the source type of the last action that names one."""
    found = ""
    for assertion in assertions:
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            for action in assertion["data"]["actions"]:
                found = _text(action.get("digitalSourceType")) or found
    names: dict[str, str] = {uri: made for made, uri in SOURCE_TYPES.items()}
    return names.get(found, found.rpartition(_TYPES)[2])


def _trusted(deltas: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The labels of the ingredients whose signers are trusted now, which nobody was when the picture was signed."""
    for delta in deltas:
        if any(one["code"] == _TRUSTED for one in delta["validationDeltas"].get("success") or ()):
            yield str(delta["ingredientAssertionURI"]).rpartition("/")[2]


def _ingredient(value: Mapping[str, Any], trusted: Container[str]) -> SignedIngredient:
    description, results = _text(value.get("description")), value.get("validation_results")
    state: State = "none"
    if value.get("active_manifest") is not None and results:
        state = _state(_codes(results["activeManifest"]), "Trusted" if str(value.get("label")) in trusted else "Valid")
    stated = description.removeprefix(HASH) if description.startswith(HASH) else ""
    return SignedIngredient(_text(value.get("title")), _text(value.get("relationship")), stated, state)


def _text(value: Any) -> str:
    """Returns a text of the manifest as one line that can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value))[:_LONGEST] if value is not None else ""

"""Imports c2pa-python, which reads and writes Content Credentials, and sets it up so that it asks no network by itself."""

from typing import TYPE_CHECKING, Any

from impasto.errors import MissingPart

if TYPE_CHECKING:
    import c2pa

INSTALL = "pip install 'impasto[credentials]'"
# Manifests elsewhere, revocations and identities of other services would be asked for over the network.
_OFFLINE: dict[str, Any] = {
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}


def library() -> Any:
    """Returns the module `c2pa`.

    Raises:
        MissingPart: c2pa-python is not installed, or does not run on this machine.
    """
    try:
        import c2pa
    except Exception as error:  # its native part may lack a library, which it reports in several ways
        why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot start ({error})"
        raise MissingPart(f"Content Credentials need c2pa-python, which {why}: {INSTALL}") from None
    return c2pa


def reading_context(anchors: str = "") -> "c2pa.Context":
    """Returns the settings for reading; `anchors` are the certificates (PEM) of the roots that are trusted."""
    module = library()
    trust = {"trust": {"user_anchors": anchors}} if anchors else {}
    return module.Context(module.Settings.from_dict({**_OFFLINE, **trust}))


def signing_context(algorithm: str, certificates: str, key: str, timestamp_url: str | None) -> "c2pa.Context":
    """Returns the settings for writing, with the signer: certificates and key are PEM, the signer's certificate first.

    Only the address of a time-stamping authority is asked, if one is given.
    """
    module = library()
    info = module.C2paSignerInfo(algorithm, certificates.encode(), key.encode(), timestamp_url)
    return module.Context(module.Settings.from_dict(_OFFLINE), module.Signer.from_info(info))

"""Imports c2pa-python, which reads and writes Content Credentials, and sets it up so that it asks no network by itself."""

from typing import TYPE_CHECKING, Any

from impasto.errors import MissingPart

if TYPE_CHECKING:
    import c2pa

INSTALL = "pip install 'impasto[credentials]'"
# What a signer's certificate may be for: e-mail protection, document signing, C2PA's claim signing, Microsoft's C2PA
# signing. It is C2PA's own list, of which the library knows only the first by itself.
PURPOSES = ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1", "1.3.6.1.4.1.311.76.59.1.9")
# Those of time stamps and revocations, which are the only purpose of their certificates.
LONE_PURPOSES = ("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9")
# Manifests elsewhere, revocations and identities of other services would be asked for over the network.
_OFFLINE: dict[str, Any] = {
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
    "trust": {"trust_config": "\n".join((*PURPOSES, *LONE_PURPOSES))},
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
    trust = {**_OFFLINE["trust"], **({"user_anchors": anchors} if anchors else {})}
    return module.Context(module.Settings.from_dict({**_OFFLINE, "trust": trust}))


def signing_context(algorithm: str, certificates: str, key: str, timestamp_url: str | None) -> "c2pa.Context":
    """Returns the settings for writing, with the signer: certificates and key are PEM, the signer's certificate first.

    Only the address of a time-stamping authority is asked, if one is given.
    """
    module = library()
    info = module.C2paSignerInfo(algorithm, certificates.encode(), key.encode(), timestamp_url)
    return module.Context(module.Settings.from_dict(_OFFLINE), module.Signer.from_info(info))

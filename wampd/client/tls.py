"""TLS of a client: whom it trusts, and by which certificate it shows who it is.

Rules
-----
* Certificates are always checked, and names too: there is no way round it. Who has an authority of their own names it.
* What is wrong with files is found before anything is sent.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from msgspec import Struct

from wampd.client.errors import CannotConnect, one_line


class Trust(Struct, frozen=True):
    """Files, in PEM."""

    ca: Path | None = None
    """Certificates of the authorities that are trusted, in place of the system's."""
    certificate: Path | None = None
    """The client's own certificate, and those that link it to its authority."""
    key: Path | None = None
    """Its private key; `None`: in the same file."""


def context(trust: Trust) -> ssl.SSLContext:
    """What a connection is made with. Raise `CannotConnect`."""
    made = _trusting(trust.ca)
    if trust.certificate is not None:
        _show(made, trust.certificate, trust.key)
    elif trust.key is not None:
        raise CannotConnect(f"{trust.key} is a key without its certificate; name that, too")
    return made


def _trusting(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except ssl.SSLError:
        raise CannotConnect(f"{ca} holds no certificates (PEM)") from None
    except OSError as error:
        raise CannotConnect(f"cannot read {ca}: {error.strerror}") from None


def _show(made: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    from wampd.router.settings.values import others_can_read

    holds_key = certificate if key is None else key
    trouble = others_can_read(holds_key)
    if trouble:
        raise CannotConnect(trouble)
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError:
        raise CannotConnect(
            f"{certificate} and {holds_key} are no certificate and its key (PEM, not encrypted)"
        ) from None
    except OSError as error:
        raise CannotConnect(f"cannot read {certificate} or {holds_key}: {error.strerror}") from None


def _no_password() -> str:
    """Instead of OpenSSL's own question on the terminal."""
    return ""


def trouble(error: ssl.SSLError, host: str) -> str:
    """What to say of a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not to be trusted: {error.verify_message.lower()} (see --ca)"
    reason = one_line(str(error.reason or error)).replace("_", " ").lower()
    if "wrong version number" in reason or "record layer" in reason:
        return "who answers does not speak TLS"
    return f"TLS: {reason}"

"""What a request shows of who sent it: HTTP Basic, a bearer token, a cookie.

Rules
-----
* ``Authorization`` counts before a cookie, and a cookie before nothing. One that cannot be read, or of a scheme that the path
  does not take, is refused: nobody is let in as less than who they say they are.
* Browsers send cookies and Basic passwords by themselves, whatever page asks. A request that changes something, and shows such
  a thing, has to come from a page of an origin that is allowed; programs send no ``Origin``, and are no browsers.

Sources: RFC 7617 (Basic), RFC 6750 (bearer tokens), RFC 9110 section 11 (authentication), Fetch standard (``Origin``,
``Sec-Fetch-Site``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final

from wampd.router.inside.coming import Credentials
from wampd.router.origins import origin_allowed

SAFE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""RFC 9110, section 9.2.1."""
_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 9110, section 11.2; RFC 6750, section 2.1."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Unreadable(Exception):
    """What a request shows cannot be read, or is of a kind that is not taken."""


def lines(request: Any, name: str) -> list[str]:
    """The lines of one header of a request."""
    return [line.decode("latin-1") for line in request.requestHeaders.getRawHeaders(name.encode(), [])]


def authorization(request: Any, *, basic: bool, bearer: bool) -> Credentials | None:
    """What ``Authorization`` shows; `None`: there is none. Raise `Unreadable`."""
    headers = lines(request, "authorization")
    if not headers:
        return None
    scheme, _, shown = headers[0].partition(" ")
    shown = shown.strip(" ")
    if len(headers) > 1 or not _TOKEN68.fullmatch(shown):
        raise Unreadable("the Authorization header cannot be read")
    if basic and scheme.lower() == "basic":
        return _basic(shown)
    if bearer and scheme.lower() == "bearer":
        return Credentials("jwt", None, shown)
    raise Unreadable("this scheme of authentication is not taken here")


def _basic(shown: str) -> Credentials:
    """Name and password (RFC 7617, section 2): the name has no colon, neither has control characters."""
    try:
        text = base64.b64decode(shown, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unreadable("the Basic credentials cannot be read") from None
    name, colon, password = text.partition(":")
    if not colon or _CONTROL.search(text):
        raise Unreadable("the Basic credentials cannot be read")
    return Credentials("ticket", name, password)


def may_come(request: Any, allowed: tuple[str, ...], *, secure: bool = False) -> bool:
    """Whether a request that a browser may have sent by itself comes from where it may come from."""
    if request.method in SAFE:
        return True
    origins: Sequence[str] = lines(request, "origin")
    if not origins:
        return lines(request, "sec-fetch-site") in ([], ["same-origin"], ["none"])
    return origin_allowed(origins, lines(request, "host"), allowed, secure=secure)


def is_of_browser(request: Any) -> bool:
    """Whether a request says that a browser has sent it."""
    return any(request.requestHeaders.hasHeader(name) for name in (b"origin", b"sec-fetch-site"))


def challenges(realm: str, *, basic: bool, bearer: bool, bad_token: bool = False) -> list[tuple[str, str]]:
    """What a 401 tells of how to come in."""
    quoted = 'realm="{}"'.format(re.sub(r'([\\"])', r"\\\1", realm))
    told = []
    if basic:
        told.append(("WWW-Authenticate", f'Basic {quoted}, charset="UTF-8"'))
    if bearer:
        error = ', error="invalid_token"' if bad_token else ""
        told.append(("WWW-Authenticate", f"Bearer {quoted}{error}"))
    return told

"""Signed requests: an `Access` for those who have a key.

Rules
-----
* A request tells a key's name, a time, a nonce and a signature: HMAC-SHA256 with the key's secret, compared in constant time,
  whether the key is known or not. What is signed differs by the scheme.
* ``wampd``: ``Wampd-Signature: t=<Unix seconds>,n=<nonce>,k=<key>,v1=<hex>`` signs ``wampd-v1``, method, target as sent (path
  and query), time, nonce, key, and the SHA-256 of the body in hex, each on a line of its own, without a newline at the end.
  None of them can hold a newline, so no two requests have the same text.
* ``crossbar``: the query parameters ``key``, ``timestamp``, ``seq``, ``nonce``, ``signature``; what is signed is key,
  timestamp, seq, nonce and body without anything between them. Method and path are not covered.
* The time may differ so much, both ways; within that a signature counts once. How many are remembered is bounded; beyond that
  nobody is let in, for forgetting one would let it be used again. So does a restart forget: what was signed in a second
  before the router was started does not count, and is answered by 503, for it can be signed anew.

Sources: RFC 2104 (HMAC); Crossbar.io's publisher and caller clients.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from wampd.auth.used import Used
from wampd.router.http.access.access import Access, Refused
from wampd.router.http.request import address_of

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider

log = Logger()

HEADER: Final = "Wampd-Signature"
_OURS: Final = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9._~-]{16,64}),k=([!-+\--~]{1,255}),v1=([0-9a-f]{64})")
_SECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_NOBODY: Final = b"nobody has this secret, and nobody ever will"
PARAMETERS: Final = ("key", "timestamp", "seq", "nonce", "signature")


class Key(Struct, frozen=True):
    """A key, and as whom its owner acts."""

    secret: bytes
    access: Access

    def __repr__(self) -> str:  # the secret stays here
        return "<Key>"


class Shown(Struct, frozen=True):
    """What a request shows."""

    key: str
    time: float
    signature: bytes
    signed: bytes
    """The text."""


class _Bad(Exception):
    """A request is not signed, or not as it should be; the text is for our log."""


class Signatures:
    """Those who sign their requests."""

    def __init__(
        self,
        keys: Mapping[str, Key],
        schemes: tuple[str, ...],
        now: Callable[[], float],
        *,
        window: float = 300.0,
        used: Used | None = None,
        since: float = 0.0,
    ) -> None:
        """``now`` is Unix time; ``used`` remembers signatures, ``since`` a time: paths with the same keys share it."""
        self._keys = keys
        self._readers = [_READERS[scheme] for scheme in schemes]
        self._now = now
        self._window = window
        self._used = Used() if used is None else used
        self._since = math.floor(since)  # as exact as the times that are signed

    def session(self, request: Any) -> Deferred[Insider]:
        """A session of whoever signed a request."""
        return self._as_owner(request, lambda key: key.access.session(request))

    def session_of_its_own(self, request: Any) -> Deferred[Insider]:
        """A session for a signed request alone."""
        return self._as_owner(request, lambda key: key.access.session_of_its_own(request))

    def _as_owner(self, request: Any, enter: Callable[[Key], Deferred[Insider]]) -> Deferred[Insider]:
        try:
            return enter(self._verified(request))
        except _Bad as why:
            log.info("{client}: a signed request was refused: {why}", client=address_of(request), why=str(why))
            challenge = (("WWW-Authenticate", f'{HEADER} realm="signed requests"'),)
            return fail(Refused(401, "the request is not signed as it should be", challenge))
        except Refused as why:
            return fail(why)

    def _verified(self, request: Any) -> Key:
        """The key that a request is signed with."""
        request.content.seek(0)
        body = request.content.read()
        shown = next((found for reader in self._readers if (found := reader(request, body)) is not None), None)
        if shown is None:
            raise _Bad("it has no signature")
        key = self._keys.get(shown.key)
        expected = hmac.digest(_NOBODY if key is None else key.secret, shown.signed, hashlib.sha256)
        if not hmac.compare_digest(expected, shown.signature) or key is None:
            raise _Bad("an unknown key" if key is None else f"a wrong signature for the key {shown.key!r}")
        now = self._now()
        if abs(now - shown.time) > self._window:
            raise _Bad(f"its time is {now - shown.time:+.0f} s from ours")
        if shown.time < self._since:
            raise Refused(503, "signed before the router was started", (("Retry-After", "1"),))
        name = f"{shown.key}:{shown.signature.hex()}"
        if name in self._used:
            raise _Bad(f"a signature of the key {shown.key!r} was used before")
        if not self._used.add(name, shown.time + self._window, now):
            raise Refused(503, "too many signed requests", (("Retry-After", "60"),))
        return key


def _ours(request: Any, body: bytes) -> Shown | None:
    """What the header shows; `None`: there is none."""
    lines = [line.decode("latin-1") for line in request.requestHeaders.getRawHeaders(HEADER.lower().encode(), [])]
    if not lines:
        return None
    found = _OURS.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None:
        raise _Bad(f"its {HEADER} cannot be read")
    time, nonce, key, signature = found.groups()
    signed = text_of(request.method, request.uri, time, nonce, key, body)
    return Shown(key, float(time), bytes.fromhex(signature), signed)


def text_of(method: bytes, target: bytes, time: str, nonce: str, key: str, body: bytes) -> bytes:
    """What is signed in the scheme ``wampd``."""
    digest = hashlib.sha256(body).hexdigest()
    return b"\n".join([b"wampd-v1", method, target, *(part.encode("latin-1") for part in (time, nonce, key, digest))])


def _crossbars(request: Any, body: bytes) -> Shown | None:
    """What the query shows; `None`: there is nothing of it."""
    query = request.uri.partition(b"?")[2].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError:
        raise _Bad("its query cannot be read") from None
    found = {name: value for name, value in pairs if name in PARAMETERS}
    if not found:
        return None
    if len(found) != len(PARAMETERS) or len([name for name, _ in pairs if name in PARAMETERS]) != len(PARAMETERS):
        raise _Bad("it has not all of the parameters that sign it, or one of them twice")
    if not (_NUMBER.fullmatch(found["seq"]) and _NUMBER.fullmatch(found["nonce"])):
        raise _Bad("its seq, or its nonce, is not a number")
    try:
        signature = base64.b64decode(found["signature"], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _Bad("its signature cannot be read") from None
    signed = "".join(found[name] for name in PARAMETERS[:-1]).encode() + body
    return Shown(found["key"], _time(found["timestamp"]), signature, signed)


def _time(text: str) -> float:
    """The Unix time of ``2011-10-14T16:59:51.123Z``."""
    if _SECONDS.fullmatch(text):
        try:
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC).timestamp()
        except ValueError:
            pass
    raise _Bad("its timestamp cannot be read")


_READERS: Final[Mapping[str, Callable[[Any, bytes], Shown | None]]] = {"wampd": _ours, "crossbar": _crossbars}

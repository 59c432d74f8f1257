"""What a request's head must be like, so that nobody can read it in two ways. No I/O.

Rules
-----
* The request line is ``METHOD SP target SP HTTP/1.x``, with single spaces. A later minor version is served as 1.1, another
  major one is refused with 505. There is no HTTP/0.9.
* The target is a path, an absolute ``http`` URL, or ``*`` with OPTIONS. It is visible ASCII without ``#``, and its ``%`` are
  escapes, none of an octet NUL. A path has `MAX_SEGMENTS` at most: each costs whoever looks for it. A URL's authority
  replaces ``Host`` (RFC 9112, section 3.2.2).
* There is exactly one ``Host``, which is a host (HTTP/1.0 may leave it out).
* The length of the body is told in one way: one ``Content-Length`` of digits, or one ``Transfer-Encoding: chunked``, never
  both, and the latter not in HTTP/1.0 (RFC 9112, sections 6.1 and 6.3). No header line goes on in the next one (section 5.2).
* ``Expect`` is ``100-continue`` (RFC 9110, section 10.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from wampd.router.headers import WORD
from wampd.router.tally import REQUESTS_MALFORMED, REQUESTS_TOO_LARGE, REQUESTS_TOO_SLOW

MAX_METHOD: Final = 32
"""Octets; longer ones nobody has implemented (RFC 9112, section 3: 501)."""
MAX_SEGMENTS: Final = 256
"""Of a path."""
MAX_DIGITS: Final = 18
"""Of Content-Length: what is longer than that nobody can send."""
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers of one hop, whatever ``Connection`` names (RFC 9110, section 7.6.1, with those of RFC 2616, section 13.5.1)."""
_TOKEN: Final = re.compile(WORD.encode())
_VERSION: Final = re.compile(rb"HTTP/([0-9])\.([0-9])")
_TARGET: Final = re.compile(rb"[!-\"$-~]+")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What is in no header (RFC 9110, section 5.5); who is behind us may split lines there, or write it to a terminal."""
_HOST: Final = re.compile(rb"([A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")

REASONS: Final = {
    400: b"Bad Request",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    503: b"Service Unavailable",
    505: b"HTTP Version Not Supported",
}


_STRUCK: Final = {
    408: REQUESTS_TOO_SLOW,
    413: REQUESTS_TOO_LARGE,
    414: REQUESTS_TOO_LARGE,
    431: REQUESTS_TOO_LARGE,
    503: REQUESTS_TOO_LARGE,
}


class Refusal(Struct, frozen=True):
    """What is wrong, and the status that says so."""

    status: int
    why: str

    @property
    def counts_as(self) -> str:
        """What strikes."""
        return _STRUCK.get(self.status, REQUESTS_MALFORMED)


class RequestLine(Struct, frozen=True):
    """The first line of a request."""

    method: bytes
    target: bytes
    """In origin form, or ``*``."""
    version: bytes
    """``HTTP/1.0`` or ``HTTP/1.1``."""
    authority: bytes | None = None
    """Of a target in absolute form."""

    def __bytes__(self) -> bytes:
        return b"%s %s %s" % (self.method, self.target, self.version)


def read_line(line: bytes) -> RequestLine | Refusal:
    """Read the first line of a request."""
    parts = line.split(b" ")
    if len(parts) != 3:
        return Refusal(400, "the first line is no request line")
    method, target, version = parts
    if not _TOKEN.fullmatch(method):
        return Refusal(400, "the method is none")
    spoken = _VERSION.fullmatch(version)
    if spoken is None:
        return Refusal(400, "the first line names no version of HTTP")
    if spoken[1] != b"1":
        return Refusal(505, "another version of HTTP")
    if len(method) > MAX_METHOD or method == b"CONNECT":
        return Refusal(501, "no such method is served")
    return _read_target(method, target, b"HTTP/1.0" if spoken[2] == b"0" else b"HTTP/1.1")


def _read_target(method: bytes, target: bytes, version: bytes) -> RequestLine | Refusal:
    if not _TARGET.fullmatch(target):
        return Refusal(400, "the target holds what must be escaped")
    if _BAD_ESCAPE.search(target):
        return Refusal(400, "the target holds a bad escape")
    authority = None
    if absolute := _ABSOLUTE.match(target):
        authority, target = absolute[1], target[absolute.end() :]
        if not _HOST.fullmatch(authority):
            return Refusal(400, "the target names no host")
        if not target and method == b"OPTIONS":
            target = b"*"  # RFC 9112, section 3.2.4
        elif not target.startswith(b"/"):
            target = b"/" + target
    if not target.startswith(b"/") and (target, method) != (b"*", b"OPTIONS"):
        return Refusal(400, "the target is no path")
    if target.partition(b"?")[0].count(b"/") > MAX_SEGMENTS:
        return Refusal(414, "the path has too many segments")
    return RequestLine(method, target, version, authority)


def fault_of_line(line: bytes) -> Refusal | None:
    """What is wrong with a header line by itself; the rest is Twisted's to find."""
    if line[:1] in (b" ", b"\t"):
        return Refusal(400, "a header line goes on in the next")
    if _CONTROL.search(line):
        return Refusal(400, "a header holds control characters")
    name, _, value = line.partition(b":")
    fault = _FAULTS.get(name.lower())
    return None if fault is None else fault(value.strip(b" \t"))


def _fault_of_length(value: bytes) -> Refusal | None:
    if not value.isdigit():
        return Refusal(400, "Content-Length is no number")
    return Refusal(413, "the body is too long") if len(value) > MAX_DIGITS else None


def _fault_of_coding(value: bytes) -> Refusal | None:
    codings = [coding.strip(b" \t").lower() for coding in value.split(b",")]
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        return Refusal(400, "Transfer-Encoding does not end with chunked")
    return Refusal(501, "Transfer-Encoding other than chunked") if len(codings) > 1 else None


def _fault_of_expectation(value: bytes) -> Refusal | None:
    return None if value.lower() == b"100-continue" else Refusal(417, "something else than 100-continue is expected")


_FAULTS: Final[Mapping[bytes, Callable[[bytes], Refusal | None]]] = {
    b"content-length": _fault_of_length,
    b"transfer-encoding": _fault_of_coding,
    b"expect": _fault_of_expectation,
}


def fault_of_head(
    line: RequestLine, hosts: Sequence[bytes], lengths: Sequence[bytes], codings: Sequence[bytes]
) -> Refusal | None:
    """What is wrong with a head as a whole: the values of ``Host``, ``Content-Length`` and ``Transfer-Encoding``."""
    if len(hosts) != 1 and (hosts or line.version == b"HTTP/1.1"):
        return Refusal(400, "not one Host")
    if hosts and hosts[0] and not _HOST.fullmatch(hosts[0]):
        return Refusal(400, "Host is none")
    if len(lengths) > 1:
        return Refusal(400, "more than one Content-Length")
    if codings and (lengths or len(codings) > 1 or line.version == b"HTTP/1.0"):
        return Refusal(400, "Transfer-Encoding where it must not be")
    return None

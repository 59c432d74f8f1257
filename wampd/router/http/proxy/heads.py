"""The heads of requests and answers on their way through the proxy. No I/O.

Rules
-----
* What concerns one hop alone ends here: the headers that are for it, and those that ``Connection`` names (RFC 9110, section
  7.6.1). Framing is said anew on both sides, so what one server reads as one message the other does, too.
* ``Forwarded``, ``X-Forwarded-*`` and ``X-Real-IP`` say what is known here. What the client says in them counts only if it is a
  proxy that is trusted.
* What is dropped is dropped with underscores in its name, too: CGI and WSGI take them for hyphens.
* Path and query are sent as they came, octet for octet; only the prefix and the backend's base are exchanged. Segments that
  lead upwards are refused, however they are encoded: what they mean is for nobody to guess (RFC 3986, section 5.2.4).
* Trailers are not passed on (RFC 9110, section 6.5.1, allows that), so nobody is told that they would be.

Sources: RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1), RFC 7239 (Forwarded), RFC 6265 (cookies).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

import h11
from msgspec import Struct

from wampd.router.http.head import HOP_BY_HOP
from wampd.router.upstream import Upstream

Lines = list[tuple[bytes, bytes]]

NOT_PASSED_ON: Final = HOP_BY_HOP | {b"proxy-connection"}
"""What is for one hop, even if `Connection` does not say so."""
TOLD_BY_US: Final = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
    }
)
HIGHEST_STATUS: Final = 599
VIA: Final = b"1.1 wampd"
_UPWARDS: Final = re.compile(rb"\.{1,2}(;.*)?", re.DOTALL)
_COOKIE_ATTRIBUTE: Final = re.compile(rb";[ \t]*(path|domain)[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)
_NO_BODY: Final = frozenset({204, 304})


class Mapped(Struct, frozen=True):
    """How requests become those of a backend."""

    strip: bool = False
    """Whether backends do not see the path that the proxy is under."""
    preserve_host: bool = True
    rewrite: bool = False
    """Whether answers are changed so that they fit the client's side."""


class Withheld(Struct, frozen=True):
    """What clients show to come in, which is not for backends: ``Authorization``, and cookies of these names."""

    cookies: frozenset[bytes] = frozenset()


class Asked(Struct, frozen=True):
    """A request, as it came."""

    method: bytes
    target: bytes
    prefix: bytes
    """The path that the proxy is under, without a slash at its end."""
    headers: Sequence[tuple[bytes, bytes]]
    address: str
    """Of the client; ``unix``: it has none."""
    secure: bool = False
    trusted: bool = False
    """Whether the client is a proxy that is believed."""
    length: int | None = 0
    """Of the body; `None`: nobody knows yet."""
    upgrade: bytes = b""
    """The protocol that is asked for in place of HTTP."""
    expects: bool = False
    """Whether the client waits to be told to send the body."""
    withheld: Withheld | None = None

    @property
    def client(self) -> str:
        """The address of the client, as far as it is known: a proxy that is believed tells whom it has seen."""
        told = tokens(self.values(b"x-forwarded-for")) if self.trusted else []
        return told[-1].decode("latin-1") if told else self.address

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [value for each, value in self.headers if each.lower() == name]


class NotPassedOn(Exception):
    """A request that no backend is shown; the text says why."""


def leads_upwards(target: bytes) -> bool:
    """Whether a path has segments that lead out of where it is, in any encoding that somebody might undo."""
    path = target.partition(b"?")[0]
    once = unquote_to_bytes(path)
    return any(
        _UPWARDS.fullmatch(segment)
        for decoded in (once, unquote_to_bytes(once))
        for segment in re.split(rb"[/\\]", decoded)
    )


def target_for(asked: Asked, mapped: Mapped, upstream: Upstream) -> bytes:
    """The target of the request to a backend."""
    path, mark, query = asked.target.partition(b"?")
    if mapped.strip:  # by segments: the client may have encoded the prefix in another way
        below = path.split(b"/")[asked.prefix.count(b"/") + 1 :]
        if not below:  # the path itself, without a slash at its end, is what the URL names
            return upstream.itself + mark + query
        path = b"/" + b"/".join(below)
    return upstream.base + path + mark + query


def request_for(asked: Asked, mapped: Mapped, upstream: Upstream) -> h11.Request:
    """The head of the request to a backend. Raise `NotPassedOn`."""
    headers = _end_to_end(asked.headers, TOLD_BY_US | {b"host", b"content-length", b"via", b"expect"})
    if asked.withheld is not None:
        headers = _without(headers, asked.withheld)
    host = _only(asked.values(b"host"), "Host")
    lines: Lines = [(b"Host", host if mapped.preserve_host and host else upstream.authority), *headers]
    if asked.length is None:
        lines.append((b"Transfer-Encoding", b"chunked"))
    elif asked.length or asked.values(b"content-length"):
        lines.append((b"Content-Length", b"%d" % asked.length))
    if asked.expects:
        lines.append((b"Expect", b"100-continue"))
    lines += _told(asked, mapped, host)
    lines.append((b"Via", b", ".join([*asked.values(b"via"), VIA])))
    if asked.upgrade:
        lines += [(b"Connection", b"Upgrade"), (b"Upgrade", asked.upgrade)]
    try:
        return h11.Request(method=asked.method, target=target_for(asked, mapped, upstream), headers=lines)
    except h11.LocalProtocolError:
        raise NotPassedOn("there are octets in this request that no server need understand") from None


def _told(asked: Asked, mapped: Mapped, host: bytes) -> Lines:
    """What a backend is told of the client."""
    scheme = b"https" if asked.secure else b"http"
    address = b"" if asked.address == "unix" else asked.address.encode()
    node = b"unknown" if not address else b'"[%s]"' % address if b":" in address else address
    forwarded = (
        b"for=%s;host=%s;proto=%s" % (node, _quoted(host), scheme) if host else b"for=%s;proto=%s" % (node, scheme)
    )
    before = asked.values if asked.trusted else _nothing
    told = [
        (b"Forwarded", b", ".join([*before(b"forwarded"), forwarded])),
        (b"X-Forwarded-For", b", ".join([*before(b"x-forwarded-for"), address or b"unknown"])),
        (b"X-Forwarded-Proto", (before(b"x-forwarded-proto") or [scheme])[-1]),
    ]
    said = before(b"x-forwarded-host") or [host]
    if said[-1]:
        told.append((b"X-Forwarded-Host", said[-1]))
    if mapped.strip and asked.prefix:
        told.append((b"X-Forwarded-Prefix", b"".join([*before(b"x-forwarded-prefix")[-1:], asked.prefix])))
    return told


def check_framing(response: h11.Response) -> str:
    """What is wrong with the head of an answer, above all with how it says where it ends; nothing, if all is well.

    What two readers may take for two things is not passed on (RFC 9112, sections 6.1 and 6.3).
    """
    if response.status_code > HIGHEST_STATUS:
        return "its status is none"
    if response.http_version[:1] != b"1":
        return "it is of another version of HTTP"
    names = {name for name, _ in response.headers}
    if b"transfer-encoding" in names:
        if b"content-length" in names:
            return "it has both Content-Length and Transfer-Encoding"
        if response.http_version < b"1.1":
            return "it has Transfer-Encoding in HTTP/1.0"
    return ""


def answer_lines(response: h11.Response, mapped: Mapped, upstream: Upstream, asked: Asked) -> Lines:
    """The headers of an answer, for the client."""
    dropped = {b"via", b"content-length"} if response.status_code == 204 else {b"via"}
    lines = _end_to_end(response.headers.raw_items(), dropped)
    if mapped.rewrite:
        prefix = asked.prefix if mapped.strip else b""
        lines = [(name, _rewritten(name.lower(), value, prefix, upstream, asked)) for name, value in lines]
    via = [value for name, value in response.headers if name == b"via"]
    lines.append((b"Via", b", ".join([*via, b"%s wampd" % response.http_version])))
    return lines


def early_lines(response: h11.InformationalResponse) -> Lines:
    """The headers of an answer that comes before the answer (103)."""
    return _end_to_end(response.headers.raw_items(), frozenset({b"content-length"}))


def switched_lines(response: h11.InformationalResponse) -> Lines:
    """The headers of the answer 101."""
    upgrade = [value for name, value in response.headers if name == b"upgrade"]
    lines = _end_to_end(response.headers.raw_items(), frozenset({b"content-length"}))
    return [(b"Upgrade", b", ".join(upgrade)), (b"Connection", b"Upgrade"), *lines]


# ------------------------------------------------------------------------------------------------------- in the small


def tokens(values: Iterable[bytes]) -> list[bytes]:
    """What a header lists, in lower case."""
    return [token for value in values for each in value.split(b",") if (token := each.strip().lower())]


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes] | set[bytes]) -> Lines:
    """Without what is for one hop, and without ``dropped``."""
    headers = list(headers)
    named = tokens(value for name, value in headers if name.lower() == b"connection")
    gone = NOT_PASSED_ON | dropped | {name.replace(b"_", b"-") for name in named}
    return [(name, value) for name, value in headers if name.lower().replace(b"_", b"-") not in gone]


def _without(headers: Lines, withheld: Withheld) -> Lines:
    """Without what clients have shown to come in."""
    kept = []
    for name, value in headers:
        if name.lower() == b"cookie" and withheld.cookies:
            pairs = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip() not in withheld.cookies]
            if pairs:
                kept.append((name, b";".join(pairs).strip()))
        elif name.lower() != b"authorization":
            kept.append((name, value))
    return kept


def _only(values: list[bytes], name: str) -> bytes:
    if len(values) > 1:
        raise NotPassedOn(f"there is more than one {name}")
    return values[0] if values else b""


def _nothing(_: bytes) -> list[bytes]:
    return []


def _quoted(text: bytes) -> bytes:
    return b'"%s"' % text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _rewritten(name: bytes, value: bytes, prefix: bytes, upstream: Upstream, asked: Asked) -> bytes:
    if name in (b"location", b"content-location"):
        return _location(value, prefix, upstream, asked)
    if name == b"set-cookie":
        return _COOKIE_ATTRIBUTE.sub(lambda found: _attribute(found, prefix, upstream), value)
    return value


def _location(value: bytes, prefix: bytes, upstream: Upstream, asked: Asked) -> bytes:
    """A path on the client's side, if the backend names one of its own."""
    for authority in {upstream.authority, *asked.values(b"host")}:
        for scheme in (b"http://", b"https://", b"//"):
            start = scheme + authority
            if value[: len(start)].lower() == start.lower() and value[len(start) : len(start) + 1] in (b"", b"/", b"?"):
                rest = value[len(start) :]
                return _outside(rest if rest.startswith(b"/") else b"/" + rest, prefix, upstream)
    if value.startswith(b"/") and not value.startswith(b"//"):
        return _outside(value, prefix, upstream)
    return value


def _outside(path: bytes, prefix: bytes, upstream: Upstream) -> bytes:
    """What a backend's path is for clients; one that is not below its base is none of theirs, and stays."""
    base = upstream.base
    if not path.startswith(base) or path[len(base) : len(base) + 1] not in (b"", b"/", b"?"):
        return path
    path = path[len(base) :]
    if path.startswith(b"/") or (prefix and not upstream.itself.endswith(b"/")):
        return prefix + path
    return prefix + b"/" + path


def _attribute(found: re.Match[bytes], prefix: bytes, upstream: Upstream) -> bytes:
    """`Path` in a cookie becomes the client's; `Domain` goes if it names the backend, which browsers do not know."""
    name, value = found[1].lower(), found[2].strip()
    if name == b"path":
        return b"; Path=" + (_outside(value, prefix, upstream) if value.startswith(b"/") else value)
    return b"" if value.lstrip(b".").lower() == upstream.host.lower().encode() else found[0]


def as_lists(lines: Lines) -> Mapping[bytes, list[bytes]]:
    """All values of each name."""
    lists: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        lists.setdefault(name.lower(), []).append(value)
    return lists

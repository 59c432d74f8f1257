"""A procedure that is an HTTP request: from the arguments of a call to the request, from its answer to a result.

Rules
-----
* Arguments go where the mapping has places for them: keyword arguments by name, positional ones by number, ``{0}``. What has no
  place goes into the body, if there is one; otherwise it is refused, for nobody would see it.
* ``{procedure}`` is the URI that was called, ``{caller_authid}`` and ``{caller_authrole}`` are who calls, if that is disclosed.
* A body that is JSON comes out as it came in. Text is text, and anything else bytes. It is bounded in size and depth.
* A status of 300 or more is an ERROR: `HTTP_ERROR` and the status, or what the mapping names for it, with ``status`` and, if it
  is not too long, ``body``. So is having no answer: `HTTP_ERROR` and the reason.
* Nothing that is secret is in an answer or in the log; what the network says is not told.

Sources: RFC 9110 (HTTP semantics); RFC 6901 (JSON pointer); WAMP advanced profile, "Binary conversion of JSON strings".
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from wampd.realms.services import INVALID_ARGUMENT
from wampd.router.inside.insider import Refusal, Reply, Returned
from wampd.router.inside.reading import value_of
from wampd.router.outgoing.client import Client, Response
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.templates import TextTemplate, UnfitError, UrlTemplate, as_text, header_value
from wampd.router.wire.json_codec import json_shape

HTTP_ERROR: Final = "wampd.error.http."
UNUSABLE: Final = HTTP_ERROR + "unusable"
"""The answer is there, and not what the mapping needs."""
DEPTH: Final = 48
"""How deep an answer may nest: a message has some levels more."""
SHOWN_BODY: Final = 16 * 1024
"""Bytes of the body of an error that its caller gets."""
DISCLOSED: Final = ("procedure", "caller_authid", "caller_authrole")
_CHARSET: Final = re.compile(r'charset="?([A-Za-z0-9_.:-]+)', re.IGNORECASE)

Body = Literal["none", "json", "form", "argument"]


class Request(Struct, frozen=True):
    """What is sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """Under which a request is made, and what its answer stands for."""

    timeout: float = 10.0
    """Seconds, for all of it."""
    limit: int = 2**20
    """Bytes of the answer's body."""
    redirects: int = 0
    secrets: tuple[tuple[str, str], ...] = ()
    """Headers whose values nobody may see."""
    errors: Mapping[int, str] = {}
    """Of which statuses the ERROR has another URI."""

    def __repr__(self) -> str:  # the secrets stay here
        return "<Terms>"


class Mapped(Struct, frozen=True, kw_only=True):
    """How a call becomes a request, and its answer a result."""

    procedure: str
    method: str
    url: UrlTemplate
    query: tuple[tuple[str, TextTemplate], ...] = ()
    headers: tuple[tuple[str, TextTemplate], ...] = ()
    body: Body = "none"
    result: str = "body"
    """``body``; ``response``: status, headers and body; or a JSON pointer into the body."""

    def request(self, invocation: Reply) -> Request:
        """The request of a call. Raise `UnfitError`."""
        given = _Arguments(invocation, self.procedure)
        headers = []
        for name, template in self.headers:
            value = template.header(name, given)
            if value is not None:
                headers.append((name, value))
        url = self.url.expand(given, [(name, template.value(given)) for name, template in self.query])
        body, kind = _body(self.body, given)
        if kind is not None:
            headers.append(("content-type", kind))
        return Request(self.method, url, tuple(headers), body)

    def returned(self, response: Response) -> Returned:
        """The result of an answer that is good. Raise `Refusal`."""
        if self.result == "response":
            content = {"status": response.status, "headers": _joined(response), "body": content_of(response)}
            return Returned(None, content)
        if self.result == "body":
            return Returned(None if not response.body else [content_of(response)])
        return Returned([_pointed_at(response, self.result)])


class Generic(Struct, frozen=True, kw_only=True):
    """Calls say themselves what to request, below a URL: ``method``, ``url``, ``params``, ``headers``, ``body``."""

    base: str
    """It ends with a slash."""
    methods: frozenset[str]
    headers: frozenset[str] = frozenset()
    """The request headers that callers may set, in lower case."""

    def request(self, invocation: Reply) -> Request:
        """The request of a call. Raise `UnfitError`."""
        try:
            wanted = msgspec.convert(invocation.named(), _Wanted)
        except msgspec.ValidationError as why:
            raise UnfitError(str(why)) from None
        if invocation.values():
            raise UnfitError("there are no positional arguments: method, url, params, headers and body")
        if wanted.method not in self.methods:
            raise UnfitError("the method is not allowed")
        url = self._url(wanted.url)
        pairs = [(name, as_text(name, each)) for name, value in wanted.params.items() for each in _list(value)]
        if pairs:
            url += "?" + urlencode(pairs)
        headers = []
        for name, text in wanted.headers.items():
            if name.lower() not in self.headers:
                raise UnfitError("a header is not allowed")
            headers.append((name, header_value(name, text)))
        if wanted.body is None:
            return Request(wanted.method, url, tuple(headers))
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
        body = wanted.body.encode() if isinstance(wanted.body, str) else msgspec.json.encode(wanted.body)
        return Request(wanted.method, url, tuple(headers), body)

    def returned(self, response: Response) -> Returned:
        """The result of an answer that is good, as Crossbar.io's component has it."""
        return Returned([{"code": response.status, "headers": _joined(response), "content": content_of(response)}])

    def _url(self, url: str) -> str:
        below = url.removeprefix(self.base).removeprefix("/")
        segments = below.split("/")
        whole = segments if segments[-1] else segments[:-1]  # it may end with a slash
        if not all(_SEGMENT.fullmatch(segment) for segment in whole) or any(map(_UP.match, segments)):
            raise UnfitError("the url is a path below that of the procedure, without a query")
        return self.base + "/".join(quote(segment, safe="!$&'()*+,;=:@~%") for segment in segments)


_UP: Final = re.compile(r"\.\.?(?:;|%3[bB]|$)")
"""Segments that lead up, those included from which some servers take parameters away first (RFC 3986, section 3.3)."""
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[eEfF]|5[cC]|[01])[0-9A-Fa-f]{2})+")


class _Wanted(Struct, forbid_unknown_fields=True):
    method: str
    url: str = ""
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = None


class RestProcedure:
    """Serves the calls of one procedure."""

    def __init__(self, client: Client, mapping: Mapped | Generic, terms: Terms) -> None:
        self._client = client
        self._mapping = mapping
        self._terms = terms

    def serve(self, invocation: Reply) -> Deferred[Returned]:
        """Make the request of a call. Raise `Refusal`, as the Deferred does; to cancel it ends the request."""
        try:
            request = self._mapping.request(invocation)
        except UnfitError as why:
            raise Refusal(INVALID_ARGUMENT, str(why)) from None
        terms = self._terms
        answer = self._client.request(
            request.method,
            request.url,
            headers=(*request.headers, *terms.secrets),
            body=request.body,
            timeout=terms.timeout,
            limit=terms.limit,
            redirects=terms.redirects,
        )
        return answer.addCallbacks(self._answered, _failed)

    def _answered(self, response: Response) -> Returned:
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            return self._mapping.returned(response)
        uri = self._terms.errors.get(response.status, f"{HTTP_ERROR}{response.status}")
        about: dict[str, Any] = {"status": response.status}
        if 0 < len(response.body) <= SHOWN_BODY:
            with suppress(Refusal):  # it is not what it says it is: the status is enough
                about["body"] = content_of(response)
        raise Refusal(uri, _phrase(response.status), **about)


def _failed(failure: Failure) -> Any:
    why = failure.value
    if isinstance(why, OutgoingError):
        if why.reason == "cancelled":
            raise CancelledError
        raise Refusal(HTTP_ERROR + why.reason, why.text)
    return failure


class _Arguments(Mapping[str, Any]):
    """The arguments of a call by name and number, which remember what was used."""

    def __init__(self, invocation: Reply, procedure: str) -> None:
        """``procedure`` is the one that was registered, which is called unless ``invocation`` names another."""
        raw = {} if invocation.kwargs is None else msgspec.json.decode(invocation.kwargs, type=dict[str, Raw])
        for index, value in enumerate([] if invocation.args is None else _elements(invocation.args)):
            raw[str(index)] = value
        for name in DISCLOSED:
            raw.pop(name, None)  # who calls is not the caller's to say
        self._raw = raw
        self._details = {"procedure": procedure, **invocation.details}
        self._left = dict(raw)

    def __getitem__(self, name: str) -> Any:
        if name in DISCLOSED and name in self._details:
            return self._details[name]
        value = self._raw[name]
        self._left.pop(name, None)
        return value_of(value)

    def __iter__(self) -> Any:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def left(self) -> dict[str, Raw]:
        """What was not used."""
        return self._left


def _elements(args: Raw) -> list[Raw]:
    elements: list[Raw] = msgspec.json.decode(args, type=list[Raw])
    return elements


def _body(kind: Body, given: _Arguments) -> tuple[bytes | None, str | None]:
    """The body and its type, of what has no other place. Raise `UnfitError`."""
    left = given.left()
    if kind == "argument":
        if list(left) != ["0"]:
            raise UnfitError("the body is the one positional argument; there is nothing else to give")
        return bytes(left["0"]), "application/json"
    for name in left:
        if kind == "none" or name.isdecimal():
            raise UnfitError(f"there is no argument {name[:64]!r}")
    if kind == "json":
        return msgspec.json.encode(left), "application/json"
    if kind == "form":
        decoded = {name: value_of(value) for name, value in left.items()}
        pairs = [(name, as_text(name, each)) for name, value in decoded.items() for each in _list(value)]
        return urlencode(pairs).encode(), "application/x-www-form-urlencoded"
    return None, None


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def content_of(response: Response) -> Any:
    """The body of an answer: JSON as it is, text, or bytes in the form that WAMP has for them in JSON. Raise `Refusal`."""
    kind, _, parameters = (response.header("content-type") or "").partition(";")
    kind, body = kind.strip().lower(), response.body
    if kind == "application/json" or kind.endswith("+json"):
        return _json(body)
    if kind.startswith("text/") or kind in ("application/xml", "application/x-www-form-urlencoded"):
        charset = _CHARSET.search(parameters)
        try:
            return body.decode(charset[1] if charset else "utf-8")
        except (LookupError, ValueError):
            raise Refusal(UNUSABLE, "the answer is text that cannot be read") from None
    return "\0" + binascii.b2a_base64(body, newline=False).decode() if body else None


def _json(body: bytes) -> Raw | None:
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        return None
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(UNUSABLE, "the answer is not JSON") from None
    if json_shape(body)[0] > DEPTH:
        raise Refusal(UNUSABLE, f"the answer nests more than {DEPTH} levels deep")
    return Raw(body)


def _pointed_at(response: Response, pointer: str) -> Any:
    """What a JSON pointer finds in a body (RFC 6901). Raise `Refusal`."""
    content = content_of(response)
    if not isinstance(content, Raw):
        raise Refusal(UNUSABLE, "the answer is not JSON")
    value = msgspec.json.decode(content)
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and len(name) < 10 and int(name) < len(value):
            value = value[int(name)]
        else:
            raise Refusal(UNUSABLE, "the answer does not have what was asked for")
    return value


def _joined(response: Response) -> dict[str, str]:
    """The headers, those of one name in one (RFC 9110, section 5.3); cookies are for nobody."""
    joined: dict[str, str] = {}
    for name, value in response.headers:
        if name != "set-cookie":
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"

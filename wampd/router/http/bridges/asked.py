"""What a request wants of WAMP: its body, read as far as it has to be.

Rules
-----
* A body is JSON in UTF-8, says so, and is not compressed: 415. Requiring the type keeps pages of other origins away, which may
  send other types without asking (Fetch standard, "CORS-safelisted request-header").
* Arguments are not decoded. What is to be sent is looked at by the very decoder that serves all clients before it goes on its
  way: whatever is wrong with it is this request's trouble, and not that of the session, which others may use.
* Options are those that are named here, with their types; others are refused.
* Where the URI stands in the path, the body is ``{"args", "kwargs", "options"}``; or an array, the positional arguments; or any
  other object, the keyword arguments; or nothing.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from wampd.realms.messages import CALL, PUBLISH
from wampd.realms.options import Id, Key
from wampd.realms.session import ProtocolViolation
from wampd.router.http.bridges.errors import Unfit
from wampd.router.wire.json_codec import JsonCodec

JSON: Final = b"application/json"
NDJSON: Final = b"application/x-ndjson"
LONGEST: Final = 200
"""Characters of an explanation."""
_EMPTY: Final = frozenset({b"null", b"[]", b"{}"})
_object: Final = msgspec.json.Decoder(dict[str, Raw])
_array: Final = msgspec.json.Decoder(list[Raw])
_encode: Final = msgspec.json.Encoder().encode
_Options = TypeVar("_Options", bound=Struct)


class PublishOptions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a publisher may say beside the event."""

    acknowledge: bool = True
    exclude_me: bool = True
    disclose_me: bool = False
    exclude: list[Id] | None = None
    exclude_authid: list[str] | None = None
    exclude_authrole: list[str] | None = None
    eligible: list[Id] | None = None
    eligible_authid: list[str] | None = None
    eligible_authrole: list[str] | None = None
    retain: bool = False
    rkey: Key | None = None


class CallOptions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a caller may say beside the arguments."""

    disclose_me: bool = False
    timeout: int = 0
    """Milliseconds; 0: as many as the path allows."""
    rkey: Key | None = None


class Wish(Struct, frozen=True):
    """A publication or a call: what it is about, its options, and its payload."""

    uri: str
    options: Any
    args: Raw | None = None
    kwargs: Raw | None = None


def kind_of(request: Any, *known: bytes) -> bytes:
    """The media type of a body. Raise `Unfit` if it is none of those that are known, or not in UTF-8."""
    if request.requestHeaders.getRawHeaders(b"content-encoding", [b"identity"]) != [b"identity"]:
        raise Unfit(415, "the body must not be compressed")
    said = request.requestHeaders.getRawHeaders(b"content-type", [])
    kind, *parameters = said[0].split(b";") if len(said) == 1 else (b"",)
    kind = kind.strip().lower()
    if kind not in known:
        raise Unfit(415, f"the Content-Type must be {' or '.join(each.decode() for each in known)}")
    for parameter in parameters:
        name, _, value = parameter.strip().lower().partition(b"=")
        if name == b"charset" and value.strip(b'"') not in (b"utf-8", b"utf8"):
            raise Unfit(415, "the charset must be UTF-8")
    return bytes(kind)


class Reading:
    """Reads bodies of one path: ``key`` names what its wishes are about, ``options`` the struct of their options."""

    def __init__(self, message: int, key: str, options: type[_Options], depth: int) -> None:
        self._message = message
        self._key = key
        self._options: Any = msgspec.json.Decoder(options)
        self._no_options: Any = options()
        self._codec = JsonCodec(depth)

    def wish(self, text: bytes | Raw, uri: str | None) -> Wish:
        """What one body, or one item of a batch, wants; ``uri`` stood in the path. Raise `Unfit`."""
        if uri is not None and not bytes(text).strip():
            return self.checked(Wish(uri, self._no_options))
        begin = bytes(text).lstrip(b" \t\r\n")[:1]
        if uri is not None and begin == b"[":
            return self.checked(Wish(uri, self._no_options, args=Raw(bytes(text).strip())))
        parts = decoded(_object, text, "the body must be a JSON object")
        if uri is not None and not parts.keys() <= {"args", "kwargs", "options"}:
            return self.checked(Wish(uri, self._no_options, kwargs=Raw(bytes(text).strip())))
        unknown = parts.keys() - {self._key, "args", "kwargs", "options"}
        if unknown:
            raise Unfit(400, f"unknown key {min(unknown)!r}"[:LONGEST])
        if uri is None:
            uri = self._uri(parts)
        return self.checked(
            Wish(uri, self._options_in(parts.get("options")), _payload(parts, "args"), _payload(parts, "kwargs"))
        )

    def _uri(self, parts: dict[str, Raw]) -> str:
        if self._key not in parts:
            raise Unfit(400, f"{self._key} is missing")
        uri = decoded(msgspec.json.Decoder(Any), parts[self._key], f"{self._key} must be text")
        if not isinstance(uri, str):
            raise Unfit(400, f"{self._key} must be text")
        return uri

    def _options_in(self, text: Raw | None) -> Any:
        if text is None or bytes(text) in _EMPTY:
            return self._no_options
        try:
            return self._options.decode(text)
        except (msgspec.DecodeError, RecursionError) as why:
            raise Unfit(400, f"the options are not good: {why}"[:LONGEST]) from None

    def checked(self, wish: Wish) -> Wish:
        """See that no decoder on the way takes offence. Raise `Unfit`."""
        options = msgspec.to_builtins(wish.options)
        try:
            message = _encode([self._message, 1, options, wish.uri, wish.args or [], wish.kwargs or {}])
            self._codec.decode(message)
        except ProtocolViolation as why:
            raise Unfit(400, str(why)[:LONGEST]) from None
        except (TypeError, ValueError):
            raise Unfit(400, "this cannot be sent") from None
        return wish


def decoded(decoder: Any, text: bytes | Raw, otherwise: str) -> Any:
    """What a JSON text says. Raise `Unfit`."""
    try:
        bytes(text).decode()
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise Unfit(400, otherwise) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unfit(400, "the body is not JSON") from None


def items(text: bytes, kind: bytes, most: int) -> list[Raw] | None:
    """The items of a batch: an array, ``{"batch": […]}`` or a line each; `None`: it is none. Raise `Unfit`."""
    if kind == NDJSON:
        found = [Raw(line) for line in text.splitlines() if line.strip()]
    elif text.lstrip(b" \t\r\n")[:1] == b"[":
        found = decoded(_array, text, "the body must be an array")
    elif b'"batch"' in text[:64]:
        parts = decoded(_object, text, "the body must be a JSON object")
        if parts.keys() != {"batch"}:
            return None
        found = decoded(_array, parts["batch"], "batch must be an array")
    else:
        return None
    if not found:
        raise Unfit(400, "the batch is empty")
    if len(found) > most:
        raise Unfit(413, f"more than {most} in one batch")
    return list(found)


def _payload(parts: dict[str, Raw], name: str) -> Raw | None:
    """Arguments; `None`: there are none."""
    text = parts.get(name)
    return None if text is None or bytes(text) in _EMPTY else text


def uri_in_path(request: Any) -> str | None:
    """The URI that stands in the path after that of the service; `None`: there is none. Raise `Unfit`."""
    rest = [segment for segment in request.postpath if segment]
    if not rest:
        return None
    if len(rest) > 1:
        raise Unfit(404, "there is nothing here")
    try:
        return str(rest[0].decode())
    except UnicodeDecodeError:
        raise Unfit(400, "the path is not UTF-8") from None


def publishing(depth: int) -> Reading:
    """What reads publications."""
    return Reading(PUBLISH, "topic", PublishOptions, depth)


def calling(depth: int) -> Reading:
    """What reads calls."""
    return Reading(CALL, "procedure", CallOptions, depth)

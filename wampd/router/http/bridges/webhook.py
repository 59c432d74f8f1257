"""Webhooks in: what others POST when something happened, verified and published.

Rules
-----
* The signature is checked over the body as it came, before anything of it is read, in constant time, with each of the secrets,
  so that they can be changed one after the other. Where a time is signed, it may differ only so much from ours.
* The topic is a template, into which the name of the event is put; a name that could not be part of a URI is refused. The
  event's only argument is the body: JSON as it came, or a text. Its keyword arguments are ``event``, ``delivery``, ``headers``.
* A delivery whose id was seen before is acknowledged, and not published again; one that could not be published is not seen. How
  many are remembered is bounded: the oldest are forgotten first.
* Questions of providers, whether anybody is there, are answered, and not published.

Sources: GitHub, "Validating webhook deliveries"; Stripe, "Verify webhook signatures manually"; Slack, "Verifying requests".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.envoy import TIMEOUT, CallFailed
from wampd.router.http.access.access import Access
from wampd.router.http.answer import Later
from wampd.router.http.bridges.asked import JSON, PublishOptions, Wish, publishing
from wampd.router.http.bridges.bridge import Bridge
from wampd.router.http.bridges.errors import Errors, Unfit

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider

log = Logger()

LONGEST_NAME: Final = 200
"""Characters of an event's name, or of a delivery's id."""
MOST_DELIVERIES: Final = 10_000
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class Scheme(Struct, frozen=True, kw_only=True):
    """How a provider signs, and where it says what happened."""

    header: str
    """Where the signature is; of several, separated by space, one has to be good."""
    algorithm: str = "sha256"
    encoding: str = "hex"
    """``hex`` or ``base64``."""
    prefix: str = ""
    """What stands before each signature."""
    fields: bool = False
    """The header is ``t=…,v1=…``, as Stripe has it."""
    signed: str = "{body}"
    """What is signed: ``{body}``, ``{timestamp}``, ``{delivery}``, and what stands between them."""
    timestamp_header: str | None = None
    event_header: str | None = None
    delivery_header: str | None = None
    event_field: tuple[str, ...] = ()
    """Where the body says what happened, if no header does."""
    delivery_field: tuple[str, ...] = ()
    ping: str | None = None
    """The name of the event that asks whether anybody is there."""
    challenge: bool = False
    """Such a question has a ``challenge``, which is the answer."""


PROVIDERS: Final[Mapping[str, Scheme]] = {
    "github": Scheme(
        header="X-Hub-Signature-256",
        prefix="sha256=",
        event_header="X-GitHub-Event",
        delivery_header="X-GitHub-Delivery",
        ping="ping",
    ),
    "stripe": Scheme(
        header="Stripe-Signature",
        fields=True,
        signed="{timestamp}.{body}",
        event_field=("type",),
        delivery_field=("id",),
    ),
    "slack": Scheme(
        header="X-Slack-Signature",
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        timestamp_header="X-Slack-Request-Timestamp",
        event_field=("event.type", "type"),
        delivery_field=("event_id",),
        ping="url_verification",
        challenge=True,
    ),
}


class Rules(Struct, frozen=True, kw_only=True):
    """What is made of deliveries."""

    topic: str
    """With ``{event}`` in it, or without."""
    headers: tuple[str, ...] = ()
    """Those that subscribers are told."""
    tolerance: float = 300.0
    """Seconds that a signed time may differ from ours."""
    remembered: float = 86_400.0
    """Seconds that the id of a delivery is remembered."""
    most: int = MOST_DELIVERIES
    timeout: float = 10.0
    """Seconds that publishing may take."""


class Deliveries:
    """The ids of deliveries that were published, or are being published."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._seen: OrderedDict[str, float] = OrderedDict()  # and until when

    def add(self, delivery: str, now: float) -> bool:
        """Remember one; whether it is new."""
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        if delivery in self._seen:
            return False
        if len(self._seen) >= self._most:
            self._seen.popitem(last=False)
        self._seen[delivery] = now + self._seconds
        return True

    def forget(self, delivery: str) -> None:
        """It was not published after all."""
        self._seen.pop(delivery, None)


class WebhookResource(Bridge):
    """What takes the deliveries of one provider."""

    def __init__(
        self,
        access: Access,
        clock: Any,
        now: Callable[[], float],
        scheme: Scheme,
        secrets: Sequence[bytes],
        rules: Rules,
        depth: int = 64,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``now`` is Unix time; any of ``secrets`` is good."""
        super().__init__(access, Errors())
        self._clock = clock
        self._now = now
        self._scheme = scheme
        self._secrets = tuple(secrets)
        self._rules = rules
        self._reading = publishing(depth)
        self._deliveries = Deliveries(rules.remembered, rules.most)

    def read(self, request: Any, later: Later) -> Callable[[Insider], Deferred[None] | None]:
        """Verify a delivery, then look at what it says."""
        request.content.seek(0)
        body = request.content.read()
        try:
            self._verify(request, body)
        except _Bad as why:
            log.info("a webhook at {path} was refused: {why}", path=request.path.decode("latin-1"), why=str(why))
            raise Unfit(403, "the signature is not good", "wamp.error.not_authorized") from None
        scheme, said = self._scheme, _said(request, body)
        event = _named(request, scheme.event_header, said, scheme.event_field)
        if event is not None and event == scheme.ping:
            return lambda _: _answer_ping(later, said, scheme)
        delivery = _named(request, scheme.delivery_header, said, scheme.delivery_field)
        wish = self._wish(request, body, event, delivery, said)
        seen = delivery or hashlib.sha256(_line(request, scheme.header).encode() + b"\n" + body).hexdigest()
        return lambda insider: self._publish(insider, wish, seen, later)

    def _verify(self, request: Any, body: bytes) -> None:
        """See that somebody signed this who has a secret. Raise `_Bad`."""
        scheme = self._scheme
        timestamp, signatures = _signatures(request, scheme)
        if timestamp is not None and abs(self._now() - float(timestamp)) > self._rules.tolerance:
            raise _Bad("its time is too far from ours")
        delivery = "" if scheme.delivery_header is None else _line(request, scheme.delivery_header)
        text = _filled(scheme.signed, {"timestamp": timestamp or "", "delivery": delivery}, body)
        good = False
        for secret in self._secrets:  # all of them, so that the time tells nothing
            expected = hmac.digest(secret, text, scheme.algorithm)
            for signature in signatures:
                good |= hmac.compare_digest(expected, signature)
        if not good:
            raise _Bad("its signature is not good")

    def _wish(self, request: Any, body: bytes, event: str | None, delivery: str | None, said: Any) -> Wish:
        topic = self._rules.topic
        if "{event}" in topic:
            if event is None or not _NAME.fullmatch(event):
                raise Unfit(400, "the name of the event is missing, or cannot be part of a topic")
            topic = topic.replace("{event}", event)
        payload = body if said is not _TEXT else msgspec.json.encode(body.decode())
        headers = {name.lower(): _line(request, name) for name in self._rules.headers}
        kwargs = msgspec.json.encode({"event": event, "delivery": delivery, "headers": headers})
        return self._reading.checked(Wish(topic, PublishOptions(), Raw(b"[%b]" % payload), Raw(kwargs)))

    def _publish(self, insider: Insider, wish: Wish, delivery: str, later: Later) -> Deferred[None] | None:
        if not self._deliveries.add(delivery, self._now()):
            later.json(200, {"duplicate": True})
            return None

        def failed(failure: Failure) -> Failure:
            self._deliveries.forget(delivery)
            return failure

        published = insider.publish(wish.uri, wish.args, wish.kwargs)
        published.addTimeout(self._rules.timeout, self._clock, lambda *_: Failure(CallFailed(TIMEOUT)))
        return published.addCallbacks(lambda number: later.json(200, {"id": number}), failed)


class _Bad(Exception):
    """Nobody who has a secret has signed this; the text is for our log."""


_TEXT: Final = object()
"""A body that is no JSON."""


def _said(request: Any, body: bytes) -> Any:
    """What a body says; `_TEXT`: it is no JSON. Raise `Unfit`."""
    kind = request.getHeader(b"content-type") or b""
    try:
        body.decode()
        if kind.partition(b";")[0].strip().lower() != JSON:
            return _TEXT
        return msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise Unfit(400, "the body is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError):
        raise Unfit(400, "the body is not JSON") from None


def _signatures(request: Any, scheme: Scheme) -> tuple[str | None, list[bytes]]:
    """The time that was signed, if one was, and the signatures that are shown. Raise `_Bad`."""
    shown = _line(request, scheme.header)
    timestamp = None
    if scheme.fields:
        pairs = [field.strip().partition("=") for field in shown.split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        timestamp = times[0] if len(times) == 1 else ""
        found = [value for name, _, value in pairs if name == "v1"]
    else:
        if scheme.timestamp_header is not None:
            timestamp = _line(request, scheme.timestamp_header)
        found = [each.removeprefix(scheme.prefix) for each in shown.split() if each.startswith(scheme.prefix)]
    if timestamp is not None and not _SECONDS.fullmatch(timestamp):
        raise _Bad("its time cannot be read")
    if not found:
        raise _Bad("it has no signature")
    try:
        return timestamp, [_decoded(each, scheme.encoding) for each in found[:8]]
    except (binascii.Error, ValueError):
        raise _Bad("its signature cannot be read") from None


def _decoded(signature: str, encoding: str) -> bytes:
    if encoding == "hex":
        return binascii.unhexlify(signature)
    return base64.b64decode(signature, validate=True)


def _filled(template: str, values: Mapping[str, str], body: bytes) -> bytes:
    """A template with its values, the body being octets."""
    before, _, after = template.partition("{body}")
    for name, value in values.items():
        before, after = before.replace("{%s}" % name, value), after.replace("{%s}" % name, value)  # noqa: UP031
    return before.encode("latin-1") + body + after.encode("latin-1")


def _named(request: Any, header: str | None, said: Any, fields: tuple[str, ...]) -> str | None:
    """A name that a header says, or a field of the body; `None`: none does."""
    if header is not None:
        return _line(request, header)[:LONGEST_NAME] or None
    for field in fields:
        found = said
        for part in field.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            return found[:LONGEST_NAME]
    return None


def _line(request: Any, name: str) -> str:
    """The one line of a header; else it is empty."""
    lines = request.requestHeaders.getRawHeaders(name.encode(), [])
    return str(lines[0].decode("latin-1")).strip() if len(lines) == 1 else ""


def _answer_ping(later: Later, said: Any, scheme: Scheme) -> None:
    """Somebody is there."""
    challenge = said.get("challenge") if scheme.challenge and isinstance(said, dict) else None
    if isinstance(challenge, str):
        later.text(200, challenge[:LONGEST_NAME])
    else:
        later.json(200, {"pong": True})

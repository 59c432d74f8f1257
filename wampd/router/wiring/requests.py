"""What realms send out by HTTP: procedures that are requests, and topics that are forwarded. From settings to duties."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import Logger

from wampd.router.duties import Duty
from wampd.router.envoy import CallFailed
from wampd.router.inside.own import ROUTER
from wampd.router.inside.resident import Resident
from wampd.router.inside.telling import told
from wampd.router.outgoing.bodies import BodyError, json_body, template_body
from wampd.router.outgoing.forwarding import GIVEN_UP, Delivery, Forward, Manner
from wampd.router.outgoing.rest import Body, Generic, Mapped, RestProcedure, Terms
from wampd.router.outgoing.signing import read_secret, signed
from wampd.router.outgoing.templates import TextTemplate, UrlTemplate
from wampd.router.settings.requests import Forward as ForwardSettings
from wampd.router.settings.requests import HttpCallee
from wampd.router.settings.secret import Secret
from wampd.router.wiring.means import Means

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from wampd.router.inside.insider import Insider, Reply

log = Logger()

LAST_WORDS: Final = 1.0
"""Seconds beyond its timeout that a request may take until its answer has gone on."""


def forwarding_of(forward: ForwardSettings, realm: str, means: Means) -> Duty:
    """What forwards a topic."""
    return _Forwarding(forward, realm, means)


def callee_of(callee: HttpCallee, realm: str, means: Means) -> Duty:
    """What serves a procedure that is an HTTP request."""
    url = callee.url or callee.base
    assert url is not None  # settings/request_rules.py sees to it
    client = means.sender.client_to(UrlTemplate(url).origin)
    terms = Terms(
        timeout=callee.timeout,
        limit=callee.answer_size,
        redirects=callee.redirects,
        secrets=_revealed(callee.secret_headers),
        errors={int(status): uri for status, uri in callee.errors.items()},
    )
    served = RestProcedure(client, _generic(callee) if callee.base else _mapped(callee, url), terms)
    options = {"match": callee.match, "invoke": callee.invoke, "concurrency": callee.concurrency}

    def settle(insider: Insider) -> Deferred[Any]:
        return insider.register(callee.procedure, served.serve, options)

    what = f"the procedure {callee.procedure} of the realm {realm}, which is an HTTP request,"

    def retire(insider: Insider, registration: int) -> None:
        """Take no more calls, and leave when those under way have had their time, as those of all callees have."""
        insider.unregister(registration).addErrback(lambda failure: failure.trap(CallFailed))
        means.reactor.callLater(callee.timeout + LAST_WORDS, insider.leave)

    return Resident(means.reactor, what, _enter(realm, callee.role, means), settle, retire)


def _mapped(callee: HttpCallee, url: str) -> Mapped:
    body: Body = callee.body or ("json" if callee.method in ("POST", "PUT", "PATCH") else "none")
    return Mapped(
        procedure=callee.procedure,
        method=callee.method,
        url=UrlTemplate(url),
        query=tuple((name, TextTemplate(text)) for name, text in callee.query.items()),
        headers=tuple((name, TextTemplate(text)) for name, text in callee.headers.items()),
        body=body,
        result=callee.result,
    )


def _generic(callee: HttpCallee) -> Generic:
    headers = frozenset(name.lower() for name in callee.caller_headers)
    return Generic(base=callee.base or "", methods=frozenset(callee.methods), headers=headers)


class _Forwarding:
    """A topic that is forwarded: a `Duty`."""

    def __init__(self, forward: ForwardSettings, realm: str, means: Means) -> None:
        self._settings = forward
        self._body = json_body(forward.body) if forward.template is None else template_body(forward.template)
        self._headers = (
            ("content-type", forward.content_type),
            *forward.headers.items(),
            *_revealed(forward.secret_headers),
        )
        self._strike = means.realms.tally.strike
        self._what = f"forwarding {forward.topic} of the realm {realm}"
        self._forward = Forward(
            means.sender.client_to(forward.url),
            means.reactor,
            _manner(forward),
            self._what,
            self._strike,
            random.random,
            time.time,
            _signing(forward.secret) if forward.secret is not None else _as_it_is,
        )
        self._resident = Resident(means.reactor, self._what, _enter(realm, forward.role, means), self._settle)

    def start(self) -> None:
        """Subscribe."""
        self._resident.start()

    def renew(self) -> None:
        """Subscribe anew; what waits to be sent stays."""
        self._resident.renew()

    def stop(self) -> None:
        """Send nothing more."""
        self._resident.stop()
        self._forward.stop()

    def _settle(self, insider: Insider) -> Deferred[Any]:
        return insider.subscribe(self._settings.topic, self._heard, self._settings.match)

    def _heard(self, reply: Reply) -> None:
        event = told(reply, self._settings.topic, time.time())
        try:
            body = self._body(event)
        except BodyError as why:
            self._strike(GIVEN_UP)
            log.warn("{what}: the template makes no body of an event: {why}", what=self._what, why=str(why))
            return
        self._forward.add(Delivery(str(event.publication), body, self._headers))


def _manner(forward: ForwardSettings) -> Manner:
    return Manner(
        method=forward.method,
        url=forward.url,
        timeout=forward.timeout,
        tries=forward.tries,
        pause=forward.pause,
        longest_pause=forward.longest_pause,
        queue=forward.queue,
        queue_size=forward.queue_size,
        concurrency=forward.concurrency,
    )


def _signing(secret: Secret) -> Callable[[Delivery], Delivery]:
    """What signs each try, as Standard Webhooks has it."""
    key = read_secret(secret.reveal())

    def finish(delivery: Delivery) -> Delivery:
        signature = signed(key, f"msg_{delivery.name}", int(time.time()), delivery.body)
        return Delivery(delivery.name, delivery.body, (*delivery.headers, *signature))

    return finish


def _as_it_is(delivery: Delivery) -> Delivery:
    return delivery


def _enter(realm: str, role: str | None, means: Means) -> Callable[[], Insider]:
    return lambda: means.insiders.enter(realm, ROUTER, role)


def _revealed(headers: Mapping[str, Secret]) -> tuple[tuple[str, str], ...]:
    return tuple((name, secret.reveal()) for name, secret in headers.items())

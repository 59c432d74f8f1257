"""Keys of tokens that are on a server, or that a provider of OpenID Connect tells of.

Rules
-----
* Keys are fetched at the start and again from time to time. A token that names a key which is not known makes them be fetched,
  too: that is how new keys are learnt of. But there is a pause between two attempts, whatever tokens claim, and all who wait
  meanwhile wait for the one attempt.
* If they cannot be fetched, what was fetched before counts, until it is too old. Without keys nobody knows whether a token is
  good: that is `Failed`.

Source: OpenID Connect Discovery 1.0, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.jwk import KeySet, UnusableKeyError, key_set
from wampd.auth.methods import Failed
from wampd.auth.questions import FindKeys
from wampd.router.fetching import FetchError
from wampd.router.keyrings import Found
from wampd.router.settings.urls import fault

log = Logger()

MOST_WAITING: Final = 1000
"""Clients that wait for one attempt."""


class FetchedKeys:
    """The keys of a server."""

    def __init__(
        self,
        clock: Any,
        fetch: Callable[[], Deferred[KeySet]],
        source: str,
        *,
        refresh: float,
        pause: float,
        keep: float,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``source`` names the server for the log; ``failed`` counts attempts in vain.

        Times are in seconds: see `wampd.router.settings.jwt`.
        """
        self._clock = clock
        self._fetch = fetch
        self._source = source
        self._refresh = refresh
        self._pause = pause
        self._keep = keep
        self._failed = failed
        self._set: KeySet | None = None
        self._fetched_at = 0.0
        self._next = 0.0
        """When there may be an attempt."""
        self._under_way = False
        self._stopped = False
        self._waiting: dict[Deferred[None], None] = {}
        """In the order in which they came."""
        self._timer: Any = None

    def start(self) -> None:
        """Fetch the keys, and go on doing so."""
        if not self._under_way:
            self._attempt()

    def stop(self) -> None:
        """Fetch them no more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def find(self, question: FindKeys) -> Found | Deferred[Found]:
        """The keys that are asked for."""
        here = self._find(question)
        if isinstance(here, tuple) and here:
            return here
        if not self._under_way:
            if self._clock.seconds() < self._next:
                return here
            self._attempt()
            if not self._under_way:  # it is over already
                return self._find(question)
        if len(self._waiting) >= MOST_WAITING:
            return Failed(f"{MOST_WAITING} clients wait for the keys of {self._source} already")
        # Who leaves makes room: else a thousand who come and go would shut out all others until the attempt is over.
        attempt: Deferred[None] = Deferred(lambda gone: self._waiting.pop(gone, None))
        self._waiting[attempt] = None
        return attempt.addCallback(lambda _: self._find(question))

    def _find(self, question: FindKeys) -> Found:
        if self._set is None:
            return Failed(f"there are no keys of {self._source}")
        if self._clock.seconds() > self._fetched_at + self._keep:
            return Failed(f"the keys of {self._source} are too old")
        return self._set.named(question.kid)

    def _attempt(self) -> None:
        self._under_way = True
        self._next = self._clock.seconds() + self._pause
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        maybeDeferred(self._fetch).addCallbacks(self._fetched, self._in_vain).addCallback(self._over)

    def _fetched(self, found: KeySet) -> float:
        if self._set is None or found.keys != self._set.keys:
            log.info("{count} keys of {source}", count=len(found.keys), source=self._source)
            for why in found.left_out:
                log.info("a key of {source} is left out: {why}", source=self._source, why=why)
        self._set = found
        self._fetched_at = self._clock.seconds()
        return self._refresh

    def _in_vain(self, failure: Failure) -> float:
        self._failed()
        if failure.check(FetchError, UnusableKeyError):
            log.error("no keys of {source}: {why}", source=self._source, why=str(failure.value))
        else:
            log.failure("no keys of {source}", failure, source=self._source)
        return self._pause

    def _over(self, delay: float) -> None:
        self._under_way = False
        if not self._stopped:
            self._timer = self._clock.callLater(max(delay, self._next - self._clock.seconds()), self._attempt)
        waiting, self._waiting = self._waiting, {}
        for each in waiting:
            if not each.called:
                each.callback(None)


def fetched_set(get: Callable[[str], Deferred[bytes]], url: str) -> Deferred[KeySet]:
    """The key set at a URL. The Deferred fails with `FetchError` or `UnusableKeyError`."""
    return get(url).addCallback(key_set)


def provided_set(get: Callable[[str], Deferred[bytes]], issuer: str, *, insecure: bool) -> Deferred[KeySet]:
    """The key set of a provider of OpenID Connect.

    The Deferred fails with `FetchError` or `UnusableKeyError`.
    """

    def described(text: bytes) -> Deferred[KeySet]:
        try:
            provider = msgspec.json.decode(text, type=dict[str, Any])
        except (ValueError, RecursionError):
            raise FetchError(f"{issuer} does not describe itself in JSON") from None
        if provider.get("issuer") != issuer:
            raise FetchError(f"who answers at {issuer} calls itself something else")
        url = provider.get("jwks_uri")
        if not isinstance(url, str):
            raise FetchError(f"{issuer} does not say where its keys are")
        if why := fault(url, insecure=insecure):
            raise FetchError(f"the keys of {issuer} cannot be fetched from where it says they are: {why}")
        return fetched_set(get, url)

    return get(f"{issuer.removesuffix('/')}/.well-known/openid-configuration").addCallback(described)

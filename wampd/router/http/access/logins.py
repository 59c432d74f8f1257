"""An `Access` by what requests show: whoever a realm lets in has a session, which serves many requests.

Rules
-----
* Who shows the same, from the same address, uses the same session; requests that come while it is being made wait for it.
  Sessions are found by a keyed digest: what was shown is not kept.
* Bounded: so many sessions; one that no request uses ends after a while, or when there is no room for another. No session
  takes new requests for longer than a time, so that nobody is believed for ever; one that was sent away takes none at all.
* A cookie is given to browsers alone. The value that an answer sets finds the session, too, so that a cookie is not renewed
  with every request, but whenever somebody has to be let in again.
* A client that leaves does not wait any more; when all who wait for a session have left, it is not made.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import Logger

from wampd.realms.grants import NOT_AUTHORIZED
from wampd.realms.limits import UNAVAILABLE
from wampd.router.http.access.access import Refused, ends_with
from wampd.router.http.access.credentials import (
    Unreadable,
    authorization,
    challenges,
    is_of_browser,
    lines,
    may_come,
)
from wampd.router.http.request import address_of, cookies_for
from wampd.router.inside.coming import Credentials, NotLetIn

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampd.router.cookies import Cookies
    from wampd.router.inside.insider import Insider

log = Logger()

NO_SUCH_ROLE: Final = "wamp.error.no_such_role"
NO_SUCH_REALM: Final = "wamp.error.no_such_realm"
PATIENCE: Final = ("Retry-After", "5")
NOBODY: Final = Credentials("anonymous")


class Terms(Struct, frozen=True, kw_only=True):
    """Who may come to a path, and for how long."""

    realm: str
    basic: bool = False
    bearer: bool = False
    anonymous: bool = False
    roles: frozenset[str] | None = None
    """The roles that may use the path; `None`: all."""
    origins: tuple[str, ...] = ("same-host",)
    idle: float = 60.0
    longest: float = 600.0
    sessions: int = 1_000
    single_use: bool = False
    """A token is good for one request."""


class Logins:
    """Those who have come to one path."""

    def __init__(
        self,
        log_in: Callable[[str, Credentials, Mapping[str, Any]], Deferred[Insider]],
        clock: Any,
        terms: Terms,
        cookies: Cookies | None = None,
    ) -> None:
        """``log_in`` is `wampd.router.inside.insiders.Insiders.log_in`; ``clock`` an ``IReactorTime``."""
        self._log_in = log_in
        self._clock = clock
        self._terms = terms
        self._cookies = cookies
        self._key = secrets.token_bytes(32)
        self._found: dict[bytes, _Login] = {}
        self._all: OrderedDict[_Login, None] = OrderedDict()  # that was used longest ago first

    def session(self, request: Any) -> Deferred[Insider]:
        """The session of who sent a request. The Deferred fails with `Refused`."""
        here = getattr(request, "insider", None)
        if here is not None and not here.is_over:
            return succeed(here)
        return self._in_turn(request, self._shared)

    def session_of_its_own(self, request: Any) -> Deferred[Insider]:
        """One more session, for a request alone; or the one that it has for itself by a token that is not good twice."""
        here = getattr(request, "insider", None)
        if here is not None and not here.is_over and self._counts_once(self._shown(request)[0]):
            return succeed(here)
        return self._in_turn(request, self._own)

    # ---------------------------------------------------------------------------------------------- who may come, and how

    def _in_turn(self, request: Any, way: Callable[[Any, Credentials], Deferred[Insider]]) -> Deferred[Insider]:
        """Try what a request shows, one after the other."""
        try:
            shown = self._shown(request)
        except Refused as why:
            return fail(why)

        def next_one(failure: Failure, following: Credentials) -> Any:
            why = failure.value
            return way(request, following) if isinstance(why, Refused) and why.status in (401, 403) else failure

        answer = way(request, shown[0])
        for following in shown[1:]:
            answer.addErrback(next_one, following)
        return answer.addCallback(self._with_a_role)

    def _shown(self, request: Any) -> Sequence[Credentials]:
        """What a request shows, the first to be tried first. Raise `Refused`."""
        terms, cookies = self._terms, cookies_for(request, self._cookies)
        try:
            shown = authorization(request, basic=terms.basic, bearer=terms.bearer)
        except Unreadable as why:
            raise self._refused(str(why)) from None
        tried = [] if shown is None else [shown]
        if shown is None and cookies is not None and cookies.shown(lines(request, "cookie")) is not None:
            tried = [Credentials("cookie")]
        by_itself = bool(tried) and tried[0].method != "jwt"
        secure = cookies is not None and cookies.secure
        if by_itself and not may_come(request, terms.origins, secure=secure):
            raise Refused(403, "a page of another origin may not do this")
        if shown is None and terms.anonymous:
            tried.append(NOBODY)
        if not tried:
            raise self._refused("who are you?")
        return tried

    def _counts_once(self, shown: Credentials) -> bool:
        return shown.method == "jwt" and self._terms.single_use

    def _may_use(self, insider: Insider) -> bool:
        roles = self._terms.roles
        return roles is None or insider.details.get("authrole") in roles

    def _with_a_role(self, insider: Insider) -> Insider:
        if not self._may_use(insider):
            raise Refused(403, "this is not for your role")
        return insider

    def _refused(self, text: str, *, bad_token: bool = False) -> Refused:
        """Somebody has to show something else. Where there is no way to say what, a 401 is not allowed (RFC 9110, 15.5.2)."""
        terms = self._terms
        told = challenges(terms.realm, basic=terms.basic, bearer=terms.bearer, bad_token=bad_token)
        return Refused(401 if told else 403, text, tuple(told))

    def not_let_in(self, why: NotLetIn, shown: Credentials) -> Refused:
        """What an ABORT means for a request."""
        wait = why.details.get("retry_after")
        if wait is not None:
            return Refused(429, "too many failures", (("Retry-After", str(wait)),))
        if why.reason in (UNAVAILABLE, NO_SUCH_REALM):
            return Refused(503, "there is no room at the moment", (PATIENCE,))
        if why.reason in (NOT_AUTHORIZED, NO_SUCH_ROLE):
            return Refused(403, "you have no role here")
        return self._refused("authentication failed", bad_token=shown.method == "jwt")

    # ------------------------------------------------------------------------------------------------- sessions of theirs

    def _own(self, request: Any, shown: Credentials) -> Deferred[Insider]:
        """A session for a request alone."""
        visitor = _Visitor(request)
        joining = self._join(request, shown, visitor)
        request.notifyFinish().addErrback(lambda _: joining.cancel())

        def came(insider: Insider) -> Insider:
            visitor.take(request)
            if not self._may_use(insider):  # who asks gets no session to end
                insider.leave()
            return insider

        return joining.addCallback(came)

    def _shared(self, request: Any, shown: Credentials) -> Deferred[Insider]:
        """A session that others may use, too."""
        if self._counts_once(shown):
            return self._own(request, shown).addCallback(ends_with, request)
        key = self._key_of(request, shown)
        login = self._found.get(key)
        if login is None or not login.is_fresh(self._clock.seconds()):
            if not self._room():
                return fail(Refused(503, "there is no room at the moment", (PATIENCE,)))
            login = self._begin(request, shown, key)
        if login in self._all:
            self._all.move_to_end(login)
        return login.wait_for(request)

    def _begin(self, request: Any, shown: Credentials, key: bytes) -> _Login:
        former = self._found.get(key)
        if former is not None:
            self._forget(former)
        visitor = _Visitor(request)
        joining = self._join(request, shown, visitor)
        login = _Login(self, joining, visitor, self._clock, self._terms)
        self._all[login] = None
        login.keys.append(key)
        if visitor.fresh is not None:  # the next request will show what this answer sets
            login.keys.append(self._digest(b"cookie", visitor.fresh, visitor.address))
            login.keys.append(self._digest_of(shown, visitor.address, visitor.fresh))
        for each in login.keys:
            self._found[each] = login
        login.start()
        return login

    def _join(self, request: Any, shown: Credentials, visitor: _Visitor) -> Deferred[Insider]:
        """Let somebody in; the Deferred fails with `Refused`."""
        about: dict[str, Any] = {"type": "http", "peer": visitor.address}
        cookies = cookies_for(request, self._cookies)
        if cookies is not None and self._gives_cookie(request, shown):
            visitor.set_cookie, about["cookie"] = cookies.visit(lines(request, "cookie"))
            visitor.fresh = about["cookie"].fresh

        def failed(failure: Failure) -> Any:
            if isinstance(failure.value, NotLetIn):
                raise self.not_let_in(failure.value, shown) from None
            return failure

        return self._log_in(self._terms.realm, shown, about).addErrback(failed)

    def _room(self) -> bool:
        """Make room for one more session; whether there is any."""
        if len(self._all) < self._terms.sessions:
            return True
        unused = next((login for login in self._all if not login.is_used), None)
        if unused is not None:
            unused.end()
        return unused is not None

    def _forget(self, login: _Login) -> None:
        """Let no request find a session any more."""
        for key in login.keys:
            if self._found.get(key) is login:
                del self._found[key]

    def ended(self, login: _Login) -> None:
        """A session is over, or was not made."""
        self._forget(login)
        self._all.pop(login, None)

    def _key_of(self, request: Any, shown: Credentials) -> bytes:
        """What finds the session of who shows this: of a browser that is to have a cookie, with the one that it has."""
        address, cookies = address_of(request), cookies_for(request, self._cookies)
        if cookies is None or not self._gives_cookie(request, shown):
            return self._digest_of(shown, address)
        cookie = cookies.shown(lines(request, "cookie"))
        if shown.method == "cookie":
            return self._digest(b"cookie", cookie or b"", address)
        return self._digest_of(shown, address, cookie or secrets.token_bytes(32))

    def _gives_cookie(self, request: Any, shown: Credentials) -> bool:
        """Whether the answer is to set a cookie: a program would not keep it, and get a new one each time."""
        return shown is not NOBODY and (shown.method == "cookie" or is_of_browser(request))

    def _digest_of(self, shown: Credentials, address: str, cookie: bytes = b"") -> bytes:
        authid, secret = (shown.authid or "").encode(), shown.secret.encode()
        text = b"%d:%b%d:%b%b" % (len(authid), authid, len(secret), secret, cookie)
        return self._digest(shown.method.encode(), text, address)

    def _digest(self, method: bytes, shown: bytes, address: str) -> bytes:
        where = address.encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, b"%b %d:%b%b" % (method, len(where), where, shown), hashlib.sha256)


class _Visitor:
    """What the request that somebody came in with leaves."""

    def __init__(self, request: Any) -> None:
        self.address = address_of(request)
        self.set_cookie: str | None = None
        self.fresh: bytes | None = None

    def take(self, request: Any) -> None:
        """Let the answer to a request set the cookie, once."""
        set_cookie, self.set_cookie = self.set_cookie, None
        if set_cookie is not None:
            request.responseHeaders.addRawHeader(b"Set-Cookie", set_cookie.encode("ascii"))


class _Login:
    """One session that serves requests, from when it is asked for to its end."""

    def __init__(self, logins: Logins, joining: Deferred[Insider], visitor: _Visitor, clock: Any, terms: Terms) -> None:
        self.keys: list[bytes] = []
        self._logins = logins
        self._joining: Deferred[Insider] | None = joining
        self._visitor = visitor
        self._clock = clock
        self._idle = terms.idle
        self._until = clock.seconds() + terms.longest
        self._insider: Insider | None = None
        self._waiting: dict[Deferred[Insider], Any] = {}
        self._requests = 0
        self._timer: Any = None
        self._is_over = False

    def start(self) -> None:
        """Look whether the session is there."""
        joining = self._joining
        assert joining is not None
        joining.addCallbacks(self._came, self._failed)

    @property
    def is_used(self) -> bool:
        """Whether requests use the session, or wait for it."""
        return bool(self._requests or self._waiting) or (self._joining is not None)

    def is_fresh(self, now: float) -> bool:
        """Whether it takes further requests."""
        return now < self._until and not self._is_over

    def wait_for(self, request: Any) -> Deferred[Insider]:
        """The session, when it is there, as long as a request wants it."""
        waiting: Deferred[Insider] = Deferred(lambda _: self._waiting.pop(waiting, None))
        self._waiting[waiting] = request
        request.notifyFinish().addErrback(lambda _: self._left(waiting))
        if self._insider is not None:
            self._hand_out()
        elif self._is_over:  # it could not be made, which was known at once
            self._waiting.clear()
            return fail(self._why)
        return waiting

    _why: Exception = Refused(503, "there is no room at the moment")

    def _came(self, insider: Insider) -> None:
        self._joining = None
        self._insider = insider
        insider.on_over.append(lambda _: self._over())
        self._hand_out()
        self._watch()

    def _failed(self, failure: Failure) -> None:
        self._joining = None
        if failure.check(CancelledError):
            self._over()
            return
        why = failure.value
        if not isinstance(why, Refused):
            log.failure("letting a client of HTTP in failed: a bug in wampd", failure)
            why = Refused(500, "internal error")
        self._why = why
        self._over()
        waiting, self._waiting = self._waiting, {}
        for each in waiting:
            each.errback(self._why)

    def _hand_out(self) -> None:
        insider = self._insider
        assert insider is not None
        waiting, self._waiting = self._waiting, {}
        for each, request in waiting.items():
            self._requests += 1
            request.notifyFinish().addBoth(lambda _: self._released())
            self._visitor.take(request)
            each.callback(insider)

    def _left(self, waiting: Deferred[Insider]) -> None:
        """The client of a request is gone."""
        if self._waiting.pop(waiting, None) is not None:
            waiting.cancel()
        if not self._waiting and self._joining is not None:
            self._joining.cancel()

    def _released(self) -> None:
        self._requests -= 1
        self._watch()

    def _watch(self) -> None:
        """End the session when nobody has used it for a while, or at once if it takes no requests any more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.is_used or self._is_over:
            return
        left = self._until - self._clock.seconds()
        self._timer = self._clock.callLater(max(0.0, min(self._idle, left)), self.end)

    def end(self) -> None:
        """End the session."""
        if self._insider is not None and not self.is_used:
            self._insider.leave()
            self._over()

    def _over(self) -> None:
        self._is_over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._logins.ended(self)

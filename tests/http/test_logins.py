"""The sessions of a path, from when they are asked for to their end; who is let in is said by the test."""

from itertools import count
from types import SimpleNamespace

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tests.auth.test_jar import Shell
from tests.support.overheard import overheard
from wampd.router.cookies import Attributes, Cookies, digest_of
from wampd.router.http.access.access import Refused
from wampd.router.http.access.logins import Logins, Terms
from wampd.router.inside.coming import NotLetIn

VALUE = "hunter2" + "-" * 25
BEARER = "Authorization: Bearer hunter2.a.b"
BASIC = "Authorization: Basic am9lOmh1bnRlcjI="


class Request:
    def __init__(self, *lines, method=b"GET", address="192.0.2.1", secure=False):
        self.method = method
        self.isSecure = lambda: secure
        self.requestHeaders = Headers()
        for line in lines:
            name, _, value = line.partition(": ")
            self.requestHeaders.addRawHeader(name, value)
        self.responseHeaders = Headers()
        self.address = address
        self._noticed = []

    def getClientAddress(self):
        return SimpleNamespace(host=self.address)

    def notifyFinish(self):
        self._noticed.append(Deferred())
        return self._noticed[-1]

    def answered(self):
        noticed, self._noticed = self._noticed, []
        for each in noticed:
            each.callback(None)

    def left(self):
        noticed, self._noticed = self._noticed, []
        for each in noticed:
            each.addErrback(lambda _: None)
            each.errback(Failure(ConnectionError()))

    @property
    def cookies_set(self):
        return self.responseHeaders.getRawHeaders("set-cookie", [])


class Insider:
    def __init__(self, number, role="user"):
        self.id = number
        self.details = {"authid": "joe", "authrole": role}
        self.is_over = False
        self.on_over = []

    def leave(self):
        self.over()

    def over(self):
        self.is_over = True
        for each in self.on_over:
            each(None)


class House:
    """Who asks to be let in waits until the test says what becomes of it."""

    def __init__(self, cookies=None, **terms):
        self.clock = Clock()
        self.asked = []
        self.about = []
        self.cancelled = []
        self._numbers = count(1)
        terms = {"realm": "realm1", "basic": True, "bearer": True, **terms}
        self.logins = Logins(self._log_in, self.clock, Terms(**terms), cookies)

    def _log_in(self, realm, shown, about):
        answer = Deferred(self.cancelled.append)
        self.asked.append((shown, answer))
        self.about.append(about)
        return answer

    def let_in(self, index=-1, **more):
        insider = Insider(next(self._numbers), **more)
        self.asked[index][1].callback(insider)
        return insider

    def refuse(self, reason="wamp.error.authentication_failed", **details):
        self.asked[-1][1].errback(NotLetIn(reason, "why", details))

    @property
    def kept(self):
        return len(self.logins._all), len(self.logins._found)


class Outcome:
    def __init__(self, asked):
        self.all = []
        asked.addBoth(self.all.append)

    @property
    def insider(self):
        (found,) = self.all
        assert isinstance(found, Insider)
        return found

    @property
    def refused(self):
        (found,) = self.all
        assert isinstance(found, Failure)
        assert isinstance(found.value, Refused), found
        return found.value


def ask(house, request):
    return Outcome(house.logins.session(request))


@pytest.fixture
def caught():
    """What the router logs of failures."""
    with overheard(lambda event: event["log_format"] if event["log_level"] >= LogLevel.warn else None) as events:
        yield events


@pytest.mark.parametrize(
    ("reason", "details", "status", "retry"),
    [
        ("wamp.error.authentication_failed", {}, 401, None),
        ("wamp.error.not_authorized", {}, 403, None),
        ("wamp.error.no_such_role", {}, 403, None),
        ("wamp.error.no_such_realm", {}, 503, "5"),
        ("wamp.error.unavailable", {}, 503, "5"),
        ("wamp.error.authentication_failed", {"retry_after": 7}, 429, "7"),
    ],
)
def test_why_somebody_is_not_let_in_is_a_status(reason, details, status, retry):
    house = House()
    came = ask(house, Request(BEARER))
    house.refuse(reason, **details)
    assert came.refused.status == status
    assert dict(came.refused.headers).get("Retry-After") == retry
    assert house.kept == (0, 0)


@pytest.mark.parametrize(("line", "errors"), [(BASIC, 0), (BEARER, 1)])
def test_only_of_a_token_it_is_said_that_it_is_no_good(line, errors):
    house = House()
    came = ask(house, Request(line))
    house.refuse()
    assert sum("invalid_token" in value for _, value in came.refused.headers) == errors


@pytest.mark.parametrize(("role", "may"), [("user", True), ("reader", False)])
@pytest.mark.parametrize("way", ["session", "session_of_its_own"])
def test_a_path_for_roles_is_for_these(role, may, way):
    house = House(roles=frozenset({"user", "other"}))
    came = Outcome(getattr(house.logins, way)(Request(BEARER)))
    insider = house.let_in(role=role)
    if may:
        assert came.insider is insider
    else:
        assert came.refused.status == 403


def test_where_there_is_nothing_to_show_nobody_is_asked_to():
    assert ask(House(basic=False, bearer=False), Request()).refused.status == 403
    assert ask(House(), Request()).refused.status == 401


def test_a_token_needs_no_page_of_this_site_for_browsers_do_not_send_it_by_themselves():
    house = House()
    came = ask(house, Request(BEARER, "Origin: https://elsewhere.example", method=b"POST"))
    house.let_in()
    assert came.insider.id == 1


def test_nobody_waits_for_a_session_that_was_refused_with_what_is_no_refusal(caught):
    house = House()
    came = ask(house, Request(BEARER))
    house.asked[-1][1].errback(RuntimeError("private"))
    assert (came.refused.status, came.refused.text) == (500, "internal error")
    assert caught == ["letting a client of HTTP in failed: a bug in wampd"]


def test_who_is_not_let_in_for_another_reason_is_not_let_in_as_less():
    house = House(cookies=Cookies(Shell().jar, Attributes()), anonymous=True)
    came = ask(house, Request(f"Cookie: wampd={VALUE}"))
    house.asked[-1][1].errback(RuntimeError("broken"))
    assert came.refused.status == 500
    assert len(house.asked) == 1


def test_a_cookie_that_stands_for_nobody_is_nobody_where_nobody_may_come():
    house = House(cookies=Cookies(Shell().jar, Attributes()), anonymous=True)
    came = ask(house, Request(f"Cookie: wampd={VALUE}"))
    house.refuse()
    assert [shown.method for shown, _ in house.asked] == ["cookie", "anonymous"]
    house.let_in()
    assert came.insider.id == 1


def test_too_many_failures_of_a_cookie_are_not_tried_as_nobody():
    house = House(cookies=Cookies(Shell().jar, Attributes()), anonymous=True)
    came = ask(house, Request(f"Cookie: wampd={VALUE}"))
    house.refuse(retry_after=3)
    assert came.refused.status == 429
    assert len(house.asked) == 1


def test_a_browser_finds_its_session_by_what_it_showed_and_by_what_the_answer_set():
    cookies = Cookies(Shell().jar, Attributes())
    house = House(cookies)
    first = Request(BASIC, "Origin: http://x")
    came = ask(house, first)
    house.let_in()
    (line,) = first.cookies_set
    value = line.partition(";")[0]
    assert house.about[0]["cookie"].fresh == digest_of(value.partition("=")[2])
    for lines in ((f"Cookie: {value}",), (BASIC, f"Cookie: {value}")):
        again = Request(*lines, "Origin: http://x")
        assert ask(house, again).insider is came.insider
        assert again.cookies_set == []
    assert len(house.asked) == 1


def test_behind_proxies_a_browser_that_came_by_tls_has_a_cookie_for_that():
    jar = Shell().jar
    house = House(Cookies(jar, Attributes(), by_tls=Cookies(jar, Attributes(secure=True))))
    shown = []
    for secure in (False, True):
        request = Request(BASIC, "Origin: http://x", secure=secure)
        ask(house, request)
        house.let_in()
        (line,) = request.cookies_set
        shown.append(line.partition(";")[0])
        assert ("; Secure" in line) == secure
    assert [each.partition("=")[0] for each in shown] == ["wampd", "__Host-wampd"]
    for secure, cookie in zip((False, True), shown, strict=True):
        assert ask(house, Request(f"Cookie: {cookie}", secure=secure)).insider
        with pytest.raises(AssertionError):
            assert ask(house, Request(f"Cookie: {cookie}", secure=not secure)).insider


def test_two_browsers_without_cookies_do_not_share_one():
    house = House(Cookies(Shell().jar, Attributes()))
    requests = [Request(BASIC, "Origin: http://x") for _ in range(2)]
    for request in requests:
        ask(house, request)
        house.let_in()
    assert len({request.cookies_set[0] for request in requests}) == 2
    assert len(house.asked) == 2


def test_two_cookies_are_two_sessions_and_another_address_is_another_one():
    house = House(Cookies(Shell().jar, Attributes()))
    other = "other--" + VALUE[7:]
    requests = [
        Request(f"Cookie: wampd={VALUE}", "Origin: http://x"),
        Request(f"Cookie: wampd={other}", "Origin: http://x"),
        Request(f"Cookie: wampd={VALUE}", "Origin: http://x", address="192.0.2.2"),
    ]
    for request in requests:
        ask(house, request)
    assert len(house.asked) == 3


def test_programs_and_nobody_get_no_cookie():
    house = House(Cookies(Shell().jar, Attributes()), anonymous=True)
    requests = [Request(BASIC), Request(), Request("Origin: http://x")]
    came = [ask(house, request) for request in requests]
    house.let_in(0)
    house.let_in(1)
    assert came[1].insider is came[2].insider
    assert [request.cookies_set for request in requests] == [[], [], []]
    assert [sorted(about) for about in house.about] == [["peer", "type"], ["peer", "type"]]


def test_a_request_that_is_behind_a_door_already_keeps_its_session_while_that_lasts():
    house = House()
    request = Request(BEARER)
    request.insider = Insider(99)
    assert ask(house, request).insider is request.insider
    request.insider.is_over = True
    came = ask(house, request)
    house.let_in()
    assert came.insider.id == 1


def test_a_token_for_many_requests_is_one_session_and_a_password_too_where_tokens_are_for_one():
    house = House(single_use=True)
    first = ask(house, Request(BASIC))
    house.let_in()
    assert ask(house, Request(BASIC)).insider is first.insider
    ask(house, Request(BEARER))
    ask(house, Request(BEARER))
    assert len(house.asked) == 3


def test_a_session_is_made_for_those_who_still_wait():
    house = House()
    requests = [Request(BEARER), Request(BEARER)]
    first, second = (ask(house, request) for request in requests)
    requests[0].left()
    assert house.cancelled == []
    assert isinstance(first.all[0].value, CancelledError)
    house.let_in()
    assert second.insider.id == 1
    assert house.kept == (1, 1)


def test_a_session_that_nobody_waits_for_any_more_is_not_made(caught):
    house = House()
    requests = [Request(BEARER), Request(BEARER)]
    for request in requests:
        ask(house, request)
    for request in requests:
        request.left()
    assert len(house.cancelled) == 1
    assert house.kept == (0, 0)
    assert caught == []
    ask(house, Request(BEARER))
    assert len(house.asked) == 2


def test_who_asks_for_a_session_of_its_own_and_leaves_cancels_that():
    house = House()
    request = Request(BEARER)
    came = Outcome(house.logins.session_of_its_own(request))
    request.left()
    assert len(house.cancelled) == 1
    assert isinstance(came.all[0].value, CancelledError)


def test_what_is_known_at_once_to_fail_fails_for_who_asked():
    house = House()

    def refuse(realm, shown, about):
        answer = Deferred()
        answer.errback(NotLetIn("wamp.error.not_authorized", "why", {}))
        return answer

    house.logins._log_in = refuse
    came = ask(house, Request(BEARER))
    assert came.refused.status == 403
    assert house.kept == (0, 0)


def test_a_session_that_a_request_uses_does_not_end_for_being_idle_or_for_want_of_room():
    house = House(idle=10, sessions=1)
    request = Request(BEARER)
    insider = ask(house, request)
    house.let_in()
    house.clock.advance(100)
    assert not insider.insider.is_over
    assert ask(house, Request(BASIC)).refused.status == 503
    assert not insider.insider.is_over
    request.answered()
    house.clock.advance(9)
    assert not insider.insider.is_over
    house.clock.advance(2)
    assert insider.insider.is_over
    assert house.kept == (0, 0)
    assert house.clock.getDelayedCalls() == []


def test_one_that_is_being_made_takes_room_too():
    house = House(sessions=1)
    ask(house, Request(BEARER))
    assert ask(house, Request(BASIC)).refused.status == 503
    assert len(house.asked) == 1


def test_one_that_was_sent_away_leaves_nothing():
    house = House()
    request = Request(BEARER)
    first = ask(house, request)
    insider = house.let_in()
    request.answered()
    insider.over()
    assert house.kept == (0, 0)
    assert house.clock.getDelayedCalls() == []
    second = ask(house, Request(BEARER))
    house.let_in()
    assert second.insider is not first.insider


def test_one_that_is_too_old_serves_those_who_have_it_and_a_new_one_the_others():
    house = House(longest=100)
    request = Request(BEARER)
    first = ask(house, request)
    house.let_in()
    house.clock.advance(100)
    second = Request(BEARER)
    came = ask(house, second)
    house.let_in()
    assert came.insider is not first.insider
    assert not first.insider.is_over
    assert house.kept == (2, 1)
    request.answered()
    house.clock.advance(0)
    assert first.insider.is_over
    assert ask(house, Request(BEARER)).insider is came.insider  # the end of the former has not made it forgotten
    assert house.kept == (1, 1)


def test_the_one_that_was_used_last_stays_when_room_is_made():
    house = House(sessions=2)
    requests = [Request(BEARER), Request(BASIC), Request(BEARER)]
    insiders = []
    for request in requests:
        insiders.append(ask(house, request))
        if not insiders[-1].all:
            house.let_in()
    assert insiders[2].insider is insiders[0].insider
    for request in requests:
        request.answered()
    ask(house, Request(BASIC, address="192.0.2.2"))
    assert insiders[1].insider.is_over
    assert not insiders[0].insider.is_over


def test_names_and_secrets_do_not_run_into_each_other():
    house = House(bearer=False)
    # ``ab:c`` and ``a:bc``, ``1:1`` with a digit that might be taken for a length
    lines = ["YWI6Yw==", "YTpiYw==", "MToxMQ==", "MTE6MQ=="]
    for line in lines:
        ask(house, Request(f"Authorization: Basic {line}"))
    assert len(house.asked) == len(lines)

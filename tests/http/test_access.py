"""Who may use a path: what requests show, whose session serves them, and how long."""

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.http.bridging import Stage, basic
from tests.http.house import Gather
from wampd.auth.throttle import Throttle, Tolerance
from wampd.router.http.access.guarded import Guarded
from wampd.router.http.access.logins import Logins, Terms
from wampd.router.http.body import Intake
from wampd.router.http.policy import Policy
from wampd.router.inside.coming import Credentials

JOE = basic("joe", "hunter2")


class Greeting(Resource):
    """Says whom it sees."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self):
        super().__init__()
        self.asked = 0

    def render(self, request):
        self.asked += 1
        details = request.insider.details
        return f"{details['authid']} {details['authrole']} {request.insider.id}".encode()


class Streamed(Greeting):
    """Takes a body while it comes."""

    def intake(self, request):
        return Intake()

    def render(self, request):
        def done(data):
            request.setHeader(b"Content-Length", b"8")
            request.write(b"%d of %b" % (len(data), request.who.encode()))
            request.finish()

        request.body.into(Gather(done))
        return NOT_DONE_YET


@pytest.fixture
def stage():
    return Stage()


def guarding(stage, served=None, **terms):
    """Serve something to those who may come."""
    terms = {"realm": "realm1", "basic": True, **terms}
    stage.logins = Logins(stage.house.insiders.log_in, stage.loop, Terms(**terms))
    stage.greeting = served or Greeting()
    return stage.serve({"/": Guarded(stage.greeting, stage.logins)})


def test_who_shows_nothing_is_told_what_to_show(stage):
    answer = guarding(stage, bearer=True).client().ask("GET /")
    assert answer.status == 401
    told = [value for name, value in answer.lines if name == "WWW-Authenticate"]
    assert told == ['Basic realm="realm1", charset="UTF-8"', 'Bearer realm="realm1"']
    assert stage.greeting.asked == 0


@pytest.mark.parametrize(
    "line",
    [
        basic("joe", "wrong hunter2"),
        basic("jim", "hunter2"),
        basic("", "hunter2"),
        basic("joe\n", "hunter2"),
        "Authorization: Basic am9l",
        "Authorization: Basic %%%%",
        "Authorization: Basic /////w==",
        "Authorization: Basic",
        "Authorization: Digest abc",
        "Authorization: Bearer abc",
        f"{JOE}\r\n{JOE}",
    ],
)
def test_who_shows_something_else_is_not_let_in(stage, line):
    assert guarding(stage).client().ask("GET /", line).status == 401
    assert stage.greeting.asked == 0
    assert stage.sessions == []


def test_a_bad_password_is_not_made_good_by_the_path_being_open_to_anybody(stage):
    client = guarding(stage, anonymous=True).client()
    assert client.ask("GET /", basic("joe", "wrong hunter2")).status == 401
    assert client.ask("GET /").body.startswith(b"somebody reader")


def test_a_token_that_is_no_good_is_said_to_be_so(stage):
    answer = guarding(stage, basic=False, bearer=True).client().ask("GET /", "Authorization: Bearer hunter2.a.b")
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Bearer realm="realm1", error="invalid_token"')


def test_a_name_and_a_password_let_in_and_one_session_serves_many_requests(stage):
    guarding(stage)
    answers = [stage.client().ask("GET /", JOE) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}
    (said,) = {answer.body for answer in answers}
    assert said.startswith(b"joe user ")
    (session,) = stage.sessions
    assert (session.transport["type"], session.transport["peer"]) == ("http", "127.0.0.1")


def test_requests_at_once_share_one_login(stage):
    guarding(stage)
    clients = [stage.client() for _ in range(3)]
    for client in clients:
        client.port.client.send(f"GET / HTTP/1.1\r\nHost: x\r\n{JOE}\r\n\r\n".encode())
    assert {client.answer().status for client in clients} == {200}
    assert len(stage.sessions) == 1


def test_a_role_that_is_not_among_those_of_the_path_may_not_come(stage):
    assert guarding(stage, roles=frozenset({"reader"})).client().ask("GET /", JOE).status == 403
    assert stage.greeting.asked == 0


def test_too_many_failures_are_told_when_to_come_again(stage):
    stage.house.realms.throttle = Throttle(Tolerance(of_pair=2), stage.loop.seconds)
    guarding(stage)
    for _ in range(2):
        assert stage.client().ask("GET /", basic("joe", "wrong hunter2")).status == 401
    answer = stage.client().ask("GET /", JOE)
    assert (answer.status, answer.header("Retry-After")) == (429, "1")
    stage.later(1.5)
    assert stage.client().ask("GET /", JOE).status == 200


def test_a_session_that_nobody_uses_ends(stage):
    guarding(stage, idle=10)
    stage.client().ask("GET /", JOE)
    stage.later(9)
    stage.client().ask("GET /", JOE)
    stage.later(9)
    assert len(stage.sessions) == 1
    stage.later(2)
    assert stage.sessions == []
    assert stage.client().ask("GET /", JOE).status == 200


def test_nobody_is_believed_for_ever(stage):
    guarding(stage, idle=10, longest=25)
    first = stage.client().ask("GET /", JOE).body
    for _ in range(4):
        stage.later(6)
        assert stage.client().ask("GET /", JOE).body == first
    stage.later(2)
    assert stage.client().ask("GET /", JOE).body != first
    assert len(stage.sessions) == 1


def test_who_was_sent_away_is_let_in_again_at_the_door(stage):
    guarding(stage)
    first = stage.client().ask("GET /", JOE).body
    (session,) = stage.sessions
    killer = stage.house.enter()
    stage.house.now(killer.call("wamp.session.kill", [session.id], timeout=5))
    killer.leave()
    assert stage.client().ask("GET /", JOE).body != first


def test_the_sessions_of_a_path_are_bounded_and_the_one_that_was_not_used_longest_goes(stage):
    guarding(stage, anonymous=True, sessions=1)
    assert stage.client().ask("GET /", JOE).body.startswith(b"joe")
    assert stage.client().ask("GET /").body.startswith(b"somebody")
    assert [session.authid for session in stage.sessions] == ["somebody"]


def test_without_room_for_one_more_session_requests_have_to_wait(stage):
    guarding(stage, Streamed(), anonymous=True, sessions=1)
    client = stage.client()
    assert client.ask("POST /", JOE, "Content-Length: 3") is None  # it uses the only one there may be
    answer = stage.client().ask("GET /")
    assert (answer.status, answer.header("Retry-After")) == (503, "5")


def test_a_client_that_leaves_while_it_is_let_in_leaves_nothing(stage):
    guarding(stage)
    client = stage.client()
    client.port.client.send(f"GET / HTTP/1.1\r\nHost: x\r\n{JOE}\r\n\r\n".encode())
    client.port.client.close()
    stage.later(1)
    stage.later(120)
    assert stage.sessions == []


def test_a_request_may_have_a_session_of_its_own_which_ends_as_who_asked_for_it_says(stage):
    asked = []

    class Alone(Resource):
        isLeaf = True  # noqa: N815 - Twisted's name

        def render(self, request):
            stage.logins.session_of_its_own(request).addCallbacks(asked.append, lambda _: None)
            return NOT_DONE_YET

    guarding(stage)
    stage.serve({"/": Alone()})
    clients = [stage.client() for _ in range(2)]
    assert [client.ask("GET /", JOE) for client in clients] == [None, None]
    assert len({insider.id for insider in asked}) == 2
    asked[0].leave()
    stage.later(0)
    assert [session.id for session in stage.sessions] == [asked[1].id]


def test_who_may_not_use_the_path_leaves_no_session_of_its_own(stage):
    class Alone(Resource):
        isLeaf = True  # noqa: N815 - Twisted's name

        def render(self, request):
            stage.logins.session_of_its_own(request).addBoth(lambda why: request.finish())
            return NOT_DONE_YET

    guarding(stage, roles=frozenset({"reader"}))
    stage.serve({"/": Alone()})
    assert stage.client().ask("GET /", JOE).status == 200
    stage.later(0)
    assert stage.sessions == []


@pytest.mark.parametrize("single_use", [True, False])
def test_a_token_for_single_use_is_not_shown_twice_for_one_request(stage, single_use):
    asked, shown = [], []

    class Alone(Resource):
        isLeaf = True  # noqa: N815 - Twisted's name

        def render(self, request):
            stage.logins.session_of_its_own(request).addCallbacks(asked.append, lambda _: None)
            return NOT_DONE_YET

    def log_in(realm, credentials, about):
        shown.append(credentials.method)
        return stage.house.insiders.log_in(realm, Credentials("ticket", "joe", "hunter2"), about)

    guarding(stage, Alone(), bearer=True, single_use=single_use)
    stage.logins._log_in = log_in
    client = stage.client()
    assert client.ask("GET /", "Authorization: Bearer hunter2.a.b") is None
    assert len(asked) == 1
    assert shown == ["jwt"] * (1 if single_use else 2)
    client.leave()
    stage.later(0)
    assert asked[0].is_over == single_use


def test_a_token_for_single_use_has_a_session_for_its_request_alone(stage):
    guarding(stage, bearer=True, single_use=True)
    stage.logins._log_in = lambda realm, shown, about: stage.house.insiders.log_in(
        realm, Credentials("ticket", "joe", "hunter2"), about
    )
    answers = [stage.client().ask("GET /", "Authorization: Bearer hunter2.a.b") for _ in range(2)]
    assert len({answer.body for answer in answers}) == 2
    stage.later(0)
    assert stage.sessions == []


def test_a_body_is_taken_only_when_it_is_known_who_sends_it(stage):
    guarding(stage, Streamed())
    refused = stage.client().ask("POST /", "Expect: 100-continue", "Content-Length: 5")
    assert refused.status == 401
    client = stage.client()
    client.send("POST /", JOE, "Expect: 100-continue", "Content-Length: 5")
    assert client.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.port.client.send(b"hello")
    assert client.answer().body == b"5 of joe"


@pytest.mark.trap(12)
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((), 200),
        (("Origin: http://router.example",), 200),
        (("Sec-Fetch-Site: same-origin",), 200),
        (("Origin: https://evil.example",), 403),
        (("Origin: null",), 403),
        (("Origin: http://router.example", "Origin: https://evil.example"), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
    ],
)
def test_what_browsers_send_by_themselves_counts_for_pages_of_this_site_alone(stage, lines, status):
    assert guarding(stage).client().ask("POST /", JOE, *lines).status == status


def test_a_page_of_another_site_may_come_if_the_path_names_it(stage):
    guarding(stage, origins=("https://good.example",))
    assert stage.client().ask("POST /", JOE, "Origin: https://good.example").status == 200
    assert stage.client().ask("GET /", JOE, "Origin: https://evil.example").status == 200  # CORS is asked for answers


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, "private"),
        (b"no-cache", "private, no-cache"),
        (b"public, max-age=60, s-maxage=60, immutable", "private, max-age=60, immutable"),
        (b"no-store", "no-store"),
        (b"Private", "Private"),
    ],
)
def test_no_shared_cache_keeps_what_is_for_some(stage, said, kept):
    class Cached(Greeting):
        def render(self, request):
            if said is not None:
                request.setHeader(b"Cache-Control", said)
            return super().render(request)

    guarding(stage, Cached())
    assert stage.client().ask("GET /", JOE).header("Cache-Control") == kept
    assert stage.client().ask("GET /").header("Cache-Control") == "private"


def test_what_is_configured_for_a_path_has_the_last_word(stage):
    guarding(stage)
    policy = Policy(Guarded(stage.greeting, stage.logins), headers={"Cache-Control": "no-store"})
    answer = stage.serve({"/": policy}).client().ask("GET /", JOE)
    assert (answer.status, answer.header("Cache-Control")) == (200, "no-store")


def test_an_access_that_fails_is_a_failure_and_lets_nobody_in(stage):
    class Broken:
        def session(self, request):
            return fail(RuntimeError("private"))

    greeting = Greeting()
    answer = stage.serve({"/": Guarded(greeting, Broken())}).client().ask("GET /", JOE)
    assert (answer.status, greeting.asked) == (500, 0)
    assert b"private" not in answer.body


def test_who_left_while_it_was_found_out_who_they_are_is_not_served(stage):
    class Slow:
        def session(self, request):
            self.coming = Deferred()
            return self.coming

    slow, greeting = Slow(), Greeting()
    client = stage.serve({"/": Guarded(greeting, slow)}).client()
    assert client.ask("GET /", JOE) is None
    client.leave()
    slow.coming.callback(stage.house.enter("user"))
    assert greeting.asked == 0


def test_what_was_shown_is_not_kept(stage):
    guarding(stage)
    stage.client().ask("GET /", JOE)
    kept = repr([vars(login) for login in stage.logins._all]) + repr(stage.logins._found)
    assert "hunter2" not in kept
    assert JOE.split()[-1] not in kept

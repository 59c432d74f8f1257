"""The procedures ``wampd.hook.*``: whose registrations are whose, what is asked for, and what is refused."""

import base64

import msgspec
import pytest

from tests.hooks.house import Registry
from wampd.router.envoy import CallFailed
from wampd.router.hooks.courier import Rules
from wampd.router.hooks.registry import Bounds
from wampd.router.outgoing.client import Response
from wampd.router.outgoing.signing import read_secret, sign

URL = "http://10.0.0.1/"
SECRET = "whsec_" + base64.b64encode(b"hunter2 hunter2 hunter2 hunter2!").decode()
INVALID, DENIED, NONE = "wamp.error.invalid_argument", "wamp.error.not_authorized", "wampd.error.no_such_hook"


@pytest.fixture
def play():
    return Registry()


def test_a_registration_tells_its_secret_once(play):
    told = play.ask(play.ann, "register", "orders", URL)
    assert len(read_secret(told["secret"])) == 32
    assert (told["key"], told["topic"], told["url"], told["owner"]) == ("orders", "hook.orders", URL, "ann")
    assert (told["created"], told["expires"]) == ("1970-01-12T13:46:40.000Z", "1970-01-12T14:03:20.000Z")
    (listed,) = play.ask(play.ann, "list")
    assert listed == {name: value for name, value in told.items() if name != "secret"}
    again = play.ask(play.ann, "register", "orders", URL)
    assert "secret" not in again
    assert again["id"] == told["id"]


def test_a_secret_of_ones_own_signs_and_is_not_told(play):
    told = play.ask(play.ann, "register", "orders", URL, secret=SECRET)
    assert "secret" not in told
    play.ask(play.ann, "test", told["id"])
    headers = play.web.requests[0]["headers"]
    body = msgspec.json.encode(play.web.requests[0]["body"])
    wanted = sign(read_secret(SECRET), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == wanted
    assert "hunter2" not in str(play.ask(play.ann, "list"))


def test_registering_again_renews_and_changes_what_is_given(play):
    hook = play.register(play.ann, secret=SECRET, filter={"args.0": 1}, ttl=10)
    play.later(5.0)
    told = play.ask(play.ann, "register", "orders", URL, ttl=100)
    assert (told["id"], told["filter"], told["expires"]) == (hook, {"args.0": [1]}, "1970-01-12T13:48:25.000Z")
    assert play.courier.registry.get(hook).secret == read_secret(SECRET)
    told = play.ask(play.ann, "register", "orders", "HTTP://10.0.0.1:80", {"filter": {}})
    assert (told["id"], told["filter"]) == (hook, {})
    assert len(play.courier.registry) == 1


def test_what_belongs_to_others_is_not_there(play):
    hook = play.register(play.ann)
    play.web.answers[URL] = 404
    play.ask(play.ann, "post", "orders", ["x"])
    play.later(20.0)
    (letter,) = play.ask(play.ann, "dead")
    for asked in (
        ("unregister", hook),
        ("unregister", "orders", URL),
        ("renew", hook),
        ("test", hook),
        ("deliveries", hook),
        ("redeliver", letter["delivery"]),
    ):
        assert play.ask(play.bob, *asked) == NONE, asked
    assert (play.ask(play.bob, "list"), play.ask(play.bob, "dead"), play.ask(play.bob, "list", "orders")) == (
        [],
        [],
        [],
    )
    assert play.ask(play.bob, "unregister", "nobody") == NONE
    own = play.register(play.bob)
    assert own != hook
    assert [each["id"] for each in play.ask(play.ann, "list")] == [hook]


def test_a_privileged_role_may_manage_all_but_sees_no_secret(play):
    hook = play.register(play.ann, secret=SECRET)
    joe = play.house.enter("user", authid="joe")
    # the rules of the role "user" do not reach what is the router's own: grants are another matter
    play.service._procedures._privileged = frozenset({"wampd"})
    (listed,) = play.ask(play.bob, "list", "orders")
    assert (listed["id"], listed["owner"]) == (hook, "ann")
    assert "secret" not in listed
    assert play.ask(play.bob, "unregister", hook) is None
    assert play.ask(play.ann, "list") == []
    with pytest.raises(CallFailed, match="not_authorized"):
        play.house.now(joe.call("wampd.hook.list", timeout=5))


def test_a_webhook_is_no_way_round_permissions(play):
    play.denied = {("subscribe", "hook.secret"), ("publish", "hook.orders")}
    assert play.ask(play.ann, "register", "secret", URL) == DENIED
    assert play.ask(play.ann, "post", "orders", ["x"]) == DENIED
    assert play.ask(play.ann, "post", "secret", ["x"])["deliveries"] == 0
    play.register(play.ann, key="orders")


@pytest.mark.parametrize(
    "given",
    [
        ((), {}),
        (("orders",), {}),
        (("orders", URL, {}, 1, 2, 3, 4), {}),
        ((7, URL), {}),
        (("or ders", URL), {}),
        (("", URL), {}),
        (("orders", "x"), {}),
        (("orders", "http://10.0.0.2/"), {}),
        (("orders", "http://www.example.com:25/"), {}),
        (("orders", URL, {"tll": 1}), {}),
        (("orders", URL, {"ttl": 0}), {}),
        (("orders", URL, {"ttl": -1}), {}),
        (("orders", URL, {"ttl": 1001}), {}),
        (("orders", URL, {"ttl": "1"}), {}),
        (("orders", URL), {"ttl": 1e300}),
        (("orders", URL), {"secret": "hunter2"}),
        (("orders", URL), {"filter": {"x": 1}}),
        (("orders", URL), {"filter": [1]}),
        (("orders", URL), {"nothing": 1}),
        (("orders", URL, 7), {}),
    ],
)
def test_what_cannot_be_registered(play, given):
    args, kwargs = given
    assert play.ask(play.ann, "register", *args, **kwargs) == INVALID
    assert play.shelf.hooks == {}


@pytest.mark.parametrize(
    "given",
    [
        (),
        (7,),
        ("a b",),
        ("orders", 7),
        ("orders", {}),
        ("orders", [], []),
        ("orders", [], {}, 1),
        (None, []),
    ],
)
def test_what_cannot_be_posted(play, given):
    assert play.ask(play.ann, "post", *given) == INVALID
    assert play.ask(play.ann, "redeliver", *given) in (INVALID, NONE, 0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("orders", [], {}), {"more": 1}),
        (("orders",), {"args": [], "kwargs": {}, "more": 1}),
        ((), {"args": [], "kwargs": {}}),
        ((), {"key": "orders", "args": 7}),
    ],
)
def test_what_is_posted_by_name_is_as_strict(play, given, named):
    assert play.ask(play.ann, "post", *given, **named) == INVALID


def test_there_is_only_so_much_room():
    play = Registry(Rules(bounds=Bounds(in_all=3, per_key=2, per_owner=2)))
    play.register(play.ann)
    play.register(play.bob)
    assert play.ask(play.ann, "register", "orders", "http://10.0.0.1/2") == "wamp.error.unavailable"
    play.register(play.ann, key="news")
    assert play.ask(play.bob, "register", "more", URL) == "wamp.error.unavailable"
    play.register(play.ann)


def test_a_ping_says_what_came(play):
    hook = play.register(play.ann)
    assert play.ask(play.ann, "test", hook) == {"status": 204, "reason": None}
    assert play.web.requests[0]["body"]["type"] == "wampd.hook.ping"
    play.web.answers[URL] = "timeout"
    assert play.ask(play.ann, "test", hook) == {"status": None, "reason": "timeout"}
    play.web.answers[URL] = "wait"
    waiting = [play.ann.call("wampd.hook.test", [hook], timeout=100) for _ in range(17)]
    with pytest.raises(CallFailed, match="unavailable"):
        play.house.now(waiting[-1])
    for each in play.web.waiting:
        each.callback(Response(200, (), b"", URL))
    assert play.house.now(waiting[0]).values() == [{"status": 200, "reason": None}]


def test_the_log_of_deliveries_has_the_last_ones():
    play = Registry(Rules(logged=3))
    hook = play.register(play.ann)
    for number in range(5):
        play.ask(play.ann, "post", "orders", [number])
    entries = play.ask(play.ann, "deliveries", hook)
    assert [(each["attempt"], each["outcome"]) for each in entries] == [(1, "204")] * 3
    assert entries[-1]["delivery"] == play.web.requests[-1]["headers"]["webhook-id"]


def test_a_url_that_answers_the_challenge_is_registered():
    play = Registry(challenge=True)
    play.web.answers[URL] = lambda request: Response(200, (), request["body"]["data"]["challenge"].encode(), URL)
    hook = play.register(play.ann)
    assert play.web.requests[0]["body"]["type"] == "wampd.hook.challenge"
    assert play.register(play.ann) == hook
    assert len(play.web.requests) == 1, "it has answered once"


@pytest.mark.parametrize("answer", [200, 404, "connect", "denied", lambda _: Response(200, (), b"challenge", URL)])
def test_a_url_that_does_not_is_not(answer):
    play = Registry(challenge=True)
    play.web.answers[URL] = answer
    assert play.ask(play.ann, "register", "orders", URL) == "wampd.error.hook_not_reached"
    assert play.shelf.hooks == {}


def test_two_registrations_at_once_are_one():
    play = Registry(challenge=True)
    play.web.answers[URL] = "wait"
    first, second = [play.ann.call("wampd.hook.register", ["orders", URL], timeout=100) for _ in range(2)]
    play.house.turns()
    for request, waiting in zip(play.web.requests, play.web.waiting, strict=True):
        waiting.callback(Response(200, (), request["body"]["data"]["challenge"].encode(), URL))
    assert play.house.now(first).values()[0]["key"] == "orders"
    with pytest.raises(CallFailed, match="unavailable"):
        play.house.now(second)
    assert len(play.shelf.hooks) == len(play.courier.registry) == 1


def test_nobody_has_all_that_may_be_tried_at_once():
    play = Registry()
    ann, bob = play.register(play.ann), play.register(play.bob, url="http://10.0.0.1/bob")
    play.web.answers["http://10.0.0.1/"] = "wait"
    for _ in range(4):
        assert play.ask(play.ann, "test", ann) is None, "it is under way"
    assert play.ask(play.ann, "test", ann) == "wamp.error.unavailable"
    assert play.ask(play.bob, "test", bob) == {"status": 204, "reason": None}
    for waiting in list(play.web.waiting):
        waiting.cancel()
    play.web.answers.clear()
    assert play.ask(play.ann, "test", ann) == {"status": 204, "reason": None}


def test_there_is_room_for_no_more_after_a_challenge_either():
    play = Registry(Rules(bounds=Bounds(in_all=1)), challenge=True)
    asked = []

    def answer(request):
        asked.append(request)
        return "wait"

    play.web.answers.update(dict.fromkeys(("http://10.0.0.1/", "http://10.0.0.1/bob"), answer))
    waiting = [
        who.call("wampd.hook.register", ["orders", url], timeout=100)
        for who, url in ((play.ann, "http://10.0.0.1/"), (play.bob, "http://10.0.0.1/bob"))
    ]
    play.house.turns()
    for request, each in zip(asked, list(play.web.waiting), strict=True):
        each.callback(Response(200, (), request["body"]["data"]["challenge"].encode(), request["url"]))
    assert play.house.now(waiting[0]).values()[0]["owner"] == "ann"
    with pytest.raises(CallFailed, match="unavailable"):
        play.house.now(waiting[1])
    assert len(play.courier.registry) == 1

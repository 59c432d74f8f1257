"""Webhooks in: the providers' own examples, forgeries, events that are made of deliveries, and deliveries that come twice."""

import hashlib
import hmac
import json
from base64 import b64encode

import pytest
from twisted.internet.defer import Deferred

from tests.http.bridging import Stage
from wampd.router.http.access.access import FixedRole
from wampd.router.http.bridges.webhook import PROVIDERS, Deliveries, Rules, Scheme, WebhookResource
from wampd.router.settings.http.webhook import secret_bytes
from wampd.router.settings.secret import Secret

NOW = 1_531_420_618.0
JSON = "Content-Type: application/json"
SECRET = b"hunter2 of a provider"
SLACKS = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
"""The example of Slack's page "Verifying requests from Slack"; its secret and its signature stand there, too."""


class Hooked(Stage):
    def __init__(self, scheme="github", secrets=(SECRET,), *, role="user", **rules):
        super().__init__()
        self.now = NOW
        self.heard = []
        scheme = PROVIDERS[scheme] if isinstance(scheme, str) else scheme
        rules = Rules(**{"topic": "com.app.hook.{event}", **rules})
        self.resource = WebhookResource(self.as_role(role), self.loop, lambda: self.now, scheme, secrets, rules)
        self.serve({"/hook": self.resource})
        self.house.now(self.house.enter().subscribe("com.app.", self.heard.append, "prefix"))

    def post(self, body, *lines):
        return self.client().ask("POST /hook", *lines, body=body)

    @property
    def events(self):
        return [(event.details["topic"], event.values(), event.named()) for event in self.heard]


def signed(body, secret=SECRET, algorithm="sha256"):
    return hmac.new(secret, body, algorithm).hexdigest()


def github(body, *, event="push", delivery="72d3162e", secret=SECRET):
    lines = [f"X-Hub-Signature-256: sha256={signed(body, secret)}", f"X-GitHub-Event: {event}"]
    return [JSON, *lines, f"X-GitHub-Delivery: {delivery}"]


def stripe(body, *, at=NOW, secret=SECRET, **more):
    fields = {"t": f"{at:.0f}", "v1": signed(f"{at:.0f}.".encode() + body, secret), **more}
    return [JSON, "Stripe-Signature: " + ",".join(f"{name}={value}" for name, value in fields.items())]


def test_githubs_own_example_is_verified():
    hooked = Hooked(secrets=(b"It's a Secret to Everybody",))
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    lines = (f"X-Hub-Signature-256: {signature}", "X-GitHub-Event: push", "X-GitHub-Delivery: 1")
    assert hooked.post(b"Hello, World!", *lines).status == 200
    assert hooked.events[0][:2] == ("com.app.hook.push", ["Hello, World!"])


def test_slacks_own_example_is_verified():
    hooked = Hooked("slack", (b"8f742231b10e8888abcd99yyyzzz85a5",), topic="com.app.slack")
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    lines = ("X-Slack-Request-Timestamp: 1531420618", f"X-Slack-Signature: {signature}")
    kind = "Content-Type: application/x-www-form-urlencoded"
    assert hooked.post(SLACKS, kind, *lines).status == 200
    assert hooked.events[0][:2] == ("com.app.slack", [SLACKS.decode()])
    assert hooked.post(SLACKS + b"&", kind, *lines).status == 403


def test_the_example_of_standard_webhooks_is_verified():
    scheme = Scheme(
        header="Webhook-Signature",
        encoding="base64",
        prefix="v1,",
        signed="{delivery}.{timestamp}.{body}",
        timestamp_header="Webhook-Timestamp",
        delivery_header="Webhook-Id",
        event_field=("event_type",),
    )
    hooked = Hooked(scheme, (secret_bytes(Secret("whsec_plJ3nmyCDGBKInavdOK15jsl"), "base64"),))
    hooked.now = 1731705121.0
    lines = ("Webhook-Id: msg_loFOjxBNrRLzqYUf", "Webhook-Timestamp: 1731705121")
    signature = "Webhook-Signature: v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert hooked.post(b'{"event_type":"ping","data":{"success":true}}', JSON, *lines, signature).status == 200
    assert hooked.events[0][0] == "com.app.hook.ping"


def test_a_delivery_becomes_an_event():
    hooked = Hooked(headers=("X-GitHub-Hook-ID", "X-Other"))
    body = b'{"ref": "refs/heads/main", "size":  1.0}'
    answer = hooked.post(body, *github(body), "X-GitHub-Hook-ID: 292430182", "Authorization: hunter2")
    assert answer.status == 200
    assert answer.json()["id"] > 0
    (event,) = hooked.heard
    assert bytes(event.args) == b"[" + body + b"]"
    told = {"x-github-hook-id": "292430182", "x-other": ""}
    assert event.named() == {"event": "push", "delivery": "72d3162e", "headers": told}


@pytest.mark.trap(11)
@pytest.mark.parametrize(
    "lines",
    [
        [],
        github(b"{}", secret=b"hunter2 of another"),
        github(b"{} "),
        ["X-Hub-Signature-256: sha256=", "X-GitHub-Event: push"],
        ["X-Hub-Signature-256: sha256=zz", "X-GitHub-Event: push"],
        [f"X-Hub-Signature-256: {signed(b'{}')}", "X-GitHub-Event: push"],
        [f"X-Hub-Signature: sha1={signed(b'{}', algorithm='sha1')}", "X-GitHub-Event: push"],
        [*github(b"{}"), f"X-Hub-Signature-256: sha256={signed(b'{}')}"],
    ],
)
def test_what_is_not_signed_as_it_should_be_is_refused(lines):
    hooked = Hooked()
    answer = hooked.post(b"{}", *lines)
    assert (answer.status, answer.json()["args"]) == (403, ["the signature is not good"])
    assert hooked.events == []


def test_each_of_several_secrets_is_good():
    hooked = Hooked(secrets=(b"hunter2 the new one", b"hunter2 the old one"))
    for number, secret in enumerate((b"hunter2 the old one", b"hunter2 the new one")):
        assert hooked.post(b"{}", *github(b"{}", secret=secret, delivery=str(number))).status == 200
    assert hooked.post(b"{}", *github(b"{}", secret=b"", delivery="3")).status == 403


def test_a_ping_is_answered_and_not_published():
    hooked = Hooked()
    answer = hooked.post(b'{"zen": "x"}', *github(b'{"zen": "x"}', event="ping"))
    assert (answer.status, answer.json(), hooked.events) == (200, {"pong": True}, [])
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a"}'
    hooked = Hooked("slack")
    text = b"v0:%d:" % NOW + body
    lines = (JSON, f"X-Slack-Request-Timestamp: {NOW:.0f}", f"X-Slack-Signature: v0={signed(text)}")
    answer = hooked.post(body, *lines)
    assert (answer.status, answer.body, hooked.events) == (200, b"3eZbrw1a\n", [])


def test_a_delivery_that_comes_twice_is_published_once():
    hooked = Hooked(remembered=100)
    assert "id" in hooked.post(b"{}", *github(b"{}")).json()
    assert hooked.post(b"{}", *github(b"{}")).json() == {"duplicate": True}
    assert len(hooked.events) == 1
    hooked.now += 101
    assert "id" in hooked.post(b"{}", *github(b"{}")).json()


def test_a_delivery_that_could_not_be_published_may_come_again():
    hooked = Hooked(role="reader")
    assert [hooked.post(b"{}", *github(b"{}")).status for _ in range(2)] == [403, 403]


def test_deliveries_without_an_id_are_known_by_their_signature():
    hooked = Hooked(Scheme(header="X-Signature"), topic="com.app.hook")
    assert "id" in hooked.post(b"{}", JSON, f"X-Signature: {signed(b'{}')}").json()
    assert hooked.post(b"{}", JSON, f"X-Signature: {signed(b'{}')}").json() == {"duplicate": True}
    assert "id" in hooked.post(b"[]", JSON, f"X-Signature: {signed(b'[]')}").json()


def test_the_ids_that_are_remembered_are_bounded():
    deliveries = Deliveries(seconds=10, most=2)
    assert [deliveries.add(each, 0) for each in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]
    assert deliveries.add("c", 11)
    deliveries.forget("c")
    assert deliveries.add("c", 11)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("push", 200),
        ("pull_request", 200),
        ("invoice.paid", 200),
        ("a b", 400),
        ("", 400),
        ("a..b", 400),
        (".", 400),
        ("#", 400),
    ],
)
def test_the_name_of_an_event_becomes_part_of_the_topic_only_if_it_can(event, status):
    assert Hooked().post(b"{}", *github(b"{}", event=event)).status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"\xff", 400), (b"[" * 1000 + b"]" * 1000, 400), (b'"\\ud800"', 400), (b"[NaN]", 400), (b"", 400)],
)
def test_what_is_signed_may_be_odd_all_the_same(body, status):
    hooked = Hooked()
    assert hooked.post(body, *github(body)).status == status
    assert hooked.post(b"{}", *github(b"{}", delivery="after")).status == 200


def test_stripes_events_are_called_as_their_type():
    hooked = Hooked("stripe")
    body = json.dumps({"id": "evt_1", "type": "invoice.paid"}).encode()
    assert hooked.post(body, *stripe(body)).status == 200
    assert hooked.post(body, *stripe(body, at=NOW + 1)).json() == {"duplicate": True}
    ((topic, _, named),) = hooked.events
    assert (topic, named["delivery"]) == ("com.app.hook.invoice.paid", "evt_1")


@pytest.mark.trap(11)
@pytest.mark.parametrize(
    ("at", "changes", "status"),
    [
        (NOW - 299, {}, 200),
        (NOW - 301, {}, 403),
        (NOW + 301, {}, 403),
        (NOW, {"t": f"{NOW + 1:.0f}"}, 403),
        (NOW, {"t": ""}, 403),
        (NOW, {"t": "x"}, 403),
        (NOW, {"v1": "00"}, 403),
        (NOW, {"v0": "00"}, 200),
    ],
)
def test_the_time_that_stripe_signs_counts(at, changes, status):
    body = b'{"id": "evt_1", "type": "invoice.paid"}'
    assert Hooked("stripe").post(body, *stripe(body, at=at, **changes)).status == status


def test_other_schemes_can_be_described():
    scheme = Scheme(
        header="Webhook-Signature",
        encoding="base64",
        algorithm="sha512",
        prefix="v1,",
        signed="{delivery}.{timestamp}.{body}",
        timestamp_header="Webhook-Timestamp",
        delivery_header="Webhook-Id",
        event_field=("data.type",),
    )
    hooked = Hooked(scheme)
    body = b'{"data": {"type": "done"}}'
    digest = hmac.new(SECRET, b"m1.%d." % NOW + body, hashlib.sha512).digest()
    good, bad = b64encode(digest).decode(), b64encode(bytes(64)).decode()
    lines = [JSON, f"Webhook-Timestamp: {NOW:.0f}", "Webhook-Id: m1"]
    assert hooked.post(body, *lines, f"Webhook-Signature: v1,{bad}").status == 403
    assert hooked.post(body, *lines, f"Webhook-Signature: v2,{good}").status == 403
    assert hooked.post(body, *lines, f"Webhook-Signature: v1,{bad} v1,{good}").status == 200
    assert hooked.events[0][0] == "com.app.hook.done"


def test_only_post_is_taken():
    assert Hooked().client().ask("GET /hook").status == 405


def test_a_delivery_that_is_not_acknowledged_in_time_is_said_to_be_so_and_may_come_again():
    hooked = Hooked(timeout=10.0)
    insider = hooked.house.enter("user")
    publish, insider.publish = insider.publish, lambda *_: Deferred()
    hooked.resource._access = FixedRole(lambda _: insider)
    client = hooked.client()
    assert client.ask("POST /hook", *github(b"{}"), body=b"{}") is None
    hooked.later(10.0)
    assert client.answer().status == 504
    insider.publish = publish
    assert hooked.post(b"{}", *github(b"{}")).json().keys() == {"id"}


@pytest.mark.parametrize("kind", ["5", "null", "[]", '""', '{"x": 1}'])
def test_the_name_of_an_event_is_text(kind):
    hooked = Hooked("stripe")
    body = b'{"id": "evt_1", "type": %b}' % kind.encode()
    assert hooked.post(body, *stripe(body)).status == 400
    assert hooked.events == []


def test_only_who_is_known_to_challenge_is_told_what_it_said():
    body = b'{"challenge": "hunter2"}'
    answer = Hooked().post(body, *github(body, event="ping"))
    assert answer.json() == {"pong": True}


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (-300, 200), (301, 403), (-301, 403)])
def test_a_time_may_differ_just_as_much_as_is_said(seconds, status):
    body = b'{"type": "x"}'
    assert Hooked("stripe").post(body, *stripe(body, at=NOW + seconds)).status == status


def test_more_signatures_than_anybody_sends_are_not_looked_at():
    body = b'{"type": "x"}'
    good = signed(f"{NOW:.0f}.".encode() + body)
    wrong = [signed(b"%d" % number) for number in range(8)]
    for shown, status in (([*wrong[:7], good], 200), ([*wrong, good], 403)):
        line = ",".join([f"t={NOW:.0f}", *(f"v1={each}" for each in shown)])
        assert Hooked("stripe").post(body, JSON, f"Stripe-Signature: {line}").status == status

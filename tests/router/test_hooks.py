"""Webhooks of a router that runs: parties that fail, hang, redirect, leave and come back, and a router that is killed."""

import hashlib
import hmac
import itertools
import json
import secrets
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.hooks.receiver import SECRET, Receiver
from tests.http.bridging import basic
from tests.router.client import ERROR, RESULT, Session
from tests.support.process import free_port

PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED, EVENT = 16, 17, 32, 33, 36
KEY = "hunter2 of the shop that posts"
CONFIG = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    http:
      /hook: {type: hook, realm: realm1, role: anonymous, keys: [{key: shop, secret: "hunter2 of the shop that posts"}]}
      /metrics: {type: metrics}
store: {file: hooks.sqlite}
outgoing: {allow_private: [127.0.0.1]}
"""
REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - {uri: "", match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wampd.hook., match: prefix, allow: [call]}
    auth: {anonymous: {role: anonymous}}
    hooks:
      deliveries: {first_retry: 100 ms, longest_retry: 500 ms, timeout: PATIENCE, pause: 200 ms, longest_pause: 500 ms}
"""


class Party(Session):
    """A session that waits for its answers."""

    def ask(self, uri, *args, **kwargs):
        """The result of a call, or its error."""
        request = next(self._ids)
        self.send(48, request, {}, uri, list(args), kwargs)
        while True:
            answer = self.receive()
            if answer[0] == RESULT and answer[1] == request:
                return answer[3][0] if len(answer) > 3 and answer[3] else None
            if answer[0] == ERROR and answer[2] == request:
                return answer[4]

    def publish(self, topic, *args, **options):
        request = next(self._ids)
        self.send(PUBLISH, request, {"acknowledge": True, **options}, topic, list(args))
        answer = self.receive()
        assert answer[:2] == [PUBLISHED, request], answer


@pytest.fixture
def play(start, request):
    class Play:
        def __init__(self):
            patience = getattr(request, "param", "20 s")  # who is busy is not to be tried twice
            self.realms = REALMS.replace("PATIENCE", patience)
            self.router = start(CONFIG, realms=self.realms, listeners="")
            self.party()

        def party(self):
            self.router.wait_for_log("webhooks of realm1: ")
            self.joined = Party(self.router.port)
            return self.joined

        def again(self):
            """Another process with the same files."""
            self.router = start(CONFIG, realms=self.realms, listeners="")
            return self.party()

    return Play()


def signature(target, body):
    """What signs a post."""
    now, nonce, digest = str(int(time.time())), secrets.token_hex(8), hashlib.sha256(body).hexdigest()
    text = "\n".join(["wampd-v1", "POST", target, now, nonce, "shop", digest])
    return f"t={now},n={nonce},k=shop,v1={hmac.new(KEY.encode(), text.encode(), 'sha256').hexdigest()}"


def register(party, receiver, key="orders", **options):
    hook = party.ask("wampd.hook.register", key, receiver.url, {"secret": SECRET, **options})
    assert isinstance(hook, dict), hook
    return hook["id"]


def test_what_is_posted_and_what_is_published_reaches_all_who_want_it(play):
    party, subscriber = play.joined, Party(play.router.port)
    with Receiver() as one, Receiver() as two:
        register(party, one)
        register(party, two, filter={"args.0.state": "paid"})
        subscriber.send(SUBSCRIBE, 1, {}, "hook.orders")
        assert subscriber.receive()[0] == SUBSCRIBED
        posted = party.ask("wampd.hook.post", "orders", [{"state": "new"}], {"x": 1})
        assert posted["deliveries"] == 1
        party.publish("hook.orders", {"state": "paid"})
        one.wait_for(lambda: len(one.requests) == 2 and len(two.requests) == 1)
        assert sorted(each["state"] for each in one.data()) == ["new", "paid"]
        assert two.data() == [{"state": "paid"}]
        events = [subscriber.receive(), subscriber.receive()]
        assert [each[4:] for each in events] == [[[{"state": "new"}], {"x": 1}], [[{"state": "paid"}]]]
        request = one.requests[0]
        assert request["body"]["type"] == "orders"
        assert request["body"]["data"] == {"args": [{"state": "new"}], "kwargs": {"x": 1}}
        assert request["content-type"] == "application/json"
        assert request["wampd-hook-key"] == "orders"
        assert request["wampd-hook-delivery"] == request["webhook-id"]
        assert request["wampd-hook-attempt"] == "1"
        assert (one.forged, two.forged) == (0, 0)


@pytest.mark.parametrize("play", ["1 s"], indirect=True)
def test_a_router_that_is_killed_delivers_what_was_posted_when_it_is_back(play):
    """Each registered party has received each event at least once."""
    party = play.joined
    turn = itertools.count()

    def moody(handler):
        number = next(turn)
        if number % 4 == 0:
            handler.say(500)
        elif number % 4 == 1:
            threading.Event().wait(2)  # longer than an attempt may take
        elif number % 4 == 2:
            handler.say(302, Location="http://127.0.0.1:1/")
        else:
            handler.say(204)

    dark = Receiver(port=free_port())
    dark.stop()
    with Receiver() as good, Receiver(moody) as bad, dark:
        for receiver in (good, bad, dark):
            register(party, receiver)
        for number in range(5):
            assert party.ask("wampd.hook.post", "orders", [number])["deliveries"] == 3
        good.wait_for(lambda: good.data())
        play.router.kill()
        party = play.again()
        for number in range(5, 10):
            assert party.ask("wampd.hook.post", "orders", [number])["deliveries"] == 3
        play.router.kill()
        bad.answer = 200
        dark.start()
        party = play.again()
        for receiver in (good, bad, dark):
            receiver.wait_for(lambda receiver=receiver: set(receiver.data()) == set(range(10)), "all events")
            assert receiver.forged == 0
        by_id = {}
        for request in good.requests:
            by_id.setdefault(request["webhook-id"], set()).add(request["body"]["data"]["args"][0])
        assert all(len(events) == 1 for events in by_id.values())
        assert len(by_id) == 10, "whoever looks at webhook-id takes each event once"


def test_what_was_published_survives_a_kill_once_it_is_written(play):
    party = play.joined
    receiver = Receiver(port=free_port())
    receiver.stop()
    with receiver:
        register(party, receiver)
        for number in range(3):
            party.publish("hook.orders", number)
        receiver.wait_for(lambda: party.ask("wampd.hook.list")[0]["pending"] == 3)
        play.router.kill()
        receiver.start()
        play.again()
        receiver.wait_for(lambda: set(receiver.data()) == {0, 1, 2})


def test_a_post_must_be_allowed_and_signed_posts_are_taken(play):
    party = play.joined
    with Receiver() as receiver:
        register(party, receiver)
        url = f"http://127.0.0.1:{play.router.port}/hook/orders"
        kind = {"Content-Type": "application/json"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, b"1", kind), timeout=60)
        assert refused.value.code == 401
        refused.value.close()
        for body in (b"[1]", b'{"x": 2}'):
            signed = {**kind, "Wampd-Signature": signature("/hook/orders", body)}
            with urllib.request.urlopen(urllib.request.Request(url, body, signed), timeout=60) as answer:
                assert answer.status == 202
        receiver.wait_for(lambda: len(receiver.requests) == 2)
        assert receiver.data() == [[1], {"x": 2}]


def test_410_ends_a_registration_for_good(play):
    party = play.joined
    with Receiver(410) as gone, Receiver() as good:
        hook = register(party, gone)
        register(party, good)
        party.ask("wampd.hook.post", "orders", [1])
        play.router.wait_for_log(f"the webhook {hook} of orders is gone")
        assert party.ask("wampd.hook.post", "orders", [2])["deliveries"] == 1
        good.wait_for(lambda: good.data() == [1, 2])
        play.router.kill()
        party = play.again()
        assert party.ask("wampd.hook.post", "orders", [3])["deliveries"] == 1
        assert gone.data() == [1]


@pytest.mark.parametrize("answer", [404, 302])
def test_what_is_refused_becomes_a_dead_letter_that_can_be_sent_again(play, answer):
    party = play.joined
    with Receiver() as elsewhere:
        with Receiver(lambda handler: handler.say(answer, Location=elsewhere.url)) as bad:
            hook = register(party, bad)
            party.ask("wampd.hook.post", "orders", [1])
            bad.wait_for(lambda: party.ask("wampd.hook.dead", "orders"))
            (letter,) = party.ask("wampd.hook.dead", "orders")
            assert (letter["hook"], letter["attempts"], letter["why"]) == (hook, 3, str(answer))
            assert [each["outcome"] for each in party.ask("wampd.hook.deliveries", hook)] == [str(answer)] * 3
            play.router.kill()
            party = play.again()  # another guest: it owns nothing here
            assert party.ask("wampd.hook.dead", "orders") == []
            assert party.ask("wampd.hook.redeliver", letter["delivery"]) == "wampd.error.no_such_hook"
        assert elsewhere.requests == []


def metrics(play):
    with urllib.request.urlopen(f"http://127.0.0.1:{play.router.port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    told = (line.rpartition(" ") for line in lines if line.startswith("wampd_webhook"))
    return {name.partition("{")[0].removeprefix("wampd_webhook"): float(value) for name, _, value in told}


def test_metrics_tell_what_waits_and_what_was_given_up(play):
    party = play.joined
    dark = Receiver(port=free_port())
    dark.stop()
    with Receiver(400) as bad, dark:
        register(party, bad)
        party.ask("wampd.hook.post", "orders", [1])
        bad.wait_for(lambda: party.ask("wampd.hook.dead"))
        register(party, dark, key="news")
        party.ask("wampd.hook.post", "news", [1])
        bad.wait_for(lambda: metrics(play) == {"s": 2, "_deliveries_pending": 1, "_dead_letters": 1,
                                               "_hosts_left_alone": 0})  # fmt: skip


def test_redelivering(play):
    party = play.joined
    with Receiver(400) as receiver:
        register(party, receiver)
        party.ask("wampd.hook.post", "orders", [1])
        receiver.wait_for(lambda: party.ask("wampd.hook.dead"))
        (letter,) = party.ask("wampd.hook.dead")
        receiver.answer = 200
        assert party.ask("wampd.hook.redeliver", letter["delivery"]) == 1
        receiver.wait_for(lambda: len(receiver.requests) == 4)
        assert {request["webhook-id"] for request in receiver.requests} == {letter["delivery"]}
        receiver.wait_for(lambda: party.ask("wampd.hook.deliveries", letter["hook"])[-1]["outcome"] == "200")
        assert party.ask("wampd.hook.dead") == []


def test_private_addresses_cannot_be_registered(play):
    party = play.joined
    for url in (
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://127.0.0.1:22/",
        "http://joe:hunter2@www.example.com/",
        "ftp://www.example.com/",
    ):
        assert party.ask("wampd.hook.register", "orders", url) == "wamp.error.invalid_argument", url


def test_a_ping_is_signed_with_the_secret_that_was_told_once(play):
    party = play.joined
    with Receiver() as receiver:
        hook = party.ask("wampd.hook.register", "orders", f"http://localhost:{receiver.port}/")
        receiver.secret = hook["secret"]
        assert party.ask("wampd.hook.test", hook["id"]) == {"status": 204, "reason": None}
        assert (receiver.requests[0]["body"]["type"], receiver.forged) == ("wampd.hook.ping", 0)
        (listed,) = party.ask("wampd.hook.list")
        assert "secret" not in listed
        assert (listed["id"], listed["pending"], listed["host"]) == (hook["id"], 0, "closed")
    assert party.ask("wampd.hook.test", hook["id"]) == {"status": None, "reason": "connect"}


PRINCIPALS = """
realms:
  - name: realm1
    roles:
      - name: user
        permissions:
          - {uri: hook., match: prefix, allow: [publish, subscribe]}
          - {uri: wampd.hook., match: prefix, allow: [call]}
    auth:
      ticket: {}
      principals:
        - {authid: joe, role: user, ticket: hunter2}
        - {authid: ann, role: user, ticket: hunter2ann}
    hooks: {}
"""
CALLS = CONFIG.replace("role: anonymous, keys", "role: user, keys").replace(
    "/metrics: {type: metrics}", "/call: {type: call, realm: realm1, access: {basic: true}}"
)


def called(router, who, procedure, *args):
    """The result of a call by HTTP."""
    body = json.dumps(args).encode()
    head = {"Content-Type": "application/json", "Authorization": basic(*who).partition(": ")[2]}
    request = urllib.request.Request(f"http://127.0.0.1:{router.port}/call/{procedure}", body, head)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["args"][0]


def test_a_principal_that_is_configured_no_more_has_no_webhooks(start):
    joe, ann = ("joe", "hunter2"), ("ann", "hunter2ann")
    first = start(CALLS, realms=PRINCIPALS, listeners="")
    first.wait_for_log("webhooks of realm1: ")
    for who in (joe, ann):
        called(first, who, "wampd.hook.register", "orders", f"http://127.0.0.1:{free_port()}/")
    first.stop()
    without = PRINCIPALS.replace("        - {authid: joe, role: user, ticket: hunter2}\n", "")
    second = start(CALLS, realms=without, listeners="")
    second.wait_for_log("joe may not have it any more")
    assert called(second, ann, "wampd.hook.post", "orders", [1])["deliveries"] == 1


PARTNERS = """
realms:
  - name: realm1
    roles:
      - name: guest
        permissions:
          - {uri: hook., match: prefix, allow: [publish, subscribe]}
          - {uri: wampd.hook., match: prefix, allow: [call]}
      - name: partner
        permissions:
          - {uri: hook.orders, allow: [subscribe]}
          - {uri: wampd.hook., match: prefix, allow: [call]}
    auth:
      anonymous: {role: guest}
      ticket: {}
      principals:
        - {authid: joe, role: partner, ticket: hunter2}
        - {authid: ann, role: partner, ticket: hunter2ann}
    hooks: {deliveries: {first_retry: 100 ms, longest_retry: 500 ms}}
"""


def test_a_webhook_gets_what_its_owner_may_get_as_long_as_it_may_get_anything(start):
    joe, ann = ("joe", "hunter2"), ("ann", "hunter2ann")
    config = CALLS.replace("role: anonymous, keys", "role: guest, keys").replace(
        "role: user, keys", "role: guest, keys"
    )
    router = start(config, realms=PARTNERS, listeners="")
    router.wait_for_log("webhooks of realm1: ")
    with Receiver(503) as joes, Receiver(503) as anns, Receiver(503) as guests:
        for who, receiver in ((joe, joes), (ann, anns)):
            called(router, who, "wampd.hook.register", "orders", receiver.url, {"secret": SECRET})
        guest = Party(router.port)
        register(guest, guests)
        guest.publish("hook.orders", 10, exclude_authid=["joe"])
        guest.publish("hook.orders", 11, eligible_authrole=["partner"], exclude_authid=["ann"])
        guest.publish("hook.orders", 12, exclude_authrole=["partner"])
        guest.publish("hook.orders", 13, eligible=[1, 2, 3])
        guest.publish("hook.orders", 14, exclude_authid=["joe", "ann"])
        guests.wait_for(lambda: guest.ask("wampd.hook.list")[0]["pending"] == 3)
        router.kill()
        for receiver in (joes, anns, guests):
            receiver.answer = 204
            receiver.requests.clear()
        router = start(config, realms=PARTNERS, listeners="")
        for receiver, numbers in ((joes, {11}), (anns, {10}), (guests, {10, 12, 14})):
            receiver.wait_for(lambda receiver=receiver, numbers=numbers: set(receiver.data()) == numbers)
        router.reload(("{uri: hook.orders, allow: [subscribe]}", "{uri: hook.other, allow: [subscribe]}"))
        for name in ("joe", "ann"):
            router.wait_for_log(f"{name} may not have it any more")
        guest = Party(router.port)
        assert guest.ask("wampd.hook.post", "orders", [15])["deliveries"] == 1
        router.reload(("allow: [publish, subscribe]", "allow: [publish]"))
        assert guest.ask("wampd.hook.post", "orders", [16])["deliveries"] == 0
        assert "hunter2" not in router.log()

"""Signed requests: both schemes by fixed vectors, and all that a forger may try."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.bridging import Stage
from wampd.auth.used import Used
from wampd.router.http.access.signed import Key, Signatures, text_of
from wampd.router.http.bridges.errors import Errors
from wampd.router.http.bridges.publish import PublishResource

NOW = 1_800_000_000.0
SECRET = b"hunter2 of the sensor"
BODY = b'{"topic": "com.app.news", "args": [1]}'


class Signed(Stage):
    def __init__(self, schemes=("wampd", "crossbar"), used=None, since=0.0):
        super().__init__()
        self.now = NOW
        keys = {"sensor": Key(SECRET, self.as_role()), "reader": Key(SECRET[::-1], self.as_role("reader"))}
        access = Signatures(keys, schemes, lambda: self.now, window=300, used=used, since=since)
        self.serve({"/publish": PublishResource(access, Errors(), self.loop, timeout=10)})

    def post(self, target="/publish", *lines, body=BODY, method="POST"):
        return self.client().ask(f"{method} {target}", "Content-Type: application/json", *lines, body=body)


@pytest.fixture
def stage():
    return Signed()


def ours(target="/publish", body=BODY, *, at=NOW, nonce="0123456789abcdef", key="sensor", secret=SECRET, method="POST"):
    """The header of the scheme of ours, written down anew from its description."""
    text = f"wampd-v1\n{method}\n{target}\n{at:.0f}\n{nonce}\n{key}\n{hashlib.sha256(body).hexdigest()}"
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    return f"Wampd-Signature: t={at:.0f},n={nonce},k={key},v1={signature}"


def crossbars(body=BODY, *, at=NOW, seq="1", nonce="4711", key="sensor", secret=SECRET, **changes):
    """A target as Crossbar.io's clients write it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123456Z", time.gmtime(at))
    text = f"{key}{stamp}{seq}{nonce}".encode() + body
    signature = urlsafe_b64encode(hmac.new(secret, text, "sha256").digest()).decode()
    shown = {"timestamp": stamp, "seq": seq, "nonce": nonce, "signature": signature, "key": key, **changes}
    return "/publish?" + urlencode({name: value for name, value in shown.items() if value is not None})


def test_what_is_signed_is_what_the_page_says():
    text = text_of(b"POST", b"/a?b=c", "1800000000", "0123456789abcdef", "sensor", b"{}")
    assert text == (
        b"wampd-v1\nPOST\n/a?b=c\n1800000000\n0123456789abcdef\nsensor\n"
        b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
    assert hmac.new(SECRET, text, "sha256").hexdigest() == (
        "57cb874b71783fba1b3b078ba8e0fabf3fb16ad2b3d8c08c3c384b28fafaa757"
    )


def test_a_signed_request_is_served_as_its_key_says(stage):
    assert stage.post("/publish", ours()).status == 200
    (session,) = stage.sessions
    assert session.authrole == "user"
    assert stage.post("/publish", ours(key="reader", secret=SECRET[::-1])).status == 403


def test_so_are_those_of_crossbars_clients(stage):
    assert stage.post(crossbars()).status == 200
    whole = crossbars(nonce="4712").replace("123456Z", "Z")
    assert stage.post(whole).status == 401  # it was signed with the fraction


def test_a_request_without_a_signature_is_refused(stage):
    answer = stage.post()
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Wampd-Signature realm="signed requests"')


@pytest.mark.trap(11)
@pytest.mark.parametrize(
    ("target", "header", "body"),
    [
        ("/publish/com.app.other", ours(), BODY),
        ("/publish?x=1", ours(), BODY),
        ("/publish", ours(), BODY.replace(b"1", b"2")),
        ("/publish", ours(method="PUT"), BODY),
        ("/publish", ours(secret=b"hunter2 of another"), BODY),
        ("/publish", ours(key="nobody"), BODY),
        ("/publish", ours(key="reader"), BODY),
        ("/publish", ours(at=NOW - 301), BODY),
        ("/publish", ours(at=NOW + 301), BODY),
        ("/publish", ours().replace("t=1", "t=2"), BODY),
        ("/publish", ours().replace("n=0", "n=1"), BODY),
        ("/publish", ours().replace("v1=", "v0="), BODY),
        ("/publish", ours() + "0", BODY),
        ("/publish", ours().upper(), BODY),
        ("/publish", ours(nonce="short"), BODY),
        ("/publish", ours() + "\r\n" + ours(nonce="another nonce of "), BODY),
    ],
)
def test_nothing_that_is_covered_can_be_changed(stage, target, header, body):
    assert stage.post(target, header, body=body).status == 401
    assert stage.sessions == []


@pytest.mark.trap(11)
@pytest.mark.parametrize("scheme", ["wampd", "crossbar"])
def test_a_request_counts_once(stage, scheme):
    def send():
        return stage.post("/publish", ours()) if scheme == "wampd" else stage.post(crossbars())

    assert [send().status for _ in range(3)] == [200, 401, 401]
    stage.now += 299
    assert send().status == 401
    stage.now += 2
    assert send().status == 401  # too old by now


def test_one_that_is_ahead_of_time_counts_once_too(stage):
    ahead = ours(at=NOW + 299)
    assert stage.post("/publish", ahead).status == 200
    stage.now += 590
    assert stage.post("/publish", ahead).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": None},
        {"key": None},
        {"nonce": None},
        {"seq": None},
        {"timestamp": None},
        {"seq": "x"},
        {"nonce": "-1"},
        {"nonce": "٤٧١١"},
        {"timestamp": "2027-01-15"},
        {"timestamp": "2027-13-15T08:00:00.123456Z"},
        {"signature": "%%%"},
        {"signature": ""},
        {"key": "reader"},
        {"key": "nobody"},
    ],
)
def test_what_crossbars_clients_show_has_to_be_whole(stage, changes):
    query = crossbars(**{name: value for name, value in changes.items() if name != "key"})
    if "key" in changes:
        query = query.replace("key=sensor", "" if changes["key"] is None else f"key={changes['key']}")
    assert stage.post(query).status == 401


def test_a_parameter_that_is_there_twice_is_refused(stage):
    assert stage.post(crossbars() + "&nonce=4711").status == 401
    assert stage.post(crossbars() + "&other=1").status == 200


def test_moving_the_borders_of_what_has_none_is_still_a_replay(stage):
    assert stage.post(crossbars(seq="1", nonce="23")).status == 200
    assert stage.post(crossbars(seq="12", nonce="3")).status == 401


def test_a_scheme_that_the_path_does_not_take_is_no_signature():
    assert Signed(schemes=("wampd",)).post(crossbars()).status == 401
    assert Signed(schemes=("crossbar",)).post("/publish", ours()).status == 401


def test_forged_requests_fill_no_memory_and_a_full_memory_lets_nobody_in():
    stage = Signed(used=Used(most=2))
    for number in range(5):
        assert stage.post("/publish", ours(nonce=f"{number:016}", secret=b"hunter2 of another")).status == 401
    statuses = [stage.post("/publish", ours(nonce=f"{number:016}")).status for number in range(4)]
    assert statuses == [200, 200, 503, 503]
    stage.now += 301
    assert stage.post("/publish", ours(at=stage.now)).status == 200


_PARTS = st.tuples(
    st.sampled_from([b"GET", b"POST", b"POSTA"]),
    st.binary(min_size=1, max_size=8).filter(lambda target: not set(target) & set(b"\r\n \0")),
    st.from_regex(r"[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"[0-9a]{1,3}", fullmatch=True),
    st.from_regex(r"[0-9a]{1,3}", fullmatch=True),
    st.binary(max_size=4),
)


@pytest.mark.trap(11)
@given(_PARTS, _PARTS)
def test_no_two_requests_have_the_same_text(one, other):
    assert (text_of(*one) == text_of(*other)) == (one == other)


def test_the_secret_is_not_shown():
    assert "hunter2" not in repr(Key(SECRET, None))


@pytest.mark.trap(11)
def test_a_restart_lets_nothing_be_used_again():
    before, after = Signed(), Signed(since=NOW + 2.5)
    after.now = NOW + 4
    for target, lines in (("/publish", [ours()]), (crossbars(), [])):
        assert before.post(target, *lines).status == 200
        again = after.post(target, *lines)
        assert (again.status, again.header("retry-after")) == (503, "1")
    assert after.post("/publish", ours(at=NOW + 2)).status == 200  # of the very second: it may be the first of it
    assert after.post("/publish", ours(secret=b"hunter2")).status == 401, "who has no key is not told"

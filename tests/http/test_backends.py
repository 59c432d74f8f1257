"""The backends of a proxy: whose turn it is, and who is out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from tests.http.proxying import Stage
from wampd.router.http.proxy.backends import Backend, Backends, Room
from wampd.router.http.proxy.checks import Checks
from wampd.router.http.proxy.health import Health
from wampd.router.upstream import Upstream, read_upstream


def made(weights, policy="round_robin"):
    clock = Clock()
    upstreams = [Upstream("http", f"b{number}.example", 80) for number in range(len(weights))]
    backends = [
        Backend(upstream, lambda make: Deferred(), clock, weight=weight)
        for upstream, weight in zip(upstreams, weights, strict=True)
    ]
    return clock, Backends(backends, policy, clock)


def chosen(backends, count, address="10.0.0.1"):
    return "".join(str(backends.all.index(backends.choose(address))) for _ in range(count))


def test_each_has_its_turn():
    _, backends = made([1, 1, 1])
    assert chosen(backends, 6) == "012012"


def test_weights_are_shares_evenly_mixed():
    _, backends = made([3, 1])
    assert Counter(chosen(backends, 40)) == {"0": 30, "1": 10}
    assert "0000" not in chosen(backends, 40)


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_after_a_round_each_has_had_its_share(weights):
    _, backends = made(weights)
    counts = Counter(chosen(backends, sum(weights)))
    assert [counts[str(number)] for number in range(len(weights))] == weights


def test_the_least_busy_is_the_one_with_the_fewest_requests_for_its_weight():
    _, backends = made([1, 4], "least_busy")
    backends.all[0].busy, backends.all[1].busy = 1, 3
    assert chosen(backends, 1) == "1"
    backends.all[1].busy = 5
    assert chosen(backends, 1) == "0"


def test_an_address_keeps_its_backend_and_moves_only_if_that_one_is_out():
    clock, backends = made([1, 1, 1], "address")
    addresses = [f"10.0.{high}.{low}" for high in range(10) for low in range(60)]
    before = {address: backends.choose(address) for address in addresses}
    assert min(Counter(before.values()).values()) > 120
    gone = backends.all[1]
    for _ in range(3):
        gone.health.failed(clock.seconds())
    after = {address: backends.choose(address) for address in addresses}
    assert gone not in after.values()
    assert all(after[address] is before[address] for address in addresses if before[address] is not gone)


def test_addresses_are_shared_out_by_weight():
    _, backends = made([1, 3], "address")
    counts = Counter(chosen(backends, 1, f"10.0.{high}.{low}") for high in range(20) for low in range(50))
    assert 650 < counts["1"] < 850


def test_failures_take_out_for_longer_and_longer_and_one_success_ends_that():
    health = Health(3)
    now = 100.0
    assert [health.failed(now) for _ in range(2)] == [0, 0]
    health.succeeded()
    assert [health.failed(now) for _ in range(4)] == [0, 0, 1, 0]
    assert health.is_out(now + 0.9)
    assert not health.is_out(now + 1)
    pauses = []
    for _ in range(8):
        now = health.back_at(now)
        pauses.append(health.failed(now))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    health.succeeded()
    assert not health.is_out(now)
    assert [health.failed(now) for _ in range(3)] == [0, 0, 1]


# -------------------------------------------------------------------------------------------------------------- checks


def checked():
    stage = Stage()
    checks = Checks(stage.backends, b"/health?x", interval=10, timeout=2, clock=stage.loop)
    checks.start()
    return stage, checks


def test_a_check_asks_for_its_path_on_a_connection_of_its_own():
    stage, checks = checked()
    assert stage.server.heard().startswith(b"GET /health?x HTTP/1.1\r\nHost: one.example:9000\r\n")
    stage.server.says(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert stage.server.end.is_cut_off()
    assert stage.backends.choose("x") is not None
    stage.loop.run(10)
    assert len(stage.server.accepted) == 2
    checks.stop()
    stage.loop.run(30)
    assert len(stage.server.accepted) == 2
    assert stage.loop.getDelayedCalls() == []


@pytest.mark.parametrize("trouble", ["refuses", "hangs", "silent", "500", "404", "nonsense", "hangs up"])
def test_a_backend_that_fails_a_check_is_out_until_one_succeeds(trouble):
    stage, checks = checked()
    said = {"500": b"HTTP/1.1 500 X\r\n\r\n", "404": b"HTTP/1.1 404 X\r\n\r\n", "nonsense": b"?\r\n\r\n"}
    stage.server.says(b"HTTP/1.1 200 OK\r\n\r\n")
    stage.server.refuses, stage.server.hangs = trouble == "refuses", trouble == "hangs"
    stage.loop.run(10)
    if trouble in said:
        stage.server.says(said[trouble])
    elif trouble == "hangs up":
        stage.server.hangs_up()
    stage.loop.run(2.5)
    assert stage.backends.choose("x") is None
    assert stage.backends.wait() >= 1
    stage.server.refuses = stage.server.hangs = False
    stage.loop.run(8)
    stage.server.says(b"HTTP/1.1 302 Found\r\n\r\n")
    assert stage.backends.choose("x") is not None
    checks.stop()


def test_a_check_under_way_is_given_up_when_the_router_stops():
    stage, checks = checked()
    checks.stop()
    assert stage.server.end.is_cut_off()
    assert stage.backends.choose("x") is not None


# ---------------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("url", "upstream", "authority"),
    [
        ("http://127.0.0.1:9000", Upstream("http", "127.0.0.1", 9000), b"127.0.0.1:9000"),
        ("https://Example.com/", Upstream("https", "example.com", 443), b"example.com"),
        ("http://[::1]:80/a/b/", Upstream("http", "::1", 80, base=b"/a/b", itself=b"/a/b/"), b"[::1]"),
        ("unix:/run/app.sock", Upstream("unix", "", 0, "/run/app.sock"), b"localhost"),
    ],
)
def test_a_url_says_where_a_backend_is(url, upstream, authority):
    assert read_upstream(url) == upstream
    assert upstream.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:9000",
        "ftp://x",
        "http://",
        "http://:80",
        "http://x:0",
        "http://x:99999",
        "http://x:y",
        "http://user@x",
        "http://user:hunter2@x",
        "http://x?q",
        "http://x/?",
        "http://x/#f",
        "http://x/ä",
        "http://x/a b",
        "http://ex ample",
        "http://[::1",
        "unix:app.sock",
    ],
)
def test_what_is_no_url_of_a_backend_is_said_to_be_none(url):
    said = read_upstream(url)
    assert isinstance(said, str)
    assert "hunter2" not in said


class Connection:
    """One that the backend keeps or does not."""

    def __init__(self):
        self.is_over = False
        self.idle_since = 0.0
        self.on_idle = self.on_over = None

    def close(self):
        self.is_over = True
        self.on_over(self)


def keeping(**room):
    clock, made = Clock(), []

    def connect(_):
        made.append(Connection())
        return succeed(made[-1])

    backend = Backend(Upstream("http", "b.example", 80), connect, clock, room=Room(**room))

    def use(count):
        connections = [backend.connection().result for _ in range(count)]
        for each in connections:
            each.on_idle(each)
        return connections

    return clock, backend, made, use


def test_a_connection_is_kept_for_its_time_and_then_closed():
    clock, backend, made, use = keeping(keep=10.0)
    (first, second) = use(2)
    clock.advance(5)
    assert backend.connection().result is second
    second.on_idle(second)
    clock.advance(5)
    assert (first.is_over, second.is_over) == (True, False)
    clock.advance(4.5)
    assert not second.is_over
    clock.advance(0.5)
    assert second.is_over
    assert (len(made), clock.getDelayedCalls()) == (2, [])


def test_a_connection_that_has_ended_is_not_kept():
    _, backend, made, use = keeping(keep=10.0)
    (first, second) = use(2)
    second.close()
    assert backend._idle == [first]
    assert backend.connection().result is first
    assert len(made) == 2


def test_who_wants_a_fresh_one_gets_no_old_one():
    clock, backend, made, use = keeping(keep=10.0)
    use(1)
    clock.advance(3)
    assert backend.connection(most_idle=2).result is made[1]
    assert backend.connection(most_idle=4).result is made[0]


def test_a_backend_that_is_closed_keeps_nothing():
    clock, backend, made, use = keeping(keep=10.0)
    backend.close()
    use(3)
    backend.close()
    assert [each.is_over for each in made] == [True, True, True]
    assert (backend._idle, clock.getDelayedCalls()) == ([], [])
    backend.close()

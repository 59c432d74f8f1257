"""The metrics: what is told, that it can be read, that its labels are bounded and its counters never go down."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from tests.observe.stage import Stage
from wampd.realms.counts import KINDS
from wampd.router.envoy import CallFailed
from wampd.router.observe.components import ComponentState
from wampd.router.observe.metrics import MOST_REALMS, HooksState, Metrics, StoreState

PLAIN = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


class Scraped:
    """A watched router, and its metrics as a collector reads them."""

    def __init__(self, named=("realm1",), store=None, hooks=(), components=()):
        self.stage = Stage()
        past = self.stage.realms.past
        told = (lambda: store, "1.2.3", lambda: hooks, lambda: components)
        self.metrics = Metrics(self.stage.watch, named, past, *told)

    def text(self, accept=PLAIN):
        self.stage.later(2.0)
        return self.metrics.tell(accept)[1].decode()

    def samples(self, accept=PLAIN):
        parse = parse_open if "openmetrics" in accept else parse_plain
        families = parse(self.text(accept))
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def scraped():
    return Scraped()


@pytest.mark.parametrize("accept", [PLAIN, PROMETHEUS])
def test_both_formats_can_be_read(scraped, accept):
    stage = scraped.stage
    stage.now(stage.operator.publish("com.app.news"))
    samples = scraped.samples(accept)
    assert samples[("wampd_sessions", "realm1")] == 1
    assert samples[("wampd_publications_total", "realm1")] == 1
    assert samples[("wampd_connections",)] == 7
    assert samples[("process_resident_memory_bytes",)] > 2**20
    assert any(name[0] == "wampd_build_info" and "1.2.3" in name for name in samples)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PLAIN, "text/plain; version=0.0.4; charset=utf-8"),
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=nonsense", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("Application/OpenMetrics-Text;version=a\x0bb", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_who_asks_chooses_between_two_formats_and_nothing_else(scraped, accept, kind):
    assert scraped.metrics.tell(accept)[0] == kind


def test_the_text_of_openmetrics_ends_with_its_mark(scraped):
    assert scraped.text(PROMETHEUS).endswith("# EOF\n")


def test_what_happens_is_counted(scraped):
    stage = scraped.stage
    callee, caller = stage.enter("user"), stage.enter("user")
    stage.now(callee.register("com.app.add", lambda _: 1))
    stage.now(callee.subscribe("com.app.news", lambda _: None))
    scraped.text()  # from now on some calls are measured
    for _ in range(3):
        stage.now(caller.call("com.app.add", timeout=5))
    stage.now(caller.publish("com.app.news"))
    with pytest.raises(CallFailed):
        stage.now(caller.call("com.app.nothing", timeout=5))
    samples = scraped.samples()
    for name, value in {
        "wampd_calls_total": 3,
        "wampd_publications_total": 1,
        "wampd_events_total": 1,
        "wampd_sessions": 3,
        "wampd_registrations": 1,
        "wampd_subscriptions": 1,
        "wampd_calls_under_way": 0,
        "wampd_queued_bytes": 0,
        "wampd_call_duration_seconds_count": 3,
    }.items():
        assert samples[(name, "realm1")] == value, name
    assert samples[("wampd_errors_total", "realm1", "wamp.error.no_such_procedure")] == 1
    assert samples[("wampd_call_duration_seconds_bucket", "+Inf", "realm1")] == 3


def test_what_struck_is_counted(scraped):
    scraped.stage.realms.tally.strike("slow consumers disconnected")
    scraped.stage.core.struck["events dropped"] += 3
    samples = scraped.samples()
    assert samples[("wampd_struck_total", "slow consumers disconnected")] == 1
    assert samples[("wampd_struck_total", "events dropped")] == 3


def test_what_waits_for_clients_is_told(scraped):
    stage = scraped.stage
    session = stage.core.sessions[stage.enter("user").id]
    line = session.outlet._connection
    session.outlet._connection = type("Line", (), {"queued": (1234, -60.0), "framing": line.framing})()
    samples = scraped.samples()
    assert samples[("wampd_queued_bytes", "realm1")] == 1234
    assert samples[("wampd_slow_consumers", "realm1")] == 1


# --------------------------------------------------------------------------------------------------- bounded labels


def test_realms_without_a_label_of_their_own_have_one_together(scraped):
    scraped.stage.elsewhere()
    samples = scraped.samples()
    assert samples[("wampd_sessions", "*")] == 1
    assert ("wampd_sessions", "other") not in samples


def test_no_more_than_so_many_realms_have_a_label():
    scraped = Scraped(named=[f"realm{number}" for number in range(MOST_REALMS)])
    assert scraped.samples()[("wampd_sessions", "realm1")] == 1
    scraped = Scraped(named=[*(f"x{number}" for number in range(MOST_REALMS)), "realm1"])
    assert scraped.samples()[("wampd_sessions", "*")] == 1


@pytest.mark.trap(16)
def test_nothing_of_clients_becomes_a_label(scraped):
    stage = scraped.stage
    joe = stage.enter("user", authid="joe", about={"peer": "192.0.2.99"})
    stage.now(joe.register("com.secret.procedure", lambda _: 1))
    stage.now(joe.subscribe("com.secret.topic", lambda _: None))
    for number in range(50):
        with pytest.raises(CallFailed):
            stage.now(joe.call(f"com.secret.number{number}", timeout=5))
    text = scraped.text()
    assert "secret" not in text
    assert "joe" not in text
    assert "192.0.2.99" not in text
    errors = [line for line in text.splitlines() if line.startswith("wampd_errors_total")]
    assert 1 <= len(errors) <= len(KINDS) + 1


def test_counters_stay_when_a_realm_is_gone(scraped):
    stage = scraped.stage
    there = stage.elsewhere()
    stage.now(there.publish("com.app.news"))
    assert scraped.samples()[("wampd_publications_total", "*")] == 1
    there.leave()
    stage.turns()
    core = stage.realms["other"].core
    stage.realms.past.take(core)  # as when a realm on demand is closed
    del stage.realms._shells["other"]
    assert scraped.samples()[("wampd_publications_total", "*")] == 1


# ----------------------------------------------------------------------------------------------------------- the cost


def test_who_asks_too_often_is_told_the_same_again(scraped):
    stage = scraped.stage
    _, first = scraped.metrics.tell(PLAIN)
    stage.now(stage.operator.publish("com.app.news"))
    assert scraped.metrics.tell(PLAIN)[1] is first
    assert scraped.text() != first.decode()


@pytest.mark.trap(16)
def test_webhooks_are_told_of_if_there_are_any(scraped):
    assert not any(name[0].startswith("wampd_webhook") for name in scraped.samples())
    states = [
        HooksState("realm1", registered=4, pending=3, dead=2, left_alone=1),
        *(HooksState(f"unnamed{n}", registered=1, pending=10, dead=0, left_alone=0) for n in range(3)),
    ]
    samples = Scraped(hooks=states).samples()
    assert samples[("wampd_webhooks", "realm1")] == 4
    assert samples[("wampd_webhook_deliveries_pending", "realm1")] == 3
    assert samples[("wampd_webhook_dead_letters", "realm1")] == 2
    assert samples[("wampd_webhook_hosts_left_alone", "realm1")] == 1
    assert samples[("wampd_webhook_deliveries_pending", "*")] == 30
    assert {name[1] for name in samples if name[0].startswith("wampd_webhook")} == {"realm1", "*"}


def test_the_store_is_told_of_if_there_is_one(scraped):
    assert ("wampd_store_up",) not in scraped.samples()
    samples = Scraped(store=StoreState(is_well=False, waiting=3)).samples()
    assert samples[("wampd_store_up",)] == 0
    assert samples[("wampd_store_waiting",)] == 3


def test_components_are_told_of_if_there_are_any(scraped):
    assert not any(name.startswith("wampd_component") for name, *_ in scraped.samples())
    samples = Scraped(components=[ComponentState("adder", 3, 2, 1, 7)]).samples()
    assert samples[("wampd_component_instances", "adder")] == 3
    assert samples[("wampd_component_up", "adder")] == 2
    assert samples[("wampd_component_given_up", "adder")] == 1
    assert samples[("wampd_component_restarts_total", "adder")] == 7

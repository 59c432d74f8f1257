"""Deliveries: when they are made, what becomes of them, what is kept, and how much."""

import gc

import pytest

from tests.hooks.house import START, Registry, Shelf
from tests.support.overheard import failure, overheard
from wampd.router.hooks.breaker import HostRules
from wampd.router.hooks.courier import Rules
from wampd.router.hooks.keeping import Pending
from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.registry import Bounds
from wampd.router.hooks.verdicts import Patience
from wampd.router.outgoing.client import Response

URL, OTHER = "http://10.0.0.1/", "http://10.0.0.1:8080/other"
RULES = Rules(patience=Patience(first=4.0, longest=60.0, attempts=4, refusals=2))


@pytest.fixture
def play():
    return Registry(RULES)


def test_an_event_goes_to_all_who_are_registered_under_its_key(play):
    play.register(play.ann)
    play.register(play.bob, url=OTHER)
    play.register(play.bob, key="news", url="http://10.0.0.1/news")
    assert play.ask(play.ann, "post", "orders", ["x"], {"y": 1})["deliveries"] == 2
    assert sorted(each["url"] for each in play.web.requests) == [URL, OTHER]
    assert play.web.requests[0]["body"] == {
        "type": "orders",
        "timestamp": "1970-01-12T13:46:40.000000Z",
        "data": {"args": ["x"], "kwargs": {"y": 1}},
    }
    assert (play.shelf.bodies, play.shelf.deliveries, play.courier.ledger.size) == ({}, {}, 0)


def test_what_is_published_is_delivered_too_and_what_is_posted_is_published(play):
    play.register(play.ann)
    heard = []
    play.house.now(play.bob.subscribe("hook.orders", heard.append))
    play.house.now(play.ann.publish("hook.orders", ["published"]))
    play.ask(play.ann, "post", "orders", ["posted"])
    assert play.web.data(URL) == ["published", "posted"], "each once"
    assert [event.values() for event in heard] == [["published"], ["posted"]]


@pytest.mark.parametrize("topic", ["hook.ä", "hook.a:b", "hook.a/b", "hooks.orders", "hook"])
def test_topics_that_are_no_keys_are_nobodys(play, topic):
    play.register(play.ann)
    play.house.now(play.ann.publish(topic, ["x"]))
    assert play.web.requests == []


def test_nothing_is_kept_of_what_nobody_wants(play):
    assert play.ask(play.ann, "post", "orders", ["x"])["deliveries"] == 0
    assert play.shelf.bodies == {}


def test_an_event_is_accepted_when_it_is_on_the_disk_and_not_before(play):
    play.register(play.ann)
    play.shelf.waits = []
    answer = play.ann.call("wampd.hook.post", ["orders", ["x"]], timeout=100)
    assert play.house.now(answer) is None
    assert play.web.requests == []
    written, play.shelf.waits = play.shelf.waits, None
    written[0].callback(None)
    play.house.turns()
    assert play.web.data(URL) == ["x"]


def test_a_store_that_fails_accepts_nothing(play):
    play.register(play.ann)
    play.shelf.fails = True
    assert play.ask(play.ann, "post", "orders", ["x"]) == "wamp.error.unavailable"
    play.house.now(play.ann.publish("hook.orders", ["y"]))
    assert play.strikes == ["events not kept for webhooks"]
    assert play.ask(play.ann, "register", "orders", OTHER) == "wamp.error.unavailable"
    play.shelf.fails = False
    assert (play.web.requests, play.courier.ledger.size, len(play.courier.registry)) == ([], 0, 1)
    assert play.ask(play.ann, "post", "orders", ["z"])["deliveries"] == 1


def test_a_store_that_cannot_be_read_for_a_while_delays(play):
    play.register(play.ann)
    play.web.answers[URL] = 500
    play.ask(play.ann, "post", "orders", ["x"])
    play.web.answers[URL] = 200
    play.shelf.fails = True
    play.later(10.0)
    assert play.web.data(URL) == ["x"]
    play.shelf.fails = False
    play.later(10.0)
    assert play.web.data(URL) == ["x", "x"]
    assert play.shelf.deliveries == {}


def test_what_fails_is_tried_again_with_the_same_id_and_then_a_dead_letter(play):
    hook = play.register(play.ann)
    play.web.answers[URL] = 500
    play.ask(play.ann, "post", "orders", ["x"])
    times = []
    for _ in range(60):
        if len(play.web.requests) > len(times):
            times.append(play.clock.seconds())
        play.later(0.5)
    assert times == [0.0, 2.0, 6.0, 14.0], "half of 4, 8 and 16 s"
    ids = {each["headers"]["webhook-id"] for each in play.web.requests}
    assert len(ids) == 1
    assert [each["headers"]["wampd-hook-attempt"] for each in play.web.requests] == ["1", "2", "3", "4"]
    (letter,) = play.ask(play.ann, "dead")
    assert (letter["delivery"], letter["hook"], letter["why"], letter["attempts"]) == (*ids, hook, "500", 4)
    assert [type(each) for each in play.shelf.deliveries.values()] == [DeadLetter]
    play.web.answers[URL] = 200
    assert play.ask(play.ann, "redeliver", list(ids)) == 1
    assert len(play.web.requests) == 5
    assert (play.ask(play.ann, "dead"), play.shelf.bodies) == ([], {})


def test_retry_after_is_honoured(play):
    play.register(play.ann)
    answers = [Response(503, (("retry-after", "30"),), b"", URL), 200]
    play.web.answers[URL] = lambda _: answers.pop(0)
    play.ask(play.ann, "post", "orders", ["x"])
    play.later(29.5)
    assert len(play.web.requests) == 1
    play.later(1.0)
    assert len(play.web.requests) == 2


def test_others_go_past_one_that_waits(play):
    play.register(play.ann)
    play.web.answers[URL] = lambda request: 500 if request["body"]["data"]["args"] == [1] else 200
    for number in (1, 2, 3):
        play.ask(play.ann, "post", "orders", [number])
    assert play.web.data(URL) == [1, 2, 3]
    play.later(2.5)
    assert play.web.data(URL) == [1, 2, 3, 1]


def test_a_receiver_that_hangs_delays_nobody_else(play):
    play.register(play.ann)
    play.register(play.bob, url="http://www.example.com/")
    play.web.answers[URL] = "wait"
    for number in range(3):
        play.ask(play.ann, "post", "orders", [number])
    assert play.web.data(URL) == [0]
    assert play.web.data("http://www.example.com/") == [0, 1, 2]


def test_a_host_that_fails_is_left_alone_then_tried_by_one(play):
    urls = [f"http://10.0.0.1/{number}" for number in range(30)]
    play.web.answers = dict.fromkeys(urls, "connect")
    for url in urls:
        play.register(play.ann, url=url)
    play.ask(play.ann, "post", "orders", ["x"])
    begun = len(play.web.requests)
    assert 5 <= begun < 10, "those that were under way when it had failed five times"
    assert play.ask(play.ann, "list")[0]["host"] == "open"
    play.later(9.5)
    assert len(play.web.requests) == begun
    play.later(1.0)
    assert len(play.web.requests) == begun + 1
    play.web.answers.clear()
    play.later(61.0)
    assert {each["url"] for each in play.web.requests} == set(urls)
    assert play.shelf.deliveries == {}


def test_410_unregisters_and_drops_what_is_pending(play):
    hook = play.register(play.ann)
    play.web.answers[URL] = "wait"
    for number in range(3):
        play.ask(play.ann, "post", "orders", [number])
    play.web.waiting.pop().callback(Response(410, (), b"", URL))
    play.house.turns()
    assert play.ask(play.ann, "list") == []
    assert play.ask(play.ann, "deliveries", hook) == "wampd.error.no_such_hook"
    assert (play.shelf.hooks, play.shelf.deliveries, play.shelf.bodies) == ({}, {}, {})
    assert (play.courier.ledger.size, play.courier.agenda.pending, play.courier.agenda.running) == (0, 0, 0)


def test_unregistering_while_a_delivery_is_under_way(play):
    hook = play.register(play.ann)
    play.web.answers[URL] = "wait"
    play.ask(play.ann, "post", "orders", ["x"])
    assert play.ask(play.ann, "unregister", hook) is None
    play.web.waiting.pop().callback(Response(500, (), b"", URL))
    play.later(10.0)
    assert len(play.web.requests) == 1
    assert (play.courier.agenda.running, play.courier.ledger.size, play.shelf.bodies) == (0, 0, {})


def test_a_registration_ends_when_its_time_is_up(play):
    play.register(play.ann, ttl=100)
    renewed = play.register(play.ann, url=OTHER, ttl=100)
    play.later(60.0)
    assert play.ask(play.ann, "renew", renewed, 200)["id"] == renewed
    play.later(60.0)
    assert play.ask(play.ann, "post", "orders", ["x"])["deliveries"] == 1
    play.later(30.0)
    assert [each["id"] for each in play.ask(play.ann, "list")] == [renewed]
    assert list(play.shelf.hooks) == [renewed]


def test_a_registration_whose_time_is_up_is_there_no_more_for_anybody_nor_sent_what_it_had_refused():
    play = Registry(Rules(bounds=Bounds(per_key=1)))
    hook = play.register(play.ann, ttl=3)
    play.web.answers[URL] = 500
    play.ask(play.ann, "post", "orders", ["x"])
    play.house.later(2.9)
    assert [each["pending"] for each in play.ask(play.ann, "list")] == [1]
    tried = len(play.web.requests)
    play.house.later(0.1)
    assert play.ask(play.ann, "list") == []
    assert play.ask(play.ann, "renew", hook, 100) == "wampd.error.no_such_hook"
    play.later(20.0)
    assert len(play.web.requests) == tried
    assert (play.shelf.hooks, play.shelf.bodies) == ({}, {})
    told = play.ask(play.ann, "register", "orders", URL)
    assert told["id"] != hook
    assert told["secret"].startswith("whsec_")


def test_very_many_registrations_that_end_together_do_so_in_steps(play):
    for number in range(250):
        play.register(play.ann, url=f"http://10.0.0.1/{number}", ttl=1000)
    play.clock.advance(1000.0)
    left = []
    while play.shelf.hooks:
        left.append(len(play.shelf.hooks))
        play.clock.advance(0.01)
    assert left == [150, 50]


def test_all_whose_time_was_up_while_the_router_was_down_are_gone_at_its_start():
    shelf = Shelf()
    play = Registry(kept=shelf)
    for number in range(250):
        play.register(play.ann, url=f"http://10.0.0.1/{number}", ttl=500)
    play.web.answers = {f"http://10.0.0.1/{number}": 500 for number in range(250)}
    play.ask(play.ann, "post", "orders", ["x"])
    play.service.stop()
    again = Registry(kept=shelf, serve=False)
    again.clock.advance(500.0)
    again.service.start()
    assert (shelf.hooks, shelf.bodies, again.web.requests) == ({}, {}, [])


def test_filters_decide_who_gets_an_event(play):
    play.register(play.ann, filter={"args.0.state": ["paid", "sent"], "kwargs.shop": 7})
    for state, shop in (("new", 7), ("paid", 8), ("sent", 7)):
        play.ask(play.ann, "post", "orders", [{"state": state}], {"shop": shop})
    assert play.web.data(URL) == [{"state": "sent"}]


# --- bounds ---


def test_a_hook_has_only_so_much_pending():
    play = Registry(Rules(pending_per_hook=2, pending=100))
    play.register(play.ann)
    play.web.answers[URL] = "wait"
    for number in range(4):
        assert play.ask(play.ann, "post", "orders", [number])["deliveries"] == 1
    assert play.courier.agenda.pending == 2
    assert [each["why"] for each in play.ask(play.ann, "dead")] == ["overflow", "overflow"]
    assert play.strikes == ["webhook deliveries that overflowed"] * 2


def test_a_principal_has_only_so_much_pending_and_keeps_nobody_elses_room():
    play = Registry(Rules(pending_per_owner=3, pending=100))
    play.register(play.ann, url="http://10.0.0.1/a")
    play.register(play.ann, url="http://10.0.0.1/b")
    play.register(play.bob)
    play.web.answers = dict.fromkeys(["http://10.0.0.1/a", "http://10.0.0.1/b", URL], "wait")
    for number in range(3):
        assert play.ask(play.ann, "post", "orders", [number])["deliveries"] == 3
    pending = {each["owner"]: 0 for each in play.ask(play.ann, "list")}
    for hook in play.courier.registry:
        pending[hook.owner] = pending.get(hook.owner, 0) + play.courier.agenda.count(hook.id)
    assert pending == {"ann": 3, "bob": 3}
    assert len(play.shelf.deliveries) == 9


def test_all_have_only_so_much_pending():
    play = Registry(Rules(pending=3))
    for number in range(2):
        play.register(play.ann, url=f"http://10.0.0.1/{number}")
        play.web.answers[f"http://10.0.0.1/{number}"] = "wait"
    assert play.ask(play.ann, "post", "orders", ["x"])["deliveries"] == 2
    assert play.ask(play.ann, "post", "orders", ["y"]) == "wamp.error.unavailable"
    play.house.now(play.ann.publish("hook.orders", ["z"]))
    assert "events refused by webhooks" in play.strikes
    assert len(play.shelf.bodies) == 1


def test_events_are_not_larger_than_allowed_and_all_together_neither():
    play = Registry(Rules(event_size=1000, size=1500))
    play.register(play.ann)
    play.web.answers[URL] = "wait"
    assert play.ask(play.ann, "post", "orders", ["x" * 1000]) == "wamp.error.payload_size_exceeded"
    assert play.ask(play.ann, "post", "orders", ["x" * 700])["deliveries"] == 1
    assert play.ask(play.ann, "post", "orders", ["x" * 700]) == "wamp.error.unavailable"
    play.web.waiting.pop().callback(Response(200, (), b"", URL))
    play.house.turns()
    assert play.ask(play.ann, "post", "orders", ["x" * 700])["deliveries"] == 1


def test_dead_letters_are_bounded():
    play = Registry(Rules(patience=Patience(refusals=1), dead_letters=2))
    play.register(play.ann)
    play.web.answers[URL] = 404
    for number in range(4):
        play.ask(play.ann, "post", "orders", [number])
    assert len(play.ask(play.ann, "dead")) == len(play.shelf.deliveries) == len(play.shelf.bodies) == 2
    assert "dead letters of webhooks dropped" in play.strikes


# --- again ---


def test_another_process_goes_on_with_what_is_kept():
    rules = Rules(patience=Patience(first=4.0, longest=60.0, attempts=4, refusals=1))
    first = Registry(rules)
    first.register(first.ann)
    first.register(first.bob, url=OTHER)
    first.web.answers = {URL: 500, OTHER: 404}
    for number in range(3):
        first.ask(first.ann, "post", "orders", [number])
    first.house.turns()
    second = Registry(rules, kept=first.shelf)
    second.later(5.0)
    assert sorted(second.web.data(URL)) == [0, 1, 2]
    assert {each["headers"]["webhook-id"] for each in second.web.requests} < {
        each["headers"]["webhook-id"] for each in first.web.requests
    }
    assert [each["why"] for each in second.ask(second.bob, "dead")] == ["404"] * 3
    assert second.ask(second.bob, "redeliver", *[each["delivery"] for each in second.ask(second.bob, "dead")]) == 3
    assert second.web.data(OTHER) == [0, 1, 2]
    assert (second.shelf.bodies, second.courier.ledger.size) == ({}, 0)
    second.ask(second.ann, "post", "orders", ["new"])
    assert second.web.data(URL)[-1] == "new"


def test_what_belongs_to_no_registration_is_forgotten():
    first = Registry(RULES)
    hook = first.register(first.ann)
    first.web.answers[URL] = 500
    first.ask(first.ann, "post", "orders", ["x"])
    del first.shelf.hooks[hook]
    second = Registry(RULES, kept=first.shelf)
    second.later(5.0)
    assert (second.web.requests, second.shelf.bodies, second.courier.ledger.size) == ([], {}, 0)


def test_clocks_that_were_set_back_delay_nothing_beyond_the_longest_wait():
    first = Registry(RULES)
    first.register(first.ann)
    first.web.answers[URL] = 500
    first.ask(first.ann, "post", "orders", ["x"])
    (place, pending) = next(iter(first.shelf.deliveries.items()))
    first.shelf.deliveries[place] = type(pending)(pending.event, pending.hook, 1, 1, START + 1e9)
    second = Registry(RULES, kept=first.shelf)
    second.later(61.0)
    assert second.web.data(URL) == ["x"]


def test_stopping_gives_up_what_is_under_way_and_keeps_it():
    play = Registry(RULES)
    play.register(play.ann)
    play.web.answers[URL] = "wait"
    play.ask(play.ann, "post", "orders", ["x"])
    play.service.stop()
    play.house.turns()
    assert len(play.shelf.deliveries) == 1
    assert play.courier._running == {}
    play.later(100.0)
    assert len(play.web.requests) == 1


def test_an_event_that_is_not_in_the_store_any_more_is_dropped(play, caught):
    play.register(play.ann)
    play.web.answers[URL] = 500
    play.ask(play.ann, "post", "orders", ["x"])
    play.shelf.bodies.clear()
    play.later(10.0)
    assert (play.courier.agenda.pending, play.courier.ledger.size) == (0, 0)
    assert any("not in the store any more" in event["log_format"] for event in caught)


def test_a_session_that_is_sent_away_comes_back(play):
    play.register(play.ann)
    session = play.service._insider
    play.house.now(play.ann.call("wamp.session.kill", [session.id], timeout=5))
    play.later(6.0)
    assert play.ask(play.ann, "post", "orders", ["x"])["deliveries"] == 1


def test_what_could_not_be_registered_at_first_is_registered_later(caught):
    play = Registry(RULES, serve=False)
    taken = play.house.now(play.ann.register("wampd.hook.list", lambda _: None))
    play.service.start()
    play.house.turns()
    assert "does not work" in caught[-1]["log_format"]
    assert "procedure_already_exists" in caught[-1]["why"]
    play.house.now(play.ann.unregister(taken))
    play.later(6.0)
    assert play.ask(play.ann, "list") == []
    assert isinstance(play.ask(play.ann, "post", "orders", ["x"]), dict)


def test_dead_letters_that_cannot_be_taken_up_are_one_error(play):
    play.register(play.ann)
    play.web.answers[URL] = 404
    for _ in range(3):
        play.ask(play.ann, "post", "orders", ["x"])
    play.later(60.0)
    letters = [each["delivery"] for each in play.ask(play.ann, "dead")]
    play.shelf.fails = True
    with overheard(failure) as unheard:
        assert play.ask(play.ann, "redeliver", *letters) == "wamp.error.unavailable"
        gc.collect()
    assert len(letters) == 3
    assert unheard == []


def test_a_store_that_cannot_be_read_at_first_is_read_later():
    shelf = Shelf()
    shelf.fails = True
    play = Registry(RULES, kept=shelf)
    assert play.ask(play.ann, "list") == "wamp.error.no_such_procedure"
    shelf.fails = False
    play.later(6.0)
    assert play.ask(play.ann, "list") == []


def test_hosts_get_so_much_at_once():
    play = Registry(Rules(hosts=HostRules(concurrency=2)))
    for number in range(5):
        play.register(play.ann, url=f"http://10.0.0.1/{number}")
        play.web.answers[f"http://10.0.0.1/{number}"] = "wait"
    play.ask(play.ann, "post", "orders", ["x"])
    assert len(play.web.waiting) == 2
    play.web.waiting[0].callback(Response(200, (), b"", URL))
    play.house.turns()
    assert len(play.web.waiting) == 3


def test_deliveries_of_events_that_the_store_has_not_harm_nobody():
    """Somebody else has been in it."""
    before = Registry(RULES)
    hook = before.register(before.ann)
    shelf = before.shelf
    before.service.stop()
    for event, owner in (("evt1", hook), ("evt2", "nobody")):
        shelf.deliveries[event, owner] = Pending(event, owner, 1, 0, START)
        shelf.deliveries[f"{event}d", owner] = DeadLetter(f"{event}d", owner, 1, 3, "500", START)
    play = Registry(RULES, kept=shelf)
    assert play.ask(play.ann, "post", "orders", ["x"])["deliveries"] == 1
    assert play.web.data(URL) == ["x"]
    (letter,) = play.ask(play.ann, "dead")
    assert play.ask(play.ann, "redeliver", letter["delivery"]) == 1
    play.later(100)
    assert play.ask(play.ann, "dead") == []
    assert (shelf.deliveries, play.courier.agenda.pending, play.courier.ledger.size) == ({}, 0, 0)


def test_a_realm_that_is_full_is_joined_later(caught):
    play = Registry(RULES, serve=False)
    play.realm = "realm9"
    play.service.start()
    play.house.turns()
    assert "does not work" in caught[-1]["log_format"]
    play.realm = "realm1"
    play.later(6.0)
    assert play.ask(play.ann, "list") == []


@pytest.mark.parametrize("reason", ["busy", "cancelled"])
def test_what_we_cannot_do_ourselves_is_no_failure_of_theirs(play, reason):
    hook = play.register(play.ann)
    play.web.answers[URL] = reason
    play.ask(play.ann, "post", "orders", ["x"])
    play.later(30.0)
    assert len(play.web.requests) > 4, "more than it may fail"
    assert (play.ask(play.ann, "dead"), play.ask(play.ann, "deliveries", hook)) == ([], [])
    assert play.ask(play.ann, "list")[0]["host"] == "closed"
    play.web.answers[URL] = 200
    play.later(5.0)
    assert play.web.requests[-1]["headers"]["wampd-hook-attempt"] == "1"
    assert play.shelf.deliveries == {}

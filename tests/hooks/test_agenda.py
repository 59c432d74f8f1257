"""Which deliveries are attempted, when, and in which order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wampd.router.hooks.agenda import SLACK, Agenda, Delivery
from wampd.router.hooks.breaker import HostRules

RULES = HostRules(concurrency=2, failures=2, pause=10.0, longest=10.0)


class Plan:
    """An agenda, and what is under way."""

    def __init__(self, most=100, rules=RULES):
        self.agenda = Agenda(rules, most)
        self.hosts = {}
        self.number = 0

    def open(self, hook, host="a:80"):
        self.hosts[hook] = host
        self.agenda.open(hook, host)

    def add(self, hook, due=0.0, event=None):
        self.number += 1
        delivery = Delivery(event or f"e{self.number}", hook, self.number, 0, due)
        self.agenda.add(delivery)
        return delivery

    def begin(self, now=0.0):
        return list(self.agenda.begin(now))

    def end(self, delivery, life=True, now=0.0, due=None):
        self.agenda.end(delivery, self.hosts[delivery.hook], life, now, due)


def names(deliveries):
    return [each.id for each in deliveries]


def test_of_one_hook_one_at_a_time_in_their_order():
    plan = Plan()
    plan.open("h")
    first, second = plan.add("h"), plan.add("h")
    assert plan.begin() == [first]
    assert plan.begin() == []
    plan.end(first)
    assert plan.begin() == [second]
    plan.end(second)
    assert (plan.agenda.pending, plan.agenda.next_deadline()) == (0, None)


def test_a_delivery_that_failed_waits_for_its_time_and_others_go_past_it():
    plan = Plan()
    plan.open("h")
    first, second = plan.add("h"), plan.add("h")
    plan.begin()
    plan.end(first, due=5.0)
    assert plan.begin() == [second]
    plan.end(second)
    assert plan.begin(4.9) == []
    assert plan.agenda.next_deadline() == 5.0
    assert plan.begin(5.0) == [first]
    assert first.attempts == 2


def test_the_oldest_of_what_is_due_comes_first():
    plan = Plan()
    plan.open("h")
    late, soon = plan.add("h", due=3.0), plan.add("h", due=1.0)
    assert plan.begin(3.0) == [late]
    plan.end(late)
    assert plan.begin(3.0) == [soon]


def test_of_one_host_so_much_at_once_and_each_in_its_turn():
    plan = Plan()
    for hook in "abc":
        plan.open(hook)
        plan.add(hook)
        plan.add(hook)
    begun = plan.begin()
    assert names(begun) == ["e1-a", "e3-b"]
    plan.end(begun[0])
    (third,) = plan.begin()
    assert third.id == "e5-c"


def test_of_all_so_much_at_once():
    plan = Plan(most=1)
    plan.open("a", "a:80")
    plan.open("b", "b:80")
    first, second = plan.add("a"), plan.add("b")
    assert plan.begin() == [first]
    plan.end(first)
    assert plan.begin() == [second]


def test_a_host_that_fails_is_left_alone_then_tried_by_one_then_by_all():
    plan = Plan()
    for hook in "abcd":
        plan.open(hook)
        plan.add(hook)
    plan.open("z", "z:80")
    begun = plan.begin()
    for each in begun:
        plan.end(each, life=False, due=1.0)
    assert plan.agenda.host_state("a:80") == "open"
    assert plan.agenda.hosts_left_alone() == 1
    assert plan.begin(5.0) == []
    other = plan.add("z")
    assert plan.begin(5.0) == [other]
    assert plan.agenda.next_deadline() == 10.0
    (probe,) = plan.begin(10.0)
    assert plan.begin(10.0) == []
    plan.end(probe, now=10.0)
    assert plan.agenda.host_state("a:80") == "closed"
    assert plan.agenda.hosts_left_alone() == 0
    assert len(plan.begin(10.0)) == 2


def test_a_hook_that_is_closed_leaves_nothing():
    plan = Plan()
    plan.open("a")
    plan.open("b")
    running, waiting, other = plan.add("a"), plan.add("a"), plan.add("b")
    plan.begin()
    assert set(plan.agenda.close("a")) == {running, waiting}
    assert (plan.agenda.pending, plan.agenda.count("a")) == (1, 0)
    plan.end(running)
    plan.end(other)
    assert plan.agenda.close("b") == []
    assert plan.agenda.close("b") == []
    assert (plan.agenda.pending, plan.agenda.running, plan.agenda.next_deadline()) == (0, 0, None)
    assert plan.agenda._hosts == {}


def test_an_attempt_that_we_give_up_says_nothing_of_the_host():
    plan = Plan()
    plan.open("a")
    delivery = plan.add("a")
    for _ in range(5):
        assert plan.begin() == [delivery]
        plan.end(delivery, life=None, due=0.0)
    assert plan.agenda.host_state("a:80") == "closed"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "begin", "done", "fail", "later", "close", "wait"]),
        st.sampled_from("abcde"),
        st.floats(0, 12),
    ),
    max_size=80,
)


@settings(max_examples=200)
@given(STEPS)
def test_nothing_is_lost_doubled_or_too_much(steps):
    plan, now, running, expected, done = Plan(most=3), 0.0, [], {}, set()
    hosts = {hook: f"{'xy'[index % 2]}:80" for index, hook in enumerate("abcde")}
    for hook, host in hosts.items():
        plan.open(hook, host)
    for step, hook, number in steps:
        if step == "add":
            if plan.hosts.get(hook) and hook not in done:
                expected[plan.add(hook, now + number)] = hook
        elif step == "wait":
            now += number
        elif step == "begin":
            for each in plan.begin(now):
                assert each not in running
                assert each.due <= now
                running.append(each)
        elif step == "close":
            done.add(hook)
            plan.agenda.close(hook)
            expected = {each: its for each, its in expected.items() if its != hook}
        elif running:
            each = running.pop(int(number) % len(running))
            due = None if step == "done" else now + number
            plan.end(each, life=step == "done", now=now, due=due)
            if step == "done":
                expected.pop(each, None)
        assert len(running) == plan.agenda.running <= 3
        assert len({each.hook for each in running if not each.is_over}) == len([e for e in running if not e.is_over])
        assert plan.agenda.pending == len(expected)
    for each in running:
        plan.end(each, now=now)
        expected.pop(each, None)
    for _ in range(1000):  # all that is left can be done
        due = plan.agenda.next_deadline()
        if due is not None:
            now = max(now, due)
        for each in plan.begin(now):
            plan.end(each, now=now)
            expected.pop(each)
        if not expected:
            break
    assert expected == {}
    assert (plan.agenda.pending, plan.agenda.running) == (0, 0)


def test_hooks_that_are_closed_leave_little_and_take_nothing_of_others():
    plan = Plan(most=3 * SLACK, rules=HostRules(concurrency=3 * SLACK, failures=2, pause=10.0, longest=10.0))
    plan.open("stays", "b:80")
    stays = plan.add("stays", due=50.0)
    hooks = [f"h{number}" for number in range(2 * SLACK)]
    for hook in hooks:
        plan.open(hook)
        plan.add(hook, due=100.0)
    for hook in hooks:
        plan.agenda.close(hook)
    assert plan.agenda.pending == 1
    assert len(plan.agenda._later) <= SLACK + 2
    assert plan.agenda.next_deadline() == 50.0
    assert plan.begin(50.0) == [stays]
    plan.end(stays, now=50.0)
    assert (plan.agenda.pending, plan.agenda.next_deadline()) == (0, None)

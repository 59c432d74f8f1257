"""Whatever happens to components, in whatever order, some things are always so."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from msgspec import structs

from tests.hosting.house import House, guest
from wampd.router.hosting.supervisor import Fallen
from wampd.router.settings.components import ReadyByLog, Stop

NAMES = ("a", "b", "c")


class Life(RuleBasedStateMachine):
    """Three components, `c` after `a`; operators, changes of the configuration, time, and runs that end as they like."""

    deferreds = Bundle("deferreds")

    def __init__(self):
        super().__init__()
        self.house = House()
        self.held = False
        self.given = {}
        self.unwanted = set()
        self.have("a", 1, 0)

    def have(self, name, instances, version):
        self.given[name] = guest(
            name,
            instances=instances,
            environment={"V": str(version)},
            after=("a",) if name == "c" else (),
            ready=ReadyByLog(log="up") if name == "b" else None,
            ready_timeout=5.0,
            stop=Stop(grace=2.0),
            restart={"first": 0.5, "longest": 4.0, "most": 5 if name == "a" else None},
        )
        self.change()

    def change(self):
        self.house.have(*self.given.values())
        self.unwanted &= {each.name for those in self.house.hosting.components.values() for each in those}

    @rule(name=st.sampled_from(NAMES), instances=st.integers(1, 3), version=st.integers(0, 2))
    def configure(self, name, instances, version):
        before = self.given.get(name)
        self.have(name, instances, version)
        if self.given[name] != before:
            self.unwanted = {each for each in self.unwanted if each.partition(".")[0] != name}

    @rule(name=st.sampled_from(("b", "c")))
    def take_away(self, name):
        self.given.pop(name, None)
        self.change()

    @rule(target=deferreds, name=st.sampled_from(NAMES), what=st.sampled_from(("start_one", "stop_one", "restart_one")))
    def ask(self, name, what):
        hosting = self.house.hosting
        got = []
        try:
            asked = hosting.restart_one(name, "why") if what == "restart_one" else getattr(hosting, what)(name)
        except (KeyError, Fallen) as refused:
            return [refused]
        asked.addBoth(got.append)
        names = {each.name for each in hosting.wanted(name)}
        self.unwanted = self.unwanted | names if what == "stop_one" else self.unwanted - names
        return got

    @rule(data=st.data(), how=st.sampled_from(({"status": 0}, {"status": 3}, {"status": 78}, {"signal": 9})))
    def end_a_run(self, data, how):
        alive = [run for run in self.house.runs if not run.is_over]
        if alive:
            data.draw(st.sampled_from(alive)).end(**how)

    @rule(data=st.data())
    def print_a_line(self, data):
        alive = [run for run in self.house.runs if not run.is_over]
        if alive:
            data.draw(st.sampled_from(alive)).told.printed("stdout", "up")

    @rule(obeys=st.booleans())
    def obey(self, obeys):
        self.house.obeys = obeys

    @rule(trouble=st.sampled_from((None, OSError(11, "no room"))))
    def have_room(self, trouble):
        self.house.trouble = trouble

    @rule(seconds=st.sampled_from((0.25, 1.0, 6.0)))
    def wait(self, seconds):
        self.house.advance(seconds)

    @rule(got=consumes(deferreds))
    def look_at_an_answer(self, got):
        self.house.advance(200)
        stuck = any(each.state == "waiting" for those in self.house.hosting.components.values() for each in those)
        assert got or stuck or self.house.trouble

    @rule()
    def hold(self):
        self.held = True
        self.starts_when_held = len(self.house.runs)
        self.house.hosting.hold()

    @invariant()
    def no_instance_runs_twice(self):
        names = [run.instance.name for run in self.house.runs if not run.is_over]
        components = [(name.partition(".")[0], name) for name in names]
        assert len(set(components)) == len(names)

    @invariant()
    def no_two_versions_of_a_component_run_together(self):
        versions = {}
        for run in self.house.runs:
            if not run.is_over:
                component = run.instance.component
                if component.instances > 1:  # how many is no matter of one of them
                    component = structs.replace(component, instances=2)
                assert versions.setdefault(component.name, component) == component

    @invariant()
    def what_is_stopped_by_hand_is_not_started(self):
        for name in self.unwanted:
            supervisor = self.house[name]
            assert supervisor is None or supervisor.state in ("down", "stopping"), (name, supervisor.state)

    @invariant()
    def a_router_that_stops_starts_nothing(self):
        if self.held:
            assert len(self.house.runs) == self.starts_when_held

    @invariant()
    def who_is_ready_has_a_run_and_who_is_at_rest_has_none(self):
        alive = [run.told for run in self.house.runs if not run.is_over]
        for supervisors in self.house.hosting.components.values():
            for each in supervisors:
                assert (each in alive) is (each.state in ("starting", "ready", "failing", "turning", "stopping"))

    def teardown(self):
        self.house.hosting.stop(1.0)
        self.house.advance(10)
        assert self.house.running() == []
        assert [call for call in self.house.clock.getDelayedCalls() if call.active()] == []


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

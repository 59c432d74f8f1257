"""A router in memory that is watched: realms, sessions in them, and the clock."""

import re

from tests.inside.house import EVERYTHING, House
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.roles import Role, Rule
from wampd.router.observe.monitor import Monitor
from wampd.router.observe.process import Process
from wampd.router.observe.watch import Watch
from wampd.router.templates import Plan

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
"""A moment, as it is told."""
NAMED = Rule("wampd.monitor.", "prefix", frozenset({"call", "subscribe", "register", "publish"}))


class Stage(House):
    """Has the realms ``realm1`` and ``other``; the monitor of the first tells of all realms, or of its own alone."""

    def __init__(self, *, all_realms=True, **plan):
        super().__init__(**plan)
        roles = [
            Role("user", [EVERYTHING]),
            Role("watcher", [EVERYTHING, NAMED]),
            Role("operator", [NAMED, Rule("wampd.monitor.kill", allow=frozenset({"call"}))]),
            Role("forbidden", [NAMED, Rule("wampd.monitor.kill", deny=frozenset({"call"}))]),
            Role("privileged", [NAMED], privileged=True),
        ]
        self.realms.add("other", Plan(door=RealmAuth([Anonymous("user", lambda: "x")], roles)))
        process = Process(self.clock, lambda: 7)
        self.watch = Watch(
            self.clock, lambda: [shell.core for shell in self.realms.all()], self.realms.tally, process, "1.2.3"
        )
        self.monitor = Monitor(self.core, self.watch, self.realms.end_of_turn, all_realms=all_realms)
        Monitor(self.realms["other"].core, self.watch, self.realms.end_of_turn, all_realms=False)
        self.watch.start()
        self.operator = self.enter()

    @property
    def core(self):
        return self.realms["realm1"].core

    def ask(self, what, /, *args, **kwargs):
        """Call a procedure of the monitor."""
        (answer,) = self.now(self.operator.call(f"wampd.monitor.{what}", list(args), kwargs, timeout=5)).values()
        return answer

    def elsewhere(self, role="user", **more):
        """A session in the other realm, where ``watcher`` is a role that may use the monitor."""
        insider = self.insiders.enter("other", role=role, **more)
        self.turns()
        return insider

    def seconds(self, count):
        """Let the clock run, a second at a time."""
        for _ in range(count):
            self.later(1.0)

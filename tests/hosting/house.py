"""Components in memory: runs that do what a test says, on a clock that it moves."""

from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from wampd.router.hosting.hosting import Hosting, Watcher
from wampd.router.hosting.runs import Ending, Program
from wampd.router.hosting.usage import Usage
from wampd.router.settings.components import GuestComponent, Restart


class FakeRun:
    """A run that ends when it is told to."""

    def __init__(self, house, instance, told):
        self.house = house
        self.instance = instance
        self.told = told
        self.is_over = False
        self.pid = house.next_pid = house.next_pid + 1
        self.asked = 0
        self.killed = 0
        self.obeys = True

    def ask_to_end(self):
        self.asked += 1
        if self.obeys:
            self.end(signal=15)

    def kill(self):
        self.killed += 1
        self.end(signal=9)

    def end(self, status=None, signal=None):
        if not self.is_over:
            self.is_over = True
            self.told.ended(Ending(status, signal))


class House(Watcher):
    """Hosting with runs in memory: it is the starter, and the one who is told."""

    def __init__(self):
        self.clock = Clock()
        self.next_pid = 100
        self.runs = []
        self.states = []
        self.printed_lines = []
        self.trouble = None
        self.obeys = True
        self.takes = 2**20
        self.slow = None
        self.hosting = Hosting(
            self.clock,
            lambda _: self,
            chance=lambda: 0.0,
            now=self.clock.seconds,
            watcher=self,
            usage=lambda _: self.slow or succeed(Usage(self.takes, 0.0, 1)),
        )

    def start(self, instance, told):
        if self.trouble:
            raise self.trouble
        run = FakeRun(self, instance, told)
        run.obeys = self.obeys
        self.runs.append(run)
        return run

    def changed(self, supervisor):
        self.states.append((supervisor.name, supervisor.state))

    def printed(self, supervisor, line):
        self.printed_lines.append((supervisor.name, line.text))

    def have(self, *components):
        return self.hosting.change([Program(component, ("x",)) for component in components])

    def __getitem__(self, name):
        return self.hosting.instance(name)

    def running(self):
        """The names of the instances that have a run, in the order of their starts."""
        return [run.instance.name for run in self.runs if not run.is_over]

    def run_of(self, name):
        return next(run for run in self.runs if run.instance.name == name and not run.is_over)

    def advance(self, seconds):
        """Let time go by in small steps: what is due sees the time at which it is."""
        while seconds > 1e-9:
            step = min(seconds, 0.25)
            self.clock.advance(step)
            seconds -= step


def guest(name, /, **more):
    restart = more.pop("restart", {})
    return GuestComponent(name=name, command=("x",), restart=Restart(**restart), **more)

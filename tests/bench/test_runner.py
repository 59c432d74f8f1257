"""The order of a run and what becomes of routers that fail; routers and generator are stand-ins."""

from dataclasses import dataclass, field

import pytest

from bench import generator, processes
from bench.cells import select
from bench.environments import UnavailableError
from bench.generator import Load
from bench.processes import StartError
from bench.runner import Plan, Session, in_short, in_turn


@dataclass
class Up:
    """A router that is up, as far as the runner sees."""

    name: str
    alive: bool = True
    start_ms: float = 100.0
    rss_start: int = 1000


@dataclass
class Stub:
    """A router that starts, or does not."""

    name: str
    transports: tuple[str, ...] = ("ws", "rs")
    not_installed: str = ""
    start_errors: list[str] = field(default_factory=list)
    started: list[Up] = field(default_factory=list)

    def can_run(self, cell):
        return cell.transport in self.transports

    def prepare(self):
        if self.not_installed:
            raise UnavailableError(self.not_installed)

    def versions(self):
        return {self.name: "1"}

    def start(self, cpu):
        if self.start_errors:
            raise StartError(self.start_errors.pop(0))
        self.started.append(Up(self.name))
        return self.started[-1]


@pytest.fixture
def bench(monkeypatch):
    """Run a plan; what was measured in which order, what was stopped, and the results."""
    measured, stopped = [], []

    def stand_in(cell, running, load):
        measured.append((cell.key, running.name, load.cpu))
        if cell.shape.key == "topics-50" and running.name == "frail":
            running.alive = False
            return {"error": "gone"}
        return {"router_cpu_us_per_op": 1.0}

    monkeypatch.setattr(generator, "build", lambda: None)
    monkeypatch.setattr(generator, "measure", stand_in)
    monkeypatch.setattr(processes, "stop", stopped.append)

    def run(*routers, cells, rounds=1):
        plan = Plan(routers, select(cells), rounds, Load(1.0, 0.1, 0), 1)
        return Session(plan, lambda _text: None).run()

    run.measured, run.stopped = measured, stopped
    return run


def test_the_routers_take_turns_and_each_comes_first_in_some_round():
    routers = [Stub("a"), Stub("b"), Stub("c")]
    assert ["".join(router.name for router in in_turn(routers, number)) for number in range(4)] == [
        "abc", "bca", "cab", "abc",
    ]  # fmt: skip


def test_a_cell_goes_round_all_routers_before_the_next_one_begins(bench):
    bench(Stub("a"), Stub("b"), cells=["fan-10", "rpc-1/ws-json-16"], rounds=2)
    assert [(cell.split("/")[0], router) for cell, router, _ in bench.measured] == [
        ("rpc-1", "a"), ("rpc-1", "b"), ("fan-10", "a"), ("fan-10", "b"),
        ("rpc-1", "b"), ("rpc-1", "a"), ("fan-10", "b"), ("fan-10", "a"),
    ]  # fmt: skip


def test_a_router_is_spared_what_it_does_not_speak(bench):
    bench(Stub("a"), Stub("b", ("ws",)), cells=["pub-1/rs-msgpack-16"])
    assert [router for _, router, _ in bench.measured] == ["a"]


def test_every_round_starts_the_routers_anew_and_stops_them(bench):
    router = Stub("a")
    results = bench(router, cells=["fan-10"], rounds=3)
    assert len(router.started) == 3
    assert bench.stopped == router.started
    assert results["figures"]["start"]["a"]["start_ms"] == {"median": 100.0, "spread": 0.0, "rounds": 3}


def test_where_memory_is_measured_a_fresh_instance_is(bench):
    router = Stub("a")
    bench(router, cells=["sessions/ws-json-16"])
    assert len(router.started) == 2
    assert bench.stopped == [router.started[1], router.started[0]]


def test_the_generator_shares_the_core_of_the_router_only_where_it_should(bench):
    bench(Stub("a"), cells=["rpc-1/ws-json-16", "rpc-1-shared"])
    assert [cpu for _, _, cpu in bench.measured] == [0, 1]


@pytest.mark.parametrize(
    ("failing", "why"),
    [(Stub("b", not_installed="no wheel"), "cannot be installed: no wheel"),
     (Stub("b", start_errors=["port taken"]), "did not start: port taken")],
)  # fmt: skip
def test_a_router_that_cannot_be_had_is_told_and_the_run_goes_on(bench, failing, why):
    results = bench(Stub("a"), failing, cells=["fan-10"], rounds=2)
    assert results["routers"]["b"]["unavailable"] == why
    assert [router for _, router, _ in bench.measured] == ["a", "a"]


def test_a_router_that_dies_is_started_again_for_the_next_cell(bench):
    router = Stub("frail")
    results = bench(router, cells=["topics-50"])
    assert len(router.started) == 3
    assert bench.stopped == router.started
    assert [run.get("error") for run in results["runs"]] == [None, "gone", "gone"]


def test_results_name_no_machine_and_no_place(bench):
    results = bench(Stub("a"), cells=["fan-10"])
    assert set(results["machine"]) == {"cpu", "cpus", "memory_gb", "kernel", "python", "compiler", "class"}


def test_a_run_in_short_says_why_it_does_not_count():
    assert in_short({"error": "refused"}) == "does not count: refused"
    assert in_short({"router_cpu_us_per_op": 3.937, "ops_s": 250000.0}) == "3.94 µs/op, 250,000/s"

"""Running the cells: round by round, and within a round cell by cell, one router right after the other.

So what drifts on a machine (clock speed, neighbours, heat) meets all routers alike, and a ratio is taken within a
minute. Each round starts its routers anew and in another order. Cells that measure memory get an instance of their own.
"""

import os
import resource
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bench import generator, machine, processes
from bench.cells import Cell
from bench.environments import UnavailableError
from bench.figures import CPU, Figures, problem
from bench.generator import Load
from bench.processes import Running, StartError
from bench.routers import Router

Say = Callable[[str], None]

START: str = "start"
"""The cell that each start of a router fills: ``start_ms`` and ``rss_start``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    routers: Sequence[Router]
    cells: Sequence[Cell]
    rounds: int = 3
    load: Load = field(default_factory=Load)
    router_cpu: int | None = None


def default_cpus() -> tuple[int | None, int | None]:
    """The cores for router and generator: the last and the first that we may use; no pinning when there is only one."""
    cpus = sorted(os.sched_getaffinity(0))
    return (cpus[-1], cpus[0]) if len(cpus) > 1 else (None, None)


def in_turn(routers: Sequence[Router], number: int) -> list[Router]:
    """The routers in the order of this round: each comes first in some round."""
    shift = number % len(routers)
    return [*routers[shift:], *routers[:shift]]


class Session:
    """One benchmark run under way: what is up, what was measured, what cannot be."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan = plan
        self._say = say
        self._runs: list[dict[str, Any]] = []
        self._versions: dict[str, dict[str, str]] = {}
        self._unavailable: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """Measure everything; the results as they go into the file."""
        generator.build()
        _allow_many_files()
        self._prepare()
        for number in range(self._plan.rounds):
            self._say(f"round {number + 1} of {self._plan.rounds}")
            self._round(number)
        return self._results()

    def _prepare(self) -> None:
        for router in self._plan.routers:
            self._say(f"preparing {router.name}")
            try:
                router.prepare()
                self._versions[router.name] = router.versions()
            except UnavailableError as failure:
                self._give_up(router, f"cannot be installed: {failure}")

    def _give_up(self, router: Router, why: str) -> None:
        self._unavailable[router.name] = why
        self._say(f"  {router.name} {why}")

    def _round(self, number: int) -> None:
        with ExitStack() as stack:
            up: dict[str, Running] = {}
            stack.callback(_stop_all, up)
            for router in in_turn(self._plan.routers, number):
                running = self._start(router)
                if running is not None:
                    up[router.name] = running
                    self._note(router, START, number,
                               {"start_ms": round(running.start_ms, 1), "rss_start": running.rss_start})  # fmt: skip
            for cell in self._plan.cells:
                for router in in_turn(self._plan.routers, number):
                    if router.name in up and router.can_run(cell):
                        self._cell(router, cell, number, up)

    def _start(self, router: Router) -> Running | None:
        if router.name in self._unavailable:
            return None
        try:
            return router.start(self._plan.router_cpu)
        except (StartError, UnavailableError) as failure:
            self._give_up(router, f"did not start: {failure}")
            return None

    def _cell(self, router: Router, cell: Cell, number: int, up: dict[str, Running]) -> None:
        if cell.shape.fresh:
            alone = self._start(router)
            if alone is not None:
                try:
                    self._note(router, cell.key, number, generator.measure(cell, alone, self._plan.load))
                finally:
                    processes.stop(alone)
            return
        load = self._plan.load
        if cell.shape.share:
            load = replace(load, cpu=self._plan.router_cpu)
        self._note(router, cell.key, number, generator.measure(cell, up[router.name], load))
        if not up[router.name].alive:
            processes.stop(up.pop(router.name))
            self._say(f"  {router.name} died of {cell.key}")
            again = self._start(router)
            if again is not None:
                up[router.name] = again

    def _note(self, router: Router, cell: str, number: int, outcome: dict[str, Any]) -> None:
        run = {"router": router.name, "cell": cell, "round": number, **outcome}
        self._runs.append(run)
        self._say(f"  {cell:32} {router.name:10} {in_short(run)}")

    def _results(self) -> dict[str, Any]:
        plan = self._plan
        return {
            "format": 1,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "machine": machine.describe().as_dict(),
            "rounds": plan.rounds,
            "seconds": plan.load.seconds,
            "warm_up_seconds": plan.load.warm,
            "pinned": plan.router_cpu is not None and plan.load.cpu is not None,
            "routers": {
                router.name: {
                    "versions": self._versions.get(router.name, {}),
                    **({"unavailable": self._unavailable[router.name]} if router.name in self._unavailable else {}),
                }
                for router in plan.routers
            },
            "cells": {cell.key: cell.title for cell in plan.cells},
            "figures": Figures(self._runs).summary(),
            "runs": self._runs,
        }


def in_short(run: dict[str, Any]) -> str:
    """One run in a few words, for who watches."""
    why = problem(run)
    if why is not None:
        return f"does not count: {why}"
    shown = (
        (CPU, "{:.2f} µs/op"), ("ops_s", "{:,.0f}/s"), ("p50_us", "p50 {:,.0f} µs"), ("p99_us", "p99 {:,.0f} µs"),
        ("start_ms", "up after {:,.0f} ms"),
        ("sessions_s", "{:,.0f} sessions/s"), ("rss_per_session", "{:,.0f} B each"),
        ("load_s", "{:,.0f} items/s"), ("rss_per_item", "{:,.0f} B each"), ("other_cpu", "others {:.2f}"),
    )  # fmt: skip
    words = [text.format(run[key]) for key, text in shown if key in run]
    if "rss_start" in run:
        words.append(f"{run['rss_start'] / 2**20:.0f} MiB")
    return ", ".join(words)


def _stop_all(up: dict[str, Running]) -> None:
    for running in up.values():
        processes.stop(running)


def _allow_many_files() -> None:
    """Raise the limit of open files as far as one may: thousands of sessions need it, on both sides."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

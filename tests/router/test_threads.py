"""Threads for what may hang: they are started when there is work, and do not keep the process."""

import ast
import threading

import pytest
from twisted.internet.testing import MemoryReactorClock

from tests.support.process import ROOT
from wampd.router.threads import Threads

MODULES = sorted((ROOT / "wampd").rglob("*.py"))


@pytest.fixture
def threads():
    threads = Threads(MemoryReactorClock(), 1, "tried")
    yield threads
    threads.stop()


def test_what_runs_in_a_pool_cannot_keep_the_process(threads):
    seen, done = [], threading.Event()
    threads.pool.callInThread(lambda: (seen.append(threading.current_thread().daemon), done.set()))
    assert done.wait(30)
    assert seen == [True]


def test_no_class_has_a_partial_that_newer_pythons_would_take_for_a_method():
    """From 3.14 on, `partial` in a class is bound to the instance ("What's new in Python 3.13"); 3.13 warns."""
    found = [
        f"{module.relative_to(ROOT)}:{statement.lineno}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) in {"partial", "functools.partial"}
    ]
    assert len(MODULES) > 100
    assert found == []

"""What processes take of the machine, as the system tells it of those that run here."""

import os
import subprocess
import sys

import pytest

from wampd.router.hosting.usage import usage_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is only on Linux that the system tells")


def test_a_process_counts_with_what_it_has_started():
    before = usage_of(os.getpid())
    assert before.memory > 1_000_000
    assert before.cpu > 0
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        alone, together = usage_of(child.pid), usage_of(os.getpid())
    assert alone.processes == 1
    assert alone.memory > 1_000_000
    assert together.processes == before.processes + 1
    assert together.memory > alone.memory
    assert together.cpu >= before.cpu


def test_of_a_process_that_is_gone_nothing_is_told():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert usage_of(child.pid) is None

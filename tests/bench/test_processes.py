"""Starting, weighing and ending routers; a few lines of Python stand for one."""

import os
import socket
import sys
import time
from contextlib import closing

import pytest

from bench import processes
from bench.processes import StartError, descendants, free_ports, last_words, pinned, start, stop, tree_rss
from tests.support.process import is_alive

LISTENER = """
import socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True: server.accept()[0].close()
"""


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setattr(processes, "SETTLE_SECONDS", 0.0)


def launch(tmp_path, script, port, cpu=None):
    return start(
        [sys.executable, "-c", script, str(port)],
        cwd=tmp_path, environment=dict(os.environ), urls={"ws": "ws://127.0.0.1"}, ports=[port],
        log=tmp_path / "log", cpu=cpu,
    )  # fmt: skip


def test_a_router_is_up_when_its_port_is_open_and_gone_with_its_children_when_stopped(tmp_path):
    [port] = free_ports(1)
    running = launch(tmp_path, LISTENER, port)
    try:
        assert running.alive
        assert running.start_ms > 0
        child = int((tmp_path / "log").read_text())
        assert is_alive(child)
        assert running.rss_start > tree_rss(child) > 0
        with closing(socket.create_connection(("127.0.0.1", port))):
            pass
    finally:
        stop(running)
    assert not running.alive
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_router_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    with pytest.raises(StartError, match="status 3: no such realm"):
        launch(tmp_path, "print('no such realm'); raise SystemExit(3)", free_ports(1)[0])


def test_a_router_that_never_listens_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "START_SECONDS", 0.3)
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(StartError, match="port not open"):
        launch(tmp_path, script, free_ports(1)[0])
    assert not is_alive(int((tmp_path / "log").read_text()))


def test_a_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        start([str(tmp_path / "none")], cwd=tmp_path, environment={}, urls={}, ports=[], log=tmp_path / "log", cpu=None)


def test_a_pinned_child_gets_the_one_core_and_we_keep_ours(tmp_path):
    before = os.sched_getaffinity(0)
    cpu = max(before)
    with pinned(cpu):
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == before


def test_free_ports_differ():
    assert len(set(free_ports(5))) == 5


def test_the_family_of_a_process_is_all_that_came_of_it():
    assert descendants(1, {2: 1, 3: 2, 4: 9, 9: 4, 5: 3}) == {1, 2, 3, 5}


def test_the_last_words_are_the_last_line_that_says_something(tmp_path):
    log = tmp_path / "log"
    log.write_text("one\ntwo\n\n")
    assert last_words(log) == "two"
    log.write_text("")
    assert last_words(log) == "it said nothing"

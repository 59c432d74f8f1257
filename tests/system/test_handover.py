"""A router that hands over to the next process of it: nobody is refused, nothing is lost, and what fails changes nothing.

These are the promises of docs/operation.md, "A new process without a gap", and of docs/cli.md, "restart".
"""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.router.client import CALL, ERROR, GOODBYE, INVOCATION, RESULT, YIELD, Session
from tests.router.conftest import REALMS
from tests.support.needs import unavailable
from tests.support.process import Child, environment, free_port, is_alive, is_open, wampd_command
from tests.system.manager import HeardManager
from tests.system.test_service import activated, speaking

OPERATORS = "control: {socket: control.sock}\n"


@pytest.fixture
def start(start):
    """Nobody is watched after the handover: `test_probation` has that."""
    return lambda more="", realms=REALMS, **kwargs: start(more, realms=f"limits: {{probation: 0}}\n{realms}", **kwargs)


class Knocking(threading.Thread):
    """Connects again and again, and keeps count of what became of it."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.welcome = 0
        self.told_to_go: list[str] = []
        self.refused: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                with Session(self.port):
                    self.welcome += 1
            except ConnectionClosed as closed:  # after the handshake; clients come back then
                self.told_to_go.append(str(closed))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not what was promised
                self.refused.append(repr(error))

    def stop(self) -> None:
        self.enough.set()
        self.join(30)


def successor_of(router: Child) -> int:
    """The number of the process that has taken over."""
    until(lambda: len(ready(router)) > 1, 60, router.described)
    return int(ready(router)[-1])


def ready(router: Child) -> list[str]:
    """The numbers of the processes that have been ready."""
    return re.findall(r"is ready, process (\d+)", router.log())


def until(condition: Callable[[], bool], seconds: float, told: Callable[[], str] = str) -> None:
    """Wait for what comes also when the first router has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def end(pid: int, port: int) -> None:
    """Stop a router that is nobody's child."""
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_alive(pid), 35)
    assert not is_open(port)


def test_of_those_who_connect_meanwhile_not_one_is_refused(start):
    router = start()
    knocking = [Knocking(router.port) for _ in range(3)]
    for each in knocking:
        each.start()
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    before = sum(each.welcome for each in knocking)
    until(lambda: sum(each.welcome for each in knocking) >= before + 20, 30)
    for each in knocking:
        each.stop()
    end(new, router.port)
    assert new != router.pid
    assert [why for each in knocking for why in each.refused] == []
    assert [why for each in knocking for why in each.told_to_go if "1001" not in why] == []
    assert "Traceback" not in router.log()


def test_calls_under_way_are_answered_and_then_all_are_told_to_go(start):
    router = start()
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.slow")
        requests = [caller.call("com.slow") for _ in range(20)]
        invocations = [callee.receive() for _ in requests]
        router.signal(signal.SIGUSR2)
        new = successor_of(router)
        with Session(router.port) as late:
            late.register("com.slow")  # which is free there: this is the new router
        for invocation in invocations:
            assert invocation[0] == INVOCATION
            callee.send(YIELD, invocation[1], {}, ["in time"])
        assert [caller.receive() for _ in requests] == [[RESULT, each, {}, ["in time"]] for each in requests]
        for session in (caller, callee):
            assert session.receive() == [GOODBYE, {}, "wamp.close.system_shutdown"]
            session.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
        assert router.wait() == 0
    end(new, router.port)


def test_a_successor_whose_configuration_is_wrong_changes_nothing(start):
    router = start()
    good = router.config.read_text()
    with Session(router.port) as session:
        router.config.write_text(good.replace("realm1", "realm 1"))
        router.signal(signal.SIGUSR2)
        router.wait_for_log("the new router did not start: its configuration is wrong; this one goes on")
        assert is_open(router.port)
        session.register("com.still.here")
        router.config.write_text(good)
        router.signal(signal.SIGUSR2)  # and it can be tried again
        new = successor_of(router)
        assert session.receive()[0] == GOODBYE
        session.close()
    assert router.wait() == 0
    end(new, router.port)


def test_a_successor_that_is_killed_while_it_starts_changes_nothing(start):
    router = start()
    router.signal(signal.SIGUSR2)
    router.wait_for_log("the new router is started, process ")
    os.kill(int(re.findall(r"the new router is started, process (\d+)", router.log())[0]), signal.SIGKILL)
    router.wait_for_log("the new router did not start: it was ended by signal 9; this one goes on")
    with Session(router.port):
        pass
    assert router.stop() == 0


def test_a_successor_that_cannot_listen_says_why_and_changes_nothing(start):
    router = start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        more = f"  - {{endpoint: 'tcp:{taken.getsockname()[1]}:interface=127.0.0.1', rawsocket: {{}}}}\n"
        router.config.write_text(router.config.read_text() + more)
        router.signal(signal.SIGUSR2)
        router.wait_for_log("the new router did not start: not everything could be listened on; this one goes on")
    with Session(router.port):
        pass
    assert router.stop() == 0


def test_the_new_router_starts_in_what_is_now_the_directory_that_the_old_one_was_started_in(start, tmp_path):
    work = tmp_path / "release"
    work.mkdir()
    router = start(under=("sh", "-c", 'cd release; exec "$@"', "sh"))
    work.rmdir()
    router.signal(signal.SIGUSR2)
    router.wait_for_log(f"the new router cannot be started: {work}: No such file or directory; this one goes on")
    work.mkdir()
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    assert Path(f"/proc/{new}/cwd").readlink() == work
    end(new, router.port)


def test_the_pid_file_and_the_manager_follow(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start("process: {pid_file: wampd.pid}\n", NOTIFY_SOCKET=manager.name)
        assert manager.until("READY")
        router.signal(signal.SIGUSR2)
        told = manager.until("MAINPID")
        assert manager.next()["READY"] == "1"
        new = successor_of(router)
        assert told == {"MAINPID": str(new)}
        assert (tmp_path / "wampd.pid").read_text() == f"{new}\n"
        assert router.wait() == 0
        assert (tmp_path / "wampd.pid").read_text() == f"{new}\n"
        second = Child(router.command, tmp_path / "second.log", env={**os.environ, "WAMPD_PORT": "0"}, cwd=tmp_path)
        assert second.wait() == 1
        assert f"process {new} runs already" in second.log()
        end(new, router.port)
        assert manager.until("STOPPING")
        assert not (tmp_path / "wampd.pid").exists()
        manager.nothing()


def test_unix_sockets_and_those_of_the_manager_go_over_too(start, tmp_path):
    file, passed = tmp_path / "wamp.sock", tmp_path / "web.sock"
    router = start(listeners=speaking(f"unix:{file}:mode=600", "systemd:web"), under=activated(f"web={passed}"))
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    with Session(unix=file), Session(unix=passed):
        pass
    os.kill(new, signal.SIGUSR2)  # and on
    until(lambda: len(ready(router)) >= 3, 60)
    newest = successor_of(router)
    with Session(unix=file), Session(unix=passed):
        pass
    end(newest, router.port)
    assert not file.exists()
    assert passed.exists()


@pytest.mark.parametrize("endpoint", ["systemd:web", "systemd:index=0"])
def test_a_socket_whose_listener_was_taken_away_is_there_when_it_comes_back(start, endpoint):
    port = free_port()
    router = start(listeners=speaking("tcp:${WAMPD_PORT}", endpoint), under=activated(f"web={port}"))
    whole = router.config.read_text()
    gone = whole.replace(speaking(endpoint).partition("\n")[2], "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        impossible = whole + speaking(f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1").partition("\n")[2]
        for number, text in enumerate((gone, impossible, whole)):
            router.config.write_text(text)
            router.signal(signal.SIGHUP)
            router.wait_until(lambda done=number + 1: changes(router.log()) == done, "it has read that")
    assert "the configuration stays as it was: the listener tcp:" in router.log()
    with Session(port):
        pass
    router.config.write_text(gone)
    router.signal(signal.SIGHUP)
    router.wait_until(lambda: changes(router.log()) == 4, "it has read that")
    router.config.write_text(whole)
    router.signal(signal.SIGUSR2)  # the new process has it, too
    assert router.wait() == 0
    with Session(port):
        pass
    end(successor_of(router), router.port)


def changes(log: str) -> int:
    """How often the configuration was read again."""
    return log.count("was read again") + log.count("stays as it was")


def test_the_new_process_may_open_as_many_files_as_the_old_one_at_its_beginning(start, tmp_path):
    limited = ("sh", "-c", 'ulimit -Sn 200 && exec "$@"', "sh")
    component = "components: [{name: files, command: [sh, -c, 'echo files: $(ulimit -Sn); exec sleep 600']}]\n"
    router = start(component, under=limited)
    router.wait_for_log("files: 200")
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    until(lambda: router.log().count("files: files: 200") >= 2, 30, router.log)
    end(new, router.port)


def test_components_of_the_new_router_start_when_those_of_the_old_have_ended(start, tmp_path):
    script = "echo begins >>life; trap 'sleep 0.3; echo ends >>life; exit' TERM; sleep 600 & wait"
    router = start(f'components: [{{name: one, command: [sh, -c, "{script}"], directory: .}}]\n')
    life = tmp_path / "life"
    router.wait_until(lambda: life.exists() and life.read_text() == "begins\n", "the component runs")
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    until(lambda: life.read_text().count("begins") >= 2, 30)
    end(new, router.port)
    assert life.read_text() == "begins\nends\n" * 2


STUBBORN = "echo begins >>life; trap '' TERM; while [ ! -e enough ]; do sleep 0.05; done; echo ends >>life"


def test_what_is_changed_while_the_old_router_still_ends_its_components_is_used_by_the_new(start, tmp_path):
    router = start(f'components: [{{name: one, command: [sh, -c, "{STUBBORN}"], directory: .}}]\n')
    router.wait_for_log("component one started")
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    router.config.write_text(f"{router.config.read_text()}outgoing: {{requests: 7}}\n")
    os.kill(new, signal.SIGHUP)
    router.wait_for_log("changed: outgoing")
    (tmp_path / "enough").touch()
    assert router.wait() == 0
    end(new, router.port)


def test_a_change_that_the_old_router_is_asked_for_while_it_hands_over_is_made_by_the_new(start):
    router = start()
    router.signal(signal.SIGUSR2)
    router.wait_for_log("the new router is started, process ")
    router.config.write_text(f"{router.config.read_text()}outgoing: {{requests: 7}}\n")
    router.signal(signal.SIGHUP)
    new = successor_of(router)
    until(lambda: "was read again" in router.log(), 60, router.described)
    assert f"SIGHUP goes on to process {new}" in router.log()
    assert "another process listens there" not in router.log()
    assert router.wait() == 0
    end(new, router.port)


def test_of_three_routers_the_last_has_no_components_beside_those_of_the_first(start, tmp_path):
    router = start(f'components: [{{name: one, command: [sh, -c, "{STUBBORN}"], directory: .}}]\n')
    life = tmp_path / "life"
    router.wait_until(lambda: life.exists() and life.read_text() == "begins\n", "the component runs")
    router.signal(signal.SIGUSR2)
    second = successor_of(router)
    os.kill(second, signal.SIGUSR2)
    (tmp_path / "enough").touch()
    assert router.wait() == 0
    until(lambda: successor_of(router) != second and life.read_text().count("begins") >= 2, 60, router.described)
    third = successor_of(router)
    assert life.read_text().startswith("begins\nends\nbegins\n")
    end(third, router.port)


STORED = """
realms:
  - name: realm1
    roles: [{name: member, permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]}]
    auth: {ticket: {}, store: true}
"""


def test_the_store_is_the_new_routers_and_what_was_written_to_it_meanwhile_is_known(start):
    router = start("store: {file: wampd.sqlite}\n", realms=STORED)

    def add(name: str) -> str:
        command = [
            *map(str, wampd_command("user", "add", "--config", router.config, "--ticket", "--role", "member", name))
        ]
        env = environment(WAMPD_PORT=str(router.port))
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=env).stdout.split()[
            -1
        ]

    def joins(name: str, ticket: str) -> None:
        with Session(router.port, join=False) as session:
            session.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": name})
            assert session.receive()[:2] == [4, "ticket"]
            session.send(5, ticket, {})
            assert session.receive()[0] == 2

    before = add("joe")
    joins("joe", before)
    router.signal(signal.SIGUSR2)
    meanwhile = add("olga")
    new = successor_of(router)
    assert router.wait() == 0
    joins("joe", before)
    joins("olga", meanwhile)
    end(new, router.port)
    assert " error " not in router.log()


def test_an_operator_may_ask_for_it_and_learns_the_new_process(start, tmp_path):
    router = start(OPERATORS)
    with Session(unix=tmp_path / "control.sock", realm="wampd") as operator:
        request = operator.call("wampd.node.handover")
        answer = operator.receive(timeout=60)
        assert answer[:2] == [RESULT, request], answer
        new = answer[4]["pid"] if len(answer) > 4 else answer[3][0]["pid"]
    assert successor_of(router) == new
    assert router.wait() == 0
    with Session(unix=tmp_path / "control.sock", realm="wampd") as operator:
        router.config.write_text("realms: []")
        request = operator.call("wampd.node.handover")
        assert operator.receive(timeout=60) == [
            ERROR,
            CALL,
            request,
            {},
            "wampd.error.not_handed_over",
            ["the new router did not start: its configuration is wrong"],
        ]
    end(new, router.port)
    assert not (tmp_path / "control.sock").exists()


def test_the_command_restart_says_which_process_it_is_now_or_why_it_is_not(start, tmp_path):
    router = start(OPERATORS)

    def restart(*options: str) -> subprocess.CompletedProcess[str]:
        command = [*map(str, wampd_command("restart", *options))]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=environment(WAMPD_PORT=str(router.port)),
        )

    done = restart(str(router.config))
    assert done.returncode == 0, done.stderr
    new = successor_of(router)
    assert done.stdout == f"process {new} has taken over from process {router.pid}\n"
    assert router.wait() == 0
    router.config.write_text(router.config.read_text().replace("realm1", "realm 1"))
    failed = restart("--json", "--socket", str(tmp_path / "control.sock"))
    assert failed.returncode == 1
    assert "the new router did not start: its configuration is wrong" in failed.stderr
    end(new, router.port)


def test_a_router_that_is_stopped_while_it_hands_over_takes_the_new_one_with_it(start, tmp_path):
    router = start("process: {pid_file: wampd.pid}\n")
    with Session(router.port) as session:
        router.signal(signal.SIGUSR2)
        router.wait_for_log("the new router is started, process ")
        started = int(re.findall(r"the new router is started, process (\d+)", router.log())[0])
        router.signal(signal.SIGTERM)
        assert session.receive()[0] == GOODBYE
    assert router.wait() == 0
    assert not Path(f"/proc/{started}").exists() or "Z" in Path(f"/proc/{started}/stat").read_text().split()[2]
    assert not is_open(router.port)
    assert not (tmp_path / "wampd.pid").exists()


@pytest.mark.needs("unshare")
@pytest.mark.parametrize("init", [None, "tini", "podman-init"])
def test_the_process_that_a_container_was_started_with_is_not_replaced(start, tmp_path, init):
    """The container would end: it is process 1, or an init's child, with which that ends (`docker run --init`)."""
    if os.geteuid() != 0:
        unavailable("only root can make a namespace of processes; run the tests as root")
    under = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    if init is not None:
        script = tmp_path / init
        script.write_text('#!/bin/sh\n"$@"\nexit $?\n')
        script.chmod(0o755)
        under.append(str(script))
    router = start(OPERATORS, under=tuple(under))
    with Session(unix=tmp_path / "control.sock", realm="wampd") as operator:
        request = operator.call("wampd.node.handover")
        answer = operator.receive()
        assert answer[:3] == [ERROR, CALL, request]
        assert answer[4:] == [
            "wampd.error.not_handed_over",
            ["the main process of a container cannot be replaced: the container ends with it"],
        ]
    with Session(router.port):
        pass
    last = router.pid
    for _ in range(1 if init is None else 2):
        (last,) = Path(f"/proc/{last}/task/{last}/children").read_text().split()
    os.kill(int(last), signal.SIGTERM)
    assert router.wait() == 0


@pytest.mark.parametrize("times", [2])
def test_asked_twice_it_hands_over_once(start, times):
    router = start()
    for _ in range(times):
        router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    end(new, router.port)
    assert router.log().count("the new router is started") == 1


def test_what_is_to_be_changed_while_it_hands_over_is_not_lost(start):
    """A successor may have read the file before it was changed: then nobody may be told that the change holds."""
    router = start(OPERATORS)
    text = router.config.read_text()
    with Session(unix=router.config.parent / "control.sock", realm="wampd") as operator:
        router.config.write_text(f"{text}log: {{level: info")  # the new router will not start
        handover = operator.call("wampd.node.handover")
        router.wait_for_log("the new router is started, process ")
        router.config.write_text(f"{text}\noutgoing: {{requests: 7}}\n")
        change = operator.call("wampd.node.reload")
        answers = [operator.receive(60), operator.receive(60)]
    assert [answer[:1] + answer[2:3] if answer[0] == ERROR else answer[:2] for answer in answers] in (
        [[ERROR, handover], [RESULT, change]],  # in this order: one after the other
        [[RESULT, handover], [ERROR, change]],  # it came too late to be read wrong
    ), answers
    if answers[0][0] == RESULT:
        end(answers[0][3][0]["pid"], router.port)

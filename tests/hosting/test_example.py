"""The example of hosted components, and the guest in Node.js, as their page shows them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hosting.outside import ask
from tests.router.client import Session
from tests.support.needs import unavailable
from tests.support.process import ROOT, Child, environment, running_wampd, wampd_command

EXAMPLE = ROOT / "examples" / "hosted"
PAGE = (EXAMPLE / "README.md").read_text(encoding="utf-8")
CALLS = re.findall(r"```console\n\$ wampd (call [^\n]*)\n(.*?)```", PAGE.split("Alone")[0], re.DOTALL)


@pytest.fixture
def path_with_wampd(tmp_path: Path) -> str:
    """A PATH on which `wampd` is that of this interpreter."""
    program = tmp_path / "bin" / "wampd"
    program.parent.mkdir()
    command = " ".join(f"'{word}'" for word in wampd_command())
    program.write_text(f"#!/bin/sh\nPYTHONPATH='{os.environ.get('PYTHONPATH', '')}' exec {command} \"$@\"\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{environment()['PATH']}"


@pytest.fixture
def router(tmp_path: Path, path_with_wampd: str) -> Iterator[tuple[Child, int]]:
    """The router of the example, with all its components ready."""
    variables = {"PATH": path_with_wampd}
    with running_wampd(EXAMPLE / "config.yaml", tmp_path / "wampd.log", env=variables) as (wampd, port):
        for said in ("words: Good day, words!", "counter: counting in realm1 as counter", "load: the load is "):
            wampd.wait_for_log(said)
        yield wampd, port


def test_the_page_shows_calls() -> None:
    assert len(CALLS) == 2


def test_the_components_of_the_example_serve_as_the_page_shows(router: tuple[Child, int]) -> None:
    wampd, port = router
    for command, printed in CALLS:
        url = ["--url", f"ws://127.0.0.1:{port}/ws"]
        words = re.findall(r'"([^"]*)"|(\S+)', command)
        arguments = [quoted or plain for quoted, plain in words]
        done = subprocess.run(
            wampd_command(*arguments, *url), env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")
    with Session(port) as session:
        session.send(32, 1, {}, "com.example.count")
        session.receive()
        event = session.receive()
        assert event[0] == 36
        assert event[4][0] % 10 == 0
    joined = re.findall(r"\((\w+), component, unix\) joined", wampd.log())
    assert {"greeting", "words", "counter", "load"} <= set(joined)


@pytest.mark.parametrize("script", ["greeting.py", "words.py", "counter.py"])
def test_each_of_them_runs_alone(script: str, router: tuple[Child, int], tmp_path: Path) -> None:
    wampd, port = router
    alone = tmp_path / script
    alone.write_text((EXAMPLE / script).read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    component = Child([sys.executable, alone], tmp_path / "alone.log", env=environment(PYTHONWARNINGS="ignore"))
    try:
        wampd.wait_until(
            lambda: re.search(r"\([\w-]+, anonymous, 127.0.0.1\) joined", wampd.log()) is not None, "it joined"
        )
    finally:
        component.kill()


@pytest.mark.needs("node")
def test_a_guest_in_node_joins_by_what_stands_in_its_environment(tmp_path: Path) -> None:
    if not (ROOT / "examples" / "hello" / "node_modules" / "autobahn").is_dir():
        unavailable("the npm packages of examples/hello are missing; run: tools/setup node")
    with running_wampd(EXAMPLE / "node.yaml", tmp_path / "wampd.log") as (wampd, port):
        wampd.wait_for_log("(node, component, unix) joined")
        wampd.wait_until(lambda: "node: Node component joined realm1" in wampd.log(), "it says so")
        assert ask(SimpleNamespace(port=port), "com.example.reverse", "abc") == "cba"


@pytest.mark.needs("go")
def test_a_guest_in_go_speaks_for_itself_over_the_private_socket(tmp_path: Path) -> None:
    formatted = subprocess.run(["gofmt", "-l", EXAMPLE / "reverse.go"], capture_output=True, text=True, check=True)
    assert formatted.stdout == ""
    with running_wampd(EXAMPLE / "go.yaml", tmp_path / "wampd.log", env={"GOFLAGS": "", "GO111MODULE": ""}) as (
        wampd,
        port,
    ):
        wampd.wait_for_log("reverse: serving com.example.reverse")
        router = SimpleNamespace(port=port)
        assert ask(router, "com.example.reverse", "Straße") == "eßartS"
        for wrong in ([7], [], ["one", "two"]):
            assert ask(router, "com.example.reverse", *wrong) == "wamp.error.invalid_argument"
        assert ask(router, "com.example.reverse", "") == ""
        assert "(reverse, component, unix) joined" in wampd.log()
    assert "component reverse failed" not in wampd.log()

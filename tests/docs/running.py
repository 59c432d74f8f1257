"""Runs the blocks of a page, one after the other, in a directory of their own.

Rules
-----
* ``console``: each line that begins with ``$`` is run by bash and has to succeed (`status` says otherwise); the lines below it
  are what it prints, where ``…`` stands for anything, and ids and moments are others. Standard error counts as printed.
* ``yaml`` is a configuration or a part of one, and has to pass ``wampd check``; ``python``, ``js`` and ``sh`` are run to their
  end; ``json`` (one document, or one a line) and ``toml`` have to be readable. ``text`` is what is no program: what is in a
  log, a sketch. A block without a language is none.
* What needs a program that is not here is left out; the test says so when the rest of the page has been run.
* ``wampd run`` goes on until the page's next router; so does what is said to be in the background.
* Ports on the page (`PORTS`) are others here, so that pages can be run side by side; in what is printed they are those of
  the page.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.docs.configurations import make, whole
from tests.docs.pages import Block, blocks_of
from tests.support.needs import is_there
from tests.support.process import ROOT, Child, environment, free_port, wampd_command
from tests.support.terminals import at_a_terminal

PORTS = re.compile(r"(?<=[:=])(8080|8081|8443|9000|9001|9090)\b")
ROUTER = re.compile(r"(?P<variables>(?:\w+=\S* )*)wampd run\b")
"""A command that goes on until the page's next router."""
COMMAND = re.compile(
    r"^\s*(?:\$ |(?:sudo |export )?(?:wampd|curl|docker|python3?|pip|node|npm|make|journalctl|systemctl) )",
    re.MULTILINE,
)
"""What makes a line a command, whatever its block is called."""
TIMEOUT = 60.0
"""Seconds that one command may take."""
ANYTHING = "…"


class PageRun:
    """One page, being run."""

    def __init__(self, directory: Path, programs: Path) -> None:
        """``programs`` is a directory for the commands that pages call."""
        self.missing: set[str] = set()
        """Programs without which some of it was left out."""
        self._stack = ExitStack()
        self._home = self._directory = directory
        self._ports: dict[str, str] = {}
        self._router: Child | None = None
        self._count = 0
        self._configurations: set[Path] = set()
        self._printed = ""
        _install(programs)
        (programs / ".curlrc").write_text("silent\nshow-error\n", encoding="utf-8")
        path = os.pathsep.join([str(programs), environment()["PATH"]])
        runtime = directory.parent / "run"
        runtime.mkdir(exist_ok=True)
        changes = {"PATH": path, "XDG_RUNTIME_DIR": str(runtime), "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
        self._env = {**environment(), **changes, "XDG_CONFIG_HOME": str(directory.parent / "home")}
        self._env |= {
            "CURL_HOME": str(programs),
            "WAMPD_PORT": self.here(":8080")[1:],
            **dict.fromkeys(("WAMP_URL", "WAMPD_URL"), self.here("ws://127.0.0.1:8080/ws")),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, block: Block) -> None:
        """Run one block. Raise `AssertionError` if it does not do what the page says."""
        for each in _listed(block, "env"):
            name, _, value = each.partition("=")
            self._env[name] = self.here(value)
        if block.has("terminal"):
            self._directory = self._home
        make(_listed(block, "with"), self._directory)
        text = self.here(block.text)
        if block.has("file"):
            self._write(block, text)
        if block.has("output"):
            self._compare(block, self._printed, block.text)
        elif block.language in RUNNERS:
            RUNNERS[block.language](self, block, text)
        else:
            known = block.language and block.has("file")
            assert known, f"{block}: nobody knows how to run {block.language or 'a block without a language'}"

    # ---------------------------------------------------------------------------------------------------- by language

    def _console(self, block: Block, text: str) -> None:
        commands = list(_commands(text))
        assert commands, f"{block}: no line begins with $"
        for index, (command, shown) in enumerate(commands):
            if router := ROUTER.match(command):
                self._route(["bash", "-c", f"{router['variables']} exec {command[router.end('variables') :]}"])
                continue
            if place := re.fullmatch(r"cd (\S+)", command):
                self._directory = (self._directory / place[1]).resolve()
                continue
            is_last = index == len(commands) - 1
            if block.has("background"):
                ready = shown.strip() or block.words["background"]
                assert ready, f"{block}: say below the command what it prints when it is ready"
                self._begin(["bash", "-c", command]).wait_for_log(ready)
                continue
            status, printed = self._execute(block, command)
            wanted = int(block.words.get("status") or 0) if is_last else 0
            assert status == wanted, f"{block}: $ {command}\nended with status {status}\n{printed}"
            self._printed = self._there(printed)
            if shown:
                self._compare(block, self._printed, self._there(shown))

    def _yaml(self, block: Block, text: str) -> None:
        name = block.words.get("file", "config.yaml")
        if not name.startswith("config") and not block.has("router") and not block.has("part"):
            for configuration in self._configurations:  # what comes later on the page is checked with it then
                if name in configuration.read_text(encoding="utf-8"):
                    self._check(block, configuration)
            return
        configuration = self._directory / (block.words.get("file") or f"config-{block.line}.yaml")
        configuration.write_text(whole(text, block.words.get("part", "")), encoding="utf-8")
        self._check(block, configuration)
        self._configurations.add(configuration)
        if block.has("router"):
            self._start(configuration)

    def _check(self, block: Block, configuration: Path) -> None:
        checked = self._ended(wampd_command("check", configuration))
        assert checked.returncode == 0, f"{block}: {checked.stdout}"

    def _python(self, block: Block, text: str) -> None:
        if block.has("syntax"):
            compile(text, str(block), "exec")
        else:
            self._program(block, text, ".py", [sys.executable])

    def _js(self, block: Block, text: str) -> None:
        if block.has("syntax"):
            file = self._write(block, text, ".mjs")
            checked = self._ended(["node", "--check", file])
            assert checked.returncode == 0, f"{block}: {checked.stdout}"
        else:
            self._program(block, text, ".mjs", ["node"])

    def _sh(self, block: Block, text: str) -> None:
        self._program(block, text, ".sh", ["bash", "-eu"])

    def _program(self, block: Block, text: str, suffix: str, runner: list[str]) -> None:
        file = self._write(block, text, suffix)
        if block.has("background"):
            self._begin([*runner, str(file)]).wait_for_log(block.words["background"])
        elif not block.has("file"):
            done = self._ended([*runner, file])
            wanted = int(block.words.get("status") or 0)
            assert done.returncode == wanted, f"{block}: ended with status {done.returncode}\n{done.stdout}"
            self._printed = self._there(done.stdout)

    def _json(self, block: Block, text: str) -> None:
        try:
            json.loads(text)
        except ValueError:
            for document in text.strip().splitlines():
                json.loads(document)

    def _toml(self, _block: Block, text: str) -> None:
        tomllib.loads(text)

    def _text(self, block: Block, text: str) -> None:
        assert not COMMAND.search(text), f"{block}: this holds a command, say ```console"
        if block.has("log"):
            assert self._router is not None, f"{block}: no router runs that could log this"
            pattern = re.compile(".*".join(_pattern(line) for line in text.splitlines()), re.DOTALL)
            self._router.wait_until(lambda: bool(pattern.search(_typical(self._logged()))), f"{block} is logged")

    # ------------------------------------------------------------------------------------------------------ processes

    def _start(self, configuration: Path) -> None:
        """Start a router; the one before is stopped."""
        self._route([str(word) for word in wampd_command("run", configuration)])

    def _route(self, command: list[str]) -> None:
        if self._router is not None:
            assert self._router.stop() == 0, self._router.described()
        self._router = self._begin(command)
        self._router.wait_for_log("is ready")
        socket = Path(self._env["XDG_RUNTIME_DIR"]) / "wampd" / f"{self._router.pid}.sock"
        asked: list[str | Path] = ["wampd", "status", "--socket", socket]
        self._router.wait_until(lambda: self._ended(asked).returncode == 0, "components are ready, too")

    def _begin(self, command: list[str]) -> Child:
        """Start what goes on while the page is run."""
        self._count += 1
        log = self._directory.parent / f"{self._count}.log"
        child = Child(command, log, env=self._env, cwd=self._directory)
        self._stack.callback(lambda: child.stop() if child.is_running else None)
        return child

    def _ended(self, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self._directory,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def _execute(self, block: Block, command: str) -> tuple[int, str]:
        """Run one command line; its status, and what it has printed."""
        if block.has("type"):
            return typed(["bash", "-c", command], _listed(block, "type"), self._env, self._directory)
        done = self._ended(["bash", "-uo", "pipefail", "-c", command])
        return done.returncode, done.stdout

    def _logged(self) -> str:
        return "" if self._router is None else self._router.log()

    # --------------------------------------------------------------------------------------------------- in the small

    @property
    def directory(self) -> Path:
        """Where the page has got to."""
        return self._directory

    def _write(self, block: Block, text: str, suffix: str = "") -> Path:
        file = self._directory / (block.words.get("file") or f"block-{block.line}{suffix}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o700 if text.startswith("#!") else 0o600)
        return file

    def _compare(self, block: Block, printed: str, shown: str) -> None:
        found = re.fullmatch(_pattern(shown), _typical(printed), re.DOTALL)
        assert found, f"{block}: the page shows\n{shown}\nbut this was printed:\n{printed}"

    def here(self, text: str) -> str:
        """What stands on the page, with the ports that are its own here."""

        def port(found: re.Match[str]) -> str:
            return self._ports.setdefault(found[0], str(free_port()))

        return PORTS.sub(port, text)

    def _there(self, text: str) -> str:
        """What was printed, with the ports and places of the page."""
        for theirs, ours in self._ports.items():
            text = re.sub(rf"\b{ours}\b", theirs, text)
        return text.replace(f"{self._home}/", "")


RUNNERS: Mapping[str, Callable[[PageRun, Block, str], None]] = {
    "console": PageRun._console,
    "yaml": PageRun._yaml,
    "python": PageRun._python,
    "js": PageRun._js,
    "sh": PageRun._sh,
    "json": PageRun._json,
    "toml": PageRun._toml,
    "text": PageRun._text,
}


def run_page(page: Path, scratch: Path) -> set[str]:
    """Run all blocks of a page; return the programs that are missing for some. Raise `AssertionError` or `ValueError`."""
    with followed(page, scratch) as run:
        return run.missing


@contextmanager
def followed(page: Path, scratch: Path) -> Iterator[PageRun]:
    """Run all blocks of a page; what it has started goes on until the end of the context. ``scratch`` is a directory."""
    directory = scratch / "here"
    directory.mkdir()
    examples_in(directory)
    with PageRun(directory, scratch / "bin") as run:
        for block in blocks_of(page):
            absent = {program for program in _listed(block, "needs") if not is_there(program)}
            run.missing |= absent
            if block.has("shown-by"):
                _shown_elsewhere(block)
            elif not absent:
                run.run(block)
        yield run


def _shown_elsewhere(block: Block) -> None:
    """See that the test that is said to run a block is there, and that it names the page or each program of the block."""
    test = ROOT / block.words["shown-by"]
    assert test.is_file(), f"{block}: there is no {test}"
    text = test.read_text(encoding="utf-8")
    page = os.path.relpath(block.page, ROOT)
    programs = re.findall(r"(?:make |examples/)([\w./]+)", block.text)
    named = page in text or (bool(programs) and all(Path(program).name in text for program in programs))
    assert named, f"{block}: {test} names neither the page nor {programs}"


def _pattern(shown: str) -> str:
    """What is shown as a regular expression, for what is printed."""
    return ".*?".join(re.escape(part) for part in _typical(shown).split(ANYTHING))


def _typical(printed: str) -> str:
    """What is printed, where ids and moments are what they are anywhere."""
    printed = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", "(moment)", printed.strip())
    printed = re.sub(r"\b([a-z]{3,4})?[0-9a-f]{20,}\b", "(id)", printed)
    return re.sub(r"\b\d{9,}\b", "(id)", printed)


def typed(command: list[str], lines: list[str], env: Mapping[str, str], directory: Path) -> tuple[int, str]:
    """Run a command on a terminal, and type a line whenever it asks; its status, and what was on the terminal."""
    child, terminal = at_a_terminal(command, env, directory)
    seen, answered, waiting, deadline = b"", 0, list(lines), time.monotonic() + TIMEOUT
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 0.2)
            if ready:
                try:
                    data = os.read(terminal, 4096)
                except OSError:  # the other end is closed: EIO on Linux
                    break
                if not data:
                    break
                seen += data
            elif waiting and len(seen) > answered and seen.rstrip(b" ").endswith((b":", b"?", b"]")):  # it asks
                answered = len(seen)  # a password is not echoed: the same question is not asked again
                os.write(terminal, waiting.pop(0).encode() + b"\n")
        else:
            child.kill()
            raise AssertionError(f"{command} did not end; on the terminal: {seen.decode()}")
    finally:
        os.close(terminal)
        status = child.wait(TIMEOUT)
    return status, seen.decode("utf-8", "replace").replace("\r\n", "\n")


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """The command lines of a console block, each with what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        count = 1
        while lines[count - 1].rstrip("\n").endswith("\\"):
            count += 1
        yield "".join(lines[:count]).strip(), "".join(lines[count:])


def _listed(block: Block, word: str) -> list[str]:
    return [each for each in block.words.get(word, "").split(",") if each]


def _install(programs: Path) -> None:
    """Give pages the ``wampd`` and the ``python`` that are tested."""
    programs.mkdir(exist_ok=True)
    there = os.environ.get("PYTHONPATH")  # which a hosted component does not have
    found = f"PYTHONPATH={shlex.quote(there)} " if there else ""
    for name, command in (("wampd", f'"{sys.executable}" -P -m wampd'), ("python", f'"{sys.executable}"')):
        script = programs / name
        script.write_text(f'#!/bin/sh\n{found}exec {command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


def examples_in(directory: Path) -> None:
    """Let commands that name files of the repository find them."""
    for name in ("examples", "config.yaml"):
        target = ROOT / name
        if target.is_dir():
            shutil.copytree(target, directory / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(target, directory / name)

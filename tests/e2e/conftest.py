"""The router with the demo page, the components of examples/hello, and a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.needs import unavailable
from tests.support.process import ROOT, START_TIMEOUT, Child, environment, running_wampd

HELLO = ROOT / "examples" / "hello"
SHIPPED_CONFIG = ROOT / "config.yaml"

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = START_TIMEOUT * 1000  # for anything: a page may wait for a component that has just been started
expect.set_options(timeout=PATIENCE_MS)

PROGRAMS: dict[str, list[str | Path]] = {
    "twisted": [sys.executable, HELLO / "component_twisted.py"],
    "asyncio": [sys.executable, HELLO / "component_asyncio.py"],
    "node": ["node", HELLO / "component_node.js"],
}


@dataclass(frozen=True)
class Router:
    """A running router that serves the demo page."""

    process: Child
    port: int

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def url(self, transport: str) -> str:
        """Where a client connects that speaks ``websocket`` or ``rawsocket``."""
        return {"websocket": f"ws://127.0.0.1:{self.port}/ws", "rawsocket": f"tcp://127.0.0.1:{self.port}"}[transport]


def config_without_components(directory: Path) -> Path:
    """The shipped config.yaml without its components, written to `directory`; paths in it become absolute."""
    config: dict[str, Any] = yaml.safe_load(SHIPPED_CONFIG.read_text(encoding="utf-8"))
    del config["components"]
    for listener in config["listeners"]:
        for path in listener["http"].values():
            if "directory" in path:
                path["directory"] = str(ROOT / path["directory"])
    written = directory / "config.yaml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    return written


def need_packages_of(name: str) -> None:
    """Go on only if the component can run."""
    if name == "node" and not (HELLO / "node_modules" / "autobahn").is_dir():
        unavailable("the npm packages of examples/hello are missing; run: tools/setup node")


@pytest.fixture
def run_component(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts components; all are stopped at the end, with exit status 0."""
    with ExitStack() as running:

        def run(name: str, url: str, serializer: str = "json", **variables: str) -> Child:
            need_packages_of(name)
            env = environment(WAMP_URL=url, WAMP_SERIALIZER=serializer, **variables)
            return running.enter_context(Child(PROGRAMS[name], tmp_path / f"{name}.log", env=env))

        yield run


@pytest.fixture
def run_refused() -> Callable[[str, Mapping[str, str]], str]:
    """Runs a component that must end by itself with an error; returns what it wrote on standard error."""

    def run(name: str, variables: Mapping[str, str]) -> str:
        need_packages_of(name)
        done = subprocess.run(
            PROGRAMS[name],
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            check=False,
        )
        assert done.returncode in (1, 2)
        message: str = done.stderr
        return message

    return run


@pytest.fixture
def start_router(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    """Starts routers with the shipped configuration, by default without its components."""
    with ExitStack() as running:

        def start(*, port: int | None = None, with_components: bool = False) -> Router:
            config = SHIPPED_CONFIG if with_components else config_without_components(tmp_path)
            return Router(*running.enter_context(running_wampd(config, tmp_path / "wampd.log", port=port)))

        yield start


@pytest.fixture
def router(start_router: Callable[..., Router]) -> Router:
    """A router of this test alone, without components."""
    return start_router()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium of the system, with a home of its own."""
    home = {"HOME": str(tmp_path_factory.mktemp("home"))}
    variables: Mapping[str, str | float | bool] = {**os.environ, **home}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=system_chromium(),
            args=CHROMIUM_FLAGS,
            env=dict(variables),
            headless=True,
            timeout=PATIENCE_MS,
        )
        yield chromium
        chromium.close()


def system_chromium() -> str:
    found = shutil.which("chromium")
    assert found is not None, "a test that uses the browser is marked needs('chromium')"
    return found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new, empty page. An exception in a script of the page fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    new_page = context.new_page()
    new_page.on("pageerror", lambda error: errors.append(str(error)))
    yield new_page
    context.close()
    assert errors == []

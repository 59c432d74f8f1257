"""A router in a process of its own, with whatever configuration a test writes."""

import signal
import textwrap

import pytest

from tests.support.overheard import overheard, warning
from tests.support.process import Child, environment, free_port, wampd_command

REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
    auth: {anonymous: {role: anonymous}}
"""
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}, /echo: {type: echo}}
    rawsocket: {}
    limits: {close_timeout: 1 s}
"""
READ_AGAIN = "was read again"
PATIENT = "limits: {drain: 50 s, stop: 80 s}\n"
HALF = 25
"""Seconds that what is under way has then: what ends before that was not waited for, however busy the machine is."""


class Router(Child):
    """``wampd run`` with a configuration of its own."""

    def __init__(self, directory, more="", *, listeners=LISTENERS, realms=REALMS, under=(), ready=True, **variables):
        """``under``: a command that becomes the router; ``ready``: wait until its log says so."""
        self.port = free_port()
        self.directory = directory
        self.config = directory / "wampd.yaml"
        self.config.write_text(realms + textwrap.dedent(listeners) + textwrap.dedent(more))
        super().__init__(
            [*under, *wampd_command("run", self.config)],
            directory / f"wampd-{self.port}.log",
            env=environment(WAMPD_PORT=str(self.port), **variables),
            cwd=directory,
        )
        if ready:
            self.wait_for_log("is ready")

    def reload(self, *changes, file="wampd.yaml"):
        """Change texts in a file; the configuration is in use afterwards."""
        text = (self.directory / file).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        write(self.directory / file, text)
        before = self.log().count(READ_AGAIN)
        self.signal(signal.SIGHUP)
        self.wait_until(lambda: self.log().count(READ_AGAIN) > before, "the configuration is in use")


def write(file, text):
    """Put a file in place as a careful administrator does."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.rename(file)


@pytest.fixture
def start(tmp_path):
    """Starts routers, which are gone at the end whatever happens."""
    started = []

    def start(more="", *, directory=tmp_path, **kwargs):
        router = Router(directory, more, **kwargs)
        started.append(router)
        return router

    yield start
    for router in started:
        router.kill()


@pytest.fixture
def caught_log():
    """What the router warns of and worse, as events."""
    with overheard(warning) as events:
        yield events

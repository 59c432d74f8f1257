"""A router that runs for the tests of client commands, and the commands as a shell gives them."""

import json
import os
import subprocess
import sys
import threading
from typing import NamedTuple

from tests.support.process import START_TIMEOUT, environment

CONFIG = """
control: {{socket: {directory}/control.sock}}
realms:
  - name: realm1
    monitor: {{}}
    history: [{{uri: com.example.kept}}]
    roles:
      - name: guest
        permissions:
          - {{uri: com.example., match: prefix, allow: [call, register, publish, subscribe], disclose: on_request}}
          - {{uri: wamp.subscription., match: prefix, allow: [call]}}
          - {{uri: wamp.subscription.remove_subscriber, allow: [call]}}
          - {{uri: wampd.monitor., match: prefix, allow: [call]}}
      - name: user
        permissions:
          - {{uri: com.example., match: prefix, allow: [call, register, publish, subscribe]}}
    auth:
      anonymous: {{role: guest}}
      ticket: {{}}
      cryptosign: {{}}
      principals:
        - {{authid: joe, role: user, ticket: hunter2-ticket}}
        - {{authid: kim, role: user, keys: [{key}]}}
listeners:
  - endpoint: tcp:${{WAMPD_PORT:-8080}}:interface=127.0.0.1
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
"""


class Done(NamedTuple):
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def value(self):
        """What it printed, which is JSON."""
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def lines(self):
        """The JSON values that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Running:
    """A command that runs: its lines as they come."""

    def __init__(self, command, env, stdin=None):
        self.process = subprocess.Popen(
            command,
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            text=True,
        )
        self.err = ""
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._told:
                self.err += line
                self._told.notify_all()

    def wait_for(self, text):
        """Wait until the standard error has it."""
        with self._told:
            assert self._told.wait_for(lambda: text in self.err, START_TIMEOUT), self.err

    def line(self):
        """The next line of standard output."""
        return self.process.stdout.readline()

    def end(self, number=None):
        """Its status, after a signal if one is named."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(START_TIMEOUT)
        self._reader.join(START_TIMEOUT)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class Shell:
    """The commands, with a router that they find by the environment."""

    def __init__(self, directory, port, process):
        self.directory, self.port, self.router = directory, port, process
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.rs = f"rs://127.0.0.1:{port}"

    def env(self, **more):
        """The environment of commands: nothing of the user's own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WAMPD_")}
        plain = {**environment(), **kept, "XDG_CONFIG_HOME": str(self.directory / "none"), "WAMPD_URL": self.url}
        return {name: value for name, value in {**plain, **more}.items() if value is not None}

    def command(self, *words):
        return [sys.executable, "-P", "-m", "wampd", *map(str, words)]

    def __call__(self, *words, stdin="", **env):
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            env=self.env(**env),
            timeout=START_TIMEOUT,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words, stdin=None, **env):
        return Running(self.command(*words), self.env(**env), stdin)

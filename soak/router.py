"""A router in a process of its own: started, weighed, told of another configuration, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.support.ports import free_port

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 35.0
"""The router's own hard stop is at 30."""
WATCHED: Final = Path(__file__).with_name("watched.py")
ALL: Final = ["call", "register", "publish", "subscribe"]
ANYTHING: Final = [
    {"uri": "", "match": "prefix", "allow": ALL},
    {"uri": "wamp.session.add_testament", "allow": ["call"]},
]
TICKET: Final = "hunter2-of-the-soak"
MEBI: Final = 2**20
_OVER: Final = ("06", "0A")
"""In proc(5), ``net/tcp``: TIME_WAIT, which no process has any more, and LISTEN."""


class SoakError(Exception):
    """Something that was asserted is not so, or cannot be found out; the text says what."""


def settings(**more: Any) -> dict[str, Any]:
    """A configuration: a realm open to anonymous clients and to ten by ticket, a port, all limits as by default."""
    return {
        "realms": [
            {
                "name": "realm1",
                "roles": [{"name": name, "permissions": ANYTHING} for name in ("anonymous", "user")],
                "auth": {
                    "anonymous": {"role": "anonymous"},
                    "ticket": {},
                    "principals": [
                        {"authid": f"user{number}", "role": "user", "ticket": TICKET} for number in range(10)
                    ],
                },
            }
        ],
        "listeners": [
            {
                "endpoint": "tcp:${WAMPD_PORT}:interface=127.0.0.1",
                "websocket": {"/ws": {"type": "wamp"}},
                "rawsocket": {"serializers": ["json", "msgpack", "cbor"]},
            }
        ],
        **more,
    }


class Router:
    """``wampd run``; what it writes is in a file, unless somebody else takes it."""

    def __init__(
        self,
        directory: Path,
        configuration: Mapping[str, Any] | None = None,
        *,
        descriptors: int | None = None,
        output: int | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.file = directory / "config.yaml"
        self.configuration: dict[str, Any] = {**(configuration or settings())}
        self.port = free_port()
        self._descriptors = descriptors
        self._output = output
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.write()

    # ------------------------------------------------------------------------------------------------------------ life

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        ready = self.log().count(" is ready")
        self.launch()
        self.wait_until(lambda: self.log().count(" is ready") > ready, "it is ready", START_SECONDS)

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        limit = f"ulimit -n {self._descriptors}; " if self._descriptors is not None else ""
        command = ["/bin/sh", "-c", f'{limit}exec "$0" "$@"', sys.executable, "-P", str(WATCHED), "run", str(self.file)]
        runtime = self.directory / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        variables = {
            **os.environ,
            "WAMPD_PORT": str(self.port),
            "XDG_RUNTIME_DIR": str(runtime),
            "PYTHONUNBUFFERED": "1",
            "SOAK_OBJECTS": str(self.directory / "objects.json"),
        }
        with self._log.open("ab") as log:
            output = log.fileno() if self._output is None else self._output
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables, cwd=self.directory
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process; `SoakError` if there is none."""
        if self._process is None:
            raise SoakError("the router was not started")
        return self._process

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; the exit status."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SoakError(f"the router did not end within {STOP_SECONDS:.0f} s of SIGTERM") from None

    # --------------------------------------------------------------------------------------------------- configuration

    def write(self) -> None:
        """Write the configuration, which is YAML in the form of JSON."""
        self.file.write_text(json.dumps(self.configuration, indent=1))

    def reload(self, configuration: Mapping[str, Any]) -> None:
        """Have another configuration used; return when it is."""
        self.configuration = {**configuration}
        self.write()
        before = self.log().count("was read again")
        self.signal(signal.SIGHUP)
        self.wait_until(
            lambda: self.log().count("was read again") > before, "the configuration is in use", START_SECONDS
        )

    # --------------------------------------------------------------------------------------------------- what it is like

    def log(self) -> str:
        """All that it wrote."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for something; `SoakError` if it does not come, or the router ends before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise SoakError(
                    f"the router ended with status {self.process.returncode} before: {what}{self.end_of_log()}"
                )
            if time.monotonic() > deadline:
                raise SoakError(f"not within {seconds:.0f} s: {what}{self.end_of_log()}")
            time.sleep(0.01)

    def end_of_log(self) -> str:
        """The last lines, for messages."""
        return "".join(f"\n  | {line}" for line in self.log().splitlines()[-20:])

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def connections(self) -> int:
        """Connections to its port that it has not closed, those included that it has not accepted yet."""
        rows = (line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:])
        return sum(int(row[1].rpartition(":")[2], 16) == self.port and row[3] not in _OVER for row in rows)

    def is_left(self) -> None:
        """Wait until all clients have gone, so that what it is then can be a measure."""
        self.wait_until(lambda: not self.connections(), "all connections are closed", 30)

    def files(self) -> int:
        """Open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self) -> float:
        """CPU seconds used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def objects(self) -> Counter[str]:
        """How many objects there are of each type, after a collection; that takes a moment."""
        file = self.directory / "objects.json"
        file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGRTMIN)
        self.wait_until(file.exists, "the objects are counted", 30)
        return Counter(json.loads(file.read_text()))


@contextmanager
def running(directory: Path, configuration: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Router]:
    """A router for the time of a block: it ends with status 0 and no traceback in its log."""
    router = Router(directory, configuration, **options)
    try:
        router.start()
        yield router
        status = router.stop() if router.process.poll() is None else router.process.returncode
        if status != 0:
            raise SoakError(f"exit status {status}{router.end_of_log()}")
        if "Traceback" in router.log():
            raise SoakError(f"a traceback is in the log: {router.directory / 'log'}")
    finally:
        with suppress(SoakError):
            router.kill()

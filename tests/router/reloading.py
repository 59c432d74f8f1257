"""A router that runs, whose configuration a test changes."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tests.router.client import Session
from tests.support.process import Child, running_wampd

WRITTEN = "was read again"
REFUSED = "the configuration stays as it was"


class Operator:
    """RawSocket in JSON on the private socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._socket.sendall(b"\x7f\xf1\0\0")
        assert self._read(4)[:1] == b"\x7f"
        self._say(1, "wampd", {"roles": {"caller": {}}})
        heard = self._hear()
        assert heard[0] == 2, heard

    def call(self, procedure: str) -> Any:
        """The result; of an ERROR, its URI and its first argument."""
        self.ask(procedure)
        return self.answer()

    def ask(self, procedure: str) -> None:
        """Call a procedure."""
        self._say(48, 1, {}, procedure)

    def answer(self) -> Any:
        """What comes of it."""
        answer = self._hear()
        return (answer[4], answer[5][0]) if answer[0] == 8 else answer[3][0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _say(self, *message: Any) -> None:
        payload = json.dumps(message).encode()
        self._socket.sendall(struct.pack(">I", len(payload)) + payload)

    def _hear(self) -> Any:
        return json.loads(self._read(struct.unpack(">I", self._read(4))[0]))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            assert part, "the router closed the connection"
            data += part
        return data


class Router:
    """``wampd run``, and its configuration."""

    def __init__(self, process: Child, port: int, file: Path, runtime: Path) -> None:
        self.process = process
        self.port = port
        self.file = file
        self._runtime = runtime

    def operator(self) -> Operator:
        """Somebody who may operate it."""
        return Operator(self._runtime / "wampd" / f"{self.process.pid}.sock")

    def write(self, text: str) -> None:
        """Write another configuration, which nobody reads yet."""
        self.file.write_text(text)

    def edit(self, *changes: tuple[str, str]) -> None:
        """Write the configuration with something in place of something else."""
        text = self.file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.file.write_text(text)

    def reload(self, *changes: tuple[str, str]) -> None:
        """Edit, and send SIGHUP; the configuration is in use afterwards."""
        self.edit(*changes)
        before = len(self.process.log())
        self.process.signal(signal.SIGHUP)

        def is_over() -> bool:
            said = self.process.log()[before:]
            assert REFUSED not in said, said
            return WRITTEN in said

        self.process.wait_until(is_over, "the configuration is in use")

    def refuses(self, *changes: tuple[str, str]) -> str:
        """Edit, and send SIGHUP; what the log says of why the configuration is not used."""
        self.edit(*changes)
        before = len(self.process.log())
        self.process.signal(signal.SIGHUP)
        self.process.wait_until(lambda: REFUSED in self.process.log()[before:], "the configuration is refused")
        said = self.process.log()[before:]
        return said[said.index(REFUSED) :]

    def session(self, **options: Any) -> Session:
        return Session(self.port, **options)


@contextlib.contextmanager
def a_router(tmp_path: Path, text: str) -> Iterator[Router]:
    """A router with this configuration."""
    file, runtime = tmp_path / "config.yaml", tmp_path / "r"
    runtime.mkdir()
    file.write_text(text)
    with running_wampd(file, tmp_path / "wampd.log", env={"XDG_RUNTIME_DIR": str(runtime)}) as (process, port):
        yield Router(process, port, file, runtime)

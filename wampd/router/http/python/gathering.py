"""A body that somebody needs in full, as a file: a small one in memory, a larger one on the disk, written in a thread.

Rules
-----
* The client waits while something is written, so that no more than one part of it is in memory.
* The file has no name in any directory, so that nothing of it is left, whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.router.http.body import Body

SMALL: Final = 64 * 1024
"""Bytes of a body that stays in memory."""


class Gathered:
    """A sink that makes a file of a body."""

    def __init__(
        self,
        body: Body,
        run: Callable[..., Deferred[Any]],
        done: Callable[[IO[bytes]], None],
        failed: Callable[[Failure], None],
        may_be_large: Callable[[], bool],
    ) -> None:
        """``run`` does something in a thread. ``may_be_large`` is asked once, before the body goes to the disk; if not, nothing
        more happens, as it has answered.
        """
        self._body = body
        self._run = run
        self._done = done
        self._failed = failed
        self._may_be_large = may_be_large
        self._file: IO[bytes] = BytesIO()
        self._in_memory = True
        self._is_writing = False
        self._over = False

    def write(self, data: bytes) -> None:
        """Keep a part."""
        if self._over:
            return
        if self._in_memory and self._file.tell() + len(data) <= SMALL:
            self._file.write(data)
            return
        if self._in_memory and not self._may_be_large():
            self._end()
            return
        self._body.pause()
        self._is_writing = True
        self._run(self._store, data).addCallbacks(self._stored, self._broken)

    def finish(self) -> None:
        """All of it is there."""
        if not self._over:
            self._file.seek(0)
            self._done(self._file)

    def lost(self, why: str) -> None:  # noqa: ARG002 - there is nobody to be told
        """The rest will not come."""
        self._end()

    def _store(self, data: bytes) -> None:
        """Write a part; in a thread."""
        if self._in_memory:
            begun = self._file
            self._file = TemporaryFile()  # noqa: SIM115 - it is closed by whoever reads it
            self._file.write(begun.getvalue())  # type: ignore[attr-defined]
            self._in_memory = False
        self._file.write(data)

    def _stored(self, _: None) -> None:
        self._is_writing = False
        if self._over:
            self._file.close()
        else:
            self._body.resume()

    def _broken(self, why: Failure) -> None:
        self._is_writing = False
        was_over = self._over
        self._end()
        if not was_over:
            self._failed(why)

    def _end(self) -> None:
        self._over = True
        if not self._is_writing:
            self._file.close()

"""The PID file: which process the router is, for as long as it runs.

Rules
-----
* It is locked (``flock``) from before the router listens until it ends, however it ends: a file without a lock is stale, and is
  replaced. Who finds it locked is told which process that is, and does not start.
* The number is written once the router listens, and taken away when it stops: the file is removed, or emptied where its
  directory is not the router's to write.
* The lock belongs to the open file: a successor that is given the descriptor holds it too, and writes its own number.
* Links are not followed, and a file is left alone that has another name as well, that is somebody else's, or that holds
  anything but a number: whoever may write to the directory cannot make the router write elsewhere, give a file away, or have
  another process taken for the router, and neither can a mistake.

Sources: flock(2), daemon(7).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Container
from pathlib import Path
from typing import Final, Self

MODE: Final = 0o644
"""Whoever wants to know may read it."""
LONGEST: Final = 32


class Taken(Exception):
    """The router cannot have the file; the text says why."""


class PidFile:
    """The file, held by this process."""

    def __init__(self, file: Path, descriptor: int) -> None:
        """``descriptor`` is of the file, and locked; it is closed by `close`."""
        self.file = file
        self._descriptor = descriptor

    @classmethod
    def hold(cls, file: Path, owner: int | None = None) -> Self:
        """Lock the file; make it if it is not there. Raise `Taken`.

        One that is there belongs to root, to this user, or to ``owner``, the user that the router is about to be.
        """
        while True:
            descriptor = _open(file)
            if why := _why_not(descriptor, {0, os.geteuid(), owner}):
                os.close(descriptor)
                raise Taken(f"the PID file {file} is left alone: {why}")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                number = _number(descriptor)
                os.close(descriptor)
                who = "another wampd" if number is None else f"process {number}"
                raise Taken(f"{who} runs already: it holds the PID file {file}") from None
            if _is(file, descriptor):
                return cls(file, descriptor)
            os.close(descriptor)  # whoever held it has just removed it

    def fileno(self) -> int:
        """The descriptor, for a successor."""
        return self._descriptor

    def copy(self) -> PidFile:
        """The same, which holds the lock as long as this one."""
        return PidFile(self.file, os.dup(self._descriptor))

    def is_of(self, file: Path | None) -> bool:
        """Whether this is that very file."""
        return file is not None and _is(file, self._descriptor)

    def write(self, number: int) -> None:
        """Say which process the router is. Raise `OSError`."""
        os.fchmod(self._descriptor, MODE)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{number}\n".encode(), 0)

    def give_to(self, uid: int, gid: int) -> None:
        """Make it the file of another user, who this process is about to become."""
        os.fchown(self._descriptor, uid, gid)

    def remove(self) -> None:
        """The router has ended."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            if _is(self.file, self._descriptor):
                self.file.unlink()
        self.close()

    def close(self) -> None:
        """Let the file be: it is a successor's."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, MODE)
    except OSError as error:
        why = "it is a link, which could lead anywhere" if error.errno == errno.ELOOP else error.strerror
        raise Taken(f"cannot write the PID file {file}: {why}") from None


def _why_not(descriptor: int, owners: Container[int | None]) -> str:
    """Why an open file cannot be the PID file; ``""``: it can."""
    known = os.fstat(descriptor)
    if not stat.S_ISREG(known.st_mode):
        return "it is no ordinary file"
    if known.st_uid not in owners:
        return "it belongs to another user, who could write another number; remove it"
    if known.st_nlink > 1:
        return "it has another name as well (a hard link)"
    if os.pread(descriptor, LONGEST + 1, 0).strip() and _number(descriptor) is None:
        return "it holds something else than the number of a process"
    return ""


def _is(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.lstat(), os.fstat(descriptor))
    except OSError:
        return False


def _number(descriptor: int) -> int | None:
    try:
        return int(os.pread(descriptor, LONGEST + 1, 0))
    except ValueError:
        return None

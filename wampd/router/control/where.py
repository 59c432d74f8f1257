"""Where the private socket of a router is, and where those of all routers are looked for.

Rules
-----
* The socket of a router is ``PID.sock`` in a directory that its user alone may enter, unless the configuration names a
  place.
* The directory is the first of: what systemd gives a service (``RUNTIME_DIRECTORY``, systemd.exec(5)); ``wampd`` in what a
  login has for such files (``XDG_RUNTIME_DIR``, XDG Base Directory Specification); ``/tmp/wampd-UID``.
* A directory that belongs to somebody else, or that others may enter, is not used: who owns it could answer there. One that the
  configuration names may be entered by others, but not be everybody's to take files away from.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

LONGEST: Final = 107
"""Bytes of a socket's path (unix(7): ``sun_path`` has 108, a zero at the end included)."""
OF_SERVICES: Final = Path("/run/wampd")
"""Where the router's socket is if systemd runs it, as its unit says."""


class Unusable(Exception):
    """There can be no socket; the text says why, for people."""


def directory(environ: Mapping[str, str], user: int) -> Path:
    """Where the routers of this user (a uid) have their sockets, if they have this environment."""
    if service := environ.get("RUNTIME_DIRECTORY"):
        return Path(service.split(":")[0])
    if session := environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "wampd"
    return Path(f"/tmp/wampd-{user}")  # noqa: S108 - see the rules above


def prepared(socket: Path | None, environ: Mapping[str, str]) -> Path:
    """The place for the socket of this process, which nobody else listens at; ``socket`` is what the configuration names.

    Raise `Unusable`.
    """
    place = socket or directory(environ, os.getuid()) / f"{os.getpid()}.sock"
    if len(os.fsencode(place.absolute())) > LONGEST:
        raise Unusable(f"the path is longer than {LONGEST} bytes: {place}")
    try:
        if socket is None:
            _make(place.parent)
            _sweep(place.parent)
        elif _is_everybodys(place.parent):
            raise Unusable(
                f"everybody may replace what is in {place.parent}; choose another directory, or chmod o-w it"
            )
        _clear(place)
    except OSError as error:
        raise Unusable(f"{error.filename or place}: {error.strerror}") from None
    return place


def directories(environ: Mapping[str, str], user: int) -> list[Path]:
    """Where the sockets of routers of this user may be, and that of the service; some may not be there."""
    return list(dict.fromkeys((directory(environ, user), OF_SERVICES)))


def sockets(environ: Mapping[str, str], user: int) -> Iterator[Path]:
    """The sockets of routers that may be running."""
    for each in directories(environ, user):
        try:
            found = sorted(each.glob("*.sock")) if each == OF_SERVICES or _is_of(each, user) else []
        except OSError:
            continue
        yield from filter(is_socket, found)


def is_socket(path: Path) -> bool:
    """Whether there is a socket, as far as this user may see (`Path.is_socket` raises where it may not, before Python 3.14)."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except (OSError, UnicodeEncodeError):
        return False


def _is_everybodys(place: Path) -> bool:
    """Whether whoever likes may take a socket away there, and put another in its place."""
    mode = place.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _is_of(place: Path, user: int) -> bool:
    """Whether nobody else can have made it, who could answer there in the name of a router."""
    return place.lstat().st_uid in (user, 0)


def _make(place: Path) -> None:
    """Make the directory, or see that it is ours alone."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = place.lstat()
    if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.getuid() or known.st_mode & 0o077:
        raise Unusable(
            f"{place} must be a directory that belongs to the router's user, and that no other may enter (mode 700)"
        )


def _sweep(place: Path) -> None:
    """Take away the sockets of processes that are gone without having done so."""
    for each in place.glob("*.sock"):
        if each.stem.isdecimal() and not _lives(int(each.stem)) and _is_dead(each):
            each.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _clear(place: Path) -> None:
    """Take away a socket that nobody listens at any more."""
    if not place.is_socket():
        if os.path.lexists(place):
            raise Unusable(f"{place} is there, and is no socket")
    elif _is_dead(place):
        place.unlink(missing_ok=True)
    else:
        raise Unusable(f"another router listens at {place}")


def _is_dead(place: Path) -> bool:
    """Whether nobody listens at a socket, whoever made it: numbers of processes differ between containers."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(place))
        except (ConnectionRefusedError, FileNotFoundError):  # the latter: another router has just taken it away
            return True
        except TimeoutError:  # its queue is full
            return False
    return False

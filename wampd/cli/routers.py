"""Which router a command means, and a session with it on its private socket.

The rules:

* a configuration means the router that runs it, wherever the command is given: each router says which file it has;
* without one `./config.yaml` is meant if it is there, else the only router that runs;
* a router is never guessed: where several could be meant, or another than the one that is named, that is said;
* whoever may not reach a socket is told as whom it could be reached.
"""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from wampd.client import CannotConnect, ClientError, ConnectionLost, NotLetIn, Session, Url, WampError, connect
from wampd.router.control.where import directories, is_socket, sockets
from wampd.router.settings.control import CONTROL_REALM

from .configuration import in_directory
from .words import EXIT_FAILED, EXIT_NOT_RUNNING, EXIT_USAGE, Failure

Answer = TypeVar("Answer")

PROBE = 3.0
"""Seconds that a router has to say who it is."""
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"


class Meant(NamedTuple):
    """What the command line says of the router."""

    file: str | None
    socket: str | None


class Router(NamedTuple):
    """A router that runs."""

    socket: Path
    status: dict[str, Any]

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self.status["pid"])

    @property
    def configuration(self) -> str:
        """The absolute path of the file; empty: none that it knows of."""
        return str(self.status.get("configuration") or "")

    def __str__(self) -> str:
        return f"process {self.pid} with {self.configuration or 'no file'}"


class Found(NamedTuple):
    """A router, and a session with it."""

    router: Router
    session: Session


Work = Callable[[Session, Router], Awaitable[Answer]]


def ask(meant: Meant, work: Work[Answer], *, probe: float = PROBE) -> Answer:
    """Find the router that is meant, and do something in a session with it. Raise `Failure`."""
    return asyncio.run(_ask(meant, work, probe))


async def find(meant: Meant, open_: AsyncExitStack, *, probe: float = PROBE) -> Found:
    """The router that is meant, and a session with it, which ends with ``open_``. Raise `Failure`."""
    return await _find(meant, probe, open_)


async def _ask(meant: Meant, work: Work[Answer], probe: float) -> Answer:
    async with AsyncExitStack() as open_:
        router, session = await _find(meant, probe, open_)
        try:
            return await work(session, router)
        except WampError as error:
            if error.uri == NO_SUCH_PROCEDURE:
                raise Failure(f"the router (version {router.status['version']}) does not offer this") from None
            raise Failure(said(error)) from None
        except ConnectionLost:
            raise Failure(f"the router (process {router.pid}) ended meanwhile") from None
        except ClientError as error:
            raise Failure(str(error)) from None


def said(error: WampError) -> str:
    """What the router says of an error: its line, or the URI if there is none."""
    text = error.arguments[0] if error.arguments else None
    return text if isinstance(text, str) and text else error.uri


async def _find(meant: Meant, probe: float, open_: AsyncExitStack) -> Found:
    """The router that is meant, and a session with it, which ends with ``open_``. Raise `Failure`."""
    if meant.socket is not None:
        return await _at(Path(meant.socket).absolute(), probe, open_)
    places = [path for path in sockets(os.environ, os.getuid()) if _may_open(path)]
    file = _file_meant(meant.file)
    places += [path for path in _named_by(file) if path not in places and is_socket(path)] if file else []
    answers = await asyncio.gather(*(_probe(path, probe, open_) for path in places))
    running = [answer for answer in answers if isinstance(answer, Found)]
    silent = [path for path, answer in zip(places, answers, strict=True) if answer is None]
    return _choose(file, running, silent)


def _choose(file: Path | None, running: list[Found], silent: list[Path]) -> Found:
    those = running if file is None else [each for each in running if _is_same(each.router.configuration, file)]
    if len(those) == 1:
        return those[0]
    if those:
        listed = ", ".join(str(each.router) for each in those)
        way = "--socket PATH" if file is not None else "its configuration, or --socket PATH"
        raise Failure(f"several routers run ({listed}); say which by {way}", EXIT_USAGE)
    if silent:
        shown = ", ".join(map(str, silent))
        raise Failure(
            f"a router does not answer within {PROBE:g} s: {shown}; is it stopped, or very busy?", EXIT_FAILED
        )
    which = "" if file is None else f" with {file}"
    if running:
        seen = f"but {', '.join(str(each.router) for each in running)}"
    else:
        seen = f"no socket in {' or '.join(map(str, _directories()))}"
    start = f"wampd run{'' if file is None else f' {file}'}"
    raise Failure(f"no router runs{which} ({seen}); start it: {start}{_denied()}", EXIT_NOT_RUNNING)


async def _at(path: Path, probe: float, open_: AsyncExitStack) -> Found:
    """The router at a socket that is named."""
    try:
        is_there = stat.S_ISSOCK(path.stat().st_mode)
    except PermissionError:
        raise Failure(f"you may not look at {path}; it belongs to the user that runs the router") from None
    except OSError:
        is_there = False
    if not is_there:
        raise Failure(f"there is no socket {path}; the router that made it does not run", EXIT_NOT_RUNNING)
    if not _may_open(path):
        raise Failure(f"you may not use {path}, which belongs to {_owner(path)}; try sudo -u {_owner(path)}")
    answer = await _probe(path, probe, open_)
    if isinstance(answer, Found):
        return answer
    if answer is None:
        raise Failure(f"nobody answers at {path} within {probe:g} s; is the router stopped, or very busy?")
    raise Failure(str(answer), EXIT_NOT_RUNNING)


async def _probe(path: Path, probe: float, open_: AsyncExitStack) -> Found | CannotConnect | None:
    """The router there; why there is none; or `None`: who listens there says nothing."""
    try:
        async with asyncio.timeout(probe):
            session = await open_.enter_async_context(connect(_url(path), CONTROL_REALM, timeout=2 * probe))
            status = (await session.call("wampd.node.status", timeout=2 * probe)).value
    except TimeoutError:
        return None
    except NotLetIn as why:
        return CannotConnect(f"{path}: {why}")
    except ClientError as why:
        return CannotConnect(str(why))
    return Found(Router(path, status), session)


def _url(path: Path) -> Url:
    return Url(str(path), "rawsocket", socket=str(path))


def _file_meant(file: str | None) -> Path | None:
    """The configuration that is meant; `None`: any."""
    if file is not None:
        if not os.path.lexists(file):
            raise Failure(f"there is no file {file}", EXIT_USAGE)
        return in_directory(Path(file)).absolute()
    here = Path("config.yaml")
    return here.absolute() if os.path.lexists(here) else None


def _named_by(file: Path) -> list[Path]:
    """Sockets to which the configuration itself leads: the one that it names, and, for root, those of the user that it names.

    The rest of it may be wrong, as while it is changed, or need variables that only the router's environment has.
    """
    from wampd.router.settings.nodes import Node, Scalar, Table
    from wampd.router.settings.source import Reader
    from wampd.router.settings.values import absolute

    def under(node: Node | None, key: str) -> Node | None:
        entries = node.entries if isinstance(node, Table) else ()
        return next((value for name, value in entries if name.text == key), None)

    known = Reader(os.environ, []).read(file)
    socket, user = under(under(known, "control"), "socket"), under(under(known, "process"), "user")
    places = [absolute(Path(socket.text), socket.place)] if isinstance(socket, Scalar) and socket.text else []
    if os.geteuid() == 0 and isinstance(user, Scalar) and (number := _number(user.text)) is not None:
        places += sockets({}, number)  # whoever becomes another user leaves the environment of a login behind
    return places


def _number(user: str) -> int | None:
    """The number of a user; `None`: there is none of that name."""
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _is_same(configuration: str, file: Path) -> bool:
    if not configuration:
        return False
    try:
        return os.path.samefile(configuration, file)
    except OSError:
        return configuration == str(file)


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _owner(path: Path) -> str:
    import pwd

    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (KeyError, OSError):
        return "another user"


def _denied() -> str:
    """What to do about directories of sockets that this user may not look into."""
    closed = [str(each) for each in _directories() if _is_closed(each)]
    return (
        f"; if it runs as another user, ask as that user (you may not look into {', '.join(closed)})" if closed else ""
    )


def _is_closed(place: Path) -> bool:
    try:
        return stat.S_ISDIR(place.stat().st_mode) and not os.access(place, os.R_OK | os.X_OK)
    except PermissionError:
        return True
    except OSError:
        return False


def _directories() -> list[Path]:
    return directories(os.environ, os.getuid())

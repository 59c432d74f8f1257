"""Endpoint strings: what they mean, and what is wrong with them.

Rules
-----
* What nearly everybody writes is read here (`ordinary`). All else Twisted's own parser judges, and here its judgement is put
  into words: that parser is slow to import, needs much memory, and may load plugins.

Source: `twisted.internet.endpoints.serverFromString`.
"""

import re
from itertools import combinations
from typing import Final, TypeAlias

from msgspec import Struct

from .problems import did_you_mean, quote

_SPLIT = re.compile(r"(?<!\\):")
_HOST_AND_PORT = re.compile(r"(?:((?:[0-9]{1,3}\.){3}[0-9]{1,3})?:)?([0-9]{1,5})")
"""As people write what to listen on for other servers: ``8080``, ``:8080``, ``127.0.0.1:8080``."""
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 -- compared with, not bound to
SYSTEMD = "systemd"
"""The kind of endpoints that are sockets of the service manager."""
_UNKNOWN_ARGUMENT = re.compile(r"unexpected keyword argument '([^']*)'")
ARGUMENTS = {"tcp": ("interface", "backlog"), "tcp6": ("interface", "backlog"), "unix": ("mode", "backlog", "lockfile")}
"""What may be said by name; of others (plugins of Twisted's) it is not known."""
_FAMILIES = ("INET", "INET6", "UNIX")

_VALUE: Final = r"((?:[^:=\\]|\\:)*)"
_BACKLOG: Final = "(?::backlog=([0-9]{1,6}))?"
_TCP: Final = re.compile(f"(tcp6?):([0-9]{{1,5}})(?::interface={_VALUE})?{_BACKLOG}")
_UNIX: Final = re.compile(rf"unix:([^:=\\]+)(?::mode=([0-7]{{1,4}}))?{_BACKLOG}")

Place: TypeAlias = tuple[str, ...]
"""Where an endpoint listens: its kind, and what tells it from others of the kind."""


class TcpEndpoint(Struct, frozen=True):
    """Where a ``tcp:`` or ``tcp6:`` endpoint listens."""

    port: int
    interface: str
    """An address; ``""``: all of IPv4."""
    backlog: int | None
    """Connections that wait to be accepted; `None`: it does not say."""


class UnixEndpoint(Struct, frozen=True):
    """Where a ``unix:`` endpoint listens."""

    file: str
    mode: int
    backlog: int | None


def ordinary(endpoint: str) -> TcpEndpoint | UnixEndpoint | None:
    """What an endpoint means if it is written in the usual order with nothing unusual in it; `None`: Twisted knows."""
    if (tcp := _TCP.fullmatch(endpoint)) is not None:
        kind, port, interface, backlog = tcp.groups()
        address = ("" if kind == "tcp" else "::") if interface is None else interface.replace("\\:", ":")
        return TcpEndpoint(int(port), address, None if backlog is None else int(backlog))
    if (unix := _UNIX.fullmatch(endpoint)) is not None:
        file, mode, backlog = unix.groups("")
        return UnixEndpoint(file, int(mode or "666", 8), int(backlog) if backlog else None)
    return None


def fault(endpoint: str) -> str | None:
    """Return why an endpoint string cannot be used; None if it can."""
    kind = endpoint.partition(":")[0]
    if (plain := _HOST_AND_PORT.fullmatch(endpoint)) is not None:
        host, port = plain.groups()
        return f"not a Twisted server endpoint string; write it like tcp:{port}{f':interface={host}' if host else ''}"
    if kind == "ssl":
        return "use a tcp: endpoint, and the key tls of the listener"
    if kind == SYSTEMD:
        return _systemd_fault(endpoint)
    if ordinary(endpoint) is None and (unclear := _twisted_fault(kind, endpoint)) is not None:
        return unclear
    port = _parts(endpoint).get("port", "")
    if kind in ("tcp", "tcp6") and not 0 <= int(port) <= 65535:
        return f"there is no port {port}"
    return None


def _twisted_fault(kind: str, endpoint: str) -> str | None:
    """What Twisted says is wrong with an endpoint, in our words."""
    from twisted.internet.endpoints import serverFromString

    try:
        # The parsers only keep the reactor for later.
        serverFromString(None, endpoint)
    except RuntimeError:  # Twisted's, of StopIteration
        return "not a Twisted server endpoint string: it ends with a backslash"
    except (ValueError, TypeError, KeyError, IndexError, OSError, AttributeError) as error:
        reason = re.sub(r"^_parse\w*\(\) ", "", str(error))
        reason = re.sub(r"^invalid literal for int\(\) with base (\d+): (.*)", r"\2 is not a number of base \1", reason)
        if (unknown := _UNKNOWN_ARGUMENT.search(reason)) is not None:
            reason = f"{quote(unknown[1])} is not known{did_you_mean(unknown[1], ARGUMENTS.get(kind, ()))}"
        return f"not a Twisted server endpoint string: {reason}"
    return None


def _systemd_fault(endpoint: str) -> str | None:
    """What is wrong with an endpoint that names a socket of the service manager."""
    parts, arguments = _parts(endpoint), _SPLIT.split(endpoint)[1:]
    unknown = [each for each in arguments[1:] if each.partition("=")[0] not in ("name", "index", "domain")]
    if unknown or bool(parts["name"]) == bool(parts["index"]):
        return "write systemd:NAME; NAME is the FileDescriptorName= of the socket unit, or else the unit's name"
    if parts["index"] and not re.fullmatch("[0-9]{1,3}", parts["index"]):
        return f"{parts['index']} is not the number of a socket; the first is 0"
    if parts["domain"] and parts["domain"] not in _FAMILIES:
        return f"there is no domain {parts['domain']} here, only {', '.join(_FAMILIES)}"
    return None


def place_of(endpoint: str) -> Place:
    """Where an endpoint without a fault listens; two strings for the same place have one."""
    parts = _parts(endpoint)
    kind = parts["kind"]
    if kind in ("tcp", "tcp6"):
        everywhere = "::" if kind == "tcp6" else "0.0.0.0"  # noqa: S104 -- what the string says
        return "tcp", str(int(parts["port"])), parts["interface"] or everywhere
    if kind == "unix":
        return kind, parts["address"]
    if kind == SYSTEMD:
        return (kind, parts["name"]) if parts["name"] else (kind, "", str(int(parts["index"])))
    return kind, endpoint


def clashes(endpoints: list[str]) -> list[tuple[int, int]]:
    """Return pairs of indexes of endpoints that cannot both be listened on; of each pair the smaller first."""
    parts = [_parts(endpoint) for endpoint in endpoints]
    return [(a, b) for a, b in combinations(range(len(parts)), 2) if _clash(parts[a], parts[b])]


def _parts(endpoint: str) -> dict[str, str]:
    """Split an endpoint string into the arguments that say where to listen."""
    names = {
        "tcp": ["port", "interface"],
        "tcp6": ["port", "interface"],
        "unix": ["address"],
        SYSTEMD: ["name", "index", "domain"],
    }
    kind, *arguments = (re.sub(r"\\(.)", r"\1", part) for part in _SPLIT.split(endpoint))
    if kind not in names:
        return {"kind": kind, "all": endpoint}
    positional = iter(names[kind])
    found = {"kind": kind}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            name, value = next(positional, argument), argument
        found[name] = value
    return {name: found.get(name, "") for name in ("kind", *names[kind])}


def _clash(one: dict[str, str], other: dict[str, str]) -> bool:
    if one == other:
        return one.get("port") != "0"
    if one["kind"] != other["kind"] or "port" not in one or one["port"] != other["port"] or one["port"] == "0":
        return False
    return one["interface"] in _EVERYWHERE or other["interface"] in _EVERYWHERE

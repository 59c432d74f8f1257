"""What is being made while the original is read: realms, ways in, listeners; and where files are.

A *way in* is a path or RawSocket of a transport. In Crossbar.io each has its own authentication, and leads into the
realms of its worker; in wampd the realms have it, and every listener leads into all of them. So ways are remembered
until all are known.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from wampd.realms.options import Match
from wampd.realms.uris import UriCheck, is_uri, matches

from .document import Rows, Table
from .reading import Item
from .report import Report
from .section import Section

LOCAL, MACHINE, NETWORK = 0, 1, 2
"""Who can reach an endpoint: those who may open a file; those on this machine, or with a certificate; the network."""


@dataclass
class Realm:
    """A realm that is being made."""

    name: str
    item: Item
    uri_check: UriCheck = "loose"
    roles: dict[str, Table] = field(default_factory=dict)
    options: Table = field(default_factory=Table)
    """What stands between its name and its roles."""
    more: Table = field(default_factory=Table)
    """What stands after its roles and its authentication."""
    auth: Table = field(default_factory=Table)
    notes: tuple[str, ...] = ()
    with_meta_api: bool = False


@dataclass(frozen=True)
class Way:
    """A way in."""

    item: Item
    realms: tuple[str, ...]
    """Those that it leads into in Crossbar.io."""
    endpoint: str
    reach: int
    auth: Item | None
    """What its authentication is; None: everybody comes in, in the role `anonymous`."""
    cookie: Table | None = None
    """The cookie of the path, which becomes part of it if its realms let browsers come back by it."""
    path: Table | None = None


@dataclass
class Listener:
    """A listener that is being made."""

    endpoint: str
    item: Item
    shared: bool
    reach: int
    tls: Table | None = None
    websocket: Table = field(default_factory=Table)
    rawsocket: Table | None = None
    http: Table = field(default_factory=Table)
    more: Table = field(default_factory=Table)
    limits: Table = field(default_factory=Table)
    workers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Worker:
    """What the parts of a worker have to know of it."""

    item: Item
    realms: tuple[str, ...]
    environment: Table
    python_path: tuple[str, ...] = ()
    python: str | None = None
    processors: tuple[int, ...] = ()


@dataclass
class Draft:
    """All that is being made of one file."""

    report: Report
    directory: Path
    """The node's directory, which paths of the original are relative to."""
    target: Path
    """The directory of the result, which its paths are relative to."""
    realms: dict[str, Realm] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    components: Rows = field(default_factory=Rows)
    needs_store: bool = False
    secrets: bool = False

    def section(self, item: Item) -> Section:
        """Take a mapping apart."""
        return Section(item, self.report)

    def path(self, text: str) -> str:
        """A path of the original as it is called from the result."""
        absolute = os.path.normpath(self.directory.absolute() / text)
        return text if Path(text).is_absolute() else os.path.relpath(absolute, self.target.absolute())

    def absolute(self, text: str) -> str:
        """The same from anywhere."""
        return os.path.normpath(self.directory.absolute() / text)

    def can_be_registered(self, realm: str, procedure: str) -> bool:
        """Whether some role of a realm may register a procedure; of a role that asks another one nobody knows."""
        made = self.realms.get(realm)
        if made is None or procedure.startswith("wamp.") or not is_uri(procedure, made.uri_check):
            return False
        return any(_may_register(role, procedure) for role in made.roles.values())

    def has_role(self, realm: str, role: str) -> bool:
        """Whether a realm is there and has a role."""
        return realm in self.realms and role in self.realms[realm].roles


def _may_register(role: Table, procedure: str) -> bool:
    authorizer, permissions = role.get("authorizer"), role.get("permissions")
    if isinstance(authorizer, Table) and authorizer.get("procedure") != procedure:
        return True
    for entry in permissions.members if isinstance(permissions, Rows) else ():
        rule = entry.value
        allow = rule.get("allow") if isinstance(rule, Table) else None
        if not isinstance(rule, Table) or not isinstance(allow, Rows):
            continue
        match = cast(Match, rule.get("match") or "exact")
        if any(it.value == "register" for it in allow.members) and matches(str(rule.get("uri")), match, procedure):
            return True
    return False

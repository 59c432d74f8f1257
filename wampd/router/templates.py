"""Realms on demand: templates, and which of them a name belongs to.

Rules
-----
* A name that a realm is configured for never belongs to a template. Of several templates the best match has it, as of
  several registrations: the longest prefix, else the wildcard with the longest runs of named components.
* The best match alone counts: if the name is no URI by its rules, there is no such realm.
* Looking a name up makes nothing: a client that is still at the door sees the door of a template, whether or not there
  is a realm of that name behind it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from wampd.auth.handshake import RealmAuth
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota
from wampd.realms.options import Match
from wampd.realms.retained import Retention
from wampd.realms.uris import MAX_URI_BYTES, UriCheck, UriMap, is_uri


class Plan(Struct, frozen=True, kw_only=True):
    """What a realm is made of; of the plan of a template many realms are made."""

    door: RealmAuth
    """Who may come in, and as what."""
    limits: Limits = Limits()
    role_limits: Mapping[str, Limits] = {}
    """Of the roles whose sessions have limits of their own."""
    quota: Quota = Quota()
    retention: Retention = Retention()
    history: tuple[HistoryRule, ...] = ()
    strict_request_ids: bool = False
    drops_events: bool = False
    """Slow subscribers lose events, not their connection."""


class Template:
    """Realms that are made on demand, of one plan."""

    __slots__ = ("keep", "match", "most", "open", "opened_by", "pattern", "plan", "uri_check")

    def __init__(
        self,
        pattern: str,
        match: Match,
        plan: Plan,
        *,
        uri_check: UriCheck = "loose",
        most: int = 1_000,
        opened_by: frozenset[str] | None = None,
        keep: float = 3600.0,
    ) -> None:
        """``uri_check`` is for the names of its realms; ``opened_by`` names roles, `None`: all.

        ``most`` realms are open at once; without sessions one stays at most ``keep`` seconds.
        """
        self.pattern = pattern
        self.match: Match = match
        self.plan = plan
        self.uri_check: UriCheck = uri_check
        self.most = most
        self.opened_by = opened_by
        self.keep = keep
        self.open = 0
        """How many realms of it there are."""

    def __repr__(self) -> str:
        return f"<Template {self.pattern!r} {self.match}: {self.open} realms>"


class Directory:
    """Which door belongs to a realm's name: those of the realms that are always there, else of the best template."""

    def __init__(self) -> None:
        self._doors: dict[str, RealmAuth] = {}
        self._templates: UriMap[Template] = UriMap()

    def add(self, name: str, door: RealmAuth) -> None:
        """Name a realm that is always there."""
        self._doors[name] = door

    def add_template(self, template: Template) -> None:
        """Name a template. Raise `KeyError` if there is one of this pattern and match policy already."""
        self._templates.add(template.pattern, template.match, template)

    def template(self, name: str) -> Template | None:
        """The template that a name belongs to, whether a realm of it is open or not."""
        if name in self._doors or len(name) > MAX_URI_BYTES:  # what is looked up is remembered for a while
            return None
        template = self._templates.best(name)
        return template if template is not None and is_uri(name, template.uri_check) else None

    def get(self, name: str, /) -> RealmAuth | None:
        """The door of a realm of this name; `None`: there is none, and will be none."""
        door = self._doors.get(name)
        if door is None:
            template = self.template(name)
            return None if template is None else template.plan.door
        return door

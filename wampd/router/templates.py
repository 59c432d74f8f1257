"""Realms on demand: templates, and which of them a name belongs to.

Rules
-----
* A name that a realm is configured for never belongs to a template. Of several templates the best match has it, as of
  several registrations: the longest prefix, else the wildcard with the longest runs of named components.
* The best match alone counts: if the name is no URI by its rules, there is no such realm.
* Looking a name up makes nothing, and nothing is remembered of it: a client that is still at the door sees the door of a
  template, whether or not there is a realm of that name behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from wampd.auth.door import RealmAuth
from wampd.realms.calls import Timeouts
from wampd.realms.changing import Terms
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota
from wampd.realms.options import Match
from wampd.realms.retained import Retention
from wampd.realms.uris import UriCheck, is_uri, matches, precedence


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
    timeouts: Timeouts = Timeouts()
    lenient_progress: bool = False
    """Also callees that cannot be interrupted may answer in parts."""
    strict_request_ids: bool = False
    check_roles: bool = True
    drops_events: bool = False
    """Slow subscribers lose events, not their connection."""

    @property
    def terms(self) -> Terms:
        """What of it the core of a realm knows."""
        return Terms(**{name: getattr(self, name) for name in Terms.__struct_fields__})


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

    def become(self, other: Template) -> None:
        """Be from now on what another template of the same pattern is."""
        self.plan, self.uri_check = other.plan, other.uri_check
        self.most, self.opened_by, self.keep = other.most, other.opened_by, other.keep

    def __repr__(self) -> str:
        return f"<Template {self.pattern!r} {self.match}: {self.open} realms>"


class Directory:
    """Which door belongs to a realm's name: those of the realms that are always there, else of the best template."""

    def __init__(self) -> None:
        self._doors: dict[str, RealmAuth] = {}
        self._hidden: set[str] = set()
        self._templates: list[Template] = []  # those that win over the others first

    def add(self, name: str, door: RealmAuth) -> None:
        """Name a realm that is always there."""
        self._doors[name] = door

    def add_template(self, template: Template) -> None:
        """Name a template."""
        self._templates.append(template)
        self._templates.sort(key=lambda each: precedence(each.pattern, each.match), reverse=True)

    def replace(self, doors: Mapping[str, RealmAuth], templates: Iterable[Template]) -> None:
        """Name these, and no others. Templates that are there already stay, and become what theirs is now."""
        there = {(template.pattern, template.match): template for template in self._templates}
        self._doors = dict(doors)
        self._templates = []
        for template in templates:
            old = there.get((template.pattern, template.match))
            if old is not None:
                old.become(template)
            self.add_template(old or template)

    def hide(self, name: str) -> None:
        """Let there be no realm of this name, whatever the templates say."""
        self._hidden.add(name)

    def template(self, name: str) -> Template | None:
        """The template that a name belongs to, whether a realm of it is open or not."""
        if name in self._doors or name in self._hidden:
            return None
        for template in self._templates:
            if matches(template.pattern, template.match, name):
                return template if is_uri(name, template.uri_check) else None
        return None

    def get(self, name: str, /) -> RealmAuth | None:
        """The door of a realm of this name; `None`: there is none, and will be none."""
        door = self._doors.get(name)
        if door is None:
            template = self.template(name)
            return None if template is None else template.plan.door
        return door

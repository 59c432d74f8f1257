"""Conversations of several sessions, written down as data in ``conversations/*.yaml``.

    title: a publisher that does not want to be excluded hears itself
    rows: [EXC-02]
    actors: {alice: {roles: basic}, bob: {realm: guarded, ticket: joe}}
    talk: |
      alice > [SUBSCRIBE, 1, {}, com.example.topic]
      alice < [SUBSCRIBED, 1, $sub]

Rules
-----
* A line of ``talk`` is an actor, ``>`` for what it says or ``<`` for the next thing that it hears, and a message as a YAML list
  that starts with the name of its type. An actor joins ``realm1`` with every role when it is first spoken of, unless ``actors``
  has something else for it: ``roles`` (``basic``, ``all`` or a map), a ``realm``, somebody's ``ticket`` (to ``guarded``, unless
  there is a ``realm``).
* ``$name`` is the session of the actor of that name; or else anything, which is the same wherever it is written. ``$`` is
  anything at all. ``$int``, ``$str``, ``$list`` and ``$map`` are anything of that type. ``...`` at the end of a list and
  ``...: ...`` in a map stand for more.
* Instead of a message: ``< nothing``, ``< closed``, ``< violation``, ``< violation KEY``. ``bob drops`` cuts bob's connection;
  ``wait 0.3`` lets so many seconds pass.
* A conversation that is about being in time is held ``in_memory`` alone: there a busy machine does no harm.
* With ``also: basic`` clients of the basic profile, without features, must be able to hold the very same conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.spec.scenes import pass_time
from tests.support.play import ALL, ANY, BASIC, Play, closed, nothing, violation
from tests.vectors.data import CODES, as_carried, coded
from wampd.realms.messages import AUTHENTICATE, CHALLENGE

TYPES = {"$int": int, "$str": str, "$list": list, "$map": dict}
ROLES = {"all": ALL, "basic": BASIC}
_LINE = re.compile(r"(?P<actor>\w+) *(?P<side>[<>]) *(?P<said>.*)")


@dataclass(frozen=True)
class Conversation:
    """What is said, and by whom."""

    title: str
    rows: list[str]
    talk: str
    actors: dict[str, dict[str, Any]] = field(default_factory=dict)
    in_memory: bool = False
    also: str = ""

    def __str__(self) -> str:
        return self.title

    def hold(self, play: Play, roles: str = "all") -> None:
        """Let the actors say what they say, and see that they hear what they should."""
        for name, more in self.actors.items():
            _join(play, name, {"roles": roles, **more})
        for line in self.talk.splitlines():
            if line.strip() and not line.startswith("#"):
                self._speak(play, line, roles)

    def _speak(self, play: Play, line: str, roles: str) -> None:
        name, verb = line.split()[:2]
        if name == "wait":
            pass_time(play, float(verb))
            return
        if verb == "drops":
            getattr(play, name).drop()
            return
        match = _LINE.fullmatch(line)
        assert match is not None, f"{self.title}: what is this? {line}"
        if name not in play.actors:
            _join(play, name, {"roles": roles})
        actor, said = play.actors[name], match["said"]
        if match["side"] == ">":
            actor > self._meant(play, said, known=True)
        elif said in ("nothing", "closed"):
            actor < {"nothing": nothing, "closed": closed}[said]
        elif said.startswith("violation"):
            actor < violation(said.removeprefix("violation").strip())
        else:
            actor < as_carried(self._meant(play, said, known=False), actor.wire.serializer)

    def _meant(self, play: Play, said: str, *, known: bool) -> Any:
        """The message of a line; ``known`` if every name in it must be known."""
        first, *rest = yaml.safe_load(said)
        message = coded([first, *rest]) if first in CODES else [first, *rest]
        return _named(message, play, known)


def _join(play: Play, name: str, more: dict[str, Any]) -> None:
    roles = ROLES.get(more["roles"], more["roles"]) if isinstance(more["roles"], str) else more["roles"]
    if "ticket" not in more:
        play.session(name, more.get("realm", "realm1"), roles)
        return
    actor = play.newcomer(name)
    actor.hello(more.get("realm", "guarded"), roles, authmethods=["ticket"], authid=more["ticket"])
    actor < [CHALLENGE, "ticket", {}]
    actor > [AUTHENTICATE, f"hunter2-of-{more['ticket']}", {}]
    actor.welcome()


def _named(value: Any, play: Play, known: bool) -> Any:
    """A value with what stands for another replaced."""
    if isinstance(value, list):
        return [_named(each, play, known) for each in value]
    if isinstance(value, dict):
        return {_named(key, play, known): _named(each, play, known) for key, each in value.items()}
    if value == "...":
        return ...
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    name = value.removeprefix("$")
    if name in play.actors:
        return play.actors[name].id
    if known:
        return play.names[name]
    return TYPES.get(value) or (ANY.as_(name) if name else ANY)


def conversations() -> list[Conversation]:
    """All that are written down."""
    folder = Path(__file__).parent / "conversations"
    return [
        Conversation(**entry)
        for path in sorted(folder.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]

"""Procedures that the router itself serves: those of ``wamp.*``.

Rules
-----
* A procedure of the router's is called as any other: the caller's permission is checked, the URI is looked up, and there
  is exactly one answer. It is given at once.
* A procedure takes the caller and decoded arguments; it returns the one positional result (or a `Result`), or raises
  `Refused`, which becomes an ERROR. Arguments that it does not take are ``wamp.error.invalid_argument``.
* The arguments of a procedure are the fields of a struct (`Arguments`): they can be given by place or by name.
* Some answers are long: lists of all sessions, event histories. A session that asks for several of them in one turn gets
  some, and ``unavailable`` for the rest, so that nobody else waits. What an answer costs is how many things it holds, or
  how many had to be looked at for it.
* What it returns is carried like a payload of another serialization: what the caller's cannot carry is an ERROR.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Self, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from wampd.realms.limits import UNAVAILABLE
from wampd.realms.messages import CALL, RESULT, Call, Foreign, Format
from wampd.realms.options import integral
from wampd.realms.outside import Outside
from wampd.realms.session import Session

INVALID_ARGUMENT = "wamp.error.invalid_argument"


class Refused(Exception):
    """The request cannot be served: answer it with an ERROR of this URI; the reason is for the people who read it."""

    def __init__(self, uri: str, reason: str = "") -> None:
        super().__init__(uri, reason)
        self.uri = uri
        self.reason = reason


class Result(Struct, frozen=True):
    """What a procedure returns that is not one positional value."""

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    cost: int = 0
    """How many things were looked at."""


class Arguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What a procedure takes: one field an argument, in the order in which they can be given by place."""

    @classmethod
    def take(cls, args: list[Any], kwargs: dict[str, Any]) -> Self:
        """Check the arguments of a call. Raises `Refused` with what is wrong with them."""
        names = cls.__struct_fields__
        if len(args) > len(names):
            takes = f"at most {len(names)} arguments: {', '.join(names)}" if names else "no arguments"
            raise Refused(INVALID_ARGUMENT, f"the procedure takes {takes}")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise Refused(INVALID_ARGUMENT, f"the argument {name!r} is given by place and by name")
            given[name] = value
        try:
            return msgspec.convert({name: integral(value) for name, value in given.items()}, cls)
        except msgspec.ValidationError as error:  # tells types and names, and nothing of ours
            raise Refused(INVALID_ARGUMENT, str(error)[:MAX_REASON]) from None


MAX_REASON = 200
"""How much a refusal tells of what is wrong with arguments."""


Procedure: TypeAlias = Callable[[Session, list[Any], dict[str, Any]], Any]
"""A procedure of the router's: takes the caller, the arguments and the keyword arguments."""

A = TypeVar("A", bound=Arguments)


def taking(takes: type[A], serve: Callable[[Session, A], Any]) -> Procedure:
    """A procedure whose arguments are checked before it is served."""

    def procedure(caller: Session, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return serve(caller, takes.take(args, kwargs))

    procedure.__doc__ = serve.__doc__  # shown by reflection
    return procedure


class Services:
    """The procedures of the router in one realm, by URI."""

    MOST = 200_000
    """How much the answers may cost that wait to be sent to a session which asks for one more."""

    def __init__(self, outside: Outside, struck: Counter[str]) -> None:
        """``struck`` counts what is refused."""
        self._decode = outside.decode
        self._struck = struck
        self.procedures: dict[str, Procedure] = {}
        self.calls = 0
        """How many were served."""

    def serve(self, caller: Session, message: Call) -> bool:
        """Answer a CALL that the caller may make; whether the router has such a procedure."""
        procedure = self.procedures.get(message.uri)
        if procedure is None:
            return False
        self.calls += 1
        form = caller.format
        try:
            if caller.spent >= self.MOST:
                self._struck["calls of the router that cost too much"] += 1
                raise Refused(UNAVAILABLE, "the answers to earlier calls come first: they are long")
            try:
                args = [] if message.args is None else self._decode(message.args, form)
                kwargs = {} if message.kwargs is None else self._decode(message.kwargs, form)
            except ValueError:
                raise Refused(INVALID_ARGUMENT, "the arguments hold a value that cannot be read") from None
            result = procedure(caller, args, kwargs)
        except Refused as refused:
            caller.refuse(CALL, message.id, refused.uri, refused.reason, message.uri)
            return True
        caller.spent += _cost(result)
        head: tuple[Any, ...] = (RESULT, message.id, {})
        if not isinstance(result, Result):
            caller.send(Foreign((*head, [result]), Format.PLAIN))
        elif result.kwargs:
            caller.send(Foreign((*head, result.args, result.kwargs), Format.PLAIN))
        else:
            caller.send(Foreign((*head, result.args), Format.PLAIN) if result.args else head)
        return True


def _cost(result: Any) -> int:
    if isinstance(result, Result):
        return result.cost
    if isinstance(result, dict):
        result = result.values()
    elif not isinstance(result, list):
        return 0
    return len(result) + sum([len(each) for each in result if isinstance(each, list)])

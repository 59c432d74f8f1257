"""Procedures that the router itself serves: those of ``wamp.*``.

Rules
-----
* A procedure of the router's is called as any other: the caller's permission is checked, the URI is looked up, and there
  is exactly one answer. It is given at once.
* A procedure takes the caller and decoded arguments; it returns the one positional result (or a `Result`), or raises
  `Refused`, which becomes an ERROR. Arguments that it does not take are ``wamp.error.invalid_argument``.
* What it returns is carried like a payload of another serialization: what the caller's cannot carry is an ERROR.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from wampd.realms.messages import CALL, RESULT, Call, Foreign, Format
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


Procedure: TypeAlias = Callable[[Session, list[Any], dict[str, Any]], Any]
"""A procedure of the router's: takes the caller, the arguments and the keyword arguments."""


class Services:
    """The procedures of the router in one realm, by URI."""

    def __init__(self, outside: Outside) -> None:
        self._decode = outside.decode
        self.procedures: dict[str, Procedure] = {}

    def serve(self, caller: Session, message: Call) -> bool:
        """Answer a CALL that the caller may make; whether the router has such a procedure."""
        procedure = self.procedures.get(message.uri)
        if procedure is None:
            return False
        form = caller.format
        try:
            try:
                args = [] if message.args is None else self._decode(message.args, form)
                kwargs = {} if message.kwargs is None else self._decode(message.kwargs, form)
            except ValueError:
                raise Refused(INVALID_ARGUMENT, "the arguments hold a value that cannot be read") from None
            result = procedure(caller, args, kwargs)
        except Refused as refused:
            caller.refuse(CALL, message.id, refused.uri, refused.reason)
            return True
        head: tuple[Any, ...] = (RESULT, message.id, {})
        if not isinstance(result, Result):
            caller.send(Foreign((*head, [result]), Format.PLAIN))
        elif result.kwargs:
            caller.send(Foreign((*head, result.args, result.kwargs), Format.PLAIN))
        else:
            caller.send(Foreign((*head, result.args), Format.PLAIN) if result.args else head)
        return True

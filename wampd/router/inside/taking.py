"""The arguments of a procedure that the router serves by a session of its own: checked before anything is done."""

from __future__ import annotations

from typing import TypeVar

from wampd.realms.services import Arguments, Refused
from wampd.router.inside.insider import Refusal, Reply

A = TypeVar("A", bound=Arguments)


def taken(takes: type[A], call: Reply) -> A:
    """What a call gives, by place or by name. Raise `Refusal` with what is wrong with it."""
    try:
        return takes.take(call.values(), call.named())
    except Refused as why:
        raise Refusal(why.uri, why.reason) from None

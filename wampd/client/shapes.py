"""What messages of routers look like: how many elements, of which types.

Rules
-----
* Whoever answers at a URL may be no router, or a bad one: a message of another shape is none, and nothing is done with it.
* Behind this nobody asks again for the type of an element. What is inside of options, details and payload is looked at by
  whoever uses it.
* One payload in place of the arguments is let through: so encrypted ones look in their older form.

Sources: WAMP basic profile, "Messages"; advanced profile, "Subscription Revocation", "Registration Revocation".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from wampd.realms import messages as m


class Shape(Struct, frozen=True):
    """The elements after the code of a message."""

    types: tuple[type, ...]
    optional: int = 0
    """How many of the types at the end may be missing."""
    payload: bool = False
    """Whether arguments may follow."""


SHAPES: Final[Mapping[int, Shape]] = {
    m.WELCOME: Shape((int, dict)),
    m.CHALLENGE: Shape((str, dict)),
    m.ABORT: Shape((dict, str), payload=True),
    m.GOODBYE: Shape((dict, str)),
    m.ERROR: Shape((int, int, dict, str), payload=True),
    m.PUBLISHED: Shape((int, int)),
    m.SUBSCRIBED: Shape((int, int)),
    m.UNSUBSCRIBED: Shape((int, dict), optional=1),
    m.EVENT: Shape((int, int, dict), payload=True),
    m.RESULT: Shape((int, dict), payload=True),
    m.REGISTERED: Shape((int, int)),
    m.UNREGISTERED: Shape((int, dict), optional=1),
    m.INVOCATION: Shape((int, int, dict), payload=True),
    m.INTERRUPT: Shape((int, dict)),
}
"""By the code."""


def fits(message: list[Any]) -> bool:
    """Whether a message, of a code that is known, has the shape of it."""
    shape = SHAPES[message[0]]
    count, most = len(message) - 1, len(shape.types)
    if not most - shape.optional <= count <= most + 2 * shape.payload:
        return False
    if any(type(element) is not wanted for element, wanted in zip(message[1:], shape.types, strict=False)):
        return False
    return count < most + 2 or message[-1] is None or type(message[-1]) is dict

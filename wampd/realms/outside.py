"""What the core needs from the outside: ids, time, chance, and the reading of payloads.

Rules
-----
* The core draws, measures and decodes nothing itself; it is given what does. Tests give it what they like.
* `now` is for what ends: monotonic seconds. `wall` is for what people read: seconds of Unix time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import Raw, Struct, field

from wampd.realms.messages import Format


class Outside(Struct, frozen=True):
    """The core's way to the outside."""

    new_id: Callable[[], int]
    """Draws an id of global scope, uniform over [1, 2^53]."""
    now: Callable[[], float]
    """Monotonic time, in seconds."""
    wall: Callable[[], float]
    """Unix time, in seconds."""
    random: Callable[[], float]
    """A random number in [0, 1); nobody needs to be unable to guess it."""
    decode: Callable[[Raw, Format], Any]
    """The plain value of an undecoded payload, which is well formed; may raise `ValueError` if it has none."""
    carry: Callable[[Any, Format, Format], Any]
    """The same of a payload in the first serialization, which may be a plain value already; raises `ValueError` if the
    second cannot carry it."""
    turn: Callable[[], int] = field(default_factory=lambda: count().__next__)
    """The number of the present turn: what is said in one is sent at its end. By default every look finds another one."""

"""Whether somebody exists cannot be told by the time that a refusal takes: distributions of very many of them, side by side.

A measurement is the processor time of one refused handshake. Known and unknown names take turns, so that whatever else the
machine does strikes both; compared are medians, and how often the one takes longer than the other.
"""

from __future__ import annotations

import gc
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from statistics import median

import pytest

from tests.auth.test_intruder import KEYS, METHODS, Client, House
from wampd.auth.methods import Challenge, Deny, Request, Step
from wampd.auth.outcomes import Abort
from wampd.auth.throttle import Throttle, Tolerance
from wampd.realms.options import JsonDict

ROUNDS = 600
TRIES = 4
"""A difference that is there is there each time; one that the machine makes is not."""


class Wrong(Client):
    """Somebody of this name with ann's secrets."""

    def __init__(self, name: str) -> None:
        super().__init__("ann")
        self.claimed = name

    def hello(self, method: str) -> list[object]:
        kind, realm, details = super().hello(method)
        details["authid"] = self.claimed
        if method == "cryptosign":
            details["authextra"]["pubkey"] = KEYS["joe" if self.claimed == "joe" else "nobody"].public.hex()
        return [kind, realm, details]


def refusal(house: House, method: str, name: str) -> int:
    """The nanoseconds that the router takes to refuse somebody."""
    connection, client = house.connect(), Wrong(name)
    spent = 0

    def timed(step: Callable[[], None]) -> None:
        nonlocal spent
        start = time.thread_time_ns()
        step()
        spent += time.thread_time_ns() - start

    hello = client.hello(method)
    timed(lambda: (connection.say(hello), connection.settle())[0])
    if isinstance(connection.heard, Challenge):
        answer = client.answer(connection.heard)
        timed(lambda: (connection.say(answer), connection.settle())[0])
    assert isinstance(connection.heard, Abort)
    return spent


def house() -> House:
    """A house that refuses everybody for what was said, and nobody for having said it too often."""
    made = House()
    made.throttle = Throttle(Tolerance(of_pair=None, of_address=None, of_principal=None), lambda: made.now)
    return made


def looks_alike(known: list[int], unknown: list[int]) -> bool:
    """Whether two distributions are much the same: in their medians, and in who is ahead."""
    ranked = sorted(unknown)
    ahead = sum((bisect_left(ranked, each) + bisect_right(ranked, each)) / 2 for each in known)
    share = ahead / (len(known) * len(unknown))
    return 0.85 < median(known) / median(unknown) < 1.18 and 0.25 < share < 0.75


def can_be_told_apart(doors: House, method: str) -> bool:
    """Whether known names take another time than unknown ones, every time that it is tried."""
    for _ in range(TRIES):
        known: list[int] = []
        unknown: list[int] = []
        gc.disable()
        try:
            for _ in range(ROUNDS):
                known.append(refusal(doors, method, "joe"))
                unknown.append(refusal(doors, method, "nobody"))
        finally:
            gc.enable()
        if looks_alike(known[ROUNDS // 10 :], unknown[ROUNDS // 10 :]):
            return False
    return True


@pytest.mark.spec("AUT-04", "AUT-08")
@pytest.mark.parametrize("method", [method for method in METHODS if method not in ("tls", "jwt")])
def test_a_refusal_takes_the_same_time_for_known_and_for_unknown_names(method: str) -> None:
    assert not can_be_told_apart(house(), method)


class Leak:
    """A method that looks longer at those whom it knows."""

    name = "ticket"

    def begin(self, request: Request) -> Leak.Exchange:
        return Leak.Exchange(request)

    class Exchange:
        def __init__(self, request: Request) -> None:
            self.request = request

        def challenge(self) -> Step:
            return Challenge("ticket", {})

        def authenticate(self, signature: str, extra: JsonDict) -> Step:
            del extra
            if self.request.details.authid == "joe":
                for _ in range(200):
                    hash(signature + "x")
            return Deny("wrong")


def test_a_method_that_takes_another_time_is_found_out() -> None:
    doors = house()
    doors.doors["realm1"].methods["ticket"] = Leak()
    assert can_be_told_apart(doors, "ticket")

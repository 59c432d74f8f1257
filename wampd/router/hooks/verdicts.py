"""What becomes of a delivery after an attempt: a function of what was answered, and of chance. No I/O, no clock.

Rules
-----
* 2xx: it is delivered. 410: the URL wants nothing any more, and is unregistered (RFC 9110, section 15.5.11).
* 408, 425, 429, 5xx, no answer at all: it is tried again, later each time: after a time drawn evenly from nothing to
  ``first * 2 ** (attempts - 1)``, at most ``longest`` (exponential backoff with full jitter:
  https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). After ``attempts`` of them it is a dead letter.
* Any other status, a redirection too, and an address that the policy denies: it is refused. A receiver that is being put in
  place may refuse for a moment, so it is tried again, but after ``refusals`` attempts it is a dead letter.
* ``Retry-After`` (RFC 9110, section 10.2.3) of a 429, 503 or any other status is the least time to wait, but no longer
  than ``longest``.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

from wampd.router.outgoing.retrying import may_pass, pause_after

GONE: Final = 410


class Patience(Struct, frozen=True):
    """How long somebody goes on trying."""

    first: float = 5.0
    """Seconds; the bound of the first wait."""
    longest: float = 3600.0
    """Seconds; the bound of every wait."""
    attempts: int = 16
    refusals: int = 3


class Outcome(Struct, frozen=True):
    """What an attempt came to."""

    status: int | None = None
    """Of the answer; `None`: there was none."""
    reason: str = ""
    """Why there was none: one of `wampd.router.outgoing.problems.Reason`."""
    retry_after: float | None = None
    """Seconds."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and self.status // 100 == 2

    @property
    def is_refused(self) -> bool:
        """Whether another attempt would likely come to the same."""
        if self.status is None:
            return self.reason in ("denied", "url")
        return self.status >= 300 and not may_pass(self.status)

    @property
    def shows_life(self) -> bool:
        """Whether the host is able to answer: it tells nothing against it that it does not want this."""
        return self.is_delivered or (self.is_refused and self.status is not None)


class Delivered(Struct, frozen=True):
    """It is done."""


class Gone(Struct, frozen=True):
    """The receiver wants nothing any more."""


class Again(Struct, frozen=True):
    """Try again."""

    delay: float
    """Seconds from now."""


class Dead(Struct, frozen=True):
    """Do not try again by yourself."""


Verdict: TypeAlias = Delivered | Gone | Again | Dead


def judge(outcome: Outcome, attempts: int, patience: Patience, chance: float) -> Verdict:
    """What becomes of a delivery after so many attempts (this one included). ``chance`` is from [0, 1)."""
    if outcome.is_delivered:
        return Delivered()
    if outcome.status == GONE:
        return Gone()
    if attempts >= (patience.refusals if outcome.is_refused else patience.attempts):
        return Dead()
    bound = pause_after(attempts, patience.first, patience.longest)
    return Again(max(chance * bound, min(outcome.retry_after or 0.0, patience.longest)))

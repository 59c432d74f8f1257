"""Whether a backend is well: by what requests see of it, and by checks. No I/O, no clock.

Rules
-----
* After so many failures in a row a backend is out: for a second, then for two, four … up to a minute, as long as the first
  request after each pause fails, too. The first success ends that.
* A backend that is checked is out from a check that failed until one that succeeds.
"""

from __future__ import annotations

from typing import Final

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0


class Health:
    """Of one backend; ``now`` is in seconds of a monotonic clock."""

    def __init__(self, failures: int) -> None:
        """So many ``failures`` in a row take it out."""
        self._most = failures
        self._failures = 0
        self._pauses = 0
        self._out_until = 0.0
        self.is_ill = False
        """Whether the last check failed."""

    def is_out(self, now: float) -> bool:
        """Whether it gets no requests."""
        return self.is_ill or now < self._out_until

    def back_at(self, now: float) -> float:
        """When it may be tried again; of one that is checked nobody knows."""
        return max(now + FIRST_PAUSE, self._out_until)

    def succeeded(self) -> None:
        """A request was answered."""
        self._failures = self._pauses = 0
        self._out_until = 0.0

    def failed(self, now: float) -> float:
        """A request was not; for how many seconds it is out now: 0, if it is not, or was already."""
        self._failures += 1
        if self._failures < self._most or now < self._out_until:
            return 0.0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._pauses, 10))
        self._pauses += 1
        self._out_until = now + pause
        return pause

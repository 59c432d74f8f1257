"""wampd under a wall clock that is set forward an hour by SIGUSR1, and back two hours by SIGUSR2."""

import signal
import sys
import time

offset = 0.0
wall = time.time


def step(seconds: float) -> None:
    global offset
    offset += seconds


# Before anything else is imported: who takes the wall clock's function takes this one.
time.time = lambda: wall() + offset

from wampd.cli.main import main  # noqa: E402

if __name__ == "__main__":
    run = signal.signal
    # What wampd itself would use these signals for does not matter here.
    signal.signal = lambda number, handler: run(number, handler) if number not in STEPS else None  # type: ignore
    STEPS = {signal.SIGUSR1: 3600.0, signal.SIGUSR2: -7200.0}
    for number, seconds in STEPS.items():
        run(number, lambda *_, seconds=seconds: step(seconds))
    sys.exit(main())

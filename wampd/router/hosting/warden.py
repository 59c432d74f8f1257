"""A process that outlives the router, and ends what it has started: when a run is over, and when the router is gone.

It is run as a script, ``python -I -S warden.py``, and uses nothing but the standard library. Its standard input is a pipe from
the router: lines ``+ MARK GROUP GRACE`` for a run that begins, ``- MARK`` for one that is over; its end means that the
router is gone, however it went. ``WAMPD_RUNS`` in its environment has the lines of the runs that there are when it is started:
so it knows them also if the router is killed before it has written anything. A line without its end is one that the router was
killed in: nothing is known of it.

Rules
-----
* What belongs to a run is its process group, and whatever has its mark in its environment: also what has left the group, as
  daemons do. Of these only processes of the same user can be seen, and only where there is ``/proc``.
* When the router is gone, all is asked to end (SIGTERM), and killed when its time is up. Then the warden ends as well.
* What is left of a run is looked for until nothing is found: what starts others all the time may have started one meanwhile.
* It listens to no signal that asks it to end: who stops all processes of a service sends it one, and it is still needed.

Source: proc(5), ``/proc/pid/environ``.
"""

import contextlib
import itertools
import os
import signal
import sys
import time

STEP = 0.05
"""Seconds between two looks whether all have ended."""
LONGEST = 5.0
"""Seconds that what is left of a run is killed for."""


def marked(marks: set[str]) -> list[int]:
    """The processes that carry one of these marks."""
    wanted = {b"WAMPD_RUN=" + mark.encode() for mark in marks}
    found = []
    try:
        entries = os.listdir("/proc")
    except OSError:
        return []
    for entry in entries:
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as environ:
                if not wanted.isdisjoint(environ.read().split(b"\0")):
                    found.append(int(entry))
    return found


def signal_all(runs: dict[str, tuple[int, float]], number: int) -> bool:
    """Signal all that belongs to these runs; tell whether there was anything."""
    there = False
    for group, _ in runs.values():
        with contextlib.suppress(OSError):
            os.killpg(group, number)
            there = True
    for pid in marked(set(runs)):
        with contextlib.suppress(OSError):
            os.kill(pid, number)
            there = True
    return there


def end(runs: dict[str, tuple[int, float]]) -> None:
    """The router is gone: end all that there is, each in its time."""
    begun = time.monotonic()
    there = signal_all(runs, signal.SIGTERM)
    while there and runs:
        time.sleep(STEP)
        now = time.monotonic()
        late = {mark: run for mark, run in runs.items() if now - begun >= run[1]}
        signal_all(late, signal.SIGKILL)
        runs = {mark: run for mark, run in runs.items() if mark not in late}
        there = signal_all(runs, 0)


def clear(mark: str) -> None:
    """A run is over: kill what is left of it."""
    begun = time.monotonic()
    while left := marked({mark}):
        if time.monotonic() - begun > LONGEST:
            print(f"processes that a run has left behind do not end: {left[:10]}", file=sys.stderr, flush=True)
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(STEP / 50)


def main() -> None:
    """Listen to the router until it is gone."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    runs: dict[str, tuple[int, float]] = {}
    for line in itertools.chain(os.environ.get("WAMPD_RUNS", "").splitlines(keepends=True), sys.stdin):
        if not line.endswith("\n"):
            break
        what, mark, *rest = line.split()
        if what == "+":
            runs[mark] = (int(rest[0]), float(rest[1]))
        elif runs.pop(mark, None) is not None:
            clear(mark)
    end(runs)


if __name__ == "__main__":
    main()

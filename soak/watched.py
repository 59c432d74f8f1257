"""wampd, with two seams for long runs; otherwise as ``wampd`` starts it.

SIGRTMIN writes how many objects there are of each type to ``$SOAK_OBJECTS``; SIGRTMIN+1 sets the wall clock an hour forward,
SIGRTMIN+2 two hours back. The monotonic clock stays as it is, as it does when a machine's clock is set.
"""

import gc
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

_wall = time.time
_offset = 0.0


def _time() -> float:
    return _wall() + _offset


def _step(seconds: float) -> None:
    global _offset
    _offset += seconds


def _count() -> None:
    gc.collect()
    types = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    file = Path(os.environ["SOAK_OBJECTS"])
    written = file.with_suffix(".new")
    written.write_text(json.dumps(types))
    written.rename(file)


# Before anything else is imported: who takes the wall clock's function takes this one.
time.time = _time

from wampd.cli.main import main  # noqa: E402

if __name__ == "__main__":
    signal.signal(signal.SIGRTMIN, lambda *_: _count())
    signal.signal(signal.SIGRTMIN + 1, lambda *_: _step(3600.0))
    signal.signal(signal.SIGRTMIN + 2, lambda *_: _step(-7200.0))
    sys.argv[0] = "wampd"
    sys.exit(main())

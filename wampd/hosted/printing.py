"""What a hosted component logs, one line each on its outputs: the router's log adds the time and whose it is.

Standard output has what is of level ``info``, standard error what is worse; the level stands before it there.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from . import trouble

UNHANDLED = "unhandled error in a Deferred:"
ENDED = "session closed with reason wamp.close."
"""What autobahn says of every end of a session; here it is said if there is something about it."""
QUIET = ("Received SIGTERM, shutting down.", "Main loop terminated.", "Unhandled error in Deferred:")
"""What Twisted says of its end, which the router says itself; and before a failure, which says it, too."""
PLAIN = logging.Formatter("%(message)s")


class _Outputs(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = PLAIN.format(record)
        if text.startswith(ENDED):
            return
        if record.levelno >= logging.WARNING:
            print(f"{record.levelname.lower()}: {text}", file=sys.stderr, flush=True)
        else:
            print(text, flush=True)


def begin_asyncio() -> None:
    """Print what is logged with the standard library, as autobahn does on asyncio."""
    root = logging.getLogger()
    if not root.handlers:  # else the component has its own way
        root.addHandler(_Outputs())
        root.setLevel(logging.INFO)
    _quiet()


def begin_twisted() -> None:
    """Print what is logged with Twisted, as autobahn does on it, and with the standard library."""
    import txaio
    from twisted.logger import LogLevel, formatEvent, globalLogBeginner

    def observe(event: Any) -> None:
        level = event.get("log_level", LogLevel.info)
        if level < LogLevel.info:
            return
        text = formatEvent(event)
        failure = event.get("log_failure")
        if failure is not None:
            if any(failure.value is error for error in trouble.told):
                return
            text = f"{text or UNHANDLED}\n{failure.getTraceback()}".strip()
        if not text or text in QUIET or text.startswith(ENDED):
            return
        if level >= LogLevel.warn:
            print(f"{level.name}: {text}", file=sys.stderr, flush=True)
        else:
            print(text, flush=True)

    observers: list[Any] = [observe]
    begin_asyncio()
    if getattr(globalLogBeginner, "_temporaryObserver", observe) is None:
        return  # the component has begun to log in its own way
    txaio.set_global_log_level("info")
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=False)


def _quiet() -> None:
    """Hush asyncio, which tells at ``debug`` which selector it uses, and the like."""
    logging.getLogger("asyncio").setLevel(logging.WARNING)

"""Where the log goes, and what a line looks like: text for people, JSON for machines.

Rules
-----
* One line an event. Text of a peer in it cannot break the line or steer a terminal: control characters are escaped. Only a
  traceback, which is ours, follows its line, indented; in JSON it is a field.
* A reader that stops reading does not stop the router: what it does not take is dropped and counted, and the log says so.
* What Twisted itself tells of its life is for ``debug``; its warnings and errors are not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogBeginner,
)
from zope.interface import implementer

from wampd.router.observe.outlet import Outlet

LEVELS: Final[Mapping[str, Any]] = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "error": LogLevel.error,
    "critical": LogLevel.critical,
}
CHATTY: Final = ("log_legacy", "twisted")
"""Namespaces whose ``info`` is about themselves."""
MAX_TEXT: Final = 8192
"""Characters of one message."""
PATIENCE: Final = 0.5
"""Seconds that a slow reader gets at the end of the process."""
# C0 without the tab, DEL and C1; the separators that some readers take for line ends; what turns the direction of text.
_CONTROLS: Final = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(9), *range(10, 32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
_KEPT_TYPES: Final = (str, int, float, bool, type(None))


@implementer(ILogObserver)
class LineObserver:
    """Writes one line an event to an outlet."""

    def __init__(self, outlet: Outlet, *, as_json: bool) -> None:
        self._outlet = outlet
        self._line = json_line if as_json else text_line
        self._told = 0

    @property
    def dropped(self) -> int:
        """How many lines were dropped so far."""
        return self._outlet.dropped

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        outlet = self._outlet
        untold = outlet.dropped - self._told
        if untold and outlet.has_room:
            self._told = outlet.dropped
            outlet.write(self._line(_dropped(untold, event)).encode())
        outlet.write(self._line(event).encode())

    def finish(self) -> None:
        """Write what still waits: the process ends."""
        self._outlet.finish(PATIENCE)


def text_line(event: dict[str, Any]) -> str:
    """``2026-01-31T12:00:00.123Z info  wampd.router.daemon: text``, with the traceback of a failure below."""
    level = event.get("log_level", LogLevel.info).name
    text = _text(event).translate(_CONTROLS)
    for line in _traceback(event).split("\n") if _failure(event) is not None else ():
        text += "\n    " + line.translate(_CONTROLS)
    return f"{_when(event)} {level:<5} {event.get('log_namespace', '-')}: {text}\n"


def json_line(event: dict[str, Any]) -> str:
    """One JSON object: time, level, logger, message, and the event's own fields.

    These are the keyword arguments of whoever logged it, and those that ``log_fields`` names: a pair of names and values.
    """
    record: dict[str, Any] = {
        "time": _when(event),
        "level": event.get("log_level", LogLevel.info).name,
        "logger": event.get("log_namespace", "-"),
        "message": _text(event),
    }
    if _failure(event) is not None:
        record["traceback"] = _traceback(event)
    if "log_fields" in event:
        event = event | dict(zip(*event["log_fields"], strict=True))
    for key, value in event.items():
        if not key.startswith("log_") and key != "format" and isinstance(value, _KEPT_TYPES):
            record.setdefault(_encodable(key), _encodable(value[:MAX_TEXT]) if isinstance(value, str) else value)
    try:
        line = msgspec.json.encode(record)
    except (ValueError, OverflowError):  # a number beyond 64 bits
        line = msgspec.json.encode({key: str(value)[:MAX_TEXT] for key, value in record.items()})
    return line.decode() + "\n"


def begin(level: str, log_format: str, *, descriptor: int | None = None, clock: Any = None) -> LineObserver:
    """Send the log to a file descriptor (standard error), from now on; ``clock``: see `Outlet`."""
    outlet = Outlet(_standard_error() if descriptor is None else descriptor, clock)
    observer = LineObserver(outlet, as_json=log_format == "json")
    globalLogBeginner.beginLoggingTo([at_level(observer, level)], redirectStandardIO=False, discardBuffer=True)
    return observer


def at_level(observer: Any, level: str) -> Any:
    """The observer, given only what is at least of this level."""
    # Any: zope's interfaces mean nothing to the type checker
    predicate: Any = LogLevelFilterPredicate(defaultLogLevel=LEVELS[level])
    if level == "info":
        for namespace in CHATTY:
            predicate.setLogLevelForNamespace(namespace, LogLevel.warn)
    return FilteringLogObserver(observer, [predicate])


def _standard_error() -> int:
    """Its descriptor; if it is closed, one that leads nowhere: the number may be a socket's by now."""
    return sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY)


def _text(event: dict[str, Any]) -> str:
    # The text of Twisted's older events has the traceback in it.
    text = (event.get("why") or "Unhandled Error") if "failure" in event else formatEvent(event) or ""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
    return _encodable(text)


def _failure(event: Mapping[str, Any]) -> Any:
    return event.get("log_failure", event.get("failure"))


def _traceback(event: Mapping[str, Any]) -> str:
    trace: str = _failure(event).getTraceback()
    return _encodable(trace).rstrip()


def _encodable(text: str) -> str:
    """The text, halves of surrogate pairs spelt out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _dropped(count: int, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "log_time": event.get("log_time", 0.0),
        "log_level": LogLevel.warn,
        "log_namespace": __name__,
        "log_format": "{dropped} log lines were dropped: nobody read them fast enough",
        "dropped": count,
    }


def _when(event: Mapping[str, Any]) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

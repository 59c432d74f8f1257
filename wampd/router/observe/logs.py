"""Where the log goes, and what a line looks like: text for people, JSON for machines.

Rules
-----
* One line an event. Text of a peer in it cannot break the line: what is not printable is escaped.
* A reader that stops reading does not stop the router: what the stream does not take is dropped and counted.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

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

LEVELS: Mapping[str, Any] = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "error": LogLevel.error,
    "critical": LogLevel.critical,
}
_KEPT_TYPES = (str, int, float, bool, type(None))


@implementer(ILogObserver)
class LineObserver:
    """Writes one line an event to a stream."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self.dropped = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        line = json_line(event) if self._as_json else text_line(event)
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            self.dropped += 1


def text_line(event: dict[str, Any]) -> str:
    """``2026-01-31T12:00:00.123Z info  wampd.router.daemon: text``, with the traceback of a failure below."""
    level = event.get("log_level", LogLevel.info).name
    text = _one_line(formatEvent(event) or "")
    failure = event.get("log_failure")
    if failure is not None:
        text += "\n    " + failure.getTraceback().rstrip().replace("\n", "\n    ")
    return f"{_when(event)} {level:<5} {event.get('log_namespace', '-')}: {text}\n"


def _one_line(text: str) -> str:
    """A text with everything escaped that a terminal or a reader of lines could take for more than a character."""
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text])


def json_line(event: dict[str, Any]) -> str:
    """One JSON object: time, level, logger, message, and the event's own fields."""
    fields = {
        key: value
        for key, value in event.items()
        if not key.startswith("log_") and isinstance(value, _KEPT_TYPES) and key not in ("format", "time")
    }
    failure = event.get("log_failure")
    if failure is not None:
        fields["traceback"] = failure.getTraceback()
    record = {
        "time": _when(event),
        "level": event.get("log_level", LogLevel.info).name,
        "logger": event.get("log_namespace", "-"),
        "message": formatEvent(event) or "",
        **fields,
    }
    try:
        return msgspec.json.encode(record).decode() + "\n"
    except UnicodeEncodeError:  # a lone surrogate, which JSON in UTF-8 cannot hold
        record = {key: _one_line(value) if isinstance(value, str) else value for key, value in record.items()}
        return msgspec.json.encode(record).decode() + "\n"


def begin(level: str, log_format: str, stream: TextIO | None = None) -> LineObserver:
    """Send the log to a stream (standard error), from now on."""
    if stream is None:
        stream = sys.stderr
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    observer = LineObserver(stream, as_json=log_format == "json")
    # Any: zope's interfaces mean nothing to the type checker
    written: Any = observer
    predicate: Any = LogLevelFilterPredicate(defaultLogLevel=LEVELS[level])
    filtered: Any = FilteringLogObserver(written, [predicate])
    globalLogBeginner.beginLoggingTo([filtered], redirectStandardIO=False, discardBuffer=True)
    return observer


def _when(event: Mapping[str, Any]) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

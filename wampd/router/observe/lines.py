"""What a line of the log looks like: text for people, JSON for machines, fields for the journal of systemd.

Rules
-----
* One line an event. Text of a peer in it cannot break the line or steer a terminal: control characters are escaped. Only a
  traceback, which is ours, follows its line, indented; in JSON and in the journal it is a field.
* Fields are the keyword arguments of whoever logged, and those that ``log_fields`` names: a pair of names and values.

Sources: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/; sd-daemon(3), for ``<6>`` before a line; systemd.journal-fields(7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from twisted.logger import LogLevel, formatEvent

from wampd.router.subsystems import subsystem_of

MAX_TEXT: Final = 8192
"""Characters of one message."""
# C0 without the tab, DEL and C1; the separators that some readers take for line ends; what turns the direction of text.
_CONTROLS: Final = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(9), *range(10, 32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in _CONTROLS if code > 31}  # JSON escapes the others by itself
_KEPT_TYPES: Final = (str, int, float, bool, type(None))
PRIORITIES: Final = {
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}
"""By level, the severity of syslog(3)."""
IDENTIFIER: Final = "wampd"
_COLOURS: Final = {LogLevel.debug: "2", LogLevel.warn: "33", LogLevel.error: "31", LogLevel.critical: "1;31"}
_NAME: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_LONGEST_NAME: Final = 64 - len("WAMPD_")


def text_line(event: dict[str, Any], level: str = "") -> str:
    """``2026-01-31T12:00:00.123Z info  wampd.router.daemon: text``, with the traceback of a failure below."""
    level = level or f"{event.get('log_level', LogLevel.info).name:<5}"
    text = _shown(_text(event))
    for line in _traceback(event).split("\n") if _has_traceback(event) else ():
        text += "\n    " + _shown(line)
    return f"{_when(event)} {level} {event.get('log_namespace', '-')}: {text}\n"


def coloured_line(event: dict[str, Any]) -> str:
    """The same for a terminal, its level in a colour (ECMA-48, SGR)."""
    level = event.get("log_level", LogLevel.info)
    colour = _COLOURS.get(level)
    return text_line(event, f"\x1b[{colour}m{level.name:<5}\x1b[0m" if colour else "")


def prefixed_line(event: dict[str, Any]) -> str:
    """For a reader that knows syslog's severities and the time: each line with ``<6>`` or the like before it."""
    mark = f"<{PRIORITIES.get(event.get('log_level', LogLevel.info), 6)}>"
    text = f"{event.get('log_namespace', '-')}: {_shown(_text(event))}\n"
    for line in _traceback(event).split("\n") if _has_traceback(event) else ():
        text += f"{mark}    {_shown(line)}\n"
    return mark + text


def json_line(event: dict[str, Any]) -> str:
    """One JSON object: time, level, logger, subsystem, message, and the event's own fields."""
    record: dict[str, Any] = {"time": _when(event), **_head(event), "message": _text(event)}
    if _has_traceback(event):
        record["traceback"] = _traceback(event)
    for key, value in _fields(event):
        record.setdefault(key, value)
    try:
        line = msgspec.json.encode(record)
    except (ValueError, OverflowError):  # a number beyond 64 bits
        line = msgspec.json.encode({key: str(value)[:MAX_TEXT] for key, value in record.items()})
    text = line.decode()
    return (text if text.isascii() and "\x7f" not in text else text.translate(_ESCAPES)) + "\n"


def journal_entry(event: dict[str, Any]) -> bytes:
    """One entry of the journal: ``MESSAGE``, ``PRIORITY``, ``WAMPD_SESSION`` …

    The journal's own readers escape what could steer a terminal.
    """
    entry = {
        "MESSAGE": _text(event),
        "PRIORITY": str(PRIORITIES.get(event.get("log_level", LogLevel.info), 6)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **{f"WAMPD_{key.upper()}": value for key, value in _head(event).items() if key != "level"},
    }
    if _has_traceback(event):
        entry["WAMPD_TRACEBACK"] = _traceback(event)
    for key, value in _fields(event):
        name = "".join(letter if letter in _NAME else "_" for letter in key.upper())[:_LONGEST_NAME]
        if value is not None:
            entry.setdefault(f"WAMPD_{name}", str(value))
    return b"".join(_journal_field(name, value.encode()) for name, value in entry.items())


def _journal_field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%b\n%b%b\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%b=%b\n" % (name.encode(), value)


def _head(event: Mapping[str, Any]) -> dict[str, str]:
    logger = event.get("log_namespace", "-")
    return {
        "level": event.get("log_level", LogLevel.info).name,
        "logger": logger,
        "subsystem": subsystem_of(logger),
    }


def _fields(event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an event tells beside its text, bounded."""
    if "log_fields" in event:
        event = event | dict(zip(*event["log_fields"], strict=True))
    for key, value in event.items():
        if not key.startswith("log_") and key != "format" and isinstance(value, _KEPT_TYPES):
            yield _encodable(key), _encodable(value[:MAX_TEXT]) if isinstance(value, str) else value


def _text(event: dict[str, Any]) -> str:
    # The text of Twisted's older events has the traceback in it.
    text = (event.get("why") or "Unhandled Error") if "failure" in event else _filled_in(event)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
    if "log_repeated" in event:
        text += f" ({event['log_repeated']} times by now: the traceback was there before)"
    return _encodable(text)


def _filled_in(event: dict[str, Any]) -> str:
    """The template with its fields in it: what Twisted makes of it, which takes ten times as long, and knows calls as well."""
    template = event.get("log_format")
    if type(template) is str and "()" not in template and "log_flattened" not in event:
        try:
            return template.format_map(event)
        except Exception:  # noqa: BLE001, S110 -- Twisted puts into words what is wrong with it
            pass
    return formatEvent(event) or ""


def _shown(text: str) -> str:
    """The text without anything that could break its line or steer a terminal, which nothing printable can."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def _has_traceback(event: Mapping[str, Any]) -> bool:
    return _failure(event) is not None and "log_repeated" not in event


def _failure(event: Mapping[str, Any]) -> Any:
    return event.get("log_failure", event.get("failure"))


def _traceback(event: Mapping[str, Any]) -> str:
    trace: str = _failure(event).getTraceback()
    return _encodable(trace).rstrip()


def _encodable(text: str) -> str:
    """The text, halves of surrogate pairs spelt out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _when(event: Mapping[str, Any]) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

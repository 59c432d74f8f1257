"""A flood of lines of one kind, kept small: some of each second, and how many more there were.

Rules
-----
* Lines of one kind have one template, one logger and, where a component is named, that one. Of each kind ``burst`` are
  passed on in a second; how many more there were is said every `INTERVAL` seconds in one line at the same level, and counted.
* Of these one address has half at the most: who knocks very often hides nobody else.
* What says ``log_every`` of itself is passed on always: an access log is one only if it is whole.
* The traceback of a failure is shown once a minute for each place that it comes from; else only how often it was there by then.
* Kinds are as many as there are templates; beyond `MOST_KINDS`, those that were quiet of late are forgotten.

Source: https://pkg.go.dev/go.uber.org/zap#SamplingConfig, for the idea.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec import Struct

from wampd.auth.throttle import network_of

Event: TypeAlias = dict[str, Any]

SECOND: Final = 1.0
INTERVAL: Final = 10.0
MINUTE: Final = 60.0
MOST_KINDS: Final = 500
SHOWN: Final = 200
"""Characters of a template in the line that sums its events up."""


class _Kind(Struct):
    """What is known of the lines of one kind."""

    second: float
    """When the second began that is counted in."""
    count: int = 0
    sources: dict[str, int] = {}
    """How many of these were of each address."""
    untold: int = 0
    sample: Event = {}
    """The last event that was left out."""


class _Trace(Struct):
    """What is known of one traceback."""

    shown: float
    times: int = 1


class Sampling:
    """Passes events on, those of a flood in part."""

    def __init__(self, clock: Any, pass_on: Callable[[Event], None]) -> None:
        """``clock`` is an ``IReactorTime``."""
        self._clock = clock
        self._pass_on = pass_on
        self._kinds: dict[tuple[Any, ...], _Kind] = {}
        self._traces: dict[tuple[Any, ...], _Trace] = {}
        self._timer: Any = None
        self.burst: int | None = None
        """Lines of one kind in a second; `None`: any number."""
        self.left_out = 0
        """How many were not passed on so far."""

    def __call__(self, event: Event) -> None:
        """Pass an event on, or count it."""
        burst = self.burst
        if burst is not None and "log_every" not in event and not self._has_room(event, burst):
            return
        if "log_failure" in event:
            event = self._without_what_was_shown(event)
        self._pass_on(event)

    def finish(self) -> None:
        """Sum up what is left: the process ends."""
        if self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._sum_up()

    def _has_room(self, event: Event, burst: int) -> bool:
        now = self._clock.seconds()
        key = event.get("log_namespace"), event.get("log_format"), event.get("component")
        kind = self._kinds.get(key)
        if kind is None:
            self._forget(now)
            kind = self._kinds[key] = _Kind(now)
        if now >= kind.second + SECOND:
            kind.second, kind.count, kind.sources = now, 0, {}
        if kind.count < burst and _has_share(kind, event, burst):
            kind.count += 1
            return True
        kind.untold += 1
        kind.sample = event
        self.left_out += 1
        if self._timer is None:
            self._timer = self._clock.callLater(INTERVAL, self._sum_up)
        return False

    def _sum_up(self) -> None:
        self._timer = None
        for kind in self._kinds.values():
            if kind.untold:
                self._pass_on(_summary(kind))
                kind.untold, kind.sample = 0, {}

    def _forget(self, now: float) -> None:
        """Make room for another kind."""
        if len(self._kinds) >= MOST_KINDS:
            quiet = [key for key, kind in self._kinds.items() if not kind.untold and now >= kind.second + SECOND]
            for key in quiet or [next(iter(self._kinds))]:
                del self._kinds[key]

    # --------------------------------------------------------------------------------------------------- tracebacks

    def _without_what_was_shown(self, event: Event) -> Event:
        """The event, without its traceback if that was there of late."""
        now = self._clock.seconds()
        key = event.get("log_format"), *_origin(event["log_failure"])
        trace = self._traces.get(key)
        if trace is None or now >= trace.shown + MINUTE:
            if trace is None and len(self._traces) >= MOST_KINDS:
                del self._traces[next(iter(self._traces))]
            self._traces[key] = _Trace(now)
            return event
        trace.times += 1
        return {**event, "log_repeated": trace.times}


def _has_share(kind: _Kind, event: Event, burst: int) -> bool:
    """Whether the address that an event is about, if it is about one, has not had its share; count it."""
    source = event.get("address")
    if source is None and "log_fields" in event:
        source = dict(zip(*event["log_fields"], strict=True)).get("address")
    if not isinstance(source, str) or not source:
        return True
    if ":" in source:  # of IPv6 everybody has a whole network
        source = network_of(source) or source
    had = kind.sources.get(source, 0)
    if had >= max(1, burst // 2):
        return False
    kind.sources[source] = had + 1
    return True


def _origin(failure: Any) -> tuple[Any, ...]:
    """Where a failure comes from: its type and the innermost place."""
    frames = getattr(failure, "frames", None)
    return (failure.type, *frames[-1][:3]) if frames else (failure.type,)


def _named(sample: Event) -> str:
    """What the lines of a kind have in common: the template, and the component where one is named."""
    template = str(sample.get("log_format"))
    return template.replace("{component}", str(sample["component"])) if "component" in sample else template


def _summary(kind: _Kind) -> Event:
    sample = kind.sample
    return {
        **{key: sample[key] for key in ("log_namespace", "log_level", "log_time", "component") if key in sample},
        "log_format": "… {more:,} more like this in the last {seconds:g} s: {kind}",
        "log_every": True,
        "more": kind.untold,
        "seconds": INTERVAL,
        "kind": _named(sample)[:SHOWN],
    }

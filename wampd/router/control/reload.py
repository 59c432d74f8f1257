"""``wampd.node.reload`` and ``wampd.node.diff``: another configuration for the router that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.realms.meta.shapes import Nothing
from wampd.router.inside.insider import Handler, Refusal, Reply
from wampd.router.inside.taking import taken

BAD_CONFIGURATION: Final = "wampd.error.bad_configuration"
MOST: Final = 1_000
"""Lines of one answer."""


def procedures_of(
    change: Callable[[], Deferred[list[str]]],
    difference: Callable[[], Deferred[list[str]]],
    not_changed: type[Exception],
) -> Mapping[str, Handler]:
    """What is served, by URI. ``change`` and ``difference`` tell lines, or fail with ``not_changed``, whose text says why."""

    def answered(ask: Callable[[], Deferred[list[str]]]) -> Handler:
        def answer(call: Reply) -> Deferred[dict[str, Any]]:
            taken(Nothing, call)
            told: Deferred[list[str]] = Deferred()  # who wants no answer any more undoes nothing
            ask().addCallbacks(told.callback, told.errback)
            return told.addCallbacks(lambda lines: {"changes": _bounded(lines)}, refused)

        return answer

    def refused(failure: Failure) -> NoReturn:
        failure.trap(not_changed)
        raise Refusal(BAD_CONFIGURATION, str(failure.value))

    return {"wampd.node.reload": answered(change), "wampd.node.diff": answered(difference)}


def _bounded(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST else [*lines[:MOST], f"… and {len(lines) - MOST} more"]

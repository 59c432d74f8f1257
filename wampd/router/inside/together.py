"""Several things that are waited for, as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure


def together(requests: Iterable[Deferred[Any]]) -> Deferred[list[Any]]:
    """What all of them come to; fails as the first that fails does."""
    answered: Deferred[list[Any]] = gatherResults(list(requests), consumeErrors=True)
    return answered.addErrback(_first)


def _first(failure: Failure) -> Failure:
    why: Any = failure.value
    first: Failure = why.subFailure if isinstance(why, FirstError) else failure
    return first

"""Uploads, and those who hear of them: from what is configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from wampd.router.http.uploads.resource import Upload, UploadRules
from wampd.router.inside.insiders import Insiders, NotLetIn
from wampd.router.threads import Threads

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampd.router.inside.insider import Insider
    from wampd.router.settings.http.upload import UploadEvents, UploadPath
    from wampd.router.wiring.means import Means

log = Logger()

WRITERS = 4
"""Threads that write files of one path."""


def upload_of(path: UploadPath, means: Means) -> Upload:
    """What takes the uploads of a path."""
    rules = UploadRules(
        directory=path.directory,
        size=path.size,
        files=path.files,
        types=path.types,
        drawn=path.draw_names,
        overwrite=path.overwrite,
        concurrent=path.concurrent,
        keep_free=path.keep_free,
        rate=path.minimal_rate,
    )
    tell = _nobody
    if path.events is not None:
        herald = Herald(path.events, means.insiders)
        means.ends.add(herald.close, None)
        tell = herald.tell
    threads = Threads(means.reactor, WRITERS, "uploads")
    means.ends.add(threads.shrink, None)
    return Upload(rules, threads, means.reactor, tell)


def _nobody(what: str, known: Mapping[str, Any]) -> None:
    """Nobody wants to hear of it."""


class Herald:
    """Publishes what happens to uploads, by a session that it has once there is something to tell."""

    def __init__(self, events: UploadEvents, insiders: Insiders) -> None:
        self._events = events
        self._enter: Callable[[], Insider] = lambda: insiders.enter(events.realm, "upload", events.role)
        self._insider: Insider | None = None
        self._is_closed = False

    def close(self) -> None:
        """Keep no session any more: of uploads there are only those that come now."""
        self._is_closed = True
        if self._insider is not None:
            self._insider.leave()

    def tell(self, what: str, known: Mapping[str, Any]) -> None:
        """Publish it."""
        try:
            if self._insider is None or self._insider.is_over:
                self._insider = self._enter()
        except NotLetIn as why:
            log.warn("uploads cannot be told of in {realm}: {why}", realm=self._events.realm, why=why.text)
            return
        insider = self._insider
        published = insider.publish(self._events.topic, [what], known).addErrback(_unheard)
        if self._is_closed:
            published.addBoth(lambda _: insider.leave())


def _unheard(failure: Failure) -> None:
    log.warn("an upload could not be told of: {why}", why=failure.getErrorMessage())

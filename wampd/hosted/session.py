"""The session of a hosted component: the component's own class, with the way in taken over by the router, and its end watched.

Rules
-----
* Whatever the class says of realm and authentication, ``join`` joins the realm of the description by ticket. So code that
  logs in with a secret of its own when it runs alone is the same when it is hosted.
* What fails before the session is ready (``onConnect``, ``onJoin``, listeners of ``join``, the function) ends the component.
  What fails later, in a handler, is autobahn's to log, as always.
* A session that has left is disconnected, whether or not its class does so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .course import Course
from .description import Description
from .finding import LOOPS, Found, arguments, is_main
from .trouble import FAILED, UNUSABLE, Trouble, summary

ANSWERED = ("connect", "join", "ready")
"""Events after which autobahn goes no further if a listener fails."""
SETTING_UP = (
    "While notifying 'connect'",
    "While calling 'onConnect'",
    "While notifying 'join'",
    "While firing onJoin",
    "While notifying 'ready'",
)
"""What autobahn says of an error on the way to a session that is ready."""


def maker(description: Description, found: Found, course: Course, loop: Any) -> Callable[[], Any]:
    """What makes the session, once there is a connection; ``loop`` is the reactor or the event loop."""
    import txaio
    from autobahn.wamp.types import ComponentConfig

    component = found.component
    extra = description.extra
    if extra is None and component is not None:
        extra = component._extra

    def make() -> Any:
        try:
            session = _made(found, ComponentConfig(description.realm, extra))
            session.__class__ = _hosted(type(session), description, course, component)
        except Exception as error:
            course.failed(UNUSABLE, f"the session cannot be made: {summary(error)}", error)
            raise
        course.session = session
        if component is not None:
            component._session = session
        main = found.function if component is None else component._entry
        if main is not None:
            ends = component is not None or is_main(main)

            def joined(session: Any, details: Any) -> Any:
                if component is not None:
                    running = txaio.as_future(main, loop, session)
                else:
                    given = {"session": session, "details": details, "extra": extra, **dict.fromkeys(LOOPS, loop)}
                    running = txaio.as_future(main, **arguments(main, given))
                if ends:
                    txaio.add_callbacks(running, lambda _: course.let_go(), failed)
                return running

            def failed(failure: Any) -> Any:
                session.onUserError(failure, SETTING_UP[2])  # asyncio shows the traceback to the first who asks
                return failure

            session.on("join", joined)
        return session

    return make


def _made(found: Found, config: Any) -> Any:
    if found.component is not None:
        return found.component.session_factory(config)
    if found.session_class is not None:
        return found.session_class(config)
    if found.framework == "twisted":
        from autobahn.twisted.wamp import Session
    else:
        from autobahn.asyncio.wamp import Session
    return Session(config)


def _hosted(session_class: Any, description: Description, course: Course, component: Any) -> Any:
    """The component's class, hosted; ``component`` is whose listeners hear what happens to the session, if there is one."""
    import txaio

    class Hosted(session_class):  # type: ignore[misc]
        def join(self, *_own: Any, **_more: Any) -> Any:
            return super().join(description.realm, ["ticket"], description.authid)

        def onChallenge(self, _challenge: Any) -> str:  # noqa: N802 - autobahn's name
            return description.ticket

        def onWelcome(self, _welcome: Any) -> None:  # noqa: N802 - autobahn's name
            course.is_joined = True  # what its class would verify here is of methods that were not used

        def fire(self, event: str, *args: Any, **kwargs: Any) -> Any:
            listeners = [*_listeners(self, event), *_listeners(component, event)]
            running = [txaio.as_future(listener, *args, **kwargs) for listener in listeners]
            failures: list[Any] = []

            def failed(failure: Any) -> None:  # which returns nothing: so Twisted knows that somebody has heard of it
                failures.append(failure)
                self.onUserError(failure, f"While notifying '{event}'")

            for each in running:
                txaio.add_callbacks(each, None, failed)
            told = txaio.create_future()

            def tell_all(_: Any) -> None:
                if failures and event in ANSWERED:
                    txaio.reject(told, failures[0].value)
                else:
                    txaio.resolve(told, None)

            if running:
                txaio.add_callbacks(txaio.gather(running, consume_exceptions=True), tell_all, tell_all)
            else:
                tell_all(None)
            return told

        def onJoin(self, details: Any) -> Any:  # noqa: N802 - autobahn's name
            running = txaio.as_future(super().onJoin, details)  # on asyncio nobody else hears of its errors
            txaio.add_callbacks(running, None, lambda failure: self.onUserError(failure, "While firing onJoin"))
            return running

        def onLeave(self, details: Any) -> Any:  # noqa: N802 - autobahn's name
            course.left(details.reason, details.message)
            left = txaio.as_future(super().onLeave, details)

            def hang_up(outcome: Any) -> Any:
                if self.is_connected():
                    self.disconnect()
                return outcome

            txaio.add_callbacks(left, hang_up, hang_up)
            return left

        def onClose(self, clean: bool) -> None:  # noqa: N802 - autobahn's name
            try:
                super().onClose(clean)
            finally:
                course.over()

        def onUserError(self, failure: Any, message: str) -> None:  # noqa: N802 - autobahn's name
            if message not in SETTING_UP:
                super().onUserError(failure, message)
                return
            error = _unwrapped(failure.value)
            if isinstance(error, Trouble):
                course.failed(error.status, error.line, error.cause)
            else:
                course.failed(FAILED, f"setting up failed: {summary(error)}", error)
            course.let_go()

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(Hosted, name, getattr(session_class, name))
    return Hosted


def _listeners(observed: Any, event: str) -> list[Any]:
    """Those of a session, or of a component."""
    known = None if observed is None else observed._listeners
    return list((known or {}).get(event, ()))


def _unwrapped(error: BaseException) -> BaseException:
    """Of what Twisted says of several, the first."""
    inner = getattr(error, "subFailure", None)
    return error if inner is None else _unwrapped(inner.value)

"""What is written in Python by others, and runs in the router: from what is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampd.router.objects import find

if TYPE_CHECKING:
    from twisted.web.resource import Resource

    from wampd.router.settings.http.python import ResourcePath, WsgiPath
    from wampd.router.wiring.means import Means


def wsgi_of(path: WsgiPath, means: Means) -> Resource:
    """A WSGI application. Raise `wampd.router.objects.Unusable`."""
    from wampd.router.http.python.wsgi import Wsgi
    from wampd.router.threads import Threads

    module, _, name = path.application.partition(":")
    application = find(module, name, path.directory)
    threads = Threads(means.reactor, path.threads, f"wsgi {module}")
    disk = Threads(means.reactor, 2, f"bodies for {module}")
    for each in (threads, disk):
        means.ends.add(each.shrink, None)
    return Wsgi(application, threads, disk, most=path.threads + path.waiting, timeout=path.timeout, size=path.size)


def resource_of(path: ResourcePath) -> Resource:
    """A resource of Twisted Web. Raise `wampd.router.objects.Unusable`, and what its class raises."""
    from wampd.router.http.python.foreign import Foreign

    module, _, name = path.class_.rpartition(".")
    return Foreign(find(module, name, path.directory)(**path.arguments), path.size)

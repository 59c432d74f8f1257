"""The tree of a web site: what is served, each under a path.

Rules
-----
* The longest path that fits decides, by whole segments. What is served there finds its own path in ``request.prepath``, and
  what is left of the target's in ``request.postpath``, both percent-decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twisted.web.pages import notFound
from twisted.web.resource import Resource

from wampd.router.hostnames import ByHost
from wampd.router.http.body import Intake, intake_of
from wampd.router.http.channel import MAX_BODY
from wampd.router.http.hosts import Fits, Hosts
from wampd.router.http.site import MAX_HEAD, MAX_HEADERS, BoundedSite

NOTHING: Final[Any] = notFound()
"""What is where nothing is."""


class Tree(Resource):
    """All that a listener serves, each under a path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, served: Mapping[str, Resource]) -> None:
        """``served`` is by path, as ``/`` or ``/a/b``."""
        super().__init__()
        self._served = {_segments(path): what for path, what in served.items()}

    def render(self, request: Any) -> Any:
        """Let the one with the longest path answer."""
        return self.find(request).render(request)

    def intake(self, request: Any) -> Intake | None:
        """How the one with the longest path takes the body."""
        return intake_of(self.find(request), request)

    def find(self, request: Any) -> Any:
        """The one with the longest path; the request's paths are its own then."""
        segments = tuple(request.postpath)
        for length in range(len(segments), -1, -1):
            served = self._served.get(segments[:length])
            if served is not None:
                request.prepath, request.postpath = list(segments[:length]), list(segments[length:])
                return served
        return NOTHING


def build_site(
    served: Mapping[str, Resource],
    *,
    hosts: Mapping[str, Mapping[str, Resource]] | None = None,
    fits: Fits | None = None,
    head_size: int = MAX_HEAD,
    header_lines: int = MAX_HEADERS,
    body_size: int = MAX_BODY,
    headers: Sequence[tuple[bytes, bytes]] = (),
    access_log: Callable[[Any], None] | None = None,
    is_watched: bool = True,
) -> Any:
    """A site that serves this, by path; other things for some ``hosts``, by name. The limits are those of a request.

    ``fits``: see `Hosts`; ``headers``, ``access_log`` and ``is_watched``: see `BoundedSite`.
    """
    trees = ByHost({name: Tree(each) for name, each in (hosts or {}).items()}, Tree(served))
    return BoundedSite(
        Hosts(trees, fits),
        head_size=head_size,
        header_lines=header_lines,
        body_size=body_size,
        headers=headers,
        access_log=access_log,
        is_watched=is_watched,
    )


def _segments(path: str) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in path.split("/") if part)

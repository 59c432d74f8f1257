"""The tree of a web site: what is served, each under a path.

Rules
-----
* The longest path that fits decides, by whole segments. What is served there finds its own path in ``request.prepath``, and
  what is left of the target's in ``request.postpath``, both percent-decoded.
* A path that somebody behind may take for one that another entry serves (``//admin``, ``/a/..%2Fadmin``, ``/admin;x``) is
  served by neither: doors stand at entries, and servers differ in what they make of such paths (RFC 3986, section 6.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from twisted.web.resource import Resource

from wampd.router.hostnames import ByHost
from wampd.router.http.answer import say
from wampd.router.http.body import Intake, intake_of, no_body
from wampd.router.http.hosts import Fits, Hosts

_ODD: Final = re.compile(rb"//|/\.|[%;\\]")
"""What is in every path that may be read in another way."""


class Nothing(Resource):
    """What is where nothing is."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def render(self, request: Any) -> bytes:
        """Say so, by whatever method."""
        return say(request, 404, "nothing is here")


NOTHING: Final = Nothing()


class Tree(Resource):
    """All that a listener serves, each under a path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, served: Mapping[str, Resource]) -> None:
        """``served`` is by path, as ``/`` or ``/a/b``."""
        super().__init__()
        self._served = {_segments(path): what for path, what in served.items()}
        self._deepest = max(map(len, self._served), default=0)

    def render(self, request: Any) -> Any:
        """Let the one with the longest path answer."""
        return self.find(request).render(request)

    def intake(self, request: Any) -> Intake | None:
        """How the one with the longest path takes the body."""
        return intake_of(self.find(request), request)

    def find(self, request: Any) -> Any:
        """The one with the longest path; the request's paths are its own then."""
        segments = tuple(request.postpath)
        length = self._length(segments)
        if length is None:
            return NOTHING
        found = segments[:length]
        if len(self._served) > 1 and _ODD.search(request.path):
            plain = _plain(segments)
            other = self._length(plain)
            if other is None or plain[:other] != found:
                return NOTHING
        request.prepath, request.postpath = list(found), list(segments[length:])
        return self._served[found]

    def _length(self, segments: tuple[bytes, ...]) -> int | None:
        """The length of the longest path that fits."""
        served = self._served
        for length in range(min(len(segments), self._deepest), -1, -1):
            if segments[:length] in served:
                return length
        return None


def root_of(
    served: Mapping[str, Resource],
    hosts: Mapping[str, Mapping[str, Resource]] | None = None,
    fits: Fits | None = None,
) -> Hosts:
    """The root of a site that serves this, by path; other things for some ``hosts``, by name. ``fits``: see `Hosts`."""
    trees = ByHost({name: Tree(each) for name, each in (hosts or {}).items()}, Tree(served))
    return Hosts(trees, fits)


def _plain(segments: Sequence[bytes]) -> tuple[bytes, ...]:
    """What a path comes to if all is undone that somebody might: escapes, backslashes, parameters, dots, empty segments."""
    plain: list[bytes] = []
    for part in re.split(rb"[/\\]", unquote_to_bytes(b"/".join(segments))):
        segment = part.partition(b";")[0]
        if segment == b"..":
            del plain[-1:]
        elif segment not in (b"", b"."):
            plain.append(segment)
    return tuple(plain)


def _segments(path: str) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in path.split("/") if part)

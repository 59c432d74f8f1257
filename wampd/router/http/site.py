"""The web site of a listener: directories of static files under paths.

Rules
-----
* Closed by default: no listing of directories, no dotfiles, no symbolic link that leads out of its root, no traversal.
* GET and HEAD alone; a body over its limit is refused before it is kept.
* A failure of ours shows no traceback to the client.

Sources: RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1 messages).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.static import File

MAX_BODY = 2**20
MAX_HEADERS = 100
IDLE_TIMEOUT = 30.0


class SmallRequest(Request):
    """A request whose body is bounded."""

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that is announced as too long."""
        if length is not None and length > MAX_BODY:
            self._too_large()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that grows too long."""
        assert self.content is not None
        if self.content.tell() + len(data) > MAX_BODY:
            self._too_large()
            return
        super().handleContentChunk(data)

    def _too_large(self) -> None:
        self.channel.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.channel.loseConnection()


class StaticFiles(File):
    """The files of one directory."""

    def __init__(self, path: str, root: str = "", **kwargs: Any) -> None:
        super().__init__(path, **kwargs)
        self.root = root or os.path.realpath(path)
        self.indexNames = ["index.html"]

    def getChild(self, path: bytes, request: Any) -> Any:  # noqa: N802 - Twisted's name
        """The file or directory of this name, if it may be seen."""
        if path.startswith(b"."):
            return self.childNotFound
        child = super().getChild(path, request)
        if isinstance(child, StaticFiles):
            real = os.path.realpath(child.path)
            if real != self.root and not real.startswith(self.root + os.sep):
                return self.childNotFound
        return child

    def directoryListing(self) -> Any:  # noqa: N802 - Twisted's name
        """Directories are not listed."""
        return self.childNotFound

    def createSimilarFile(self, path: str) -> StaticFiles:  # noqa: N802 - Twisted's name
        """A child of the same kind, with the same root."""
        similar = type(self)(path, self.root, defaultType=self.defaultType)
        similar.processors = self.processors
        similar.indexNames = self.indexNames[:]
        similar.childNotFound = self.childNotFound
        return similar

    def render_GET(self, request: Any) -> Any:  # noqa: N802 - Twisted's name
        """Serve the file."""
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        request.setHeader(b"Cache-Control", b"no-cache")  # cached, but asked for again: ETag and Last-Modified decide
        return super().render_GET(request)

    render_HEAD = render_GET  # noqa: N815 - Twisted's name


def build_site(paths: Mapping[str, Path]) -> Any:
    """A site that serves ``paths``: a directory for each URL path. The longest path that fits decides."""
    root: Any = StaticFiles(str(paths["/"])) if "/" in paths else Resource()
    for path, directory in sorted(paths.items()):
        here = root
        parts = [part.encode() for part in path.split("/") if part]
        for part in parts[:-1]:
            if part not in here.children:
                here.putChild(part, Resource())
            here = here.children[part]
        if parts:
            here.putChild(parts[-1], StaticFiles(str(directory)))
    site = Site(root, requestFactory=SmallRequest, timeout=IDLE_TIMEOUT)
    site.displayTracebacks = False
    site.protocol = _channel  # type: ignore[method-assign]
    return site


def _channel() -> Any:
    channel = HTTPChannel()
    channel.maxHeaders = MAX_HEADERS
    return channel

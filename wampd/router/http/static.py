"""Static files: what is in a directory, below a path.

Rules
-----
* Closed by default: no listing of directories, no dotfiles, no symbolic link that leads out of its root, no traversal; nothing
  but regular files.
* ``index.html`` stands for its directory.
* GET and HEAD alone. What has not changed is not sent again (``ETag``, ``Last-Modified``). One range of a file is sent alone;
  of several ranges, the whole file is, as RFC 9110 section 14.2 allows.

Sources: RFC 9110 (HTTP semantics).
"""

from __future__ import annotations

import enum
import mimetypes
import os
import re
import stat
from collections.abc import Sequence
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from twisted.internet.interfaces import IPushProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.util import redirectTo
from zope.interface import implementer

from wampd.router.http.tree import NOTHING

INDEX: Final = "index.html"
CHUNK: Final = 2**16
KINDS: Final = mimetypes.MimeTypes()
for _kind, _extension in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/wasm", ".wasm"),
    ("application/manifest+json", ".webmanifest"),
    ("font/woff2", ".woff2"),
    ("text/markdown", ".md"),
    ("application/yaml", ".yaml"),
    ("image/webp", ".webp"),
):
    KINDS.add_type(_kind, _extension)
_ONE_RANGE: Final = re.compile(rb"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")


class Elsewhere(enum.Enum):
    """Where what is looked for is instead."""

    WITH_SLASH = "/"
    """Under the same path with a slash after it: it is a directory."""


class StaticFiles(Resource):
    """The files of a directory."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, directory: Path) -> None:
        """``directory`` is the root; nothing out of it is served."""
        super().__init__()
        self._root = os.path.realpath(directory)

    def render(self, request: Any) -> Any:
        """Answer with the file of the path."""
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(405)
            request.setHeader(b"Allow", b"GET, HEAD")
            return b""
        found = self._find([_text(segment) for segment in request.postpath])
        if found is None:
            return NOTHING.render(request)
        if found is Elsewhere.WITH_SLASH:
            return redirectTo(_with_slash([*request.prepath, *request.postpath]), request)
        return _answer(request, *found)

    def _find(self, segments: Sequence[str]) -> tuple[str, BinaryIO] | Elsewhere | None:
        """The file at a path; where to go instead; or that there is nothing."""
        root = self._root
        if not segments:
            return Elsewhere.WITH_SLASH
        *directories, name = segments
        if not all(map(_may_be_seen, directories)) or (name and not _may_be_seen(name)):
            return None
        real = os.path.realpath(os.path.join(root, *directories, name or INDEX))
        inside = os.path.relpath(real, root).split(os.sep)
        if inside != ["."] and not all(map(_may_be_seen, inside)):
            return None
        try:
            mode = os.stat(real).st_mode
            if stat.S_ISDIR(mode):
                return Elsewhere.WITH_SLASH if name else None
            return (real, open(real, "rb")) if stat.S_ISREG(mode) else None
        except OSError:  # not there, not ours to read, a name that is too long
            return None


@implementer(IPushProducer)
class _Sending:
    """A part of a file on its way to a client."""

    def __init__(self, request: Any, file: BinaryIO, size: int) -> None:
        """``file`` stands where the part of ``size`` bytes begins."""
        self._request = request
        self._file = file
        self._left = size
        self._paused = False

    def start(self) -> None:
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._paused = False
        while self._left and not self._paused and not self._file.closed:
            data = self._file.read(min(CHUNK, self._left))
            if not data:  # the file became shorter: what was announced cannot be kept
                self._file.close()
                self._request.unregisterProducer()
                self._request.loseConnection()
                return
            self._left -= len(data)
            self._request.write(data)
        if not self._left and not self._file.closed:
            self._file.close()
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone."""
        self._file.close()


def _answer(request: Any, path: str, file: BinaryIO) -> Any:
    """Send a file, or a part of it, or that it has not changed."""
    status = os.fstat(file.fileno())
    etag = b'"%x-%x"' % (status.st_mtime_ns, status.st_size)
    kind = KINDS.guess_type(Path(path).name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    request.setHeader(b"Accept-Ranges", b"bytes")
    request.setHeader(b"Cache-Control", b"no-cache")  # kept, but asked for again each time
    request.setHeader(b"ETag", etag)
    request.setHeader(b"Last-Modified", formatdate(status.st_mtime, usegmt=True).encode())
    if _has_not_changed(request, etag, int(status.st_mtime)):
        file.close()
        request.setResponseCode(304)
        return b""
    request.setHeader(b"Content-Type", (kind + charset).encode())
    part = _part(request, etag, status.st_size)
    if part is None:
        file.close()
        request.setResponseCode(416)
        request.setHeader(b"Content-Range", b"bytes */%d" % status.st_size)
        return b""
    begin, end = part
    if (begin, end) != (0, status.st_size):
        request.setResponseCode(206)
        request.setHeader(b"Content-Range", b"bytes %d-%d/%d" % (begin, end - 1, status.st_size))
    request.setHeader(b"Content-Length", b"%d" % (end - begin))
    if request.method == b"HEAD":
        file.close()
        return b""
    file.seek(begin)
    _Sending(request, file, end - begin).start()
    return NOT_DONE_YET


def _has_not_changed(request: Any, etag: bytes, modified: int) -> bool:
    """Whether the client has what it asks for. Tags decide alone, if there are any (RFC 9110, section 13.2.2)."""
    tags = request.getHeader(b"if-none-match")
    if tags is not None:
        return any(tag.strip().removeprefix(b"W/") in (etag, b"*") for tag in tags.split(b","))
    since = request.getHeader(b"if-modified-since")
    try:
        return since is not None and modified <= parsedate_to_datetime(since.decode("latin-1")).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):  # not a date
        return False


def _part(request: Any, etag: bytes, size: int) -> tuple[int, int] | None:
    """Which part of the file is wanted, from where to where; `None`: one that it does not have."""
    asked = _ONE_RANGE.fullmatch(request.getHeader(b"range") or b"")
    if asked is None or (request.getHeader(b"if-range") or etag) != etag:
        return 0, size
    first, last, suffix = asked.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) and size else None
    begin, end = int(first), min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return 0, size  # not a range at all
    return (begin, end) if begin < size else None


def _text(segment: bytes) -> str:
    return segment.decode("utf-8", "surrogateescape")


def _may_be_seen(segment: str) -> bool:
    """Whether a segment names something below, and nothing hidden."""
    return bool(segment) and not segment.startswith(".") and "/" not in segment and "\0" not in segment


def _with_slash(segments: Sequence[bytes]) -> bytes:
    return b"/" + b"".join(quote(segment, safe="").encode() + b"/" for segment in segments)

"""Static files: what is in a directory, below a path.

Rules
-----
* What may be seen at all is said by `files`. An ``index`` file stands for its directory; without one there is nothing, or a
  listing where that is configured.
* GET and HEAD alone. What has not changed is not sent again (``ETag``, ``Last-Modified``). One range of a file is sent alone;
  of several ranges, the whole file is, as RFC 9110 section 14.2 allows.
* A client that takes it gets the compressed form of a file; it has a tag of its own, and the type of the file.
* Where there is nothing, requests for pages may get the ``fallback``; all others get 404, maybe with a page of one's own.

Sources: RFC 9110 (HTTP semantics).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.http.answer import READING, say, say_read_only
from wampd.router.http.body import no_body
from wampd.router.http.conditional import fails, has_not_changed, is_conditional, part_of
from wampd.router.http.static.encodings import IDENTITY, chosen
from wampd.router.http.static.files import File, Files, Form
from wampd.router.http.static.sending import Sending
from wampd.router.http.tree import NOTHING

log = Logger()

INDEX: Final = "index.html"
YEAR: Final = 365 * 86_400
_HTML: Final = re.compile(
    rb"(?:^|,)\s*(?:text/html|application/xhtml\+xml)\s*(?:;(?!\s*q=0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)", re.IGNORECASE
)


class StaticFiles(Resource):
    """The files of a directory."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(
        self,
        directory: Path,
        *,
        index: Sequence[str] = (INDEX,),
        fallback: str | None = None,
        fallback_for_files: bool = False,
        not_found: str | None = None,
        listing: bool = False,
        precompressed: bool = True,
        cache: Callable[[str], bytes] | None = None,
    ) -> None:
        """``directory`` is the root; nothing out of it is served. ``fallback`` and ``not_found`` are paths below it.

        ``cache`` gives the ``Cache-Control`` of a path below it; see `caching`.
        """
        super().__init__()
        self._files = Files(directory, precompressed=precompressed, cache=cache)
        self._index = tuple(index)
        self._fallback = None if fallback is None else tuple(fallback.split("/"))
        self._fallback_for_files = fallback_for_files
        self._not_found = None if not_found is None else tuple(not_found.split("/"))
        self._listing = listing

    def render(self, request: Any) -> Any:
        """Answer with the file of the path."""
        if request.method not in READING:
            return say_read_only(request)
        segments = tuple([each.decode("utf-8", "surrogateescape") for each in request.postpath])
        try:
            return self._answer(request, segments)
        except OSError as why:
            log.warn("files cannot be read: {why}", why=why.strerror)
            return _is_being_changed(request)

    def _answer(self, request: Any, segments: tuple[str, ...]) -> Any:
        file = self._files.get(segments) if segments and segments[-1] else self._index_of(segments)
        if file is not None:
            return self._send(request, file)
        return self._no_file(request, segments)

    def _index_of(self, segments: tuple[str, ...]) -> File | None:
        """What stands for a directory."""
        if segments:
            for name in self._index:
                file = self._files.get((*segments[:-1], name))
                if file is not None:
                    return file
        return None

    def _no_file(self, request: Any, segments: tuple[str, ...]) -> Any:
        """Answer where there is no file: a directory, a page that routes by itself, or nothing."""
        if not segments or segments[-1]:
            if self._files.directory(segments) is not None:
                return _with_slash(request)
        elif self._listing and (directory := self._files.directory(segments[:-1])) is not None:
            from wampd.router.http.static import listing  # only where it is asked for

            request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
            request.setHeader(b"Cache-Control", b"no-cache")
            request.setHeader(b"Content-Security-Policy", listing.POLICY)
            title = b"/" + b"/".join([*request.prepath, *request.postpath])
            return listing.page(directory, self._files.root, title.decode("utf-8", "surrogateescape"))
        if self._fallback is not None:
            request.setHeader(b"Vary", b"Accept")
            if self._is_for_page(request, segments) and (file := self._files.get(self._fallback)) is not None:
                return self._send(request, file, vary=b"Accept")
        return self._nothing(request)

    def _is_for_page(self, request: Any, segments: tuple[str, ...]) -> bool:
        """Whether somebody wants a page, not a part of one."""
        accepted = b",".join(request.requestHeaders.getRawHeaders(b"accept", []))
        is_file = bool(segments) and "." in segments[-1]
        return (self._fallback_for_files or not is_file) and _HTML.search(accepted) is not None

    def _nothing(self, request: Any) -> Any:
        file = None if self._not_found is None else self._files.get(self._not_found)
        if file is None:
            return NOTHING.render(request)
        request.setResponseCode(404)
        form = file.forms[IDENTITY]
        for name, values in form.headers:
            if name == b"Content-Type":
                request.responseHeaders.setRawHeaders(name, values)
        request.setHeader(b"Cache-Control", b"no-cache")
        return self._send_part(request, form, 0, form.size)

    def _send(self, request: Any, file: File, vary: bytes = b"") -> Any:
        """Send a file, or a part of it, or that it has not changed."""
        form = file.forms[IDENTITY]
        asked = request.requestHeaders
        if len(file.forms) > 1 and (accepted := asked.getRawHeaders(b"accept-encoding")) is not None:
            form = file.forms[chosen(b",".join(accepted), file.forms)]
        if not vary and request.method == b"GET" and request.may_be_hasty and not is_conditional(request):
            return self._send_hastily(request, form)
        answer = request.responseHeaders
        for name, values in form.headers:
            answer.setRawHeaders(name, values)
        if vary and len(file.forms) > 1:
            answer.setRawHeaders(b"Vary", [b"Accept-Encoding, " + vary])
        if fails(request, form.etag, form.modified):
            return _without_content(request, 412)
        if has_not_changed(request, form.etag, form.modified):
            return _without_content(request, 304)
        size = form.size
        part = part_of(request, form.etag, size, form.modified)
        if part is None:
            request.setHeader(b"Content-Range", b"bytes */%d" % size)
            return _without_content(request, 416)
        begin, end = part
        if end - begin != size:
            request.setResponseCode(206)
            request.setHeader(b"Content-Range", b"bytes %d-%d/%d" % (begin, end - 1, size))
        return self._send_part(request, form, begin, end)

    def _send_part(self, request: Any, form: Form, begin: int, end: int) -> Any:
        if form.body is not None:
            return form.body if end - begin == form.size else form.body[begin:end]
        request.setHeader(b"Content-Length", b"%d" % (end - begin))
        if request.method == b"HEAD":
            return b""
        file = self._files.open(form)
        if file is None:
            request.responseHeaders.removeHeader(b"Content-Length")
            return _is_being_changed(request)
        Sending(request, file, begin, end).start()
        return NOT_DONE_YET

    def _send_hastily(self, request: Any, form: Form) -> Any:
        """Send all of a file, where nothing is special about the answer."""
        if form.body is not None:
            request.answer_hastily(form.lines, form.body)
            request.finish()
            return NOT_DONE_YET
        file = self._files.open(form)
        if file is None:
            return _is_being_changed(request)
        request.answer_hastily(form.lines, b"")
        Sending(request, file, 0, form.size).start()
        return NOT_DONE_YET


def caching(max_age: float, immutable: Sequence[str] = (), *, private: bool = False) -> Callable[[str], bytes]:
    """What gives the ``Cache-Control`` of a path (RFC 9111, section 5.2.2; RFC 8246).

    It is kept for ``max_age`` seconds, for ever if one of the patterns matches; for 0 seconds it is asked for again each time.
    What is ``private`` is kept by browsers alone, not by what serves many.
    """
    begin = b"private, " if private else b""
    for_ever = re.compile("|".join(map(fnmatch.translate, immutable))) if immutable else None
    ordinary = begin + (b"max-age=%d" % max_age if max_age else b"no-cache")
    long = begin + b"max-age=%d, immutable" % YEAR

    def cache(path: str) -> bytes:
        if for_ever is not None and for_ever.match(path):
            return long
        return ordinary

    return cache


def _is_being_changed(request: Any) -> bytes:
    """A file was changed between two looks."""
    request.setHeader(b"Retry-After", b"1")
    return say(request, 503, "it is being changed")


def _without_content(request: Any, status: int) -> bytes:
    request.setResponseCode(status)
    request.responseHeaders.removeHeader(b"Content-Type")
    return b""


def _with_slash(request: Any) -> bytes:
    """Send the client to the same path with a slash after it, of which the names in a directory are below."""
    path = b"/" + b"".join(quote(segment, safe="").encode() + b"/" for segment in (*request.prepath, *request.postpath))
    mark, query = request.uri.partition(b"?")[1:]
    request.setHeader(b"Location", path + mark + query)
    return say(request, 302, "it is a directory")

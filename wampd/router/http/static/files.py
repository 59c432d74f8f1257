"""The files of a directory: finding them by the path of a request, and remembering what was found.

Rules
-----
* Closed by default: no dotfile, no symbolic link that leads out of the root or to something hidden, no traversal; nothing but
  regular files.
* What is remembered of a file, its content if it is small, is good as long as the system says that it is the same file of the
  same size, changed at the same time. It is asked each time.
* A compressed form (``NAME.br``, ``NAME.gz``) counts only if it may be seen like any file and is not older than the file
  itself. One that was not there is looked for again after a second.
* What is remembered is bounded, in files and in bytes; what was not asked for longest is forgotten.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from time import monotonic
from typing import BinaryIO, Final

from msgspec import Struct

from wampd.router.http.static.encodings import IDENTITY, SUFFIXES

KEPT_FILES: Final = 1024
KEPT_SIZE: Final = 16 * 2**20
"""Bytes of all contents that are remembered."""
SMALL: Final = 64 * 1024
"""Bytes of the longest content that is remembered."""
AGAIN: Final = 1.0
"""Seconds until a compressed form is looked for again."""
KINDS: Final = mimetypes.MimeTypes()
for _kind, _extension in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/wasm", ".wasm"),
    ("application/manifest+json", ".webmanifest"),
    ("font/woff2", ".woff2"),
    ("font/woff", ".woff"),
    ("font/ttf", ".ttf"),
    ("font/otf", ".otf"),
    ("application/json", ".map"),
    ("application/ld+json", ".jsonld"),
    ("application/atom+xml", ".atom"),
    ("application/rss+xml", ".rss"),
    ("text/markdown", ".md"),
    ("application/yaml", ".yaml"),
    ("image/webp", ".webp"),
    ("image/avif", ".avif"),
):
    KINDS.add_type(_kind, _extension)
PACKED: Final = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
}
"""What a file is that is compressed itself, and asked for as such."""

PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Errors that say nothing of whether there is a file."""

Stamp = tuple[int, int, int, int]
"""What tells that a file is the same: device, number, time of change in nanoseconds, size."""


class Form(Struct, eq=False):
    """A file as it may be sent: itself, or a compressed form of it."""

    path: str
    """Where it was found, links and all."""
    stamp: Stamp
    coding: str
    etag: bytes
    modified: int
    """Seconds since 1970."""
    headers: tuple[tuple[bytes, list[bytes]], ...]
    """Those of an answer with the whole of it."""
    lines: bytes
    """The same as they are sent, with its length."""
    body: bytes | None
    """The content, if it is small."""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stamp[3]


class File(Struct, eq=False):
    """A file that may be seen, with all its forms."""

    forms: dict[str, Form]
    """By coding; `IDENTITY` is always there."""
    looked: float
    """When forms were looked for."""

    @property
    def kept(self) -> int:
        """Bytes of content that are remembered."""
        return sum(len(form.body) for form in self.forms.values() if form.body is not None)


class Files:
    """The files below one directory."""

    def __init__(
        self, root: str | os.PathLike[str], *, precompressed: bool = True, cache: Callable[[str], bytes] | None = None
    ) -> None:
        """``cache`` gives the ``Cache-Control`` of a path below the root."""
        self.root = os.path.realpath(root)
        self._suffixes: Mapping[str, str] = SUFFIXES if precompressed else {}
        self._cache = cache or (lambda _path: b"no-cache")  # which is: kept, but asked for again each time
        self._known: OrderedDict[tuple[str, ...], File] = OrderedDict()
        self._size = 0

    def get(self, segments: tuple[str, ...]) -> File | None:
        """The file at a path below the root, if it may be seen. Raise `OSError` if that cannot be known now."""
        known = self._known.get(segments)
        if known is not None:
            if self._is_good(known):
                self._known.move_to_end(segments)
                return known
            self._forget(segments)
        if not segments or not all(map(may_be_seen, segments)):
            return None
        return self._read(segments)

    def open(self, form: Form) -> BinaryIO | None:
        """The form itself, to be read; `None`: it is not what it was any more."""
        try:
            file = _open(form.path)
        except OSError:
            return None
        if _stamp(os.fstat(file.fileno())) == form.stamp:
            return file
        file.close()
        return None

    def directory(self, segments: Sequence[str]) -> str | None:
        """The real path of a directory below the root, if it may be seen."""
        if not all(map(may_be_seen, segments)):
            return None
        real = self._inside(os.path.join(self.root, *segments))
        return real if real is not None and os.path.isdir(real) else None

    def _is_good(self, file: File) -> bool:
        """Whether all that is remembered of a file is still so."""
        try:
            for form in file.forms.values():
                if _stamp(os.stat(form.path)) != form.stamp:
                    return False
        except OSError:
            return False
        return len(file.forms) > len(self._suffixes) or monotonic() < file.looked + AGAIN

    def _read(self, segments: tuple[str, ...]) -> File | None:
        """Look at a file, and remember it."""
        path = os.path.join(self.root, *segments)
        plain = self._form(path, path, IDENTITY, segments)
        if plain is None:
            return None
        forms = {IDENTITY: plain}
        for coding, suffix in self._suffixes.items():
            form = self._form(path + suffix, path, coding, segments)
            if form is not None and form.stamp[2] >= plain.stamp[2]:
                forms[coding] = form
        if len(forms) > 1:
            for form in forms.values():
                form.headers = (*form.headers, (b"Vary", [b"Accept-Encoding"]))
                form.lines += b"Vary: Accept-Encoding\r\n"
        file = File(forms, monotonic())
        self._keep(segments, file)
        return file

    def _form(self, path: str, original: str, coding: str, segments: tuple[str, ...]) -> Form | None:
        real = self._inside(path)
        if real is None:
            return None
        try:
            with _open(real) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return None
                body = file.read(SMALL + 1) if status.st_size <= SMALL else None
        except (OSError, ValueError) as why:  # not there, not ours to read, a name that is too long
            if isinstance(why, OSError) and why.errno in PASSING:
                raise
            return None
        if body is not None and len(body) != status.st_size:  # it is being written
            body = None
        stamp = _stamp(status)
        mark = "" if coding == IDENTITY else f"-{coding}"
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}{mark}"'.encode()
        headers = [
            (b"Accept-Ranges", b"bytes"),
            (b"Cache-Control", self._cache("/".join(segments))),
            (b"ETag", etag),
            (b"Last-Modified", formatdate(status.st_mtime, usegmt=True).encode()),
            (b"Content-Type", kind_of(original).encode()),
        ]
        if coding != IDENTITY:
            headers.append((b"Content-Encoding", coding.encode()))
        lines = b"".join(b"%b: %b\r\n" % each for each in (*headers, (b"Content-Length", b"%d" % status.st_size)))
        once = tuple((name, [value]) for name, value in headers)
        return Form(path, stamp, coding, etag, int(status.st_mtime), once, lines, body)

    def _inside(self, path: str) -> str | None:
        """The real path of what is at a path below the root; `None`: it leads out of it, or to something hidden."""
        real = os.path.realpath(path)
        inside = os.path.relpath(real, self.root).split(os.sep)
        return real if inside == ["."] or all(map(may_be_seen, inside)) else None

    def _keep(self, segments: tuple[str, ...], file: File) -> None:
        known = self._known
        known[segments] = file
        self._size += file.kept
        while len(known) > KEPT_FILES or self._size > KEPT_SIZE:
            self._forget(next(iter(known)))

    def _forget(self, segments: tuple[str, ...]) -> None:
        self._size -= self._known.pop(segments).kept


def kind_of(path: str) -> str:
    """The media type of a file, by its name."""
    kind, packed = KINDS.guess_type(os.path.basename(path))
    if packed is not None:
        return PACKED.get(packed, "application/octet-stream")
    if kind is None:
        return "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def may_be_seen(segment: str) -> bool:
    """Whether a segment names something below, and nothing hidden."""
    return bool(segment) and not segment.startswith(".") and "/" not in segment and "\0" not in segment


def _open(path: str) -> BinaryIO:
    """A file to be read; a pipe is not waited for."""
    return open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY))


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size

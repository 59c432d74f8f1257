"""The files of a ``multipart/form-data`` body, one after the other, while it comes.

Rules
-----
* The library `multipart` reads it. Not in its strict mode, in which the line end after the last boundary is a fault if it
  comes alone.
* A part without a file name is a field of a form. Fields are dropped; they are small and few.
* A part with an empty name and nothing in it is the place of a file that nobody has chosen, as browsers send it: no file.

Sources: RFC 7578; HTML, "Constructing the entry list".
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from multipart import MultipartError, PushMultipartParser, parse_options_header

MAX_FIELDS: Final = 32
MAX_FIELD: Final = 64 * 1024
"""Bytes of a field."""


class Malformed(Exception):
    """That is not what it says it is, or more than it may be."""


class Files(Protocol):
    """Where the files go."""

    def file(self, name: str, kind: str) -> None:
        """A file begins, of this type."""
        ...

    def data(self, data: bytes) -> None:
        """A part of it."""
        ...

    def end(self) -> None:
        """It ends."""
        ...


class Multipart:
    """Reads one body."""

    def __init__(self, content_type: str, files: Files, most: int) -> None:
        """``most`` are the files that there may be. Raise `Malformed`."""
        _, options = parse_options_header(content_type)
        try:
            self._parser = PushMultipartParser(options.get("boundary", ""), max_segment_count=most + MAX_FIELDS)
        except MultipartError as why:
            raise Malformed from why
        self._files = files
        self._most = most
        self._in_file = False
        self._unnamed: str | None = None
        """The type of a part with an empty name in which nothing was so far."""
        self._field = 0

    def write(self, data: bytes) -> None:
        """Read on. Raise `Malformed`, and what `Files` raises."""
        try:
            for event in self._parser.parse(data):
                self._take(event)
        except MultipartError as why:
            raise Malformed from why

    def finish(self) -> None:
        """That was all. Raise `Malformed` if it was not."""
        try:
            self._parser.close()
        except MultipartError as why:
            raise Malformed from why

    def _take(self, event: Any) -> None:
        if event is None:
            if self._in_file:
                self._files.end()
            self._in_file, self._unnamed, self._field = False, None, 0
        elif not isinstance(event, bytes | bytearray):
            kind = event.content_type or "application/octet-stream"
            if event.filename == "":
                self._unnamed = kind
            elif event.filename is not None:
                self._begin(event.filename, kind)
        elif self._in_file or self._unnamed is not None:
            if self._unnamed is not None:
                self._begin("", self._unnamed)
            self._files.data(bytes(event))
        else:
            self._field += len(event)
            if self._field > MAX_FIELD:
                raise Malformed

    def _begin(self, name: str, kind: str) -> None:
        self._most -= 1
        if self._most < 0:
            raise Malformed
        self._in_file, self._unnamed = True, None
        self._files.file(name, kind)

"""What the head of an upload may ask for, beside its name: nothing that would be kept as something else than the client means.

Rules
-----
* A part of a file (``Content-Range``) is never taken for all of it: 400 (RFC 9110, section 14.5).
* A body in a coding is not kept under the name of what it stands for: 415 (section 8.4).
* ``PUT`` with ``If-None-Match: *`` keeps what is there, whatever else the path allows: 412. Uploads have neither tags nor
  times that a client could know, so no other condition can be shown to be met: 412 (section 13.1).
"""

from __future__ import annotations

from typing import Any, Final

CONDITIONS: Final = (b"if-match", b"if-none-match", b"if-unmodified-since")
"""Those that are for what changes something; ``If-Modified-Since`` and ``If-Range`` are for GET alone."""


class Unfit(Exception):
    """The upload cannot be: answer with this status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


def check_whole(request: Any) -> None:
    """Raise `Unfit` if the body is not a file as it is."""
    if request.getHeader(b"content-range") is not None:
        raise Unfit(400, "send all of the file at once")
    coding = (request.getHeader(b"content-encoding") or b"identity").strip().lower()
    if coding != b"identity":
        raise Unfit(415, "send the file without a content coding")


def must_be_new(request: Any) -> bool:
    """Whether there may be no file of this name yet, says the client. Raise `Unfit` for what it cannot be told."""
    conditions = (
        [name for name in CONDITIONS if request.getHeader(name) is not None] if request.method == b"PUT" else []
    )
    if not conditions:
        return False
    if conditions != [b"if-none-match"] or request.getHeader(b"if-none-match").strip() != b"*":
        raise Unfit(412, "the only condition that is known here is If-None-Match: *")
    return True

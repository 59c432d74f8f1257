"""A resource of Twisted Web that somebody else has written, under a path of ours.

Rules
-----
* Its children are found as Twisted finds them: below the path, segment by segment.
* It gets bodies that are there, in ``request.content``, unless it has `intake`. The fields of a small form
  (``application/x-www-form-urlencoded``) are in ``request.args``, with those of the query; parts of other forms are not.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from twisted.web.resource import Resource, getChildForRequest

from wampd.router.http.answer import say
from wampd.router.http.body import Intake, intake_of

MAX_FORM: Final = 64 * 1024
"""Bytes of a form that is taken apart."""
MAX_FIELDS: Final = 1000
FORM: Final = b"application/x-www-form-urlencoded"


class Foreign(Resource):
    """Stands before such a resource."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, resource: Any, size: int | None = None) -> None:
        """``size``: bytes of a body; `None`: as the listener has it."""
        super().__init__()
        self._resource = resource
        self._size = size

    def intake(self, request: Any) -> Intake | None:
        """How the resource takes bodies, if it says so."""
        return intake_of(self._resource, request) or Intake(streamed=False, size=self._size)

    def render(self, request: Any) -> Any:
        """Let the resource answer, or its child."""
        if request.body is None and not _read_form(request):
            return say(request, 400, "the form has too many fields")
        return getChildForRequest(self._resource, request).render(request)


def _read_form(request: Any) -> bool:
    """Put the fields of a form where Twisted has them; whether there are not too many."""
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if request.method != b"POST" or kind != FORM:
        return True
    sent = request.content.read()
    request.content.seek(0)
    if len(sent) <= MAX_FORM:
        try:
            fields = parse_qs(sent, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            return False
        for name, values in fields.items():
            request.args.setdefault(name, []).extend(values)
    return True

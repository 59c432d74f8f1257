"""What is sent of an event: as JSON, or as a template makes it.

Rules
-----
* JSON arguments go out as they came in.
* A template is Jinja2's, in its sandbox, and what it does not know is an error. The configuration gives it, so it may take its
  time; what it makes is bounded.

Sources: https://jinja.palletsprojects.com/en/stable/sandbox/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw

from wampd.router.inside.reading import Unreadable, value_of
from wampd.router.inside.telling import Told

LARGEST: Final = 8 * 2**20
"""Bytes that a template may make of an event."""

What = Literal["event", "args", "kwargs", "argument"]


class BodyError(Exception):
    """A template makes nothing of an event; the text says why, and shows nothing of the event."""


def json_body(what: What) -> Callable[[Told], bytes]:
    """What makes bodies of events that are JSON."""

    def body(event: Told) -> bytes:
        if what == "event":
            return msgspec.json.encode(event)
        if what == "kwargs":
            return bytes(event.kwargs or b"{}")
        args = bytes(event.args or b"[]")
        if what == "args":
            return args
        first = msgspec.json.decode(args, type=list[msgspec.Raw])[:1]
        return bytes(first[0]) if first else b"null"

    return body


def template_body(text: str) -> Callable[[Told], bytes]:
    """What makes bodies of events by a template; it raises `BodyError`."""
    from jinja2 import TemplateError

    template = _environment().from_string(text)

    def body(event: Told) -> bytes:
        try:
            values = value_of(Raw(msgspec.json.encode(event)))
        except Unreadable as why:
            raise BodyError(str(why)) from None
        size, parts = 0, []
        try:
            for part in template.generate({"args": [], "kwargs": {}, "details": {}, **values}):
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise BodyError("it is too long")
        except (
            TemplateError,
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ) as why:
            raise BodyError(type(why).__name__) from None
        return "".join(parts).encode("utf-8", "replace")

    return body


def fault(text: str) -> str | None:
    """What is wrong with a template; `None`: nothing."""
    from jinja2 import TemplateSyntaxError

    try:
        _environment().parse(text)
    except TemplateSyntaxError as why:
        return why.message or "its syntax is wrong"
    return None


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)

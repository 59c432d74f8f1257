"""Settings of pages: what procedures return, rendered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from wampd.router.settings.parts import Name, Part, Seconds

from .served import Bridge


class Page(Part, frozen=True, kw_only=True):
    """A page, or one for each value of the variables in its path."""

    path: Annotated[
        Name,
        Meta(
            description="What follows the path that all this is under: `/` is that path itself. `{name}` is a segment that is"
            " an argument, a text; `{name:int}`, `{name:number}` and `{name:bool}` fit nothing else. The first page that"
            " fits is shown."
        ),
    ]
    procedure: Annotated[Name, Meta(description="What is called, with the arguments by their names.")]
    template: Annotated[Name, Meta(description="The template of the page: a file in the directory of templates.")]
    query: Annotated[
        Mapping[str, Literal["text", "int", "number", "bool"]],
        Meta(description="The fields of the query that are arguments, and of what kind. Others are not looked at."),
    ] = {}
    args: Annotated[
        tuple[Name, ...],
        Meta(description="The arguments, of path and query, that are positional instead, in their order."),
    ] = ()


class PagePath(Bridge, frozen=True, kw_only=True, tag_field="type", tag="page"):
    """An HTTP path of pages: each GET is a call of a procedure, whose result a template of Jinja2 makes a page of.

    The template has `result` (the first positional value), `args`, `kwargs`, and `asked`, the arguments. All of it is escaped.
    """

    templates: Annotated[
        Path, Meta(description="The directory of the templates. One is read again when its file changes.")
    ]
    pages: Annotated[tuple[Page, ...], Meta(min_length=1, description="The pages, the first that fits first.")]
    error_template: Annotated[
        Name | None,
        Meta(description="The template for errors; it has `status`, `reason` and `uri`. `null`: a line of text."),
    ] = None
    errors: Annotated[
        Mapping[str, Annotated[int, Meta(ge=400, le=599)]],
        Meta(
            description="The statuses of errors, by URI. Those of WAMP have fitting ones (404 for no such procedure, 403 for"
            " not authorized, 504 for a timeout …), all others 500."
        ),
    ] = {}
    timeout: Annotated[Seconds, Meta(description="Time that a call may take.")] = 10.0

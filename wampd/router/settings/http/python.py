"""Settings of what is written in Python: WSGI applications and Twisted resources. They run inside the router's own process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, field

from wampd.router.settings.parts import Bytes, Count, Name, Seconds

from .served import Served

Where = Annotated[
    Path | None,
    Meta(
        description="A directory that modules are looked for in, before all others; `null`: only where wampd's own are."
    ),
]

BodySize = Annotated[Bytes, Meta(ge=0)]


class WsgiPath(Served, frozen=True, kw_only=True, tag_field="type", tag="wsgi"):
    """An HTTP path below which a WSGI application (PEP 3333) answers: Flask, Django, and the like.

    It runs in threads of the router's own process. `SCRIPT_NAME` is the path, `PATH_INFO` what comes after it.
    """

    application: Annotated[
        Name, Meta(description="The application: `module:callable`, such as `shop.wsgi:application`.")
    ]
    directory: Where = None
    threads: Annotated[Count, Meta(description="Most requests that it serves at a time.")] = 8
    waiting: Annotated[
        int, Meta(ge=0, description="Most requests that wait for a thread; more are told to come later (503).")
    ] = 64
    timeout: Annotated[
        Seconds,
        Meta(description="Time until it begins its answer; then 504 is. The thread is not free before it comes back."),
    ] = 60.0
    size: Annotated[
        BodySize | None,
        Meta(description="Most bytes of a request's body; `null`: the listener's `message_size`."),
    ] = None


class ResourcePath(Served, frozen=True, kw_only=True, tag_field="type", tag="resource"):
    """An HTTP path with a resource of Twisted Web: an object of a class of yours, which has children, too.

    It runs in the router's own reactor: what takes long in it keeps everybody waiting. Who adds `intake` to the class takes
    bodies while they come (`wampd.router.http.body`). Fields of small forms are in `request.args`.
    """

    class_: Annotated[Name, Meta(description="The class: `module.Class`.")] = field(name="class")
    directory: Where = None
    arguments: Annotated[Mapping[str, Any], Meta(description="What it is made with, by keyword: any YAML.")] = {}
    size: Annotated[
        BodySize | None,
        Meta(description="Most bytes of a request's body; `null`: the listener's `message_size`."),
    ] = None

"""Settings of uploads."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import KIB, MIB, Bytes, Count, Name, Part

from .served import Served


class UploadEvents(Part, frozen=True, kw_only=True):
    """Who hears of uploads while they come: those who subscribed to a topic.

    An event has one argument, `started`, `progress`, `finished` or `failed`, and by keyword `id` (the client's `Upload-Id`, or
    one that was drawn), `names`, `size` (`null` if it is not known), `received`, and `authid` if it is known who uploads;
    `finished` also `files`, `failed` also `reason`. There is news of progress after 5 % more or 5 s, and every 500 ms at most.
    """

    realm: Annotated[Name, Meta(description="The realm, one that is always there.")]
    topic: Annotated[Name, Meta(description="The topic.")]
    role: Annotated[
        Name | None,
        Meta(description="The role of the realm that publishes them; `null`: the router itself, which may."),
    ] = None


class UploadPath(Served, frozen=True, kw_only=True, tag_field="type", tag="upload"):
    """An HTTP path that takes files and puts them into a directory.

    `PUT PATH/NAME` brings the file of that name; `POST PATH` one that gets a name, or the files of a form
    (`multipart/form-data`). The answer says in JSON what is there now: `{"id": …, "files": [{"name", "size", "type"}]}`.
    """

    directory: Annotated[Path, Meta(description="The directory. Nothing is ever written outside of it.")]
    size: Annotated[Bytes, Meta(ge=1, description="Most bytes of one request, of all its files together.")] = 100 * MIB
    files: Annotated[Count, Meta(description="Most files of one form.")] = 10
    types: Annotated[
        tuple[Name, ...],
        Meta(
            min_length=1,
            description="The types that are taken, as clients name them: patterns in lower case such as `image/*`.",
        ),
    ] = ("*",)
    draw_names: Annotated[
        bool,
        Meta(description="Draw the names of all files, which nobody can guess; the ending of a client's name is kept."),
    ] = False
    overwrite: Annotated[bool, Meta(description="A file that is there is replaced by another of its name.")] = False
    concurrent: Annotated[Count, Meta(description="Most uploads at a time; more are told to come later (503).")] = 16
    keep_free: Annotated[
        Bytes, Meta(ge=0, description="Bytes that stay free on the disk; an upload that needs them ends (507).")
    ] = 256 * MIB
    minimal_rate: Annotated[
        Bytes,
        Meta(ge=1, description="Bytes a second that a client sends at least, over 30 s; who is slower is cut off."),
    ] = KIB // 2
    events: Annotated[UploadEvents | None, Meta(description="Tell of uploads while they come.")] = None
    insecure: Annotated[
        bool, Meta(description="Let anybody upload who can reach the port: needed where `access` is not given.")
    ] = False

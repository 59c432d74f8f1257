"""What all that is served by HTTP has in common, and all bridges to WAMP."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Name, Part, SecondsOrOff, Text

from .access import PathAccess


class Cors(Part, frozen=True, kw_only=True):
    """Pages of other origins may use what is under a path (CORS, of the Fetch standard).

    It tells browsers what they may show to pages; it keeps nobody away.
    """

    origins: Annotated[
        tuple[Name, ...],
        Meta(
            min_length=1,
            description="The origins of the pages, such as `https://www.example.com`, or `*` for any; never `*` with"
            " `credentials`.",
        ),
    ]
    methods: Annotated[
        tuple[Name, ...],
        Meta(min_length=1, description="The methods that their scripts may use; `OPTIONS` goes unsaid."),
    ] = ("GET", "HEAD", "POST")
    headers: Annotated[
        tuple[Name, ...],
        Meta(description="The request headers that they may set, beside those that any page may, such as `Accept`."),
    ] = ("Content-Type",)
    expose: Annotated[
        tuple[Name, ...],
        Meta(description="The headers of answers that they may read, beside those that any page may."),
    ] = ()
    credentials: Annotated[
        bool,
        Meta(description="Whether browsers send cookies and passwords of this site, and let pages read the answers."),
    ] = False
    max_age: Annotated[
        SecondsOrOff, Meta(description="How long browsers remember the answer to the question what pages may send.")
    ] = 600.0


class Served(Part, frozen=True, kw_only=True):
    """Something under an HTTP path."""

    access: Annotated[PathAccess | None, Meta(description="Who may use the path; without it, everybody.")] = None
    cors: Annotated[
        Cors | None, Meta(description="Which pages of other origins may use this; none may unless this is given.")
    ] = None
    headers: Annotated[
        Mapping[str, Text],
        Meta(
            description="Headers of all answers of this path, in place of others of that name; an empty text leaves out what"
            " would be there, such as `X-Frame-Options`."
        ),
    ] = {}


class Bridge(Served, frozen=True, kw_only=True):
    """Something that speaks WAMP for those who speak HTTP."""

    realm: Annotated[Name, Meta(description="The realm.")]
    role: Annotated[
        Name | None,
        Meta(description="The role in which everybody acts. `null`: each as who `access` found that it is."),
    ] = None
    insecure: Annotated[
        bool,
        Meta(
            description="Let everybody act in the `role` who can reach the port: needed where nothing else is asked of them."
        ),
    ] = False

    @classmethod
    def proofs(cls) -> tuple[str, ...]:
        """The keys by which those who act in the role may have to prove that they may, beside `access`."""
        return ()

"""What several types of paths of a listener have in common."""

from typing import Annotated

from msgspec import Meta

from .parts import Name, Part, SameSite, Secure, Serializer

Offered = Annotated[
    tuple[Serializer, ...],
    Meta(
        min_length=1,
        description="The serializers offered; the client's order of preference wins. `ubjson` and"
        " `flatbuffers` are offered only if they are named here.",
    ),
]
Batched = Annotated[
    bool,
    Meta(
        description="Offer the serializers in their batched form, too (`wamp.2.json.batched`, …): several messages in"
        " one frame, or in one request, for clients that ask for it."
    ),
]
Origins = Annotated[
    tuple[Name, ...],
    Meta(
        min_length=1,
        description="Which web pages may connect, by their origin: `same-host` (the page comes from the host and"
        " port that it connects to), `*` (any), or origins such as `https://www.example.com`. Clients that send"
        " no `Origin` header are not browsers and always may.",
    ),
]


class PathCookie(Part, frozen=True, kw_only=True):
    """Cookies that a path gives to browsers, so that they can come back by the method `cookie` of a realm.

    Every connection gets a new value. A page needs no script for it, and cannot read it. It serves all paths of the host whose
    `cookie` has this `name`, and stands for one principal of one realm: a page that uses two realms gives each a path whose
    cookie has a name of its own.
    """

    name: Annotated[
        Name,
        Meta(description="The name of the cookie; where it is `Secure`, it has the prefix `__Host-` before it."),
    ] = "wampd"
    max_age: Annotated[
        float,
        Meta(
            ge=1,
            extra={"unit": "seconds"},
            description="How long a browser keeps the cookie after its last connection; how long it stands for somebody is said"
            " by the realm's `auth.cookie`.",
        ),
    ] = 30 * 86_400.0
    same_site: Annotated[
        SameSite,
        Meta(
            description="Whose pages may connect with the cookie: `strict` and `lax` (the same for connections) those of this"
            " site; `none` those of all sites that `origins` names, which needs a `Secure` cookie."
        ),
    ] = "strict"
    secure: Annotated[
        Secure,
        Meta(
            description="Whether browsers send the cookie over TLS alone: `auto`, if this listener has TLS, or one of its"
            " `proxies` says that the request came by TLS; `always`, for a listener behind a proxy that has; `never`, for"
            " tests. With such a cookie, `same-host` means pages that came by TLS, too."
        ),
    ] = "auto"


Cookie = Annotated[
    PathCookie | None,
    Meta(
        description="Give browsers a cookie, `{}` one with the defaults, so that those who authenticated once can come back."
        " Any page of `origins` can then connect as who has visited it, so `origins` must not be `*`."
    ),
]

"""Settings of the bridges from HTTP into WAMP: publishing, calling."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from wampd.router.settings.parts import Count, Name, Part, Seconds
from wampd.router.settings.secret import Secret

from .served import Bridge

Scheme = Literal["wampd", "crossbar"]


class SigningKey(Part, frozen=True, kw_only=True):
    """A key that requests are signed with, and as whom those act who have it."""

    key: Annotated[Name, Meta(description="Its name, which requests tell.")]
    secret: Annotated[Secret, Meta(description="The secret, which requests do not tell: at least 16 characters.")]
    role: Annotated[Name | None, Meta(description="The role of its owner. `null`: the `role` of the path.")] = None
    authid: Annotated[Name | None, Meta(description="The authid of its owner. `null`: the name of the key.")] = None


class SignedBridge(Bridge, frozen=True, kw_only=True):
    """A bridge that takes signed requests."""

    keys: Annotated[
        tuple[SigningKey, ...],
        Meta(description="Every request has to be signed with one of these keys (HMAC-SHA256), and counts once."),
    ] = ()
    schemes: Annotated[
        tuple[Scheme, ...],
        Meta(
            min_length=1,
            description="How: `wampd`, a header that covers method, path, query and body; `crossbar`, the query parameters of"
            " Crossbar.io's clients, which cover the body alone.",
        ),
    ] = ("wampd",)
    window: Annotated[
        Seconds, Meta(description="How much the time that a signed request tells may differ from the router's.")
    ] = 300.0
    timeout: Annotated[Seconds, Meta(description="How long a request may take at most.")] = 30.0
    errors: Annotated[
        Mapping[str, Annotated[int, Meta(ge=400, le=599)]],
        Meta(
            description="HTTP statuses for URIs of errors; else there is one for those of WAMP, and 500 for all others."
        ),
    ] = {}
    tracebacks: Annotated[
        bool, Meta(description="Let clients see the `traceback` that a callee's library adds to its errors.")
    ] = False
    always_200: Annotated[
        bool,
        Meta(
            description="Answer with status 200 when the router or a callee answers with an ERROR, as Crossbar.io does."
        ),
    ] = False

    @classmethod
    def proofs(cls) -> tuple[str, ...]:
        """What those have to show who act in the role."""
        return ("keys",)


class PublishPath(SignedBridge, frozen=True, kw_only=True, tag_field="type", tag="publish"):
    """An HTTP path where a POST publishes events."""

    batch: Annotated[Count, Meta(description="Events of one request at most.")] = 100


class CallPath(SignedBridge, frozen=True, kw_only=True, tag_field="type", tag="call"):
    """An HTTP path where a POST calls a procedure."""

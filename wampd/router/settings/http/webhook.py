"""Settings of webhooks in."""

from base64 import b64decode
from typing import Annotated, Literal

from msgspec import Meta

from wampd.router.settings.parts import Name, Part, Seconds
from wampd.router.settings.secret import Secret

from .served import Bridge


class WebhookSignature(Part, frozen=True, kw_only=True):
    """How a provider signs that has no name here, and where it says what happened."""

    header: Annotated[
        Name, Meta(description="The header of the signature; of several, separated by space, one has to be good.")
    ]
    algorithm: Annotated[Literal["sha256", "sha512", "sha1"], Meta(description="The hash function of the HMAC.")] = (
        "sha256"
    )
    encoding: Annotated[Literal["hex", "base64"], Meta(description="How the signature is written.")] = "hex"
    prefix: Annotated[str, Meta(description="What stands before the signature, such as `sha256=`.")] = ""
    signed: Annotated[
        Name,
        Meta(
            description="What is signed: `{body}`, once, with `{timestamp}`, `{delivery}` and other text before or after it."
        ),
    ] = "{body}"
    secret_encoding: Annotated[
        Literal["text", "base64"],
        Meta(description="What the secrets are: the text itself, or bytes in base64, maybe with `whsec_` before it."),
    ] = "text"  # noqa: S105 - it is none
    timestamp_header: Annotated[
        Name | None, Meta(description="The header of the time, in Unix seconds; only with `{timestamp}` does it count.")
    ] = None
    event_header: Annotated[Name | None, Meta(description="The header that says what happened.")] = None
    event_field: Annotated[
        Name | None, Meta(description="The field of a JSON body that says what happened, such as `data.type`.")
    ] = None
    delivery_header: Annotated[Name | None, Meta(description="The header of the delivery's id.")] = None
    delivery_field: Annotated[Name | None, Meta(description="The field of a JSON body with the delivery's id.")] = None
    ping: Annotated[
        Name | None, Meta(description="What happened if only an answer is wanted; it is not published.")
    ] = None


def secret_bytes(secret: Secret, encoding: str) -> bytes:
    """What a secret stands for. Raise `ValueError` if it is not in this encoding."""
    text = secret.reveal()
    return text.encode() if encoding == "text" else b64decode(text.removeprefix("whsec_"), validate=True)


class WebhookPath(Bridge, frozen=True, kw_only=True, tag_field="type", tag="webhook"):
    """An HTTP path where others POST what happened: verified, and published.

    An event has one argument, the body: JSON as it came, anything else as a text; and by name `event`, `delivery`, `headers`.
    """

    provider: Annotated[
        Literal["github", "stripe", "slack", "generic"],
        Meta(description="Who signs. `generic`: as `signature` says."),
    ]
    secrets: Annotated[
        tuple[Secret, ...],
        Meta(
            min_length=1,
            description="The secrets that it signs with; any of them is good, so that they can be changed.",
        ),
    ]
    topic: Annotated[
        Name, Meta(description="The topic. `{event}` stands for what happened, such as `push` or `invoice.paid`.")
    ]
    signature: Annotated[WebhookSignature | None, Meta(description="How a `generic` provider signs.")] = None
    request_headers: Annotated[
        tuple[Name, ...], Meta(description="Headers that subscribers are told, by name in lower case.")
    ] = ()
    tolerance: Annotated[Seconds, Meta(description="How much a signed time may differ from the router's.")] = 300.0
    remembered: Annotated[
        Seconds,
        Meta(
            description="How long a delivery that comes again is acknowledged and not published: the last 10,000 of the path."
        ),
    ] = 86_400.0
    timeout: Annotated[Seconds, Meta(description="How long publishing may take.")] = 10.0

    @classmethod
    def proofs(cls) -> tuple[str, ...]:
        """What those have to show who act in the role."""
        return ("secrets",)

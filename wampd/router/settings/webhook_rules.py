"""What types cannot say of webhooks in."""

import re
from typing import Final

from wampd.realms.uris import is_reserved, is_uri
from wampd.router.headers import is_token

from .checker import Here, repeated
from .http.webhook import WebhookPath, WebhookSignature, secret_bytes
from .problems import quote
from .secret import Secret

LEAST_SECRET: Final = 8
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}|[{}]")


def webhook(path: WebhookPath, here: Here) -> None:
    """See that deliveries can be verified, and that there is a topic for them."""
    if path.role is None and path.access is None and here.is_sound("role"):
        here.problem("this key is missing: the role that publishes", "role")
    for index, secret in here.each(path.secrets, "secrets"):
        if len(secret.reveal()) < LEAST_SECRET:
            here.problem(f"too short: at least {LEAST_SECRET} characters", "secrets", index)
        elif path.signature is not None and not _is_encoded(secret, path.signature.secret_encoding):
            message = (
                f"this is not base64 of at least {LEAST_SECRET} bytes, which signature.secret_encoding says that it is"
            )
            here.problem(message, "secrets", index)
    if path.provider == "generic" and path.signature is None and here.is_sound("signature"):
        here.problem("this key is missing: how the provider signs", "signature")
    elif path.provider != "generic" and path.signature is not None and here.is_sound("provider"):
        here.problem(f"it is known how {path.provider} signs; this is for a generic provider", "signature")
    for word in _PLACEHOLDER.findall(path.topic):
        if word != "{event}":
            here.problem(f"the one thing in braces that means something is {{event}}, not {quote(word)}", "topic")
            return
    if not is_uri(path.topic.replace("{event}", "a")):
        here.problem(f"{quote(path.topic)} is not a URI", "topic")
    elif is_reserved(path.topic.replace("{event}", "a")):
        here.problem("this namespace is reserved", "topic")
    known = path.signature
    if "{event}" in path.topic and known is not None and known.event_header is None and known.event_field is None:
        here.problem("nothing says what happened: give signature event_header or event_field", "topic")
    for index, name in here.each(path.request_headers, "request_headers"):
        if not is_token(name):
            here.problem(f"{quote(name)} cannot be the name of a header", "request_headers", index)
    for index, name in repeated(
        (index, name.lower()) for index, name in here.each(path.request_headers, "request_headers")
    ):
        here.problem(f"{quote(name)} is here twice", "request_headers", index)


def _is_encoded(secret: Secret, encoding: str) -> bool:
    try:
        return len(secret_bytes(secret, encoding)) >= LEAST_SECRET
    except ValueError:
        return False


def signature(how: WebhookSignature, here: Here) -> None:
    """See that what is signed can be made."""
    for key in ("header", "timestamp_header", "event_header", "delivery_header"):
        name = getattr(how, key)
        if name is not None and not is_token(name):
            here.problem(f"{quote(name)} cannot be the name of a header", key)
    words = _PLACEHOLDER.findall(how.signed)
    for word in words:
        if word not in ("{body}", "{timestamp}", "{delivery}"):
            here.problem(
                f"unknown placeholder {quote(word)}; known here: {{body}}, {{timestamp}}, {{delivery}}", "signed"
            )
            return
    if not how.signed.isascii():
        here.problem("only ASCII can be there", "signed")
    if words.count("{body}") != 1:
        here.problem("the body has to be signed: {body}, once", "signed")
    if ("{timestamp}" in words) != (how.timestamp_header is not None):
        here.problem("a time counts if it has a header and is signed: {timestamp} in signed", "timestamp_header")
    if "{delivery}" in words and how.delivery_header is None:
        here.problem("this key is missing: what is signed has {delivery} in it", "delivery_header")
    for header, field in (("event_header", "event_field"), ("delivery_header", "delivery_field")):
        if getattr(how, header) is not None and getattr(how, field) is not None:
            here.problem(f"there is {header} already", field)

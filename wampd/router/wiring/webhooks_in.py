"""Webhooks in: from what is configured to what takes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wampd.router.http.bridges.webhook import PROVIDERS, Rules, Scheme, WebhookResource
from wampd.router.settings.http.webhook import WebhookPath, WebhookSignature, secret_bytes
from wampd.router.wiring.accesses import access_of
from wampd.router.wiring.bridges import depth_of

if TYPE_CHECKING:
    from wampd.router.wiring.sites import Ground


def webhook_of(path: WebhookPath, ground: Ground) -> WebhookResource:
    """What takes the deliveries of one provider."""
    rules = Rules(
        topic=path.topic,
        headers=path.request_headers,
        tolerance=path.tolerance,
        remembered=path.remembered,
        timeout=path.timeout,
    )
    encoding = "text" if path.signature is None else path.signature.secret_encoding
    return WebhookResource(
        access_of(path, ground),
        ground.means.reactor,
        time.time,
        PROVIDERS[path.provider] if path.signature is None else _scheme(path.signature),
        [secret_bytes(secret, encoding) for secret in path.secrets],
        rules,
        depth_of(path, ground),
    )


def _scheme(how: WebhookSignature) -> Scheme:
    return Scheme(
        header=how.header,
        algorithm=how.algorithm,
        encoding=how.encoding,
        prefix=how.prefix,
        signed=how.signed,
        timestamp_header=how.timestamp_header,
        event_header=how.event_header,
        delivery_header=how.delivery_header,
        event_field=() if how.event_field is None else (how.event_field,),
        delivery_field=() if how.delivery_field is None else (how.delivery_field,),
        ping=how.ping,
    )
